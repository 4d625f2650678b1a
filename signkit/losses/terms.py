"""The terms of a training loss: each reads split logits and a batch and gives one value a sample."""

from collections.abc import Callable

from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import Batch
from signkit.losses.configs import CstConfig, CtcConfig, FrameCeConfig, KlConfig
from signkit.losses.cst import cst_loss
from signkit.losses.ctc import ctc_loss
from signkit.losses.frame_ce import frame_cross_entropy
from signkit.losses.kl import kl_loss
from signkit.losses.logits import Proposals, Propose, SplitLogits
from signkit.losses.stc import edit_distances, stc_terms

Term = Callable[[SplitLogits, Batch, Propose], Float[Tensor, " batch"]]


def build_cst(config: CstConfig, *, topology: str) -> Term:
    """CST over the lattice with context, at one level or both, with its sequence-level term."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        total = logits.auxiliary.new_zeros(len(batch.ids))
        for acoustic in logits.levels(config.level):
            loss = cst_loss(
                acoustic,
                logits.context,
                batch.targets,
                logits.lengths,
                batch.target_lengths,
                topology=topology,
            )
            if config.stc != "none":
                proposals = propose(acoustic, config.nbest)
                loss = _sequence_level(loss, acoustic, logits.lengths, batch, proposals, topology, config.stc)
            total = total + loss
        return total

    return term


def build_ctc(config: CtcConfig, *, topology: str) -> Term:
    """CTC without context, whatever the model's own topology."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        total = logits.auxiliary.new_zeros(len(batch.ids))
        row = logits.bias.expand(len(batch.ids), 1, -1)
        for acoustic in logits.levels(config.level):
            total = total + ctc_loss(acoustic, row, batch.targets, logits.lengths, batch.target_lengths)
        return total

    return term


def build_kl(config: KlConfig, *, topology: str) -> Term:
    """KL of the video level against the chunk level; zero where both are the same."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        if logits.chunk is logits.video:
            return logits.auxiliary.new_zeros(len(batch.ids))
        return kl_loss(
            logits.chunk,
            logits.context,
            logits.video,
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
        for acoustic in logits.levels(config.level):
            total = total + frame_cross_entropy(acoustic + logits.bias, labels, smoothing=config.smoothing)
        return total

    return term


def _chunk_labels(logits: SplitLogits, batch: Batch) -> Int[Tensor, "batch chunks"]:
    frames = batch.frame_labels.shape[1]
    labels = batch.frame_labels[:, logits.centres.clamp(max=frames - 1)]
    beyond = logits.centres[None, :] >= batch.lengths[:, None]
    return labels.masked_fill(beyond, -100)


def _sequence_level(
    reference_nll: Float[Tensor, " batch"],
    acoustic: Float[Tensor, "batch chunks vocab"],
    lengths: Int[Tensor, " batch"],
    batch: Batch,
    proposals: Proposals,
    topology: str,
    mode: str,
) -> Float[Tensor, " batch"]:
    """The reference's loss with the N best other hypotheses weighed in (docs/c2st.md, STC)."""
    size, nbest, labels = proposals.tokens.shape
    nll = cst_loss(
        acoustic.repeat_interleave(nbest, 0),
        proposals.contexts.flatten(0, 1),
        proposals.tokens.flatten(0, 1),
        lengths.repeat_interleave(nbest, 0),
        proposals.lengths.flatten(),
        topology=topology,
    ).view(size, nbest)
    distances = edit_distances(proposals.tokens, proposals.lengths, batch.targets, batch.target_lengths)
    return stc_terms(reference_nll, nll, distances, proposals.valid, mode)
