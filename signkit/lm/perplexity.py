"""Perplexity: how well a model predicts sentences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from signkit.lm.grams import Bools, Floats
from signkit.lm.ngram import NGram


@dataclass(frozen=True, slots=True)
class Perplexity:
    """Perplexities as KenLM reports them: the end of each sentence is predicted too, and counts as a word.

    Attributes:
        perplexity: of all words and ends; words the model does not have count as the unknown word.
        perplexity_known: of known words and ends only; NaN if there are none.
        words: number of words, without the ends.
        unknown: number of words that the model does not have.
        sentences: number of sentences, and so of ends.
        log10: base-10 logarithm of the probability of all sentences.
    """

    perplexity: float
    perplexity_known: float
    words: int
    unknown: int
    sentences: int
    log10: float


def perplexity(model: NGram, sentences: Sequence[Sequence[str]]) -> Perplexity:
    """The perplexity of some sentences, at least one.

    Example:
        >>> from signkit.lm import estimate
        >>> model = NGram.from_grams(estimate([["MY", "NAME", "ANN"], ["MY", "NAME", "BEN"]], 2).grams)
        >>> result = perplexity(model, [["MY", "NAME", "ANN"], ["MY", "DOG"]])
        >>> round(result.perplexity, 2), round(result.perplexity_known, 2), result.unknown
        (3.03, 2.14, 1)
    """
    log, unknown = model.flat_scores(sentences)
    return figures(log, unknown, words=len(log) - len(sentences), sentences=len(sentences))


def figures(log: Floats, unknown: Bools, *, words: int, sentences: int) -> Perplexity:
    """The perplexities of sentences whose words are given one after another.

    Args:
        log: natural log-probabilities of all words, and of the ends if the model predicts them.
        unknown: which of them are words that the model does not have.
        words: number of words, without the ends.
        sentences: number of sentences.
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
