"""Options of the built-in decoders."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from signkit.config.recipe import DecodeConfig
from signkit.config.registry import ComponentConfig
from signkit.config.strict_yaml import Group, Range
from signkit.errors import UserError


class Tuned(NamedTuple):
    """How `signkit tune` treats a key: the usual range, and the value at which it has no effect."""

    low: float
    high: float
    neutral: float


SECTIONS = ("fusion", "rescore")
"""Keys of the external models: those that take part in the search, and those that reorder its n-best list."""


@dataclass(frozen=True, kw_only=True)
class LatticeConfig(DecodeConfig):
    """Greedy and beam search over a lattice of chunks, with language models."""

    factory: ClassVar[str] = "signkit.decode.external.build:build_external"
    tuned: ClassVar[Mapping[str, Tuned]] = {
        "length_reward": Tuned(-1.0, 3.0, 0.0),
        "acoustic_scale": Tuned(0.5, 1.2, 1.0),
        "context_scale": Tuned(0.0, 1.5, 1.0),
    }
    on_request: ClassVar[tuple[str, ...]] = ("beam", "top_k", "beam_threshold")
    beam: Annotated[int, Range(1, 4096)] = 8
    """Hypotheses retained after each chunk; 1 is greedy search."""
    only: Literal["any", "one"] = "any"
    """Which hypotheses are possible: any, or those of exactly one gloss, for clips of one sign each."""
    nbest: Annotated[int, Range(1, 4096)] = 1
    """Hypotheses written for each sample, at most `beam`."""
    top_k: Annotated[int, Range(1)] = 32
    """Glosses considered as new in a chunk: those with the best score after any history. With three times the
    beam or more the search is the same as with all glosses."""
    level: Literal["video", "chunk", "sum"] = "video"
    """Which features are decoded; `sum` adds the logits of both levels, and those of the context once."""
    length_reward: float = 0.0
    """Added to the log score for each token; beam search only."""
    context_scale: Annotated[float, Range(0, 10)] = 1.0
    """Factor on the context logits."""
    acoustic_scale: Annotated[float, Range(0, 10)] = 1.0
    """Factor on the encoder's logits."""
    beam_threshold: Annotated[float, Range(0)] = 0.0
    """Histories whose log score is lower than the best one's by more than this are dropped; 0 keeps all."""
    fusion: tuple[Annotated[ComponentConfig, Group("fusion")], ...] = ()
    """External models (language models, lexicons) that take part in beam search, each with its weight."""
    rescore: tuple[Annotated[ComponentConfig, Group("fusion")], ...] = ()
    """External models that reorder the n-best list after the search."""
    ensemble_mean: Literal["logits", "probabilities"] = "logits"
    """What an ensemble averages: logits, or each chunk's probabilities (only for models without a
    context)."""

    def __post_init__(self) -> None:
        external: tuple[Any, ...] = (*self.fusion, *self.rescore)
        check_beam("beam", self.beam, [part for part in external if getattr(part, "weight", 1) != 0])

    @property
    def is_single(self) -> bool:
        """Whether every hypothesis is exactly one token."""
        return self.only == "one"

    def idle(self, *, context: bool) -> frozenset[str]:
        """The keys of `tuned` that have no effect, by whether the model has a context."""
        if self.beam == 1:
            return frozenset({"length_reward"} if context else self.tuned)
        return frozenset(() if context else {"context_scale"})

    def greedy(self) -> "LatticeConfig":
        """These options with greedy search and without external models. The temperature is reset, because one
        that was fitted on beams does not fit the confidences of greedy search."""
        return replace(self, beam=1, nbest=1, fusion=(), rescore=(), temperature=0.0)

    def with_beam(self, beam: int) -> "LatticeConfig":
        """These options with another beam width. The temperature is reset where greedy search and beam search
        replace each other, since their confidences are computed in different ways."""
        if beam == self.beam:
            return self
        if beam == 1:
            return self.greedy()
        temperature = self.temperature if self.beam > 1 else 0.0
        return replace(self, beam=beam, nbest=min(self.nbest, beam), temperature=temperature)


