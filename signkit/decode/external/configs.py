"""Options of the built-in external models, for `decode.fusion` and `decode.rescore`."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from signkit.config.strict_yaml import Path_, Range


@dataclass(frozen=True, kw_only=True)
class FusionPart:
    """The option of every external model: the factor on its log scores (negative: subtract; 0: leave out)."""

    weight: Annotated[float, Range(-10, 10)] = 0.5


@dataclass(frozen=True, kw_only=True)
class NgramConfig(FusionPart):
    """An n-gram model: of a file, or estimated from the train references and the extra text."""

    factory: ClassVar[str] = "signkit.decode.external.ngram:build"
    file: Annotated[str, Path_(optional=True)] = ""
    """A model: .arpa (also .gz, .bz2, .xz) or .npz; empty: estimated from the run's own train references."""
    order: Annotated[int, Range(1, 6)] = 3  # signkit.lm has none larger
    """Of a model estimated from the train references."""
    distinct: bool = False
    """Of a model estimated from the train references: count each distinct sentence once."""
    extra_text: bool = False
    """Of a model estimated from the train references: use the corpus's extra text too."""


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
    """The recogniser's internal language model (its context alone); a negative weight subtracts it.

    It is estimated with the encoder's features set to zero (Variani et al. 2020; Meng et al. 2021).
    """

    factory: ClassVar[str] = "signkit.decode.external.internal:build"
    weight: Annotated[float, Range(-10, 10)] = -0.2
    scale: Annotated[float, Range(0, 10)] | None = None
    """Factor on the context logits; null: that of `decode.context_scale`, so that exactly what the search
    adds is subtracted."""


@dataclass(frozen=True, kw_only=True)
class LexiconConfig(FusionPart):
    """A list of the words, or of the whole sentences, that may be written."""

    factory: ClassVar[str] = "signkit.decode.external.lexicon:build"
    file: Annotated[str, Path_()]
    """One word or sentence a line."""
    of: Literal["words", "sentences"] = "words"
    weight: Annotated[float, Range(0, 10)] = 1.0
    back_off: Annotated[float, Range(0)] = 0.0
    """Cost of a token outside the list, in nats; 0: such tokens are forbidden."""


@dataclass(frozen=True, kw_only=True)
class WordsConfig(FusionPart):
    """An n-gram model of words for a recogniser of characters, for fingerspelling."""

    factory: ClassVar[str] = "signkit.decode.external.word_lm:build"
    file: Annotated[str, Path_()]
    """An n-gram model of words: .arpa (also .gz, .bz2, .xz) or .npz."""
    back_off: Annotated[float, Range(0)] = 2.0
    """Cost of each character of a word outside the model, in nats; 0: such words are forbidden."""
