"""Scores of texts by a language model, for words and, if it is a model of subwords, for their pieces.

The probability of a word is the product of those of its pieces. So a model of subwords has a perplexity per
word, which can be compared with that of a model of words, and one per piece, which can be compared between
models of the same pieces.
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
    """Natural logarithms of the probabilities of the words of each sentence.

    Attributes:
        log: of the glosses, characters or words of each sentence, and of its end if ``ends``.
        unknown: which of them the model does not know; of subwords, words with an unknown character.
        ends: whether the model predicts the end of a sentence.
        pieces: the number of pieces of each sentence; None if the tokens are not subwords.
    """

    log: list[Floats]
    unknown: list[Bools]
    ends: bool
    pieces: list[int] | None = None

    @property
    def perplexity(self) -> Perplexity:
        """The perplexity per gloss, character or word, counting ends if they are predicted."""
        words = sum(map(len, self.log)) - self.ends * len(self.log)
        log, unknown = np.concatenate(self.log), np.concatenate(self.unknown)
        return figures(log, unknown, words=words, sentences=len(self.log))

    @property
    def piece_perplexity(self) -> float | None:
        """The perplexity per piece, counting ends if they are predicted; None if the tokens are not
        subwords."""
        if self.pieces is None:
            return None
        total = float(np.concatenate(self.log).sum())
        return math.exp(min(-total / (sum(self.pieces) + self.ends * len(self.log)), 700.0))


def text_scores(model: Language, vocabulary: Vocabulary, sentences: Sequence[Sequence[str]]) -> TextScores:
    """Score sentences of glosses, characters or words.

    Args:
        sentences: at least one.

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
    """The scores of words from those of their tokens.

    Args:
        vocabulary: of the tokens.
        sentences: the words of each sentence.
        tokens: the token indices of each sentence.
        log: log P of each token, and of the end if ``ends``.
        ends: whether the end of a sentence is predicted.
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
    """The position of each word's first piece, and that of the end if it is predicted."""
    lengths = [len(vocabulary.segment([word])) for word in words]
    return np.cumsum([0, *lengths], dtype=np.int64)[: len(words) + end]
