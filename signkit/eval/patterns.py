"""Regular expressions of protocol files, held to a form whose search cannot explode.

Python's search goes back and tries again, so a repeat within a repeat can take exponential time. Here a
repeat is of one character class, or of a group without repeats, options and alternatives, it stays within
a word, and there are few of them and few ways through the options and alternatives. What is left is a power
of a word's length, and where there are repeats, words are at most `LONGEST`.
"""

import re
import warnings
from dataclasses import dataclass

from signkit.errors import UserError

LONGEST = 250
REPEATS = 3
WAYS = 1_000  # alternatives of all groups, and 2 for each option, multiplied
LENGTH = 500

_BRACES = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")
_EDGES = ("^", "$", r"\A", r"\Z", r"\B")
_GROUPS = ("(?:", "(?=", "(?!", "(?<=", "(?<!")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a pattern is like.

    Attributes:
        fault: why a search could take too long; "" if it cannot.
        repeats: of one character or group; without any a search takes time in proportion to the line.
        in_words: whether it does to each word of a line by itself what it does to the line.
    """

    fault: str
    repeats: int
    in_words: bool


def compiled(pattern: str, where: str, *, ascii_only: bool = False) -> re.Pattern[str]:
    """A pattern, checked; `ascii_only`: of what class letters, digits and word boundaries are.

    Raises:
        UserError: it is no regular expression, or one that could take too long.
    """
    if len(pattern) > LENGTH:
        raise UserError(where, f"has {len(pattern)} characters, more than {LENGTH}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            expression = re.compile(pattern, re.ASCII if ascii_only else 0)
        except (re.error, OverflowError, Warning) as error:
            raise UserError(where, f"is not a regular expression: {error}") from error
    fault = shape(pattern).fault
    if fault:
        raise UserError(where, fault, "a search could take too long")
    return expression


def shape(pattern: str) -> Shape:
    """What a valid pattern is like."""
    scan = _Scan(pattern)
    while scan.place < len(pattern) and not scan.fault:
        scan.step()
    if not scan.fault and scan.repeats > REPEATS:
        scan.fault = f"has {scan.repeats} repeats, more than {REPEATS}"
    elif not scan.fault and scan.ways * scan.alternatives[0] > WAYS:
        scan.fault = f"has more than {WAYS:,} ways through its options and alternatives"
    return Shape(scan.fault, scan.repeats, in_words=not (scan.open[0][1] or scan.edges))


class _Scan:
    """Goes through a pattern an atom at a time; a group is judged where it ends.

    Attributes:
        open: of each open group whether it holds a choice (a repeat, an option, alternatives), and whether
            a blank fits into it.
        alternatives: of each open group how many.
        ways: through all options and closed groups.
        atom: the same of the atom before `place`.
        edges: whether it asks where the line begins or ends.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern, self.place, self.repeats, self.fault, self.edges = pattern, 0, 0, "", False
        self.open: list[list[bool]] = [[False, False]]
        self.alternatives, self.ways = [1], 1
        self.atom = (False, False)

    def step(self) -> None:
        """Past the next atom, bracket or quantifier."""
        mark = self.pattern[self.place]
        if mark == "(":
            self._opened()
        elif mark == ")":
            inner = self.open.pop()
            self.ways *= self.alternatives.pop()
            self._past(1, inner[0], inner[1])
        elif mark == "|":
            self.open[-1][0] = True
            self.alternatives[-1] += 1
            self.place += 1
        elif mark in "*+?{" and (most := self._most()):
            self._quantifier(most)
        else:
            self._single(mark)

    def _opened(self) -> None:
        rest = self.pattern[self.place :]
        start = next((mark for mark in _GROUPS if rest.startswith(mark)), "")
        if rest.startswith("(?P<"):
            start = rest[: rest.index(">") + 1]
        if not start and rest.startswith("(?"):
            self.fault = f"has `{rest[:3]}`, and only (?:, (?P<, (?=, (?!, (?<= and (?<! are read here"
        self.open.append([False, False])
        self.alternatives.append(1)
        self.place += len(start or "(")

    def _single(self, mark: str) -> None:
        length = 1
        if mark == "\\":
            length = 2
        elif mark == "[":
            length = _class_length(self.pattern[self.place :])
        atom = self.pattern[self.place : self.place + length]
        self.edges |= atom in _EDGES
        self._past(length, False, _takes_blank(atom))

    def _past(self, length: int, choice: bool, blank: bool) -> None:
        self.atom = (choice, blank)
        self.open[-1][0] |= choice
        self.open[-1][1] |= blank
        self.place += length

    def _most(self) -> int:
        """How often the quantifier here repeats at most (2 for more often); 0 where it is no quantifier."""
        if self.pattern[self.place] != "{":
            return 1 if self.pattern[self.place] == "?" else 2
        braces = _BRACES.match(self.pattern, self.place)
        if not braces or braces[0] in ("{}", "{,}"):
            return 0
        most = braces[3] if braces[2] else braces[1]
        return 1 if most in ("0", "1") else 2

    def _quantifier(self, most: int) -> None:
        braces = _BRACES.match(self.pattern, self.place)
        self.place += len(braces[0]) if braces else 1
        after = self.pattern[self.place : self.place + 1]
        if after == "+":
            self.fault = "has a possessive repeat, which Python 3.10 does not know"
        self.place += after == "?"  # a lazy one
        self.open[-1][0] = True
        if most == 1:
            self.ways *= 2
            return
        choice, blank = self.atom
        if choice:
            self.fault = "repeats a group that holds a repeat, an option or alternatives"
        elif blank:
            self.fault = "has a repeat that can run over blanks; `[^ ]` is any character of a word"
        self.repeats += 1


def _class_length(text: str) -> int:
    """The characters of a class ``[…]`` at the start of the text."""
    place = 2 if text[1] == "^" else 1
    place += text[place] == "]"  # first in its class, it stands for itself
    while text[place] != "]":
        place += 2 if text[place] == "\\" else 1
    return place + 1


def _takes_blank(atom: str) -> bool:
    """Whether an atom can match a blank; of a back reference and of what cannot be told, yes."""
    try:
        return re.compile(atom).fullmatch(" ") is not None
    except re.error:
        return True
