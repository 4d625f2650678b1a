"""Options of the built-in losses: the terms of `train.losses`."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from signkit.config.strict_yaml import Range
from signkit.errors import UserError

Level = Annotated[str, "video, chunk, both, or another level of the encoder by its name"]
"""``both``: video and chunk; otherwise the name of one of the encoder's levels."""


@dataclass(frozen=True, kw_only=True)
class LossTerm:
    """The options of every term: its weight, and the part of the training in which it counts."""

    task: ClassVar[str] = "recognition"
    """The task whose models it can train."""
    weight: Annotated[float, Range(0)] = 1.0
    start: Annotated[float, Range(0, 1)] = 0.0
    end: Annotated[float, Range(0, 1)] = 1.0

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise UserError("end", f"{self.end} is not after the start, {self.start}")


@dataclass(frozen=True, kw_only=True)
class CstConfig(LossTerm):
    """Contextual sequence transduction: all paths of the lattice with context (Zhang et al. 2023)."""

    factory: ClassVar[str] = "signkit.models.losses.terms:build_cst"
    level: Level = "both"
    stc: Literal["none", "path", "risk"] = "none"
    """The sequence-level term, over the reference and the N best hypotheses other than it."""
    nbest: Annotated[int, Range(1, 64)] = 4
    """Number of hypotheses in the sequence-level term."""


@dataclass(frozen=True, kw_only=True)
class CtcConfig(LossTerm):
    """Connectionist temporal classification, without context."""

    factory: ClassVar[str] = "signkit.models.losses.terms:build_ctc"
    level: Level = "both"


@dataclass(frozen=True, kw_only=True)
class KlConfig(LossTerm):
    """Distillation of the video level into the chunk level over the lattice."""

    factory: ClassVar[str] = "signkit.models.losses.terms:build_kl"
    temperature: Annotated[float, Range(0.1, 100)] = 8.0


@dataclass(frozen=True, kw_only=True)
class FrameCeConfig(LossTerm):
    """Cross-entropy at the frames of each gloss, for corpora with segment times."""

    factory: ClassVar[str] = "signkit.models.losses.terms:build_frame_ce"
    level: Level = "video"
    smoothing: Annotated[float, Range(0, 1)] = 0.0
    between: Literal["ignored", "blank"] = "ignored"
    """Frames outside of all segments; with blanks the labels are a path of CTC, and both losses agree."""


@dataclass(frozen=True, kw_only=True)
class NextTokenConfig(LossTerm):
    """-log P of each sentence, including its end: the loss of a causal language model."""

    factory: ClassVar[str] = "signkit.models.losses.language:build_next_token"
    task: ClassVar[str] = "language"
    smoothing: Annotated[float, Range(0, 1)] = 0.0
    """Label smoothing: the share of the target that is spread over the vocabulary."""


@dataclass(frozen=True, kw_only=True)
class MaskedTokenConfig(LossTerm):
    """-log P of the masked tokens of each sentence: the loss of a masked language model."""

    factory: ClassVar[str] = "signkit.models.losses.language:build_masked_token"
    task: ClassVar[str] = "language"
    smoothing: Annotated[float, Range(0, 1)] = 0.0
    """Label smoothing: the share of the target that is spread over the vocabulary."""


@dataclass(frozen=True, kw_only=True)
class CrossEntropyConfig(LossTerm):
    """-log P of the class of every head: the loss of a classifier."""

    factory: ClassVar[str] = "signkit.models.losses.labels:build_cross_entropy"
    task: ClassVar[str] = "classification"
    smoothing: Annotated[float, Range(0, 1)] = 0.0
    """Label smoothing: the share of the target that is spread over the classes."""
    mixup: Annotated[float, Range(0, 10)] = 0.0
    """Of video: each sample is a mean of two (Zhang et al. 2018), with weights of Beta(mixup, mixup)."""
    cutmix: Annotated[float, Range(0, 10)] = 0.0
    """Of video: each sample has a box of another (Yun et al. 2019), its area by Beta(cutmix, cutmix); with
    `mixup` too, one of both is drawn for each batch."""


@dataclass(frozen=True, kw_only=True)
class ReconstructionConfig(LossTerm):
    """The mean square of what a reconstructed picture differs in: the loss of an autoencoder."""

    factory: ClassVar[str] = "signkit.models.losses.labels:build_reconstruction"
    task: ClassVar[str] = "autoencoder"
