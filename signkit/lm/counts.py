"""Counting the n-grams of a text, and the adjusted counts of Kneser-Ney smoothing."""

from dataclasses import dataclass

import numpy as np

from signkit.lm.grams import Bools, Ints

UNKNOWN, BEGIN, END = range(3)
"""The numbers of the special words."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The distinct n-grams of one order, sorted by the numbers of their words; arrays int64 [n-grams].

    Attributes:
        prefix: place of the first n - 1 words in the order below; 0 for order 1.
        suffix: place of the last n - 1 words in the order below; 0 for order 1.
        word: the last word.
        raw: number of occurrences.
        adjusted: the count that Kneser-Ney smoothing uses: the number of different words that precede the
            n-gram, but the number of occurrences for the highest order and for n-grams that begin with
            `BEGIN`, which nothing precedes.
    """

    prefix: Ints
    suffix: Ints
    word: Ints
    raw: Ints
    adjusted: Ints


def count(text: Ints, words: int, order: int) -> tuple[Counted, ...]:
    """Count the n-grams of every order from 1 to `order`.

    An n-gram lies within one sentence; it may include the `BEGIN` before it and the `END` after it. Order 1
    has every word, also those that do not occur.

    Args:
        text: sentences one after another, each between `BEGIN` and `END`; int64 [tokens].
        words: size of the vocabulary.
        order: the highest order to count.
    """
    position = np.flatnonzero(text != BEGIN)
    raw = np.bincount(text[position], minlength=words)
    nothing = np.zeros(words, dtype=np.int64)
    counted = [Counted(nothing, nothing, np.arange(words), raw, raw)]
    begins = np.arange(words) == BEGIN
    starts = np.flatnonzero(text == BEGIN)
    start = np.repeat(starts, np.diff([*starts, len(text)]))
    # An n-gram is its prefix, by place in the order below, and its last word: two numbers, whatever n is. So
    # one sort of integers per order counts all, and the keys are in the order of the words' numbers.
    place = text.copy()  # of the (n - 1)-gram that ends at each token
    for n in range(2, order + 1):
        position = position[position - n + 1 >= start[position]]
        keys = place[position - 1] * words + text[position]
        distinct, first, numbers, raw = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        prefix, word = distinct // words, distinct % words
        # the (n - 1)-gram that ends at the same token is the suffix; any occurrence tells which it is
        suffix = place[position[first]]
        counted[-1] = _adjusted(counted[-1], begins, suffix)
        begins = begins[prefix]
        place[position] = numbers
        counted.append(Counted(prefix, suffix, word, raw, raw))
    return tuple(counted)


def pruned(counted: tuple[Counted, ...], least: tuple[int, ...]) -> tuple[Bools, ...]:
    """Which n-grams of each order to leave out: those that occur at most as often as `least` says.

    Order 1 is never pruned.
    """
    none = np.zeros(len(counted[0].raw), dtype=np.bool_)
    return (none, *(each.raw <= most for each, most in zip(counted[1:], least[1:], strict=True)))


def words_of(counted: tuple[Counted, ...]) -> tuple[Ints, ...]:
    """The words of the n-grams of each order: int64 [n-grams, n]."""
    words = [counted[0].word[:, None]]
    for each in counted[1:]:
        words.append(np.concatenate([words[-1][each.prefix], each.word[:, None]], axis=1))
    return tuple(words)


def _adjusted(lower: Counted, begins: Bools, suffix: Ints) -> Counted:
    """An order with its adjusted counts, from the suffixes of the order above."""
    # Each distinct n-gram of the order above that ends with this one has a different first word. That is the
    # number of different words before it.
    different = np.bincount(suffix, minlength=len(lower.raw))
    adjusted = np.where(begins, lower.raw, different)
    return Counted(lower.prefix, lower.suffix, lower.word, lower.raw, adjusted)
