"""Reading and checking the n-grams of one order in an ARPA file.

Columns are processed as whole arrays, since files have millions of lines. Only where a check fails is the row
looked up that a message names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from signkit.errors import UserError
from signkit.lm.grams import UNKNOWN, Floats, Ints
from signkit.text.vocabulary import composed

UNKNOWN_TOO = "<UNK>"
"""The spelling of the unknown word in files of some other programs."""
ROUNDING = 0.01
"""Log-probabilities up to this are read as 0: sums of rounded figures may exceed 1 by a little."""
_ABSENT = b"nan"
Rows = list[list[bytes]]


@dataclass(frozen=True, slots=True)
class Section:
    """Where the n-grams of one order are in a file.

    Attributes:
        source: the file's name.
        order: number of words of each n-gram.
        highest: the model's order.
        line: line of the section's head, from 1.
        last: last line that belongs to the section.
        count: number of n-grams that the head of the file announces.
    """

    source: str
    order: int
    highest: int
    line: int
    last: int
    count: int

    def refuse(self, row: int, what: str, hint: str = "") -> NoReturn:
        """Raise a UserError about a row, counted from 0 in the section."""
        raise UserError(f"{self.source}:{self.line + 1 + row}", what, hint)


@dataclass(frozen=True)
class Listed:
    """The n-grams of one order, sorted by the numbers of their words.

    Attributes:
        section: where they come from.
        names: the words, of order 1; empty for other orders.
        tokens: int64 [n-grams, order], the numbers of the words.
        keys: int64 [n-grams], sorted: the place of the first n - 1 words in the order below, times the number
            of words, plus the last word.
        log10: [n-grams], base-10 log-probabilities.
        backoff: [n-grams], base-10 logarithms of back-off weights; 0 if absent.
        row: [n-grams], the row in the section as written; -1 of one that the file lacks.
        rounded: rows whose log-probability was above 0 by rounding, and the largest of these.
    """

    section: Section
    names: tuple[str, ...]
    tokens: Ints
    keys: Ints
    log10: Floats
    backoff: Floats
    row: Ints
    rounded: tuple[Ints, float]

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each word of order 1."""
        return {name: number for number, name in enumerate(self.names)}


def read_section(lines: list[bytes], section: Section, lower: Sequence[Listed]) -> Listed:
    """Read the n-grams of one order as the file lists them, given those of order 1; `keys` are not set yet.

    Raises:
        UserError: the first fault, with its line.
    """
    rows, absent = _rows(lines, section)
    n = section.order
    # every row has n + 2 fields now: log-probability, n words, back-off; columns are strided slices
    flat = [*chain.from_iterable(rows)]
    log10 = _figures(flat[:: n + 2], section, "log-probability")
    rounded = _rounded(log10, section)
    backoff = _figures(flat[n + 1 :: n + 2], section, "back-off", absent)
    columns = [flat[column :: n + 2] for column in range(1, n + 1)]
    numbers = np.arange(len(rows))
    names = _names(columns[0], section) if n == 1 else ()
    tokens = numbers[:, None] if n == 1 else _tokens(columns, section, lower)
    return Listed(section, names, tokens, numbers, log10, backoff, numbers, rounded)


def _rounded(log10: Floats, section: Section) -> tuple[Ints, float]:
    """Set log-probabilities that are above 0 by rounding to 0; their rows, and the largest.

    Raises:
        UserError: one is too large for that.
    """
    above = np.flatnonzero(log10 > 0)
    if not len(above):
        return above, 0.0
    largest = float(log10[above].max())
    if largest > ROUNDING:
        row = int(np.argmax(log10 > ROUNDING))
        section.refuse(
            row, f"the log-probability {log10[row]:g} is above 0", "it is the logarithm of a share"
        )
    log10[above] = 0.0
    return above, largest


def first_line(lines: list[bytes]) -> int:
    """The number of the first line that is not blank, from 1."""
    return next((number for number, line in enumerate(lines, 1) if line.strip()), 1)


