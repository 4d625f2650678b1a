"""What a language model says of texts: of words, and of the pieces they are made of where it has sub-words.

A word has the probability of its pieces, one after another. So a model of sub-words has a perplexity a word,
to be compared with that of a model of words, beside one a piece, which compares models of the same pieces.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.data.rare import UNKNOWN
from signkit.lm.perplexity import Perplexity, figures
from signkit.models.protocol import Language
from signkit.models.sentence_scores import Floats, sentence_scores
from signkit.text.vocabulary import Vocabulary

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TextScores:
    """Natural logarithms of the probabilities of each sentence's tokens, and of its end where the model
    predicts it.

    Attributes:
        log: of glosses, characters or words.
        unknown: which of them the model does not know: words with an unknown character.
        pieces: how many pieces each sentence has; None where tokens are not sub-words.
    """

    log: list[Floats]
    unknown: list[Bools]
    ends: bool
    pieces: list[int] | None = None

    @property
    def perplexity(self) -> Perplexity:
        """Of glosses, characters or words; ends count too."""
        words = sum(map(len, self.log)) - self.ends * len(self.log)
        log, unknown = np.concatenate(self.log), np.concatenate(self.unknown)
        return figures(log, unknown, words=words, sentences=len(self.log))

    @property
    def piece_perplexity(self) -> float | None:
        """Of pieces, ends counted too; None where tokens are not sub-words."""
        if self.pieces is None:
            return None
        total = float(np.concatenate(self.log).sum())
        return math.exp(min(-total / (sum(self.pieces) + self.ends * len(self.log)), 700.0))


def text_scores(model: Language, vocabulary: Vocabulary, sentences: Sequence[Sequence[str]]) -> TextScores:
    """The scores of sentences of glosses, characters or words, at least one.

    Raises:
        UserError: a word cannot be cut into pieces.
    """
    ends = [0] * model.predicts_end
    encoded = [vocabulary.encode(sentence) for sentence in sentences]
    log = sentence_scores(model, encoded)
    unknown = [np.array([*tokens, *ends]) == UNKNOWN for tokens in encoded]
    if vocabulary.subwords is None:
        return TextScores(log, unknown, bool(ends))
    begins = [_begins(vocabulary, sentence, bool(ends)) for sentence in sentences]
    return TextScores(
        [np.add.reduceat(each, at) for each, at in zip(log, begins, strict=True)],
        [np.logical_or.reduceat(each, at) for each, at in zip(unknown, begins, strict=True)],
        bool(ends),
        [len(tokens) for tokens in encoded],
    )


def _begins(vocabulary: Vocabulary, words: Sequence[str], end: bool) -> npt.NDArray[np.int64]:
    """Where the pieces of each word begin, and where the end stands if it is predicted."""
    lengths = [len(vocabulary.segment([word])) for word in words]
    return np.cumsum([0, *lengths], dtype=np.int64)[: len(words) + end]
