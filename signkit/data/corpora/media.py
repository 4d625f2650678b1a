"""What a row of a manifest leads to: a clip, or the segment of one from ``start`` to ``end``, in seconds."""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from signkit.data.corpora.table import Row
from signkit.data.landmark_files import is_landmarks, landmark_header, read_landmarks
from signkit.data.segment import load_segment
from signkit.data.video import open_clip
from signkit.errors import UserError
from signkit.types import VIDEO, Signal, Video

NUMBERS = ("fps", "start", "end")
"""Columns of numbers; an empty cell is as if the column were not there."""
COLOURS = 3
ALIKE = 0.01
"""Share by which two rates may differ and still be one: 29.97 is 30."""


@dataclass(frozen=True, slots=True)
class Media:
    """What a row's path leads to, recognised by its header.

    Attributes:
        layout: of landmarks, "" of features, `VIDEO` of video.
        checksum: enough to see that a file has changed, cheap.
        fps: frames a second.
    """

    frames: int
    layout: str
    width: int
    checksum: int
    fps: float
    load: Callable[[], Signal]


@dataclass(frozen=True, slots=True)
class Numbers:
    """What a row says of its clip; None where a cell is empty or not there.

    Attributes:
        fps: frames a second.
        start: of the segment, in seconds, and its ``end``.
    """

    fps: float | None
    start: float | None
    end: float | None


def numbers_of(row: Row) -> Numbers:
    """The numbers of a row.

    Raises:
        UserError: a cell is none, or negative.
    """
    fps, start, end = (_number(row, column) for column in NUMBERS)
    if fps == 0:
        raise UserError(row.where, "fps is 0", "leave the cell empty where it is not known")
    return Numbers(fps, start, end)


def open_media(path: Path, where: str, fps: float) -> Media:
    """A whole clip, by its header.

    Args:
        fps: frames a second of a clip that does not say.

    Raises:
        UserError: it cannot be used.
    """
    if is_landmarks(path):
        header = landmark_header(path, where)
        rate, load = header.fps or fps, partial(read_landmarks, path, fps=fps)
        return Media(header.frames, header.layout, header.width, header.checksum, rate, load)
    clip = open_clip(path, where, fps)
    size = path.stat().st_size if path.is_file() else 0
    checksum = zlib.crc32(repr((path.name, clip.frames, clip.fps, size)).encode())
    return Media(clip.frames, VIDEO, COLOURS, checksum, clip.fps, partial(Video, clip))


def segment_of(media: Media, numbers: Numbers, where: str) -> Media:
    """The part of a clip between two times, or all of it.

    Frame ``i`` of a clip is shown from ``i / fps`` on. A segment has the frames from the one nearest to its
    start up to, but without, the one nearest to its end, so that segments that touch share no frame.

    Raises:
        UserError: the segment has no frame or is not in the clip; the row's rate is not that of a clip that
            knows its own.
    """
    if numbers.fps and abs(media.fps / numbers.fps - 1) > ALIKE:
        what = f"has {media.fps:g} frames a second, but the column fps says {numbers.fps:g}"
        raise UserError(where, what, "the column is for clips that do not say: leave the cell empty")
    if numbers.start is None and numbers.end is None:
        return media
    start, end = numbers.start or 0.0, numbers.end
    seconds = media.frames / media.fps
    first = _nearest(start * media.fps)
    last = media.frames if end is None else _nearest(end * media.fps)
    if last > media.frames + 1 or first >= media.frames:
        until = "" if end is None else f" to {end:g}"
        raise UserError(where, f"the segment {start:g}{until} s is not in the clip of {seconds:.3f} s")
    last = min(last, media.frames)  # annotations often end a frame after the clip
    if last <= first:
        raise UserError(where, f"the segment {start:g} to {end:g} s has no frame")
    return replace(media, frames=last - first, load=partial(load_segment, media.load, first, last))


def _nearest(frame: float) -> int:
    return math.floor(frame + 0.5)


def _number(row: Row, column: str) -> float | None:
    """A cell as a number, not negative; None if it is empty or not there."""
    cell = row.cells.get(column, "").strip()
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        unit = "frames a second, such as 29.97" if column == "fps" else "seconds, such as 12.48"
        raise UserError(row.where, f"{column} is {cell!r}, not a number of {unit}")
    return number
