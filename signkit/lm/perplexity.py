"""How well a model predicts sentences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from signkit.lm.grams import Bools, Floats
from signkit.lm.ngram import NGram


@dataclass(frozen=True, slots=True)
class Perplexity:
    """Figures as KenLM has them: the end of each sentence is predicted too, and counts as a word.

    Attributes:
        perplexity: of all words and ends, the unknown ones at the probability of the unknown word.
        perplexity_known: of those alone that are known; NaN where none is.
        words: without the ends.
        unknown: words that the model does not know.
        sentences: how many, and so how many ends.
        log10: base-10 logarithm of the probability of all.
    """

    perplexity: float
    perplexity_known: float
    words: int
    unknown: int
    sentences: int
    log10: float


def perplexity(model: NGram, sentences: Sequence[Sequence[str]]) -> Perplexity:
    """The perplexity of some sentences, at least one."""
    log, unknown = model.flat_scores(sentences)
    return figures(log, unknown, words=len(log) - len(sentences), sentences=len(sentences))


def figures(log: Floats, unknown: Bools, *, words: int, sentences: int) -> Perplexity:
    """The figures of sentences end to end.

    Args:
        log: natural logarithms of the probabilities of all words, and of the ends where a model tells them.
        unknown: which of them are words that the model does not know.
        words: without the ends.
    """
    missed = int(unknown.sum())
    total, known = float(log.sum()), float(log[~unknown].sum())
    return Perplexity(
        _exp(-total / len(log)),
        _exp(-known / (len(log) - missed)) if missed < len(log) else math.nan,
        words,
        missed,
        sentences,
        total / math.log(10),
    )


def _exp(value: float) -> float:
    return math.exp(min(value, 700.0))
