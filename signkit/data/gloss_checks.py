"""What looks wrong in the glosses of a corpus: invisible characters, cells that are no glosses, and one gloss
written in several ways.

Nothing is changed here, for each may be meant: `NORD` may be another gloss than `nord`.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from signkit.text.visible import compatibility_form, is_invisible, with_codes, without_invisible

Kind = Literal["list", "quotes", "empty", "blank", "invisible", "separator", "alphabets", "twins"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NAMED = 3
"""Places that a finding names, at most."""
EXAMPLE = 40
"""Characters of an example, at most."""
JOINERS = "\u200c\u200d"
"""Invisible, but letters of some scripts need them."""
UNJOINED = ("LATIN", "GREEK", "CYRILLIC", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "DIGIT", "FULLWIDTH")
SEPARATORS = ",;|\u3001\uff0c\uff1b\u060c\u061b"
EMPTY = frozenset(
    ("nan", "NaN", "null", "None", "NaT", "<NA>", "N/A", "n/a", "#N/A", "undefined", "-", "--", "_", "?", ".")
)  # NULL, the gloss for zero, and NONE are glosses
_LIST = re.compile(r"\w*\(?\[.*\](?:[^\]]*\))?|[({](?=.*['\"]).*[)}]", re.DOTALL)
_STRINGS = re.compile(r"""[\[(]\s*(?P<mark>['"]).*(?P=mark)\s*,?\s*[\])]""", re.DOTALL)
_QUOTED = re.compile(r"([\"'`]).+\1|[“„«].+[”“»]", re.DOTALL)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SLASHED = re.compile(r"[^/]+(?:/[^/]+)+")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that looks wrong.

    Attributes:
        kind: of it.
        what: it, as a sentence.
        count: how many glosses, or rows, are concerned.
        where: the first places, ``FILE:LINE, LINE and 5 more``.
    """

    kind: Kind
    what: str
    count: int
    where: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(slots=True)
class _Uses:
    """How often something is there, where first, and what for example."""

    count: int = 0
    where: list[str] = field(default_factory=list)
    examples: set[str] = field(default_factory=set)

    def add(self, where: str, example: str) -> None:
        self.count += 1
        if len(self.where) < NAMED and where not in self.where[-1:]:
            self.where.append(where)
        if len(self.examples) < NAMED:
            self.examples.add(example)

    def join(self, other: "_Uses") -> None:
        self.count += other.count
        self.where = (self.where + [each for each in other.where if each not in self.where])[:NAMED]
        self.examples |= other.examples


def check_glosses(rows: Iterable[tuple[str, str]]) -> list[Finding]:
    r"""What looks wrong in the glosses of some rows.

    >>> rows = [("a.csv:2", "HOUSE\u200b BIG"), ("a.csv:3", "HOUSE"), ("a.csv:4", "nan")]
    >>> for finding in check_glosses(rows):
    ...     print(finding)
    a.csv:4: 1 cell is `nan`, which stands for an empty one
    a.csv:2: 1 gloss has the invisible character U+200B (zero width space), such as `HOUSE<U+200B>`
    a.csv:2: `HOUSE` (1 time) and `HOUSE<U+200B>` (1 time) differ only in invisible characters

    Args:
        rows: the place of each, and its glosses as they are written.
    """
    cells: dict[tuple[Kind, str], _Uses] = defaultdict(_Uses)
    glosses: dict[str, _Uses] = defaultdict(_Uses)
    for where, written in rows:
        of_cell = [*_of_cell(written)]
        for found in of_cell:
            cells[found].add(where, written.strip())
        if not any(kind in ("list", "quotes", "empty") for kind, _ in of_cell):
            for gloss in unicodedata.normalize("NFC", written).split():
                glosses[gloss].add(where, gloss)
    found_in: dict[tuple[Kind, str], _Uses] = defaultdict(_Uses)
    for found, gloss in _of_glosses(glosses):
        found_in[found].join(glosses[gloss])
    findings = [_finding(kind, what, uses, "cell") for (kind, what), uses in cells.items()]
    findings += [_finding(kind, what, uses, "gloss") for (kind, what), uses in found_in.items()]
    findings += _twins(glosses)
    return sorted(findings, key=lambda finding: (KINDS.index(finding.kind), -finding.count))


def is_list_as_text(written: str) -> bool:
    """Whether a cell holds a list as Python or JSON writes it, ``['RAIN', 'NORTH']``: that is no gloss."""
    return bool(_STRINGS.fullmatch(written.strip()))


def _finding(kind: Kind, what: str, uses: _Uses, noun: str) -> Finding:
    """A finding; ``what`` with a word for one and for several, as in ``{is|are} a list``."""
    count = len(uses.examples) if noun == "gloss" else uses.count
    what = re.sub(r"\{(\w+)\|(\w+)\}", r"\1" if count == 1 else r"\2", what)
    named = f"{count:,} {noun if count == 1 else {'gloss': 'glosses'}.get(noun, noun + 's')}"
    example = "" if kind == "empty" else f", such as `{_cut(with_codes(min(uses.examples)))}`"
    return Finding(kind, f"{named} {what}{example}", uses.count, _places(uses))


def _of_cell(written: str) -> Iterator[tuple[Kind, str]]:
    """What is wrong with a whole cell."""
    cell = written.strip()
    if _LIST.fullmatch(cell):
        yield "list", "{is|are} a list written as text, where glosses with blanks belong"
    elif len(cell) > 2 and _QUOTED.fullmatch(cell):
        yield "quotes", "{is|are} enclosed in quotation marks, which become part of glosses"
    elif cell in EMPTY:
        yield "empty", f"{{is|are}} `{cell}`, which stands for an empty one"
    for character in {c for c in written if c.isspace() and c not in " \t\n\r"}:
        yield "blank", f"{{has|have}} {_named(character)}, which is read as a blank"


def _of_glosses(glosses: Mapping[str, _Uses]) -> Iterator[tuple[tuple[Kind, str], str]]:
    """What is wrong with a gloss, whatever others there are; and slashes where both sides are glosses too."""
    parts = Counter(part for gloss in glosses for part in {*gloss.split("/")})
    for gloss in glosses:
        hidden = [c for c in dict.fromkeys(gloss) if is_invisible(c) and not _is_needed(c, gloss)]
        for character in hidden:
            yield ("invisible", f"{{has|have}} the invisible character {_named(character)}"), gloss
        at = next((c for c in SEPARATORS if c in _NUMBER.sub("", gloss)), "")
        slashed = _SLASHED.fullmatch(gloss) and all(parts[part] > 1 for part in gloss.split("/"))
        if at or slashed or gloss == "/":
            yield ("separator", f"{{has|have}} `{at or '/'}`, and glosses are separated by blanks"), gloss
        if len(alphabets := _alphabets(gloss)) > 1:
            yield ("alphabets", f"{{has|have}} letters of {' and '.join(alphabets)}, which look alike"), gloss


def _twins(glosses: Mapping[str, _Uses]) -> Iterator[Finding]:
    """Glosses that are one but for what cannot be seen, for width, or for case."""
    groups: dict[str, list[str]] = defaultdict(list)
    for gloss in glosses:
        groups[compatibility_form(gloss).casefold()].append(gloss)
    for group in groups.values():
        if len(group) > 1:
            first, *others = sorted(group, key=lambda gloss: (-glosses[gloss].count, gloss))
            names = [f"`{with_codes(each)}` ({_times(glosses[each].count)})" for each in (first, *others)]
            rarer = _Uses()
            for other in others:
                rarer.join(glosses[other])
            what = f"{', '.join(names[:-1])} and {names[-1]} differ only in {_difference(group)}"
            yield Finding("twins", what, rarer.count, _places(rarer))


def _difference(group: Sequence[str]) -> str:
    """In what glosses differ that are one but for this."""
    seen, usual = {*map(without_invisible, group)}, {*map(compatibility_form, group)}
    differences = ["invisible characters"] if seen != {*group} else []
    differences += ["the width or form of characters"] if _folded(seen) > _folded(usual) else []
    differences += ["case"] if len(usual) > 1 else []
    return " and ".join(differences)


def _folded(glosses: Iterable[str]) -> int:
    """How many different ones there are but for case."""
    return len({gloss.casefold() for gloss in glosses})


def _is_needed(character: str, gloss: str) -> bool:
    """Whether a joiner is among letters that are joined, or that may not be."""
    if character not in JOINERS:
        return False
    scripts = (unicodedata.name(each, "") for each in gloss if each.isalpha())
    return any(not name.startswith(UNJOINED) for name in scripts)


def _alphabets(gloss: str) -> list[str]:
    """The alphabets of a gloss among those whose letters look alike."""
    if gloss.isascii():
        return []
    names = [unicodedata.name(c, "") for c in gloss if c.isalpha()]
    return [
        name.title()
        for name in ("LATIN", "GREEK", "CYRILLIC")
        if any(each.startswith(f"{name} ") for each in names)
    ]


def _named(character: str) -> str:
    name = unicodedata.name(character, "").lower()
    return f"U+{ord(character):04X}" + (f" ({name})" if name else "")


def _times(count: int) -> str:
    return f"{count:,} time{'s' * (count != 1)}"


def _cut(text: str) -> str:
    return text if len(text) <= EXAMPLE else f"{text[:EXAMPLE]}…"


def _places(uses: _Uses) -> str:
    """The first places, the file named once."""
    first, *others = uses.where
    file = first.rpartition(":")[0]
    places = [
        first,
        *(each.rpartition(":")[2] if each.rpartition(":")[0] == file else each for each in others),
    ]
    more = uses.count - len(places)
    return ", ".join(places) + (f" and {more:,} more" if more > 0 else "")
