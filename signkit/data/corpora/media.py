"""What a row of a manifest leads to: a clip, or the segment of one from ``start`` to ``end``, in seconds."""

import math
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signkit.data.corpora.table import Row
from signkit.data.landmark_files import is_landmarks, landmark_header, read_landmarks
from signkit.data.landmarks import NO_HAND, NOTHING, layout
from signkit.data.missing import Missing
from signkit.data.notices import Notice, notices_of
from signkit.data.segment import load_segment
from signkit.data.video import open_clip
from signkit.errors import UserError
from signkit.runtime.paths import refuse_special
from signkit.runtime.pool import processors
from signkit.types import USUAL_FPS, VIDEO, Features, Landmarks, Signal, Video

NUMBERS = ("fps", "start", "end")
"""Columns of numbers; an empty cell is as if the column were not there."""
COLOURS = 3
THREADS = 8
"""Clips that are opened at a time, at most: each may take much memory."""
ALIKE = 0.01
"""Share by which two rates may differ and still be one: 29.97 is 30."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Media:
    """What a row's path leads to, recognised by its header.

    Attributes:
        layout: of landmarks, "" of features, `VIDEO` of video.
        checksum: enough to see that a file has changed, cheap.
        fps: frames a second.
        seen: of landmarks, the frames [frames] in which a point is seen, and those in which a hand is.
        times: when each frame is shown, in seconds; None where that is at an even rate.
        begin: seconds of the file at which a segment begins.
        notices: what may not mean what it should in landmarks.
        contentless: whether all frames have one value throughout, or none; such clips are alike by chance.
    """

    frames: int
    layout: str
    width: int
    checksum: int
    fps: float
    load: Callable[[], Signal]
    seen: tuple[Bools, Bools] | None = None
    times: npt.NDArray[np.float64] | None = None
    notices: tuple[Notice, ...] = ()
    contentless: bool = False
    begin: float = 0.0

    @property
    def unseen(self) -> str:
        """What is never seen, as a sentence; "" if a hand is, and of what is not landmarks."""
        if self.seen is None or self.seen[1].any():
            return ""
        return NO_HAND if self.seen[0].any() else NOTHING


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


def open_all(
    wanted: Mapping[tuple[Path, float | None], str], missing: Missing = "nan"
) -> dict[tuple[Path, float | None], Media | UserError]:
    """Whole clips, each path with its frames a second if the clip does not say; or why a clip cannot be used.

    ``wanted`` has for each how messages call it, those of frames that are decoded later too.

    Several are opened at a time: a network disk answers slowly but to many at once.

    Args:
        missing: how landmarks that were not seen are marked.

    Raises:
        OperationalError: one of them cannot be read.
    """
    pool = ThreadPoolExecutor(min(THREADS, processors()))
    try:
        media = pool.map(partial(_opened, missing=missing), wanted, wanted.values())
        return dict(zip(wanted, media, strict=True))
    finally:
        pool.shutdown(cancel_futures=True)


def _opened(clip: tuple[Path, float | None], where: str, missing: Missing) -> Media | UserError:
    try:
        return open_media(clip[0], where, clip[1], missing)
    except UserError as fault:
        return fault


def open_media(path: Path, where: str, fps: float | None, missing: Missing = "nan") -> Media:
    """A whole clip, as `by_header`. Landmarks and features are read and checked.

    Raises:
        UserError: it cannot be used.
    """
    media = by_header(path, where, fps, missing)
    if media.layout == VIDEO:
        return media
    signal = media.load()
    if not isinstance(signal, Landmarks):
        vectors = signal.vectors if isinstance(signal, Features) else np.zeros(0)
        return replace(media, contentless=_contentless(vectors))
    return replace(
        media,
        seen=_seen(signal),
        times=signal.times,
        notices=tuple(notices_of(where, signal)),
        contentless=_contentless(signal.points),
    )


def by_header(path: Path, where: str, fps: float | None, missing: Missing = "nan") -> Media:
    """A whole clip, of which only headers are read.

    Args:
        fps: frames a second of a clip that does not say; None: the usual rate, or what the names of its
            frames tell.
        missing: how landmarks that were not seen are marked.

    Raises:
        UserError: it cannot be used.
    """
    refuse_special(path, where)
    if is_landmarks(path):
        header = landmark_header(path, where)
        rate = header.fps or fps or USUAL_FPS
        load = partial(read_landmarks, path, fps=fps, missing=missing)
        return Media(header.frames, header.layout, header.width, header.checksum, rate, load)
    clip = open_clip(path, where, fps)
    size = path.stat().st_size if path.is_file() else 0
    checksum = zlib.crc32(repr((path.name, clip.frames, clip.fps, size)).encode())
    return Media(
        clip.frames, VIDEO, COLOURS, checksum, clip.fps, partial(Video, clip), times=Video(clip).times
    )


def segment_of(media: Media, numbers: Numbers, where: str) -> Media:
    """The part of a clip between two times, or all of it.

    Frame ``i`` of a clip is shown from ``i / fps`` on, or from its own time. A segment has the frames from
    the one nearest to its start up to, but without, the one nearest to its end, so that segments that touch
    share no frame.

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
    seconds = media.frames / media.fps if media.times is None else media.times[-1] + 1 / media.fps
    first = frame_at(start, media)
    last = media.frames if end is None else frame_at(end, media)
    if last > media.frames + 1 or first >= media.frames:
        until = "" if end is None else f" to {end:g}"
        raise UserError(where, f"the segment {start:g}{until} s is not in the clip of {seconds:.3f} s")
    last = min(last, media.frames)  # annotations often end a frame after the clip
    if last <= first:
        raise UserError(where, f"the segment {start:g} to {end:g} s has no frame")
    seen = media.seen and (media.seen[0][first:last], media.seen[1][first:last])
    load = partial(load_segment, media.load, first, last)
    begin = first / media.fps if media.times is None else float(media.times[first])
    return replace(media, frames=last - first, load=load, seen=seen, begin=begin)


def _contentless(numbers: npt.NDArray[np.floating]) -> bool:
    """Whether numbers are all one, or missing."""
    known = numbers[~np.isnan(numbers)]
    return known.size == 0 or bool((known == known[0]).all())


def _seen(signal: Landmarks) -> tuple[Bools, Bools]:
    seen = ~np.isnan(signal.points[..., 0])
    for coordinate in range(1, signal.points.shape[2]):
        seen &= ~np.isnan(signal.points[..., coordinate])
    whole = layout(signal.layout)
    hands = [point for hand in whole.hands for point in whole.parts[hand]] or [*range(len(whole.points))]
    return np.logical_or.reduce(seen, axis=1), np.logical_or.reduce(seen[:, hands], axis=1)


def frame_at(seconds: float, media: Media) -> int:
    """The frame that begins nearest to a time, of two the later; after the last one at the mean rate."""
    if media.times is None:
        return math.floor(seconds * media.fps + 0.5)
    last = len(media.times) - 1
    if seconds > media.times[last]:
        return last + math.floor(float(seconds - media.times[last]) * media.fps + 0.5)
    middles = (media.times[:-1] + media.times[1:]) / 2
    return int(np.searchsorted(middles, seconds, "right"))


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
