"""The terms of a training loss: each reads split logits and a batch and gives one value a sample."""

from collections.abc import Callable

from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import Batch
from signkit.models.losses.configs import CstConfig, CtcConfig, FrameCeConfig, KlConfig
from signkit.models.losses.cst import cst_loss
from signkit.models.losses.ctc import ctc_loss
from signkit.models.losses.frame_ce import frame_cross_entropy
from signkit.models.losses.kl import kl_loss
from signkit.models.losses.logits import Propose, SplitLogits
from signkit.models.losses.stc import stc_loss

Term = Callable[[SplitLogits, Batch, Propose], Float[Tensor, " batch"]]


def build_cst(config: CstConfig, *, topology: str) -> Term:
    """CST over the lattice with context, at one level or both, with its sequence-level term."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        total = logits.auxiliary.new_zeros(len(batch.ids))
        for acoustic in logits.at(config.level):
            lattice = (acoustic, logits.context, batch.targets, logits.lengths, batch.target_lengths)
            if config.stc == "none":
                loss = cst_loss(*lattice, topology=topology)
            else:
                found = propose(acoustic, config.nbest)
                others = (found.tokens, found.lengths, found.contexts, found.valid)
                loss = stc_loss(*lattice, *others, mode=config.stc, topology=topology)
            total = total + loss
        return total

    return term


def build_ctc(config: CtcConfig, *, topology: str) -> Term:
    """CTC without context, whatever the model's own topology."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        total = logits.auxiliary.new_zeros(len(batch.ids))
        row = logits.bias.expand(len(batch.ids), 1, -1)
        for acoustic in logits.at(config.level):
            total = total + ctc_loss(acoustic, row, batch.targets, logits.lengths, batch.target_lengths)
        return total

    return term


def build_kl(config: KlConfig, *, topology: str) -> Term:
    """KL of the video level against the chunk level; zero where both are the same."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        chunk, video = logits.levels["chunk"], logits.levels["video"]
        if chunk is video:
            return logits.auxiliary.new_zeros(len(batch.ids))
        return kl_loss(
            chunk,
            logits.context,
            video,
            logits.context,
            batch.targets,
            logits.lengths,
            batch.target_lengths,
            temperature=config.temperature,
            topology=topology,
        )

    return term


def build_frame_ce(config: FrameCeConfig, *, topology: str) -> Term:
    """Cross-entropy of each chunk whose frame has a known gloss, without context."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        labels = _chunk_labels(logits, batch)
        total = logits.auxiliary.new_zeros(len(batch.ids))
        for acoustic in logits.at(config.level):
            total = total + frame_cross_entropy(acoustic + logits.bias, labels, smoothing=config.smoothing)
        return total

    return term


def _chunk_labels(logits: SplitLogits, batch: Batch) -> Int[Tensor, "batch chunks"]:
    frames = batch.frame_labels.shape[1]
    labels = batch.frame_labels[:, logits.centres.clamp(max=frames - 1)]
    beyond = logits.centres[None, :] >= batch.lengths[:, None]
    return labels.masked_fill(beyond, -100)
