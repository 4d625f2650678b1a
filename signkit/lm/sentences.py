"""Sentences as word numbers, the form in which a model is estimated."""

from collections.abc import Sequence
from itertools import chain

import numpy as np

from signkit.lm.counts import BEGIN, END
from signkit.lm.grams import SPECIAL, Ints, Unit
from signkit.text.vocabulary import composed


def split(text: str, unit: Unit) -> list[str]:
    """The words of a text, or its characters with one blank between words; in composed form (NFC)."""
    words = composed(text).split()
    return words if unit == "word" else list(" ".join(words))


def numbered(sentences: Sequence[Sequence[str]]) -> tuple[Ints, tuple[str, ...]]:
    """Sentences as word numbers, one after another, each between `BEGIN` and `END`.

    The special words have the first numbers; the others are sorted by code point.

    Returns:
        The numbers, int64 [words + 2 * sentences], and the word of each number.

    Raises:
        ValueError: a special word occurs in a sentence.
    """
    vocabulary = {*chain.from_iterable(sentences)}
    if not vocabulary.isdisjoint(SPECIAL):
        raise ValueError(f"{min(vocabulary.intersection(SPECIAL))} is a mark of the model's, not a word")
    words = (*SPECIAL, *sorted(vocabulary))
    number = {word: place for place, word in enumerate(words)}
    lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
    flat = np.fromiter(map(number.__getitem__, chain.from_iterable(sentences)), np.int64, int(lengths.sum()))
    ends = np.cumsum(lengths + 2) - 1
    text = np.full(len(flat) + 2 * len(sentences), END, dtype=np.int64)
    begins = ends - lengths - 1
    text[begins] = BEGIN
    inside = np.ones(len(text), dtype=np.bool_)
    inside[begins] = inside[ends] = False
    text[inside] = flat
    return text, words
