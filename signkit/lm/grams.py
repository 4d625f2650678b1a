"""N-grams with their figures, as an ARPA file lists them."""

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
"""How the character between two words is written in a file, where blanks part what is listed."""
LARGEST_ORDER = 6


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of one model, those of each order sorted by their numbers of words.

    Attributes:
        words: the word of each number; `SPECIAL` are among them.
        unit: what a word is: a gloss or a character.
        tokens: of each order n an int64 [n-grams, n]: numbers of words. Order 1 has every word.
        log10: of each order [n-grams]: base-10 logarithm of the probability.
        backoff: of each order but the highest [n-grams]: base-10 logarithm of the back-off weight.
    """

    words: tuple[str, ...]
    unit: Unit
    tokens: tuple[Ints, ...]
    log10: tuple[Floats, ...]
    backoff: tuple[Floats, ...]

    @property
    def order(self) -> int:
        """Words of the longest n-grams."""
        return len(self.tokens)

    @property
    def counts(self) -> tuple[int, ...]:
        """N-grams of each order."""
        return tuple(len(each) for each in self.log10)


def find(keys: Ints, wanted: Ints) -> tuple[Ints, Bools]:
    """Where each wanted number stands among sorted keys, and whether it does; some place, where not."""
    if not len(keys):
        return np.zeros(wanted.shape, dtype=np.int64), np.zeros(wanted.shape, dtype=np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return at, keys[at] == wanted


def place(tokens: Ints, keys: Sequence[Ints], words: int) -> tuple[Ints, Bools]:
    """Where n-grams of one order stand among those of the model, and whether they do.

    Args:
        tokens: [n-grams, n].
        keys: of each order from 2 on: place of the first words times `words` plus the last, sorted.
        words: how many the model has.
    """
    at, known = tokens[:, 0], np.ones(len(tokens), dtype=np.bool_)
    for column in range(1, tokens.shape[1]):
        at, here = find(keys[column - 1], at * words + tokens[:, column])
        known = known & here
    return at, known


def shown(words: Sequence[str]) -> str:
    """An n-gram as a file has it."""
    return " ".join(BLANK if word == " " else word for word in words)
