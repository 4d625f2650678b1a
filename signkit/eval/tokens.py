"""Texts as token numbers: equal words (or characters) have equal numbers."""

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
"""Sentences that are split into tokens at once."""


class Numbers(dict[str, int]):
    """The number of each token, assigned at its first look-up; -1 for the NUL between sentences.

    Tokens that are equal in composed form (NFC) and after case folding have the same number. The dictionary
    itself has every spelling, so that most look-ups need neither.

    Attributes:
        tokens: the token of each number, in the spelling that came first.
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
    """The texts as words, separated by blanks."""
    # many sentences are split by one call, with a NUL between them that becomes the mark -1
    blocks = []
    for start in range(0, len(texts), BLOCK):
        split = [*" \0 ".join(texts[start : start + BLOCK]).split(), "\0"]
        blocks.append(np.fromiter(map(numbers.__getitem__, split), np.int32, len(split)))
    return _parted(blocks, len(texts))


def characters(texts: Sequence[str], numbers: Numbers, *, spaces: bool) -> Ragged:
    """The texts as code points in composed form (NFC), with a blank between words if `spaces` count."""
    between = " " if spaces else ""
    table = np.zeros(0x110000, dtype=np.int32)  # number of every code point that occurs
    blocks = []
    for start in range(0, len(texts), BLOCK):
        lines = (composed(between.join(text.split())) + "\0" for text in texts[start : start + BLOCK])
        codes = np.frombuffer("".join(lines).encode("utf-32-le", "surrogatepass"), np.uint32)
        for code in np.flatnonzero(np.bincount(codes)).tolist():
            table[code] = numbers[chr(code)]
        blocks.append(table[codes])
    return _parted(blocks, len(texts))


def _parted(blocks: list[Ints], count: int) -> Ragged:
    """Token numbers split at the marks, one of which follows each sentence.

    Raises:
        UserError: there are more marks than sentences.
    """
    values = np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.int32)
    marks = np.flatnonzero(values == -1)
    if len(marks) != count:
        raise UserError("text", "a sentence holds a NUL character")
    offsets = np.concatenate(([0], marks - np.arange(count)))
    return Ragged(values[values >= 0], offsets.astype(np.int64))


_ASCII = str.maketrans(ascii_uppercase, ascii_lowercase)


def folding(case: Case) -> Callable[[str], str]:
    """The function that maps tokens which differ only in case to the same string."""
    if case == "sensitive":
        return lambda token: token
    if case == "unicode":
        return str.casefold
    return lambda token: token.translate(_ASCII)
