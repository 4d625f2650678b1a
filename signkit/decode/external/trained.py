"""The neural language model of a finished run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from signkit.data.rare import UNKNOWN
from signkit.decode.external.known import check_share
from signkit.decode.history import Ints
from signkit.errors import UserError
from signkit.lm.grams import Unit
from signkit.models.export import read_export
from signkit.models.protocol import Language
from signkit.models.text_scores import TextScores, text_scores
from signkit.text.vocabulary import PLURAL, Vocabulary


@dataclass(frozen=True, slots=True)
class TrainedLanguageModel:
    """The language model of a run.

    Attributes:
        run: the folder of the run, for messages.
        vocabulary: the model's.
        model: a `signkit.models.protocol.Language`.
    """

    run: str
    vocabulary: Vocabulary
    model: Any

    @property
    def predicts_end(self) -> bool:
        """Whether the model is causal: it predicts the next token and the end of the sentence."""
        return bool(self.model.predicts_end)

    @property
    def kind(self) -> str:
        """``causal`` or ``masked``."""
        return "causal" if self.predicts_end else "masked"

    @property
    def unit(self) -> Unit:
        """The unit of its words, named as for n-gram models; a text of subwords has words, too."""
        return "character" if self.vocabulary.unit == "character" else "word"

    @property
    def words(self) -> tuple[str, ...]:
        """The tokens that it has a probability for."""
        return self.vocabulary.tokens

    def scores(self, sentences: Sequence[Sequence[str]]) -> TextScores:
        """log P of the words of each sentence, and of its end if the model is causal."""
        return text_scores(self.model, self.vocabulary, sentences)

    def token_numbers(self, vocabulary: Vocabulary) -> Ints:
        """This model's index of each token of a recogniser: 1 (unknown) for tokens it lacks, 0 for the blank.

        Raises:
            UserError: the model is of another unit or of other pieces, or knows almost none of the tokens.
        """
        ours, theirs = vocabulary.unit, self.vocabulary.unit
        if ours != theirs:
            raise UserError(
                self.run, f"is a model of {PLURAL[theirs]}, but the recogniser writes {PLURAL[ours]}"
            )
        if vocabulary.subwords != self.vocabulary.subwords:
            what = "is a model of other subwords than the recogniser's"
            raise UserError(self.run, what, "train it with text.file: the recogniser's export/subwords.model")
        index = self.vocabulary.index
        numbers = np.array([index.get(token, UNKNOWN) for token in vocabulary.tokens], dtype=np.int64)
        numbers[0] = 0
        what = "knows {} " + PLURAL[ours] + " of the recogniser"
        known = (numbers[2:] != UNKNOWN).tolist()
        check_share(self.run, what, known, ours=vocabulary.tokens[2:], theirs=self.vocabulary.tokens[2:])
        return numbers


def load_run(run: str) -> TrainedLanguageModel:
    """Read the language model of a finished run.

    Raises:
        UserError: the folder is not that of a finished run of a language model.
        OperationalError: a file is missing or damaged.
    """
    exported = read_export(Path(run))
    if not isinstance(exported.model, Language):
        raise UserError(run, "is the run of a recogniser, not of a language model", "see `signkit lm train`")
    return TrainedLanguageModel(run, exported.spec.vocabulary, exported.model)
