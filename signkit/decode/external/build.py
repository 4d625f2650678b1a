"""External models of a search (`decode.fusion` and `decode.rescore`), built from their options.

An external model is registered like every component, by an entry point for its options. In your own package:

    [project.entry-points."signkit.fusion"]
    short = "my_package:ShortConfig"

The options are a frozen dataclass with ``weight`` and ``factory``; its factory is called as
``build(config, *, vocabulary, model, text)`` and returns a `Scorer`, which can be used in the search and for
rescoring, or a `Rescorer`, which scores whole sequences only (docs/fusion.md has a complete example).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from signkit.config.registry import ComponentConfig, build, component_name
from signkit.decode.configs import SearchConfig
from signkit.decode.external.configs import InternalConfig
from signkit.decode.external.walk import StepwiseRescorer
from signkit.decode.lattice import Weighted
from signkit.decode.scorer import Fused, Rescorer, Scorer
from signkit.errors import UserError
from signkit.text.vocabulary import Vocabulary

Sentences = Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TrainText:
    """Text that an external model may be estimated from. It is read only when a function is called.

    Attributes:
        references: returns the train references, in the vocabulary's unit.
        extra: returns the corpus's extra text in the same unit, without anything from dev or test.
    """

    references: Callable[[], Sentences]
    extra: Callable[[], Sentences]


@dataclass(frozen=True, slots=True)
class ExternalModels:
    """The external models of a search with their weights, without those of weight 0.

    Attributes:
        fusion: scorers that take part in beam search.
        rescorers: scorers of the n-best list.
    """

    fusion: tuple[Fused, ...] = ()
    rescorers: tuple[Weighted, ...] = ()


def build_external(
    decode: SearchConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText
) -> ExternalModels:
    """Build the external models of both sections; see `build_fusion` and `build_rescorers` for the errors."""
    scale = getattr(decode, "context_scale", 1.0)
    fusion, rescore = ([at_scale(part, scale) for part in parts] for parts in (decode.fusion, decode.rescore))
    return ExternalModels(
        build_fusion(fusion, vocabulary=vocabulary, model=model, text=text),
        build_rescorers(rescore, vocabulary=vocabulary, model=model, text=text),
    )


def at_scale(part: ComponentConfig, context_scale: float) -> ComponentConfig:
    """The options with ``context_scale`` as the scale, if they leave their own scale open."""
    return replace(part, scale=context_scale) if leaves_scale_open(part) else part  # type: ignore[type-var]


def leaves_scale_open(part: ComponentConfig) -> bool:
    """Whether the external model depends on `decode.context_scale`."""
    return isinstance(part, InternalConfig) and part.scale is None


def build_fusion(
    parts: Sequence[ComponentConfig], *, vocabulary: Vocabulary, model: Any, text: TrainText
) -> tuple[Fused, ...]:
    """Build the external models of `decode.fusion`. Those of weight 0 are not built, so they cost nothing.

    Args:
        parts: their options.
        vocabulary: the recogniser's.
        model: the `Recogniser` that is decoded.
        text: for models that are estimated from the train references.

    Raises:
        UserError: the input of one of them cannot be used, or it scores whole sequences only.
    """
    fused = []
    for part, weight in _weighted(parts, "decode.fusion"):
        scorer = build(part, vocabulary=vocabulary, model=model, text=text)
        if not isinstance(scorer, Scorer):
            if not isinstance(scorer, Rescorer):
                raise _no_scorer(part, scorer)
            what = f"`{_name(part)}` scores whole sequences, so it cannot take part in a search"
            raise UserError("decode.fusion", what, "put it under decode.rescore")
        fused.append(Fused(scorer, weight))
    return tuple(fused)


def build_rescorers(
    parts: Sequence[ComponentConfig], *, vocabulary: Vocabulary, model: Any, text: TrainText
) -> tuple[Weighted, ...]:
    """Build the external models of `decode.rescore` with their weights, without those of weight 0.

    A `Scorer` is wrapped so that it scores whole sequences step by step. The arguments are those of
    `build_fusion`.

    Raises:
        UserError: the input of one of them cannot be used.
    """
    rescorers: list[Weighted] = []
    for part, weight in _weighted(parts, "decode.rescore"):
        scorer = build(part, vocabulary=vocabulary, model=model, text=text)
        if isinstance(scorer, Rescorer):
            rescorers.append((scorer, weight))
        elif isinstance(scorer, Scorer):
            rescorers.append((StepwiseRescorer(scorer), weight))
        else:
            raise _no_scorer(part, scorer)
    return tuple(rescorers)


def _weighted(parts: Sequence[ComponentConfig], key: str) -> list[tuple[ComponentConfig, float]]:
    for part in parts:
        if not isinstance(getattr(part, "weight", None), int | float):
            raise UserError(key, f"`{_name(part)}` has no option `weight`", "its package is at fault")
    weighted = [(part, float(part.weight)) for part in parts]  # type: ignore[attr-defined]
    return [(part, weight) for part, weight in weighted if weight != 0]


def _no_scorer(part: ComponentConfig, built: object) -> UserError:
    what = f"returns a {type(built).__name__}, which is neither a Scorer nor a Rescorer"
    return UserError(part.factory, what, "see signkit.decode.scorer")


def _name(part: ComponentConfig) -> str:
    """The name that the options are registered under, or their class."""
    try:
        return component_name("fusion", part)
    except KeyError:
        return type(part).__name__