@dataclass(frozen=True, kw_only=True)
class AttentionSearchConfig(DecodeConfig):
    """Greedy and beam search of an attention decoder, jointly with its CTC head and with language models."""

    factory: ClassVar[str] = "signkit.decode.external.build:build_external"
    is_single: ClassVar[bool] = False
    tuned: ClassVar[Mapping[str, Tuned]] = {
        "length_norm": Tuned(0.0, 1.5, 0.0),
        "length_reward": Tuned(-1.0, 3.0, 0.0),
        "ctc_weight": Tuned(0.0, 0.8, 0.0),
        "source_weight": Tuned(0.0, 2.0, 1.0),
    }
    on_request: ClassVar[tuple[str, ...]] = ("beam",)
    beam: Annotated[int, Range(1, 4096)] = 5
    """Hypotheses retained after each token; 1 is greedy search."""
    nbest: Annotated[int, Range(1, 4096)] = 1
    """Hypotheses written for each sample, at most `beam`."""
    length_norm: Annotated[float, Range(0, 2)] = 0.6
    """Texts are compared by their log score divided by ((5 + length) / 6) to this power; 0: undivided."""
    length_reward: float = 0.0
    """Added to the log score for each token; beam search only."""
    ctc_weight: Annotated[float, Range(0, 1)] = 0.3
    """Of models with a CTC head: its share of the score; 0: search without it, 1: by it alone."""
    longest: Annotated[int, Range(1, 10_000)] = 100
    """Tokens of a hypothesis, at most."""
    readings: Annotated[int, Range(1, 256)] = 1
    """Readings of a source, such as a recogniser's n-best list, that are translated together, at most."""
    source_weight: Annotated[float, Range(0, 10)] = 1.0
    """Factor on the log scores of the readings; 0: all are as probable."""
    doubt: Annotated[float, Range(0, 1)] = 0.0
    """Of models with a confidence: a clip with a lower one gets the text `doubtful` instead; 0: none."""
    doubtful: str = ""
    """The text of such clips."""
    fusion: tuple[Annotated[ComponentConfig, Group("fusion")], ...] = ()
    """External models (language models, lexicons) that take part in beam search, each with its weight."""
    rescore: tuple[Annotated[ComponentConfig, Group("fusion")], ...] = ()
    """External models that reorder the n-best list after the search."""
    expected: Literal["none", "chrf", "bleu"] = "none"
    """Of the whole beam take the text with the highest expected chrF, or BLEU, if any of them may be right
    (minimum Bayes risk); none: the one with the highest score."""

    def __post_init__(self) -> None:
        external: tuple[Any, ...] = (*self.fusion, *self.rescore)
        check_beam("beam", self.beam, [part for part in external if getattr(part, "weight", 1) != 0])
        if self.expected != "none" and self.beam == 1:
            raise UserError("expected", "needs several texts to choose from", "a beam of 8 or more")
        if self.doubt and self.readings > 1:
            raise UserError("doubt", "is of recordings, and `readings` of written sources", "one of them")

    def idle(self, *, ctc: bool) -> frozenset[str]:
        """The keys of `tuned` that have no effect, by whether the model has a CTC head."""
        found = {"length_norm", "length_reward"} if self.beam == 1 else set()
        found |= set() if ctc else {"ctc_weight"}
        return frozenset(found | ({"source_weight"} if self.readings == 1 else set()))

    def greedy(self) -> "AttentionSearchConfig":
        """These options with greedy search, without external models and without CTC's prefix scores."""
        return replace(
            self,
            beam=1,
            nbest=1,
            fusion=(),
            rescore=(),
            temperature=0.0,
            ctc_weight=0.0,
            length_reward=0.0,
            expected="none",
        )

    def with_beam(self, beam: int) -> "AttentionSearchConfig":
        """These options with another beam width. The temperature is reset where greedy search and beam search
        replace each other, since their confidences are computed in different ways."""
        if beam == self.beam:
            return self
        if beam == 1:
            return self.greedy()
        temperature = self.temperature if self.beam > 1 else 0.0
        return replace(self, beam=beam, nbest=min(self.nbest, beam), temperature=temperature)


SearchConfig = LatticeConfig | AttentionSearchConfig
"""The options of a search for texts."""


@dataclass(frozen=True, kw_only=True)
class LabelsConfig(DecodeConfig):
    """The most probable classes of a clip; there is nothing to search."""

    top: Annotated[int, Range(1)] = 5
    """Classes written for each sample, with their probabilities."""


@dataclass(frozen=True, kw_only=True)
class SegmentsConfig(DecodeConfig):
    """From the probabilities of frames to segments; there is nothing to search."""

    threshold: Annotated[float, Range(0, 1)] = 0.6
    """A frame whose probability of being a sign's is at least this belongs to a segment."""
    onset_threshold: Annotated[float, Range(0, 1)] = 0.15
    """A frame whose probability of beginning a sign is at least this, and the highest of those less than
    `min_frames` away, begins a segment."""
    min_frames: Annotated[int, Range(1)] = 5
    """Frames of a segment, at least; shorter ones are dropped."""


def length_divisor(tokens: int, power: float) -> float:
    """What the log score of a text of so many tokens is divided by (Wu et al. 2016, eq. 14)."""
    return float(((5 + tokens + 1) / 6) ** power)


def check_beam(where: str, beam: int, external: Sequence[Any]) -> None:
    """Refuse external models together with greedy search.

    Args:
        where: the key that the message names.
        external: the options or the scorers of external models.

    Raises:
        UserError: the beam is 1 and there are external models.
    """
    if beam == 1 and external:
        what = "is 1, greedy search, which has no place for decode.fusion and decode.rescore"
        raise UserError(where, what, "a wider beam, such as 8, or none of them")


def value_of(decode: SearchConfig, key: str) -> float:
    """The value at a key such as ``decode.length_reward`` or ``decode.fusion.0.weight``."""
    first, *rest = key.removeprefix("decode.").split(".")
    value: Any = getattr(decode, first)
    return float(value[int(rest[0])].weight if rest else value)


def with_weight(decode: SearchConfig, section: str, place: int, weight: float) -> SearchConfig:
    """The options with another weight of the external model at ``place`` of ``section``."""
    parts: list[Any] = list(getattr(decode, section))
    parts[place] = replace(parts[place], weight=weight)
    changed: dict[str, Any] = {section: tuple(parts)}
    return replace(decode, **changed)
