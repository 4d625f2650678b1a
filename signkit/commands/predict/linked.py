"""The videos of landmarks, which `signkit landmarks` remembers: ELAN links them, and glosses are burnt into
them."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from signkit.data.video import open_clip
from signkit.errors import UserError
from signkit.runtime.paths import on_disk
from signkit.types import Clip


@dataclass(frozen=True, slots=True)
class Linked:
    """The video that landmarks are of.

    Attributes:
        path: of the video, or of a folder of frames; None where it is not known or not there.
        why: why it is None.
        clip: the video, if its pictures are needed.
    """

    path: Path | None
    why: str = ""
    clip: Clip | None = field(default=None, compare=False)


def linked_video(file: Path, video: str, frames: int, pictures: bool) -> Linked:
    """The video that a file of landmarks names.

    Args:
        video: as the file has it, relative to the file's folder; "" where it has none.
        frames: of the landmarks.
        pictures: whether its pictures are needed.

    Raises:
        UserError: they are, and it is not there, cannot be read, or has another number of frames.
    """
    path = on_disk(file.parent / video)
    there = bool(video) and (os.path.isfile(path) or os.path.isdir(path))
    why = "" if there else f"its video {path} is not there" if video else "the file does not name its video"
    if not pictures:
        return Linked(path if there else None, why)
    if not there:
        hint = "leave out --burn, or give the video itself"
        raise UserError(str(file), f"has no pictures that glosses could be burnt into: {why}", hint)
    clip = open_clip(path)
    if clip.frames != frames:
        what = f"has {frames} frames, but its video {path} has {clip.frames}"
        raise UserError(str(file), what, "track the video again")
    return Linked(path, "", clip)
