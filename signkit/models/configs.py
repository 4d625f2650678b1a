"""Options of the built-in models."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from signkit.strict_yaml import Range


@dataclass(frozen=True, kw_only=True)
class C2stConfig:
    """Contextualised transduction: encoder and context fused at both levels (Zhang et al. 2023)."""

    factory: ClassVar[str] = "signkit.models.c2st:build"
    topology: Literal["ctc", "monotonic", "rnnt"] = "ctc"
    """Which paths a gloss sequence has: CTC's lattice, one chunk a gloss, or several glosses a chunk."""
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Of the features before the classifier."""
    normalised: bool = False
    """Divide each symbol's weights by their norm (published systems do)."""


@dataclass(frozen=True, kw_only=True)
class CtcModelConfig:
    """An encoder with a linear classifier, no context."""

    factory: ClassVar[str] = "signkit.models.ctc:build"
    dropout: Annotated[float, Range(0, 1)] = 0.0
    """Of the features before the classifier."""
    normalised: bool = False
    """Divide each symbol's weights by their norm (published systems do)."""
