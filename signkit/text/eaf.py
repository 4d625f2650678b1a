"""Annotation files of ELAN (EAF, versions 2 and 3): tiers, annotations with their times, linked media.

Source: EAF 3.0, Max Planck Institute for Psycholinguistics, Nijmegen.
"""

from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from signkit.errors import UserError
from signkit.runtime.files import read_bytes

ROOT = "ANNOTATION_DOCUMENT"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A value with its time.

    Attributes:
        start: milliseconds, and ``end``; None where the file does not say.
    """

    id: str
    text: str
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier; its annotations in the file's order. `participant`: whose signing it is, if it says."""

    name: str
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


def read_eaf(path: Path) -> AnnotationFile:
    """Read a file.

    An annotation that refers to another has that one's time. Several that refer to one (its symbolic
    subdivision) become one, their values in order with spaces between: nothing tells when each of them
    begins.

    Raises:
        UserError: not XML, not of ELAN, a document type or an entity is declared, a reference leads nowhere.
        OperationalError: it cannot be read.
    """
    root = _tree(read_bytes(path), path)
    if root.tag != ROOT:
        raise UserError(str(path), "is no annotation file of ELAN", f"its XML is a {root.tag}")
    header = root.find("HEADER")
    unit = "milliseconds" if header is None else header.get("TIME_UNITS", "milliseconds")
    if unit != "milliseconds":
        raise UserError(str(path), f"has times in {unit}", "save it with a newer version of ELAN")
    times = {
        slot.get("TIME_SLOT_ID", ""): _whole(slot.get("TIME_VALUE"), path) for slot in root.iter("TIME_SLOT")
    }
    elements = {e.get("ANNOTATION_ID", ""): e for each in root.iter("ANNOTATION") for e in each}
    return AnnotationFile(
        media=tuple(
            Media(
                each.get("MEDIA_URL", ""),
                each.get("RELATIVE_MEDIA_URL", ""),
                _whole(each.get("TIME_ORIGIN"), path) or 0,
            )
            for each in root.iter("MEDIA_DESCRIPTOR")
        ),
        tiers=tuple(_tier(each, times, elements, path) for each in root.iter("TIER")),
    )


def _tree(content: bytes, path: Path) -> Element:
    """The XML of a file. Files of ELAN declare no entities, which can be made to fill the memory."""
    builder, parser = TreeBuilder(), expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data

    def refuse(*_: object) -> None:
        raise UserError(
            f"{path}:{parser.CurrentLineNumber}", "declares a document type, which no file of ELAN does"
        )

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise UserError(f"{path}:{parser.CurrentLineNumber}", f"is not readable XML ({error})") from error
    return builder.close()


def _whole(text: str | None, path: Path) -> int | None:
    if text is None:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise UserError(str(path), f"has a time {text!r}, which is no whole number") from error


def _tier(tier: Element, times: dict[str, int | None], elements: dict[str, Element], path: Path) -> Tier:
    of_root: dict[str, list[Element]] = {}
    for annotation in tier.iter("ANNOTATION"):
        for each in annotation:
            of_root.setdefault(_root_of(each, elements, path).get("ANNOTATION_ID", ""), []).append(each)
    annotations = []
    for name, parts in of_root.items():
        root = elements[name]
        ends = [times.get(root.get(f"TIME_SLOT_REF{number}", "")) for number in (1, 2)]
        ordered = _in_order(parts)
        text = " ".join(" ".join(_value(part).split()) for part in ordered)
        annotations.append(Annotation(ordered[0].get("ANNOTATION_ID", ""), text.strip(), *ends))
    return Tier(tier.get("TIER_ID", ""), tier.get("PARTICIPANT", ""), tuple(annotations))


def _root_of(element: Element, elements: dict[str, Element], path: Path) -> Element:
    """The annotation with times that an annotation refers to, over however many others."""
    seen = set()
    while element.tag == "REF_ANNOTATION":
        name = element.get("ANNOTATION_REF", "")
        if name in seen or name not in elements:
            what = f"annotation {element.get('ANNOTATION_ID')} refers to {name}, which leads to no time"
            raise UserError(str(path), what)
        seen.add(name)
        element = elements[name]
    return element


def _in_order(parts: list[Element]) -> list[Element]:
    """Annotations of one other, each after that which it names as the one before it."""
    names = {part.get("ANNOTATION_ID") for part in parts}
    following: dict[str | None, list[Element]] = {}
    for part in parts:
        before = part.get("PREVIOUS_ANNOTATION")
        following.setdefault(before if before in names else None, []).append(part)
    ordered = list(following.pop(None, []))
    for part in ordered:  # grows as it is read
        ordered += following.pop(part.get("ANNOTATION_ID"), [])
    return [*ordered, *(part for others in following.values() for part in others)]


def _value(element: Element) -> str:
    return element.findtext("ANNOTATION_VALUE") or ""
