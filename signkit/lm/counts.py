"""N-grams of a text counted, and the counts that Kneser-Ney smoothing is made of."""

from dataclasses import dataclass

import numpy as np

from signkit.lm.grams import Bools, Ints

UNKNOWN, BEGIN, END, FIRST = range(4)
"""Numbers of the special words, and of the first other one."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The distinct n-grams of one order, sorted by their numbers of words.

    Attributes:
        prefix: place of the first n - 1 words in the order below; 0 for order 1.
        suffix: place of the last n - 1 words there; 0 for order 1.
        word: the last word.
        raw: how often it occurs.
        adjusted: of the highest order, and where it begins with `BEGIN`, how often it occurs; else how many
            different words go before it.
    """

    prefix: Ints
    suffix: Ints
    word: Ints
    raw: Ints
    adjusted: Ints


def count(text: Ints, words: int, order: int) -> tuple[Counted, ...]:
    """Count the n-grams of every order from 1 to `order`.

    An n-gram never goes on beyond a sentence; it may begin with the one `BEGIN` before each, and end with
    its `END`. Order 1 has every word, also those that do not occur.

    Args:
        text: sentences end to end, each between `BEGIN` and `END`; int64 [tokens].
        words: how many there are.
    """
    position = np.flatnonzero(text != BEGIN)
    raw = np.bincount(text[position], minlength=words)
    nothing = np.zeros(words, dtype=np.int64)
    counted = [Counted(nothing, nothing, np.arange(words), raw, raw)]
    begins = np.arange(words) == BEGIN
    starts = np.flatnonzero(text == BEGIN)
    start = np.repeat(starts, np.diff([*starts, len(text)]))
    place = text.copy()  # of the n-gram that ends at each token
    for n in range(2, order + 1):
        position = position[position - n + 1 >= start[position]]
        keys = place[position - 1] * words + text[position]
        distinct, first, numbers, raw = np.unique(
            keys, return_index=True, return_inverse=True, return_counts=True
        )
        prefix, word = distinct // words, distinct % words
        suffix = place[position[first]]
        counted[-1] = _adjusted(counted[-1], begins, suffix)
        begins = begins[prefix]
        place[position] = numbers
        counted.append(Counted(prefix, suffix, word, raw, raw))
    return tuple(counted)


def pruned(counted: tuple[Counted, ...], least: tuple[int, ...]) -> tuple[Bools, ...]:
    """Which n-grams of each order are left out: those that occur no more often than its number in `least`."""
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
    different = np.bincount(suffix, minlength=len(lower.raw))
    adjusted = np.where(begins, lower.raw, different)
    return Counted(lower.prefix, lower.suffix, lower.word, lower.raw, adjusted)
