"""Options of the built-in models."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from signkit.config.strict_yaml import Range


@dataclass(frozen=True, kw_only=True)
class C2stConfig:
    """Contextualised transduction: encoder and context fused at both levels (Zhang et al. 2023)."""

    factory: ClassVar[str] = "signkit.models.c2st:build"
    task: ClassVar[str] = "recognition"
    needs: ClassVar[tuple[str, ...]] = ("encoder", "context")
    topology: Literal["ctc", "monotonic", "rnnt"] = "ctc"
    """Which paths a gloss sequence has: CTC's lattice, one chunk a gloss, or several glosses a chunk."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Of the features before the output layer."""
    normalised: bool = False
    """Divide each symbol's weights by their norm (published systems do)."""


@dataclass(frozen=True, kw_only=True)
class CtcModelConfig:
    """An encoder with an output layer and CTC, no context."""

    factory: ClassVar[str] = "signkit.models.ctc:build"
    task: ClassVar[str] = "recognition"
    needs: ClassVar[tuple[str, ...]] = ("encoder",)
    takes: ClassVar[tuple[str, ...]] = ("context",)
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Of the features before the output layer."""
    normalised: bool = False
    """Divide each symbol's weights by their norm (published systems do)."""


Unknown = Annotated[float, Range(0, 1)]
Width = Annotated[int, Range(1)]


@dataclass(frozen=True, kw_only=True)
class LanguageModelConfig:
    """A causal language model: a context and an output layer. Index 0 is the sentence's end."""

    factory: ClassVar[str] = "signkit.models.language_model:build"
    task: ClassVar[str] = "language"
    needs: ClassVar[tuple[str, ...]] = ("context",)
    losses: ClassVar[tuple[str, ...]] = ("next_token",)
    predicts_end: ClassVar[bool] = True
    width: Width = 256
    """Of the vectors that the context gives."""
    unknown: Unknown = 0.5
    """Probability that a token which train has once is read as unknown, drawn anew in each epoch: so the
    unknown token's own probability is learnt."""


@dataclass(frozen=True, kw_only=True)
class MaskedLmConfig:
    """A masked language model (Devlin et al. 2019): a BERT that sees both sides tells what is masked."""

    factory: ClassVar[str] = "signkit.models.masked_lm:build"
    task: ClassVar[str] = "language"
    needs: ClassVar[tuple[str, ...]] = ("context",)
    losses: ClassVar[tuple[str, ...]] = ("masked_token",)
    predicts_end: ClassVar[bool] = False
    width: Width = 256
    """Of the vectors that the context gives."""
    share: Annotated[float, Range(0, 1)] = 0.15
    """Of the tokens of a sentence that are masked while training; one at least is."""
    unknown: Unknown = 0.5
    """Probability that a token which train has once is read as unknown, drawn anew in each epoch: so the
    unknown token's own probability is learnt."""
