"""Annotations for ELAN: EAF 3.0, as its schema has it (EAFv3.0.xsd of the Max Planck Institute, Nijmegen)."""

import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePath
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from signkit import __version__
from signkit.report.clips.cues import Cue

SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
}
ANY_MEDIA = "video/*"
"""ELAN's name of what it finds out by itself."""
CONSTRAINTS = {
    "Time_Subdivision": "Time subdivision of parent annotation's time interval, no time gaps allowed within "
    "this interval",
    "Symbolic_Subdivision": "Symbolic subdivision of a parent annotation. Annotations refering to the same "
    "parent are ordered",
    "Symbolic_Association": "1-1 association with a parent annotation",
    "Included_In": "Time alignable annotations within the parent annotation's time interval, gaps are "
    "allowed",
}
"""All that ELAN knows, in its own words; it expects every file to have them."""
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def eaf(cues: Sequence[Cue], media: Path | None, folder: Path) -> bytes:
    """The content of a file: a tier ``glosses``, and below it ``confidence``.

    Args:
        media: the video, if there is one.
        folder: where the file is going to lie.
    """
    root = Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": f"signkit {__version__}",
            "DATE": datetime.now().astimezone().isoformat(timespec="seconds"),
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": SCHEMA,
        },
    )
    sure = [(place, cue.confidence) for place, cue in enumerate(cues, 1) if cue.confidence is not None]
    _header(root, media, folder, len(cues) + len(sure))
    _times(root, cues)
    _glosses(root, cues)
    _confidences(root, sure, len(cues))
    _types(root)
    ElementTree.indent(root, "    ")
    content: bytes = ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return content + b"\n"


def _header(root: Element, media: Path | None, folder: Path, annotations: int) -> None:
    header = SubElement(root, "HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    if media is not None:
        kind = MEDIA_TYPES.get(media.suffix.lower(), ANY_MEDIA)
        urls = {"MEDIA_URL": _absolute(media), "RELATIVE_MEDIA_URL": _relative(media, folder)}
        SubElement(
            header, "MEDIA_DESCRIPTOR", {name: _text(url) for name, url in urls.items()}, MIME_TYPE=kind
        )
    SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(annotations)


def _times(root: Element, cues: Sequence[Cue]) -> None:
    order = SubElement(root, "TIME_ORDER")
    for place, cue in enumerate(cues):
        for number, time in ((2 * place + 1, cue.start), (2 * place + 2, cue.end)):
            SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=str(time))


def _glosses(root: Element, cues: Sequence[Cue]) -> None:
    tier = SubElement(root, "TIER", LINGUISTIC_TYPE_REF="gloss", TIER_ID="glosses")
    for number, cue in enumerate(cues, 1):
        slots = {"TIME_SLOT_REF1": f"ts{2 * number - 1}", "TIME_SLOT_REF2": f"ts{2 * number}"}
        annotation = SubElement(tier, "ANNOTATION")
        aligned = SubElement(annotation, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{number}", **slots})
        SubElement(aligned, "ANNOTATION_VALUE").text = _text(cue.gloss)


def _confidences(root: Element, sure: Sequence[tuple[int, float]], used: int) -> None:
    parent = {"PARENT_REF": "glosses"}
    tier = SubElement(root, "TIER", parent, LINGUISTIC_TYPE_REF="confidence", TIER_ID="confidence")
    for number, (place, confidence) in enumerate(sure, used + 1):
        names = {"ANNOTATION_ID": f"a{number}", "ANNOTATION_REF": f"a{place}"}
        referring = SubElement(SubElement(tier, "ANNOTATION"), "REF_ANNOTATION", names)
        SubElement(referring, "ANNOTATION_VALUE").text = f"{confidence:.4f}"


def _types(root: Element) -> None:
    SubElement(
        root, "LINGUISTIC_TYPE", GRAPHIC_REFERENCES="false", LINGUISTIC_TYPE_ID="gloss", TIME_ALIGNABLE="true"
    )
    SubElement(
        root, "LINGUISTIC_TYPE", CONSTRAINTS="Symbolic_Association", GRAPHIC_REFERENCES="false",
        LINGUISTIC_TYPE_ID="confidence", TIME_ALIGNABLE="false",
    )  # fmt: skip
    for stereotype, description in CONSTRAINTS.items():
        SubElement(root, "CONSTRAINT", DESCRIPTION=description, STEREOTYPE=stereotype)


def _absolute(media: Path) -> str:
    """As ELAN writes it: the letters of the path as they are, spaces too."""
    path = media.resolve().as_posix()
    return f"file://{path}" if path.startswith("/") else f"file:///{path}"


def _relative(media: Path, folder: Path) -> str:
    try:
        found = PurePath(os.path.relpath(media.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive
        return f"./{media.name}"
    return found if found.startswith("../") else f"./{found}"


def _text(text: str) -> str:
    """Without the characters that XML has no place for."""
    return NOT_XML.sub("\ufffd", text)
