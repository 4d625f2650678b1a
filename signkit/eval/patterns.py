"""Regular expressions of protocol files, restricted so that no search takes exponential time.

Python's matcher backtracks, so a repeat within a repeat can take exponential time. Here only a character
class may be repeated, or a group without repeats, options and alternatives. A repeat cannot extend over a
blank. The number of repeats is limited, and so is the number of ways through options and alternatives. The
time is then at most polynomial in the length of a word, and words are at most `LONGEST` where there are
repeats.
"""

import re
import warnings
from dataclasses import dataclass

from signkit.errors import UserError

LONGEST = 250
REPEATS = 3
WAYS = 1_000  # product of the number of alternatives of each group, and of 2 for each option
LENGTH = 500

_BRACES = re.compile(r"\{([0-9]*)(,?)([0-9]*)\}")
_EDGES = ("^", "$", r"\A", r"\Z", r"\B")
_GROUPS = ("(?:", "(?=", "(?!", "(?<=", "(?<!")


@dataclass(frozen=True, slots=True)
class Shape:
    """Properties of a pattern.

    Attributes:
        fault: why a search could take too long; "" if it cannot.
        repeats: number of repeats; without any, the time of a search is linear in the line.
        in_words: whether applying it to each word on its own gives the same as applying it to the line.
    """

    fault: str
    repeats: int
    in_words: bool


def compiled(pattern: str, where: str, *, ascii_only: bool = False) -> re.Pattern[str]:
    """Compile and check a pattern.

    Args:
        pattern: the regular expression.
        where: key that messages name.
        ascii_only: whether ``\\w``, ``\\d`` and ``\\b`` know ASCII only.

    Raises:
        UserError: it is no regular expression, or one whose search could take too long.
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
    """The properties of a valid pattern."""
    scan = _Scan(pattern)
    while scan.place < len(pattern) and not scan.fault:
        scan.step()
    if not scan.fault and scan.repeats > REPEATS:
        scan.fault = f"has {scan.repeats} repeats, more than {REPEATS}"
    elif not scan.fault and scan.ways * scan.alternatives[0] > WAYS:
        scan.fault = f"has more than {WAYS:,} ways through its options and alternatives"
    return Shape(scan.fault, scan.repeats, in_words=not (scan.open[0][1] or scan.edges))


class _Scan:
    """A scan of a pattern, atom by atom; a group counts as one atom once it is closed.

    Attributes:
        open: for each open group, whether it has a choice (a repeat, an option, alternatives) and whether it
            can match a blank; the first entry is the pattern itself.
        alternatives: for each open group, the number of alternatives so far.
        ways: number of ways through all options and closed groups so far.
        atom: the two flags of `open` for the atom before `place`.
        edges: whether the pattern asks for the beginning or end of the line.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern, self.place, self.repeats, self.fault, self.edges = pattern, 0, 0, "", False
        self.open: list[list[bool]] = [[False, False]]
        self.alternatives, self.ways = [1], 1
        self.atom = (False, False)

    def step(self) -> None:
        """Go past the next atom, bracket or quantifier."""
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
        """Most repetitions of the quantifier here, 2 standing for any more; 0 if it is no quantifier."""
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
    """Length of the class ``[…]`` at the start of the text."""
    place = 2 if text[1] == "^" else 1
    place += text[place] == "]"  # as the first character of a class it is a literal
    while text[place] != "]":
        place += 2 if text[place] == "\\" else 1
    return place + 1


def _takes_blank(atom: str) -> bool:
    """Whether an atom can match a blank; assumed of back references and other doubtful cases."""
    try:
        return re.compile(atom).fullmatch(" ") is not None
    except re.error:
        return True