def _rows(lines: list[bytes], section: Section) -> tuple[Rows, npt.NDArray[np.bool_]]:
    """The fields of each n-gram, log-probability, words and back-off; and which lack the last one."""
    body = lines[section.line : section.last]
    while body and not body[-1].strip():
        body.pop()
    rows = [line.split() for line in body]
    n = section.order
    least, most = n + 1, n + 1 + (n < section.highest)
    sizes = np.fromiter(map(len, rows), np.int64, len(rows))
    wrong = (sizes < least) | (sizes > most)
    if wrong.any():
        row = int(np.argmax(wrong))
        fields = "a log-probability, " + ("a word" if n == 1 else f"{n} words")
        fields += " and perhaps a back-off" if most > least else ""
        section.refuse(row, f"has {sizes[row]} fields", f"here belong {fields}")
    if len(rows) != section.count:
        where = f"{section.source}:{section.line}"
        raise UserError(where, f"{len(rows)} n-grams follow, but the file's head says {section.count}")
    absent = sizes == least if most > least else np.ones(len(rows), dtype=np.bool_)
    if absent.any():
        rows = [[*row, _ABSENT] if len(row) == least else row for row in rows]
    return rows, absent


def _figures(
    fields: list[bytes], section: Section, kind: str, absent: npt.NDArray[np.bool_] | None = None
) -> Floats:
    """A column of numbers, which may be minus infinity; 0 where absent.

    Raises:
        UserError: a field that is no number, or infinity.
    """
    try:
        numbers = np.fromiter(map(float, fields), np.float64, len(fields))
    except ValueError:
        row = next(place for place, field in enumerate(fields) if not _is_number(field))
        section.refuse(
            row, f"`{fields[row].decode('utf-8', 'replace')}` is no number", f"a {kind} belongs here"
        )
    odd = np.isnan(numbers) | (numbers == np.inf)
    if absent is not None:
        odd &= ~absent
        numbers[absent] = 0.0
    if odd.any():
        row = int(np.argmax(odd))
        section.refuse(row, f"the {kind} is {fields[row].decode()}", "it must be a number below infinity")
    return numbers


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _names(column: list[bytes], section: Section) -> tuple[str, ...]:
    """The words of the model, in Unicode's composed form (NFC).

    Raises:
        UserError: a word occurs twice, or is not UTF-8.
    """
    names: dict[str, int] = {}
    for row, field in enumerate(column):
        try:
            name = composed(field.decode("utf-8"))
        except UnicodeDecodeError:
            section.refuse(row, "the word is not UTF-8", "save the file as UTF-8")
        name = UNKNOWN if name == UNKNOWN_TOO else name
        first = names.setdefault(name, row)
        if first != row:
            section.refuse(row, f"`{name}` occurs twice", f"first in line {section.line + 1 + first}")
    return tuple(names)


def _tokens(columns: list[list[bytes]], section: Section, lower: Sequence[Listed]) -> Ints:
    """The numbers of the words of each n-gram: [n-grams, order].

    Raises:
        UserError: a word that is no 1-gram of the file.
    """
    # Looked up as bytes, which is faster; words that are not in composed form are looked up once more.
    number = {name.encode(): place for name, place in lower[0].index.items()}
    number |= {UNKNOWN_TOO.encode(): number[UNKNOWN.encode()]} if UNKNOWN in lower[0].index else {}
    rows = len(columns[0])
    tokens = np.empty((rows, section.order), dtype=np.int64)
    for place_, column in enumerate(columns):
        tokens[:, place_] = np.fromiter((number.get(field, -1) for field in column), np.int64, rows)
    if (tokens < 0).any():
        tokens = _composed(tokens, columns, number)
    if (tokens < 0).any():
        row, column_ = np.argwhere(tokens < 0)[0].tolist()
        word = columns[column_][row].decode("utf-8", "replace")
        section.refuse(row, f"the word `{word}` is no 1-gram of the file")
    return tokens


def _composed(tokens: Ints, columns: list[list[bytes]], number: dict[bytes, int]) -> Ints:
    """Look up the words that were not found (-1) once more, in composed form."""
    for row, column in np.argwhere(tokens < 0).tolist():
        word = composed(columns[column][row].decode("utf-8", "replace"))
        tokens[row, column] = number.get(word.encode(), -1)
    return tokens
