"""Annotations for ELAN: EAF 3.0, as its schema has it (EAFv3.0.xsd of the Max Planck Institute, Nijmegen)."""

import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path, PurePath

from signkit.report.clips.cues import Cue
from signkit.report.page import template
from signkit.version import __version__

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
}
ANY_MEDIA = "video/*"
"""ELAN's name of what it finds out by itself."""
NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def eaf(cues: Sequence[Cue], media: Path | None, folder: Path) -> bytes:
    """The content of a file: a tier ``glosses``, and below it ``confidence``.

    Args:
        media: the video, if there is one.
        folder: where the file is going to lie.
    """
    text: str = template("eaf.xml").render(
        author=f"signkit {__version__}",
        date=datetime.now().astimezone().isoformat(timespec="seconds"),
        cues=cues,
        sure=[(place, cue.confidence) for place, cue in enumerate(cues, 1) if cue.confidence is not None],
        media=media and _described(media, folder),
    )
    return NOT_XML.sub("\ufffd", text).encode() + b"\n"


def _described(media: Path, folder: Path) -> dict[str, str]:
    """A video as ELAN names it: the letters of its path as they are, spaces too."""
    path = media.resolve().as_posix()
    try:
        relative = PurePath(os.path.relpath(media.resolve(), folder.resolve())).as_posix()
    except ValueError:  # on another drive
        relative = media.name
    return {
        "absolute": f"file://{path}" if path.startswith("/") else f"file:///{path}",
        "relative": relative if relative.startswith("../") else f"./{relative}",
        "type": MEDIA_TYPES.get(media.suffix.lower(), ANY_MEDIA),
    }
