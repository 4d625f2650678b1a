"""EAF, the annotations of ELAN: tiers of annotations with times, or with references to others."""

from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from signkit.errors import UserError
from signkit.eval.formats.annotations import Annotation, chosen_tier

ROOT = "ANNOTATION_DOCUMENT"
CONFIDENCE = "confidence"
"""Linguistic type of the tier of confidences that `signkit predict` writes: no transcript."""


def read_eaf(source: str, data: bytes, tier: str = "") -> list[Annotation]:
    """The annotations of a tier, in order of time.

    An annotation that refers to another has its times, and comes after its predecessor, if it names one. Time
    slots without a value count as the slot before them.

    Args:
        source: name of the file, for messages.
        data: its bytes, which must have no document type (see `refused.root_of`).
        tier: name of the tier; may be empty if only one has annotations.

    Raises:
        UserError: it is not whole, refers to what is not there, or the tier is not there.
    """
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise UserError(source, f"is no XML: {error}", "save it again with ELAN") from error
    if root.tag != ROOT:
        raise UserError(source, f"is XML, but of <{root.tag}> and not of ELAN (<{ROOT}>)")
    tiers = {name: each for each in root.iter("TIER") if (name := each.get("TIER_ID", ""))}
    shown = [
        name
        for name, each in tiers.items()
        if each.find("ANNOTATION") is not None
        and (each.get("LINGUISTIC_TYPE_REF") != CONFIDENCE or name == tier)
    ]
    chosen = chosen_tier(source, shown, tier)
    if not chosen:
        return []
    slots = _slots(source, root.iter("TIME_SLOT"))
    known = {name: each for each in root.iter() if (name := each.get("ANNOTATION_ID", ""))}
    places: dict[str, int] = {}
    rows = []
    for number, each in enumerate(_annotations(tiers[chosen]), 1):
        begin, end, order = _times(source, each, known, places, slots)
        text = " ".join(value.text or "" for value in each.iter("ANNOTATION_VALUE"))
        rows.append(((begin, order), Annotation(begin, end, text, number)))
    rows.sort(key=lambda row: row[0])
    return [annotation for _, annotation in rows]


def _annotations(tier: Element) -> Iterable[Element]:
    for outer in tier.iter("ANNOTATION"):
        yield from outer


def _slots(source: str, elements: Iterable[Element]) -> dict[str, float]:
    """The time of each slot, in seconds."""
    slots: dict[str, float] = {}
    time = 0.0
    for each in elements:
        value = each.get("TIME_VALUE")
        try:
            time = time if value is None else int(value) / 1000
        except ValueError as error:
            raise UserError(source, f"the time slot {value!r} is no number of milliseconds") from error
        slots[each.get("TIME_SLOT_ID", "")] = time
    return slots


def _times(
    source: str,
    annotation: Element,
    known: dict[str, Element],
    places: dict[str, int],
    slots: dict[str, float],
) -> tuple[float, float, tuple[int, ...]]:
    """Begin, end, and the places among its siblings of an annotation and those above it.

    Raises:
        UserError: it refers to what is not there, or in a circle.
    """
    order: list[int] = []
    seen: set[str] = set()
    while (parent := annotation.get("ANNOTATION_REF")) is not None:
        order.insert(0, _place(source, annotation, known, places))
        if parent in seen or parent not in known:
            raise _astray(source, annotation, parent)
        seen.add(parent)
        annotation = known[parent]
    names = annotation.get("TIME_SLOT_REF1", ""), annotation.get("TIME_SLOT_REF2", "")
    for name in names:
        if name not in slots:
            raise _astray(source, annotation, name)
    return slots[names[0]], slots[names[1]], tuple(order)


def _place(source: str, annotation: Element, known: dict[str, Element], places: dict[str, int]) -> int:
    """How many siblings come before an annotation; `places` keeps what was found."""
    chain: list[str] = []
    name = annotation.get("ANNOTATION_ID", "")
    while name and name not in places:
        if name not in known or len(chain) > len(known):
            raise _astray(source, annotation, name)
        chain.append(name)
        name = known[name].get("PREVIOUS_ANNOTATION", "")
    place = places[name] if name else -1
    for each in reversed(chain):
        place += 1
        places[each] = place
    return place


def _astray(source: str, annotation: Element, name: str) -> UserError:
    who = annotation.get("ANNOTATION_ID", "")
    return UserError(
        source, f"the annotation {who!r} refers to {name!r}, which is not there or refers back to it"
    )
