"""YAML text as a tree of words, lists and sections, each with its place. No meaning is given here.

Only PyYAML's parser is used: nothing is constructed, so ``no`` stays a word, a doubled key stays
doubled, and anchors, aliases and tags, which recipes have no use for, are refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from signkit.errors import UserError, UserErrors

LARGEST = 1_000_000
DEEPEST = 32
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: line and column from 1, or a source without lines (an option), whose column is its
    number among them."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a place."""

    place: Place
    what: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A scalar as it was written. ``plain``: without quotes, so that it may be a number or null."""

    place: Place
    text: str
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Items:
    """A sequence."""

    place: Place
    nodes: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping in the order of the file, doubled keys included."""

    place: Place
    entries: "tuple[tuple[Word, Node], ...]"


@dataclass(frozen=True, slots=True)
class Refused:
    """Where a fault has been reported already."""

    place: Place


Node = Word | Items | Section | Refused


def faults_error(faults: list[Fault]) -> UserErrors:
    """All faults as one exception, those of the file in its order, then those of the options in theirs."""
    ordered = sorted(faults, key=lambda f: (f.place.line == 0, f.place.line, f.place.column))
    return UserErrors([UserError(str(f.place), f.what, f.hint) for f in ordered])


def decode(content: bytes, source: str) -> str:
    """UTF-8 text, with or without a byte order mark.

    Raises:
        UserErrors: too large, or not UTF-8.
    """
    if len(content) > LARGEST:
        raise faults_error([Fault(Place(source), f"larger than {LARGEST:,} bytes")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        place = _place_after(before, source)
        byte = error.object[error.start]
        fault = Fault(place, f"not UTF-8 (byte 0x{byte:02x})", "save the file as UTF-8")
        raise faults_error([fault]) from error


def parse(text: str, start: Place, faults: list[Fault]) -> Node | None:
    """The tree of one YAML document, or None where there is nothing.

    Args:
        text: YAML.
        start: the source; without a line, every node gets this very place.
        faults: what is refused but does not stop the reading is added here.

    Raises:
        UserErrors: not YAML, or nested too deeply to be a recipe; with the faults found before.
    """
    bad = _UNPRINTABLE.search(text)
    if bad:
        place = _place_after(text[: bad.start()], start.source) if start.line else start
        faults.append(Fault(place, f"control character U+{ord(bad[0]):04X}"))
        raise faults_error(faults)
    try:
        return _tree(yaml.parse(text, Loader=yaml.SafeLoader), start, faults)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = _place(mark, start) if mark else start
        tab = "indent with spaces, not tabs" if "'\\t'" in str(error.problem) else ""
        faults.append(Fault(place, f"not YAML: {error.problem or error.context}", tab))
        raise faults_error(faults) from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # escapes and versions beyond all numbers
        faults.append(Fault(start, "not YAML: an escape or a number is out of range"))
        raise faults_error(faults) from error


def _tree(events: Iterator[yaml.Event], start: Place, faults: list[Fault]) -> Node | None:
    """Build the tree from parser events, without recursion."""
    above: list[tuple[Place, list[Node]]] = []
    here: list[Node] = []
    documents = 0
    for event in events:
        place = _place(event.start_mark, start)
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                faults.append(Fault(place, "a second document", "keep one document in a file"))
                break
        if isinstance(event, yaml.NodeEvent):
            _refuse_marks(event, place, faults)
        if isinstance(event, yaml.AliasEvent):
            here.append(Refused(place))
        elif isinstance(event, yaml.ScalarEvent):
            here.append(_word(event, place, faults))
        elif isinstance(event, yaml.CollectionStartEvent):
            above.append((place, here))
            here = []
            if len(above) > DEEPEST:
                faults.append(Fault(place, f"nested more than {DEEPEST} levels deep"))
                raise faults_error(faults)
        elif isinstance(event, yaml.CollectionEndEvent):
            opened, outer = above.pop()
            is_list = isinstance(event, yaml.SequenceEndEvent)
            outer.append(Items(opened, tuple(here)) if is_list else _section(opened, here, faults))
            here = outer
    return here[0] if here else None


def _word(event: yaml.ScalarEvent, place: Place, faults: list[Fault]) -> Node:
    bad = _UNPRINTABLE.search(event.value)  # by an escape in double quotes
    if bad:
        faults.append(Fault(place, f"control character U+{ord(bad[0]):04X}"))
        return Refused(place)
    return Word(place, event.value, plain=event.style is None)


def _section(place: Place, nodes: list[Node], faults: list[Fault]) -> Section:
    entries: list[tuple[Word, Node]] = []
    for key, value in zip(nodes[::2], nodes[1::2], strict=True):
        if isinstance(key, Word):
            entries.append((key, value))
        elif not isinstance(key, Refused):
            faults.append(Fault(key.place, "a key must be a word"))
    return Section(place, tuple(entries))


def _refuse_marks(event: yaml.NodeEvent, place: Place, faults: list[Fault]) -> None:
    if isinstance(event, yaml.AliasEvent):
        faults.append(Fault(place, f"alias `*{event.anchor}` is not allowed", "write the value out"))
    elif event.anchor is not None:
        faults.append(Fault(place, f"anchor `&{event.anchor}` is not allowed", "remove it"))
    tag = getattr(event, "tag", None)
    if tag is not None:
        faults.append(Fault(place, f"tag `{tag}` is not allowed", "remove it"))


def _place(mark: Any, start: Place) -> Place:
    return Place(start.source, mark.line + 1, mark.column + 1) if start.line else start


def _place_after(before: str, source: str) -> Place:
    return Place(source, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
