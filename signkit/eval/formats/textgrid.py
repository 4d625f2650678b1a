"""TextGrid, Praat's annotations, in its long and its short form of text."""

import re

from signkit.config.suggest import listed
from signkit.errors import UserError
from signkit.eval.formats.annotations import Annotation, chosen_tier

FIRST = re.compile(r'\s*(File type\s*=\s*)?"ooTextFile( short)?"')
TOKEN = re.compile(
    r'"((?:[^"]|"")*)"|<(\w+)>|(?<!\S)(-?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\S)|(?<!\S)!.*|[^\s"]+'
)
KINDS = ("IntervalTier", "TextTier")


def is_textgrid(lines: list[str]) -> bool:
    """Whether the lines are those of a text file of Praat."""
    return bool(lines) and FIRST.match(lines[0]) is not None


def read_textgrid(source: str, lines: list[str], tier: str = "") -> list[Annotation]:
    """The intervals, or points, of a tier.

    As in Praat, only numbers that stand alone, texts in quotation marks and flags in angle brackets count:
    the words between them, which make the long form, are comments.

    Args:
        source: name of the file, for messages.
        lines: its lines.
        tier: name of the tier; may be empty if only one has texts.

    Raises:
        UserError: it is no TextGrid, it ends too early, or the tier is not there.
    """
    if not is_textgrid(lines):
        raise UserError(f"{source}:1", "is no TextGrid in text form")
    tokens = _Tokens(source, lines)
    if tokens.text().split()[0] != "ooTextFile" or tokens.text() != "TextGrid":
        raise UserError(source, "is a file of Praat, but no TextGrid", "save the annotations as a TextGrid")
    tokens.number()
    tokens.number()
    tiers: list[tuple[str, list[Annotation]]] = []
    if tokens.flag() == "exists":
        tiers = [_tier(tokens) for _ in range(int(tokens.number()))]
    names = [name for name, annotations in tiers if any(each.text.strip() for each in annotations)]
    chosen = chosen_tier(source, names, tier)
    if names.count(chosen) > 1:
        raise UserError(source, f"has {names.count(chosen)} tiers named {listed([chosen])}", "rename one")
    return next((found for name, found in tiers if name == chosen and chosen in names), [])


def _tier(tokens: "_Tokens") -> tuple[str, list[Annotation]]:
    kind, name = tokens.text(), tokens.text()
    if kind not in KINDS:
        raise tokens.fault(f"a tier is of the kind {kind!r}, not {KINDS[0]} or {KINDS[1]}")
    tokens.number()
    tokens.number()
    annotations = []
    for _ in range(int(tokens.number())):
        begin = tokens.number()
        end = tokens.number() if kind == KINDS[0] else begin
        annotations.append(Annotation(begin, end, tokens.text(), tokens.line))
    return name, annotations


class _Tokens:
    """The numbers, texts and flags of a file, one after another; `line` is that of the last one."""

    def __init__(self, source: str, lines: list[str]) -> None:
        self.line = 1
        self._source, self._content = source, "\n".join(lines)
        self._at = 0

    def text(self) -> str:
        """The next token, a text."""
        return self._next("a text", 1).replace('""', '"')

    def flag(self) -> str:
        """The next token, a flag."""
        return self._next("a flag", 2)

    def number(self) -> float:
        """The next token, a number."""
        return float(self._next("a number", 3))

    def fault(self, what: str) -> UserError:
        """An error at the last token."""
        return UserError(f"{self._source}:{self.line}", what)

    def _next(self, wanted: str, group: int) -> str:
        while found := TOKEN.search(self._content, self._at):
            self.line += self._content.count("\n", self._at, found.start())
            self._at = found.end()
            if found.lastindex is None:
                continue
            if found.lastindex != group:
                raise self.fault(f"{found[0][:40]!r} stands where {wanted} is expected")
            self.line += found[0].count("\n")
            return found[group]
        raise UserError(self._source, f"ends where {wanted} is expected", "the file is not whole")
