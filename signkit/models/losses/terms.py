"""The terms of a recogniser's training loss: functions of split logits and a batch, with one value per
sample.

The third argument searches for other hypotheses (`signkit.models.losses.logits.Propose`); only the
sequence-level term calls it.
"""

from collections.abc import Callable

from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import Batch
from signkit.data.on_host import moved, on_host
from signkit.models.losses.configs import CstConfig, CtcConfig, FrameCeConfig, KlConfig
from signkit.models.losses.cst import cst_levels
from signkit.models.losses.ctc import ctc_loss
from signkit.models.losses.frame_ce import IGNORED, frame_cross_entropy
from signkit.models.losses.kl import kl_loss
from signkit.models.losses.logits import Propose, SplitLogits
from signkit.models.losses.stc import stc_loss

BLANK = 0
Term = Callable[[SplitLogits, Batch, Propose], Float[Tensor, " batch"]]


def build_cst(config: CstConfig, *, topology: str) -> Term:
    """CST over the lattice with context (Zhang et al. 2023), at one level or both, optionally with the
    sequence-level term."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        total = logits.auxiliary.new_zeros(len(batch.ids))
        levels = logits.at(config.level)
        lattice = (logits.context, batch.targets, logits.lengths, batch.target_lengths)
        if config.stc == "none":
            for acoustic, (loss, posteriors) in zip(
                levels, cst_levels(levels, *lattice, topology=topology), strict=True
            ):
                logits.note_posteriors(acoustic, topology, posteriors)
                total = total + loss
            return total
        for acoustic in levels:
            proposals = propose(acoustic, config.nbest)
            others = (proposals.tokens, proposals.lengths, proposals.contexts, proposals.valid)
            total = total + stc_loss(acoustic, *lattice, *others, mode=config.stc, topology=topology)
        return total

    return term


def build_ctc(config: CtcConfig, *, topology: str) -> Term:
    """CTC without context (Graves et al. 2006), on CTC's lattice whatever the model's topology."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose | None = None) -> Float[Tensor, " batch"]:
        total = logits.auxiliary.new_zeros(len(batch.ids))
        bias = logits.bias.expand(len(batch.ids), 1, -1)
        for acoustic in logits.at(config.level):
            total = total + ctc_loss(acoustic, bias, batch.targets, logits.lengths, batch.target_lengths)
        return total

    return term


def build_kl(config: KlConfig, *, topology: str) -> Term:
    """Distillation: KL divergence between video and chunk level over the lattice; zero for a single level."""

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
            posteriors=logits.posteriors_of(video, topology),
        )

    return term


def build_frame_ce(config: FrameCeConfig, *, topology: str) -> Term:
    """Cross-entropy at the chunks whose frame has a known gloss, without context."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        labels = _chunk_labels(logits, batch, blanks=config.between == "blank")
        total = logits.auxiliary.new_zeros(len(batch.ids))
        for acoustic in logits.at(config.level):
            total = total + frame_cross_entropy(acoustic + logits.bias, labels, smoothing=config.smoothing)
        return total

    return term


def _chunk_labels(logits: SplitLogits, batch: Batch, *, blanks: bool) -> Int[Tensor, "batch chunks"]:
    """The label of each chunk's centre frame; -100, which is ignored, beyond the end of a sample.

    Args:
        blanks: in a sample with labels, a frame without one is a blank.
    """
    # On the host, which knows all of it.
    of_frames, centres, lengths = map(on_host, (batch.frame_labels, logits.centres, batch.lengths))
    labels = of_frames[:, centres.clamp(max=of_frames.shape[1] - 1)]
    if blanks:
        timed = (of_frames != IGNORED).any(1, keepdim=True)
        labels = labels.masked_fill((labels == IGNORED) & timed, BLANK)
    beyond = centres[None, :] >= lengths[:, None]
    return moved(labels.masked_fill(beyond, IGNORED), logits.centres.device)
