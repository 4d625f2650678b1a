"""N-grams with log-probabilities and back-off weights, as an ARPA file lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Unit = Literal["word", "character"]

UNKNOWN, BEGIN, END = "<unk>", "<s>", "</s>"
SPECIAL = (UNKNOWN, BEGIN, END)
BLANK = "<space>"
"""How a model of characters writes the blank between two words in a file, where blanks separate fields."""
LARGEST_ORDER = 6


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of one model, those of each order sorted by the numbers of their words.

    Attributes:
        words: the word of each number, `SPECIAL` among them.
        unit: what a word is: a word (gloss) or a character.
        tokens: for each order n the numbers of the words, int64 [n-grams, n]. Order 1 has every word.
        log10: for each order the base-10 logarithms of the probabilities, [n-grams].
        backoff: for each order but the highest the base-10 logarithms of the back-off weights, [n-grams].
        notes: what is unusual in the file they come from, a line each.
    """

    words: tuple[str, ...]
    unit: Unit
    tokens: tuple[Ints, ...]
    log10: tuple[Floats, ...]
    backoff: tuple[Floats, ...]
    notes: tuple[str, ...] = ()

    @property
    def order(self) -> int:
        """The number of words of the longest n-grams."""
        return len(self.tokens)

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of n-grams of each order."""
        return tuple(len(each) for each in self.log10)


def find(keys: Ints, wanted: Ints) -> tuple[Ints, Bools]:
    """The place of each wanted number among sorted keys, and whether it is there; if not, any place."""
    if not len(keys):
        return np.zeros(wanted.shape, dtype=np.int64), np.zeros(wanted.shape, dtype=np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


def place(tokens: Ints, keys: Sequence[Ints], words: int) -> tuple[Ints, Bools]:
    """The places of n-grams of one order among those of the model, and whether they are there.

    Args:
        tokens: [n-grams, n].
        keys: for each order from 2 on the sorted keys of the model's n-grams: the place of the first n - 1
            words in the order below, times `words`, plus the last word.
        words: number of words of the model.
    """
    # the place of the first word is its number; each further word leads one order up
    at, known = tokens[:, 0], np.ones(len(tokens), dtype=np.bool_)
    for column in range(1, tokens.shape[1]):
        at, here = find(keys[column - 1], at * words + tokens[:, column])
        known = known & here
    return at, known
