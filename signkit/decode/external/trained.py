"""A language model of a finished run, ready to score."""

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
class Trained:
    """A run's model and vocabulary. ``run`` is its folder, for messages."""

    run: str
    vocabulary: Vocabulary
    model: Any

    @property
    def predicts_end(self) -> bool:
        """Whether it is causal: it says what comes next, and whether the sentence ends."""
        return bool(self.model.predicts_end)

    @property
    def kind(self) -> str:
        """What it is, in a word or two."""
        return "causal" if self.predicts_end else "masked"

    @property
    def unit(self) -> Unit:
        """What a word of it is, as n-gram models say it; of subwords texts have words too."""
        return "character" if self.vocabulary.unit == "character" else "word"

    @property
    def words(self) -> tuple[str, ...]:
        """Those it has a probability for."""
        return self.vocabulary.tokens

    def scores(self, sentences: Sequence[Sequence[str]]) -> TextScores:
        """log P of the words of each sentence, and of its end where that is predicted."""
        return text_scores(self.model, self.vocabulary, sentences)

    def numbers_of(self, vocabulary: Vocabulary) -> Ints:
        """For each token of a recogniser its own index, 1 for those it lacks; 0 for the blank.

        Raises:
            UserError: it is of another unit or of other pieces, or knows next to none of them.
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
        found = np.array([index.get(token, UNKNOWN) for token in vocabulary.tokens], dtype=np.int64)
        found[0] = 0
        what = "knows {} " + PLURAL[ours] + " of the recogniser"
        known = (found[2:] != UNKNOWN).tolist()
        check_share(self.run, what, known, ours=vocabulary.tokens[2:], theirs=self.vocabulary.tokens[2:])
        return found


def load_run(run: str) -> Trained:
    """The language model of a run.

    Raises:
        UserError: the folder is not one of a finished run, or of one that made no language model.
        OperationalError: a file is missing or damaged.
    """
    exported = read_export(Path(run))
    if not isinstance(exported.model, Language):
        raise UserError(run, "is the run of a recogniser, not of a language model", "see `signkit lm train`")
    return Trained(run, exported.spec.vocabulary, exported.model)
