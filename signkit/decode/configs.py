"""Options of the built-in decoders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal

from signkit.config.recipe import DecodeConfig
from signkit.config.registry import ComponentConfig
from signkit.config.strict_yaml import Group, Range
from signkit.errors import UserError

SECTIONS = ("fusion", "rescore")
"""Keys of the external models: of those in the search, and of those that order its n-best list."""


@dataclass(frozen=True, kw_only=True)
class LatticeConfig(DecodeConfig):
    """Greedy and beam search over a lattice of chunks, with language models."""

    factory: ClassVar[str] = "signkit.decode.external.build:build_external"
    beam: Annotated[int, Range(1, 4096)] = 8
    """Hypotheses kept a chunk; 1 is greedy."""
    nbest: Annotated[int, Range(1, 4096)] = 1
    """Hypotheses written a sample, at most `beam`."""
    top_k: Annotated[int, Range(1)] = 32
    """Glosses of a chunk that can be new in it, the best after their best history; from three times the
    beam on nothing is lost."""
    level: Literal["video", "chunk", "sum"] = "video"
    """Which features are decoded; sum adds the logits of both, and the context's once."""
    length_reward: float = 0.0
    """Added to the log score for each token; beam search only."""
    context_scale: Annotated[float, Range(0, 10)] = 1.0
    """Factor on the context's logits."""
    acoustic_scale: Annotated[float, Range(0, 10)] = 1.0
    """Factor on the encoder's logits."""
    beam_threshold: Annotated[float, Range(0)] = 0.0
    """Histories whose log score is so much below the best one's are dropped; 0 keeps all."""
    fusion: tuple[Annotated[ComponentConfig, Group("fusion")], ...] = ()
    """Language models and constraints that take part in beam search, each with its weight."""
    rescore: tuple[Annotated[ComponentConfig, Group("fusion")], ...] = ()
    """The same for the n-best list when the search is done; its order changes."""
    ensemble_mean: Literal["logits", "probabilities"] = "logits"
    """What is averaged: logits, or each chunk's probabilities, which models with a context do not have."""

    def __post_init__(self) -> None:
        external: tuple[Any, ...] = (*self.fusion, *self.rescore)
        check_beam("beam", self.beam, [part for part in external if getattr(part, "weight", 1) != 0])

    def greedy(self) -> "LatticeConfig":
        """The same with greedy search, without language models; a beam's temperature means nothing to it."""
        return replace(self, beam=1, nbest=1, fusion=(), rescore=(), temperature=0.0)

    def with_beam(self, beam: int) -> "LatticeConfig":
        """The same with a beam of another width; the temperature of greedy search means nothing to it."""
        if beam == self.beam:
            return self
        if beam == 1:
            return self.greedy()
        temperature = self.temperature if self.beam > 1 else 0.0
        return replace(self, beam=beam, nbest=min(self.nbest, beam), temperature=temperature)


def check_beam(where: str, beam: int, external: Sequence[Any]) -> None:
    """Refuse language models, options or scorers of them, with greedy search.

    Raises:
        UserError: the beam is 1.
    """
    if beam == 1 and external:
        what = "is 1, greedy search, which has no place for decode.fusion and decode.rescore"
        raise UserError(where, what, "a wider beam, such as 8, or none of them")


def value_of(decode: LatticeConfig, key: str) -> float:
    """The value that a section has at a key."""
    first, *rest = key.removeprefix("decode.").split(".")
    value: Any = getattr(decode, first)
    return float(value[int(rest[0])].weight if rest else value)


def with_weight(decode: LatticeConfig, section: str, place: int, weight: float) -> LatticeConfig:
    """The section with another weight of one part."""
    parts: list[Any] = list(getattr(decode, section))
    parts[place] = replace(parts[place], weight=weight)
    changed: dict[str, Any] = {section: tuple(parts)}
    return replace(decode, **changed)
