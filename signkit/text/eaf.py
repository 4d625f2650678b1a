"""Annotation files of ELAN (EAF, versions 2 and 3): tiers, annotations with their times, linked media.

Source: EAF 3.0, Max Planck Institute for Psycholinguistics, Nijmegen.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from signkit.errors import UserError

ROOT = "ANNOTATION_DOCUMENT"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A value with its time.

    Attributes:
        start: milliseconds, and ``end``; where the file does not say, those of the time slot before.
        timed: whether the file says both.
    """

    id: str
    text: str
    start: int
    end: int
    timed: bool = True


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier; its annotations in the file's order.

    Attributes:
        kind: its linguistic type.
        participant: whose signing it is, if it says.
    """

    name: str
    kind: str
    participant: str
    annotations: tuple[Annotation, ...]


@dataclass(frozen=True, slots=True)
class Media:
    """A linked file: its address, and that relative to the annotation file.

    Attributes:
        origin: milliseconds of the media at which the annotations' time begins.
    """

    url: str
    relative: str
    origin: int


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """What a file has."""

    media: tuple[Media, ...]
    tiers: tuple[Tier, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What annotations refer to.

    Attributes:
        slots: milliseconds of each time slot, and whether the file says it.
    """

    source: str
    slots: dict[str, tuple[int, bool]]
    annotations: dict[str, Element]


def parse_eaf(source: str, data: bytes) -> AnnotationFile:
    """What a file has.

    An annotation that refers to another has that one's time. Several that refer to one (its symbolic
    subdivision) become one, their values in order with spaces between: nothing tells when each of them
    begins.

    Args:
        source: the file, for messages.

    Raises:
        UserError: not XML, not of ELAN, a document type or an entity is declared, a reference leads nowhere.
    """
    root = _tree(source, data)
    if root.tag != ROOT:
        raise UserError(source, f"is XML, but of <{root.tag}> and not of ELAN (<{ROOT}>)")
    header = root.find("HEADER")
    unit = "milliseconds" if header is None else header.get("TIME_UNITS", "milliseconds")
    if unit != "milliseconds":
        raise UserError(source, f"has times in {unit}", "save it with a newer version of ELAN")
    known = _Known(
        source=source,
        slots=_slots(source, root.iter("TIME_SLOT")),
        annotations={e.get("ANNOTATION_ID", ""): e for each in root.iter("ANNOTATION") for e in each},
    )
    media = tuple(
        Media(
            each.get("MEDIA_URL", ""),
            each.get("RELATIVE_MEDIA_URL", ""),
            _whole(source, "origin", each.get("TIME_ORIGIN", "0")),
        )
        for each in root.iter("MEDIA_DESCRIPTOR")
    )
    return AnnotationFile(media, tuple(_tier(each, known) for each in root.iter("TIER")))


def _tree(source: str, data: bytes) -> Element:
    """The XML of a file. Files of ELAN declare no entities, which can be made to fill the memory."""
    builder, parser = TreeBuilder(), expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data

    def refuse(*_: object) -> None:
        where = f"{source}:{parser.CurrentLineNumber}"
        raise UserError(where, "declares a document type, which no file of ELAN does")

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise UserError(source, f"is no XML: {error}", "save it again with ELAN") from error
    return builder.close()


def _slots(source: str, elements: Iterable[Element]) -> dict[str, tuple[int, bool]]:
    slots: dict[str, tuple[int, bool]] = {}
    time = 0
    for each in elements:
        value = each.get("TIME_VALUE")
        time = time if value is None else _whole(source, "slot", value)
        slots[each.get("TIME_SLOT_ID", "")] = time, value is not None
    return slots


def _whole(source: str, what: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise UserError(source, f"the time {what} {text!r} is no number of milliseconds") from error


def _tier(tier: Element, known: _Known) -> Tier:
    of_root: dict[str, list[Element]] = {}
    for annotation in tier.iter("ANNOTATION"):
        for each in annotation:
            of_root.setdefault(_root_of(each, known).get("ANNOTATION_ID", ""), []).append(each)
    return Tier(
        name=tier.get("TIER_ID", ""),
        kind=tier.get("LINGUISTIC_TYPE_REF", ""),
        participant=tier.get("PARTICIPANT", ""),
        annotations=tuple(
            _annotation(known.annotations[name], parts, known) for name, parts in of_root.items()
        ),
    )


def _annotation(root: Element, parts: list[Element], known: _Known) -> Annotation:
    names = root.get("TIME_SLOT_REF1", ""), root.get("TIME_SLOT_REF2", "")
    for name in names:
        if name not in known.slots:
            raise _astray(known.source, root, name)
    (start, first), (end, second) = (known.slots[name] for name in names)
    ordered = _in_order(parts, known)
    text = " ".join((part.findtext("ANNOTATION_VALUE") or "").strip() for part in ordered).strip()
    return Annotation(ordered[0].get("ANNOTATION_ID", ""), text, start, end, first and second)


def _root_of(element: Element, known: _Known) -> Element:
    """The annotation with times that an annotation refers to, over however many others."""
    seen = set()
    while element.tag == "REF_ANNOTATION":
        name = element.get("ANNOTATION_REF", "")
        if name in seen or name not in known.annotations:
            raise _astray(known.source, element, name)
        seen.add(name)
        element = known.annotations[name]
    return element


def _in_order(parts: list[Element], known: _Known) -> list[Element]:
    """Annotations of one other, each after that which it names as the one before it."""
    following: dict[str, list[Element]] = {}
    for part in parts:
        following.setdefault(part.get("PREVIOUS_ANNOTATION", ""), []).append(part)
    ordered = following.pop("", [])
    for part in ordered:  # grows as it is read
        ordered += following.pop(part.get("ANNOTATION_ID", ""), [])
    for name, others in following.items():  # they follow what is not there, or each other
        raise _astray(known.source, others[0], name)
    return ordered


def _astray(source: str, annotation: Element, name: str) -> UserError:
    who = annotation.get("ANNOTATION_ID", "")
    return UserError(
        source, f"the annotation {who!r} refers to {name!r}, which is not there or refers back to it"
    )
