"""Options of the built-in scorers: the parts of `decode.fusion` and `decode.rescore`."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from signkit.config.strict_yaml import Path_, Range


@dataclass(frozen=True, kw_only=True)
class FusionPart:
    """What every part has: the factor on its log scores. A negative one subtracts, 0 leaves it out."""

    weight: Annotated[float, Range(-10, 10)] = 0.5


@dataclass(frozen=True, kw_only=True)
class NgramConfig(FusionPart):
    """An n-gram model: of a file, or of the train references and the corpus's extra text."""

    factory: ClassVar[str] = "signkit.decode.external.ngram:build"
    file: Annotated[str, Path_(optional=True)] = ""
    """A model: .arpa, .arpa.gz or .npz; empty: made from the run's own train references."""
    order: Annotated[int, Range(1, 6)] = 3  # signkit.lm has none larger
    """Of a model made from the train references."""
    distinct: bool = False
    """Of a model made from the train references: learn a sentence that is there several times once."""
    extra_text: bool = False
    """Of a model made from the train references: learn from the corpus's extra text too."""


@dataclass(frozen=True, kw_only=True)
class NeuralConfig(FusionPart):
    """A neural language model: a run of `signkit lm train`."""

    factory: ClassVar[str] = "signkit.decode.external.neural:build"
    run: Annotated[str, Path_()]
    """The folder of the run."""


@dataclass(frozen=True, kw_only=True)
class MaskedConfig(FusionPart):
    """Pseudo-likelihood of a masked language model (Salazar et al. 2020), for an n-best list only."""

    factory: ClassVar[str] = "signkit.decode.external.masked:build"
    run: Annotated[str, Path_()]
    """The folder of the run."""


@dataclass(frozen=True, kw_only=True)
class InternalConfig(FusionPart):
    """The recogniser's own language model, its context alone; a negative weight subtracts it.

    The estimate is that of a zero encoder (Variani et al. 2020; Meng et al. 2021).
    """

    factory: ClassVar[str] = "signkit.decode.external.internal:build"
    weight: Annotated[float, Range(-10, 10)] = -0.2
    scale: Annotated[float, Range(0, 10)] | None = None
    """Factor on the context's logits; null: that of `decode.context_scale`, so that what is added is
    subtracted."""


@dataclass(frozen=True, kw_only=True)
class LexiconConfig(FusionPart):
    """A list of the words, or of the whole sentences, that may be written."""

    factory: ClassVar[str] = "signkit.decode.external.lexicon:build"
    file: Annotated[str, Path_()]
    """One word or sentence a line."""
    of: Literal["words", "sentences"] = "words"
    weight: Annotated[float, Range(0, 10)] = 1.0
    back_off: Annotated[float, Range(0)] = 0.0
    """What a token outside the list costs; 0: it is forbidden."""


@dataclass(frozen=True, kw_only=True)
class WordsConfig(FusionPart):
    """A language model of words over a recogniser of characters, for fingerspelling."""

    factory: ClassVar[str] = "signkit.decode.external.word_lm:build"
    file: Annotated[str, Path_()]
    """An n-gram model of words: .arpa, .arpa.gz or .npz."""
    back_off: Annotated[float, Range(0)] = 2.0
    """What a character of a word outside the model costs; 0: such words are forbidden."""
