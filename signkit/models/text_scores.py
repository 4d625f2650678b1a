"""What a language model says of texts: of words, and of the pieces they are made of where it has subwords.

A word has the probability of its pieces, one after another. So a model of subwords has a perplexity a word,
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
        pieces: how many pieces each sentence has; None where tokens are not subwords.
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
        """Of pieces, ends counted too; None where tokens are not subwords."""
        if self.pieces is None:
            return None
        total = float(np.concatenate(self.log).sum())
        return math.exp(min(-total / (sum(self.pieces) + self.ends * len(self.log)), 700.0))


def text_scores(model: Language, vocabulary: Vocabulary, sentences: Sequence[Sequence[str]]) -> TextScores:
    """The scores of sentences of glosses, characters or words, at least one.

    Raises:
        UserError: a word cannot be cut into pieces.
    """
    tokens = [vocabulary.encode(sentence) for sentence in sentences]
    log = sentence_scores(model, tokens)
    return word_scores(vocabulary, sentences, tokens, log, ends=model.predicts_end)


def word_scores(
    vocabulary: Vocabulary,
    sentences: Sequence[Sequence[str]],
    tokens: Sequence[Sequence[int]],
    log: Sequence[Floats],
    *,
    ends: bool,
) -> TextScores:
    """The scores of sentences whose tokens have these probabilities.

    Args:
        tokens: the indices of each sentence.
        log: log P of each token, and of the end where it is predicted.
        ends: whether it is.
    """
    unknown = [np.array([*each, *([0] * ends)]) == UNKNOWN for each in tokens]
    if vocabulary.subwords is None:
        return TextScores(list(log), unknown, ends)
    begins = [_begins(vocabulary, sentence, ends) for sentence in sentences]
    return TextScores(
        [np.add.reduceat(each, at) for each, at in zip(log, begins, strict=True)],
        [np.logical_or.reduceat(each, at) for each, at in zip(unknown, begins, strict=True)],
        ends,
        [len(each) for each in tokens],
    )


def _begins(vocabulary: Vocabulary, words: Sequence[str], end: bool) -> npt.NDArray[np.int64]:
    """Where the pieces of each word begin, and where the end stands if it is predicted."""
    lengths = [len(vocabulary.segment([word])) for word in words]
    return np.cumsum([0, *lengths], dtype=np.int64)[: len(words) + end]
