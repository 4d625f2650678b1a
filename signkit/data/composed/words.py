"""What is spelled: pronounceable words that are made up, and phrases of them, or the lines of a file."""

import re
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from signkit.data.corpora.table import fail_together
from signkit.data.synthetic.draw import below, choose, one, shuffled, stream
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.types import SPLITS

ONSETS = (
    "", "b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "qu", "r", "s", "t", "v", "w", "x", "y",
    "z", "bl", "br", "ch", "cl", "cr", "dr", "fl", "fr", "gl", "gr", "ph", "pl", "pr", "qu", "sc", "sh", "sk",
    "sl", "sm", "sn", "sp", "st", "str", "sw", "th", "tr", "tw", "wh", "j", "z", "v",
)  # fmt: skip
VOWELS = ("a", "e", "i", "o", "u", "a", "e", "i", "o", "ai", "au", "ea", "ee", "ie", "oo", "ou", "y")
CODAS = (
    "", "", "", "", "b", "ck", "d", "f", "g", "l", "ll", "m", "n", "nd", "ng", "nt", "p", "r", "rd", "rt",
    "s", "ss", "st", "t", "tt", "x", "z", "zz",
)  # fmt: skip
MOST_WORDS = 3
"""Of a phrase."""
LINE = re.compile(r"[a-z]+( [a-z]+)*")
MOST_MISSES = 10_000
"""Words in a row that are of another split, or spelled already."""
WORD, PHRASE, FILE = range(3)
"""Purposes of random streams."""


def made_up(seed: int, phrases: float, shortest: int, longest: int) -> dict[str, Iterator[str]]:
    """What each split spells, without end: words of ``shortest`` to ``longest`` letters, and phrases of them.

    A checksum of each word says which split it belongs to: about a tenth of all words are dev's, a tenth
    test's. In those two no word is spelled twice.

    Args:
        phrases: the share of phrases of two or three words.

    Raises:
        UserError: while they are drawn: there are too few words of so many letters.
    """
    return {
        split: _phrases(
            stream(seed, PHRASE, place), _words(stream(seed, WORD, place), split, shortest, longest), phrases
        )
        for place, split in enumerate(SPLITS)
    }


def of_file(path: Path, seed: int) -> dict[str, Iterator[str]]:
    """What each split spells, without end: the lines of a file of words and phrases, in small letters.

    A tenth of the lines, drawn at random, are dev's, a tenth test's. All are spelled before one is again.

    Raises:
        UserError: there is no such file, lines have something else than letters and spaces, or there are
            fewer than three different ones.
    """
    lines, faults = dict[str, None](), list[UserError]()
    for number, line in enumerate(read_text(path).splitlines(), 1):
        text = " ".join(line.split()).lower()
        if text and not LINE.fullmatch(text):
            what = f"{line.strip()!r} has something else than letters A to Z and spaces"
            faults.append(UserError(f"{path}:{number}", what))
        elif text:
            lines[text] = None
    fail_together(faults, str(path))
    if len(lines) < len(SPLITS):
        raise UserError(str(path), f"has {len(lines)} different lines, and train, dev and test need one each")
    order = shuffled(stream(seed, FILE), list(lines))
    tenth = max(1, len(order) // 10)
    parts = {"dev": order[:tenth], "test": order[tenth : 2 * tenth], "train": order[2 * tenth :]}
    return {split: _again(part, stream(seed, FILE, n)) for n, (split, part) in enumerate(parts.items(), 1)}


def _again(lines: list[str], bits: np.random.PCG64) -> Iterator[str]:
    while True:
        yield from shuffled(bits, lines)


def _phrases(bits: np.random.PCG64, words: Iterator[str], share: float) -> Iterator[str]:
    while True:
        count = 2 + below(bits, MOST_WORDS - 1) if one(bits) < share else 1
        yield " ".join(islice(words, count))


def _words(bits: np.random.PCG64, split: str, shortest: int, longest: int) -> Iterator[str]:
    """The words of a split without end; those of dev and test differ from each other."""
    spelled, misses = set[str](), 0
    while misses < MOST_MISSES:
        word = _word(bits, shortest, longest)
        misses += 1
        if _split_of(word) == split and word not in spelled:
            misses = 0
            if split != "train":
                spelled.add(word)
            yield word
    what = f"too few words have {shortest} to {longest} letters for so many clips of {split}"
    raise UserError("data.longest", what, "take more letters or fewer clips")


def _split_of(word: str) -> str:
    place = zlib.crc32(word.encode()) % 10
    return "dev" if place == 0 else "test" if place == 1 else "train"


def _word(bits: np.random.PCG64, shortest: int, longest: int) -> str:
    """Syllables until the word is long enough, cut off at a random length where it is too long."""
    wanted = shortest + below(bits, longest - shortest + 1)
    word = ""
    while len(word) < wanted:
        word += choose(bits, ONSETS) + choose(bits, VOWELS) + choose(bits, CODAS)
    return word[:wanted]
