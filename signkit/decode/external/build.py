"""The parts of `decode.fusion` and `decode.rescore`, built from their options.

A part is registered as every component is, by an entry point that leads to its options; in a package of
your own:

    [project.entry-points."signkit.fusion"]
    short = "my_package:ShortConfig"

The options are a frozen dataclass with ``weight`` and ``factory``; its factory is called as
``build(config, *, vocabulary, model, text)`` and returns a `Scorer`, which can take part in a search and
in rescoring, or a `Rescorer`, which wants whole sequences (docs/fusion.md has one from end to end).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from signkit.config.registry import ComponentConfig, build, component_name
from signkit.decode.configs import LatticeConfig
from signkit.decode.external.configs import InternalConfig
from signkit.decode.external.walk import Walked
from signkit.decode.lattice import Weighted
from signkit.decode.scorer import Fused, Rescorer, Scorer
from signkit.errors import UserError
from signkit.text.vocabulary import Vocabulary

Sentences = Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class TrainText:
    """What a part may learn from; nothing of it is read before a part asks.

    Attributes:
        references: of train, in the vocabulary's unit.
        extra: the corpus's extra text in that unit; none of it from dev or test.
    """

    references: Callable[[], Sentences]
    extra: Callable[[], Sentences]


@dataclass(frozen=True, slots=True)
class ExternalModels:
    """Language models and constraints of a search: the scorers of `decode.fusion` and `decode.rescore`, those
    of weight 0 left out."""

    fusion: tuple[Fused, ...] = ()
    rescorers: tuple[Weighted, ...] = ()


def build_external(
    decode: LatticeConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText
) -> ExternalModels:
    """Both sections of a recipe; see `build_fusion` and `build_rescorers`."""
    fusion, rescore = (
        [at_scale(part, decode.context_scale) for part in parts] for parts in (decode.fusion, decode.rescore)
    )
    return ExternalModels(
        build_fusion(fusion, vocabulary=vocabulary, model=model, text=text),
        build_rescorers(rescore, vocabulary=vocabulary, model=model, text=text),
    )


def at_scale(part: ComponentConfig, context_scale: float) -> ComponentConfig:
    """The part with a `decode.context_scale` in the place of a scale that it leaves open."""
    return replace(part, scale=context_scale) if leaves_scale_open(part) else part  # type: ignore[type-var]


def leaves_scale_open(part: ComponentConfig) -> bool:
    """Whether a part is another one where `decode.context_scale` is."""
    return isinstance(part, InternalConfig) and part.scale is None


def build_fusion(
    parts: Sequence[ComponentConfig], *, vocabulary: Vocabulary, model: Any, text: TrainText
) -> tuple[Fused, ...]:
    """The parts of `decode.fusion`; one of weight 0 is left out unbuilt, so that it changes nothing.

    Args:
        model: the `Recogniser` that is decoded.

    Raises:
        UserError: a part's input is at fault, or it scores whole sequences only.
    """
    found = []
    for part, weight in _weighted(parts, "decode.fusion"):
        scorer = build(part, vocabulary=vocabulary, model=model, text=text)
        if not isinstance(scorer, Scorer):
            if not isinstance(scorer, Rescorer):
                raise _no_scorer(part, scorer)
            what = f"`{_name(part)}` scores whole sequences, so it cannot take part in a search"
            raise UserError("decode.fusion", what, "put it under decode.rescore")
        found.append(Fused(scorer, weight))
    return tuple(found)


def build_rescorers(
    parts: Sequence[ComponentConfig], *, vocabulary: Vocabulary, model: Any, text: TrainText
) -> tuple[Weighted, ...]:
    """The parts of `decode.rescore` with their weights, those of weight 0 left out; a `Scorer` is walked
    along each sequence.

    Raises:
        UserError: a part's input is at fault.
    """
    found: list[Weighted] = []
    for part, weight in _weighted(parts, "decode.rescore"):
        scorer = build(part, vocabulary=vocabulary, model=model, text=text)
        if isinstance(scorer, Rescorer):
            found.append((scorer, weight))
        elif isinstance(scorer, Scorer):
            found.append((Walked(scorer), weight))
        else:
            raise _no_scorer(part, scorer)
    return tuple(found)


def _weighted(parts: Sequence[ComponentConfig], key: str) -> list[tuple[ComponentConfig, float]]:
    for part in parts:
        if not isinstance(getattr(part, "weight", None), int | float):
            raise UserError(key, f"`{_name(part)}` has no option `weight`", "its package is at fault")
    weighted = [(part, float(part.weight)) for part in parts]  # type: ignore[attr-defined]
    return [(part, weight) for part, weight in weighted if weight != 0]


def _no_scorer(part: ComponentConfig, found: object) -> UserError:
    what = f"gives a {type(found).__name__}, which is neither a Scorer nor a Rescorer"
    return UserError(part.factory, what, "see signkit.decode.scorer")


def _name(part: ComponentConfig) -> str:
    """As it is registered; of one made by hand, its class."""
    try:
        return component_name("fusion", part)
    except KeyError:
        return type(part).__name__
