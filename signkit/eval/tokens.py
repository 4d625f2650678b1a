"""Texts as token numbers: words or characters, equal ones with equal numbers."""

from collections.abc import Callable, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Literal

import numpy as np

from signkit.errors import UserError
from signkit.eval.transcripts import Ints, Ragged
from signkit.text.vocabulary import composed

Unit = Literal["word", "character"]
Case = Literal["sensitive", "ascii", "unicode"]

BLOCK = 20_000
"""Sentences that are split into tokens at a time."""


class Numbers(dict[str, int]):
    """The number of each token, given when it is first asked for; -1 for the NUL that parts sentences.

    Attributes:
        tokens: the token of each number, in the form in which it came first.
    """

    def __init__(self, fold: Callable[[str], str]) -> None:
        super().__init__({"\0": -1})
        self.tokens: list[str] = []
        self._fold = fold
        self._known: dict[str, int] = {}

    def __missing__(self, token: str) -> int:
        plain = composed(token)
        number = self._known.setdefault(self._fold(plain), len(self._known))
        if number == len(self.tokens):
            self.tokens.append(plain)
        self[token] = number
        return number


def words(texts: Sequence[str], numbers: Numbers) -> Ragged:
    """What lies between blanks."""
    blocks = []
    for start in range(0, len(texts), BLOCK):
        split = [*" \0 ".join(texts[start : start + BLOCK]).split(), "\0"]
        blocks.append(np.fromiter(map(numbers.__getitem__, split), np.int32, len(split)))
    return _parted(blocks, len(texts))


def characters(texts: Sequence[str], numbers: Numbers, *, spaces: bool) -> Ragged:
    """Code points of the composed form (NFC); with single blanks between words if `spaces` count."""
    between = " " if spaces else ""
    table = np.zeros(0x110000, dtype=np.int32)
    blocks = []
    for start in range(0, len(texts), BLOCK):
        lines = (composed(between.join(text.split())) + "\0" for text in texts[start : start + BLOCK])
        codes = np.frombuffer("".join(lines).encode("utf-32-le", "surrogatepass"), np.uint32)
        for code in np.flatnonzero(np.bincount(codes)).tolist():
            table[code] = numbers[chr(code)]
        blocks.append(table[codes])
    return _parted(blocks, len(texts))


def _parted(blocks: list[Ints], count: int) -> Ragged:
    """Token numbers cut at the marks; there is one after each sentence."""
    values = np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.int32)
    marks = np.flatnonzero(values == -1)
    if len(marks) != count:
        raise UserError("text", "a sentence holds a NUL character")
    offsets = np.concatenate(([0], marks - np.arange(count)))
    return Ragged(values[values >= 0], offsets.astype(np.int64))


_ASCII = str.maketrans(ascii_uppercase, ascii_lowercase)


def folding(case: Case) -> Callable[[str], str]:
    """What makes tokens equal that differ only in case."""
    if case == "sensitive":
        return lambda token: token
    if case == "unicode":
        return str.casefold
    return lambda token: token.translate(_ASCII)
