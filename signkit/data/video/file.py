"""Files of video by PyAV: an index of their frames without decoding them, then any frame by its index."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import numpy.typing as npt

from signkit.data.video.films import films_of, longest, opened
from signkit.data.video.packets import Header, begins_amid, declared_seconds, read_headers
from signkit.data.video.picture import DAMAGED
from signkit.data.video.pixels import Size, ToRgb, gathered, turn_of
from signkit.data.video.times import ROUNDED, Seconds, uneven
from signkit.errors import UserError
from signkit.types import USUAL_FPS

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

SLACK = 0.1
"""Seconds by which a file may be shorter than it declares."""
WORTH_A_SEEK = 12
"""Frames that must be skipped for a seek to cost less than decoding them."""
TIMED = ("mov", "matroska", "mpegts", "flv", "ogg")
"""Containers that keep the time at which a frame is shown; others know it where frames come in order."""
BY_DTS = ("mpegts",)
"""Containers in which a seek goes by the time of decoding, not of showing."""
UNTIMED = ("vp8", "mpeg")
"""A codec with packets that show no frame; a container of which times are guessed after a seek."""
FROM_THE_START = ("pal8",)
"""What cannot be sought: the palette of a film comes with its first packet only."""
MICROSECONDS = 2e-6


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A file of video, opened for each reading; it holds no handle.

    Attributes:
        frames: how many there are, in the order in which they are shown.
        fps: the mean.
        times: of each frame, in the stream's unit; empty where the file does not tell: then frames are
            counted from the start.
        keys: frames with which decoding can begin, rising.
        seek_times: for each of them the time to seek to.
        film: its number among the file's streams.
        notes: what is to be said of the file's other films; empty if there is none.
        seconds: when each frame is shown, from the beginning of the file; None where that is at an even rate.
    """

    path: Path
    where: str
    frames: int
    fps: float
    times: npt.NDArray[np.int64] = field(repr=False)
    keys: npt.NDArray[np.int64] = field(repr=False)
    seek_times: npt.NDArray[np.int64] = field(repr=False)
    film: int = 0
    notes: tuple[str, ...] = ()
    seconds: Seconds | None = field(default=None, repr=False, compare=False)

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """Frames by index, upright, RGB; see `signkit.types.Clip`."""
        wanted, row_of = np.unique(places, return_inverse=True)
        try:
            frames = self._read(wanted, size, seek=len(self.times) > 0)
        except _LostError:
            frames = self._read(wanted, size, seek=False)
        return frames if len(wanted) == len(places) else frames[row_of]

    def _read(self, wanted: npt.NDArray[np.int64], size: Size | None, seek: bool) -> npt.NDArray[np.uint8]:
        to_rgb, places = ToRgb(), wanted.tolist()
        with opened(self.path, self.where, self.film) as (container, stream):
            frames = self._wanted(container, stream, places, seek)
            first = next(frames)

            def pixels() -> Iterator[npt.NDArray[np.uint8]]:
                for place, frame in zip(places, chain([first], frames), strict=True):
                    if (frame.width, frame.height) != (first.width, first.height):
                        raise UserError(self.where, _other_size(place, frame, places[0], first))
                    yield to_rgb(frame)

            return gathered(pixels(), len(places), size, turn_of(first))

    def _wanted(
        self, container: "InputContainer", stream: "VideoStream", wanted: list[int], seek: bool
    ) -> Iterator["VideoFrame"]:
        """The frames of these places, rising, with a seek where many are skipped.

        Raises:
            UserError: a frame cannot be decoded, or never comes.
            _LostError: the same after a seek, which may be to blame.
        """
        place, sought, keys = 0, False, self.keys.tolist()
        frames = self._placed(container, stream, 0)
        for target in wanted:
            key = bisect_right(keys, target) - 1
            if seek and key >= 0 and keys[key] - place >= WORTH_A_SEEK:
                try:
                    container.seek(int(self.seek_times[key]), stream=stream)
                except av.FFmpegError as error:
                    raise _LostError from error
                frames, sought = self._placed(container, stream, keys[key]), True
            placed_frame = None
            try:
                placed_frame = next((placed for placed in frames if placed[0] >= target), None)
            except _DamagedError as error:
                if sought:
                    raise _LostError from error
                raise UserError(self.where, f"frame {error.place} cannot be decoded", DAMAGED) from error
            if placed_frame is None or placed_frame[0] != target:
                if sought:
                    raise _LostError
                raise UserError(self.where, f"frame {target} cannot be decoded", DAMAGED)
            yield placed_frame[1]
            place = target + 1

    def _placed(
        self, container: "InputContainer", stream: "VideoStream", first: int
    ) -> Iterator[tuple[int, "VideoFrame"]]:
        """Decoded frames with their places, from the one on at which the file stands."""
        count, place_of = first, {time: place for place, time in enumerate(self.times.tolist())}
        for frame in _decoded(container, stream, self.times):
            place = place_of.get(frame.pts, -1) if place_of else count
            if place < 0:
                continue
            count += 1
            if frame.is_corrupt:
                raise _DamagedError(place)
            yield place, frame


def open_file(path: Path, where: str) -> VideoFile:
    """The index of a file, from the headers of its packets.

    Raises:
        UserError: not a video, without a picture, truncated, without frames.
    """
    notes: tuple[str, ...] = ()
    with opened(path, where) as (container, stream):
        film = stream.index
        if len(films_of(container)) > 1:
            film, note = longest(container)
            notes = (note,)
        else:
            info = _stream_info(container, stream, where)
    if notes:
        with opened(path, where, film) as (container, stream):
            info = _stream_info(container, stream, where)
    headers = [header for header in info.packets if not header.hidden]
    times = sorted({header.pts for header in headers if header.pts is not None})
    if not info.timed or len(times) < len(headers) or begins_amid(info.packets, times):
        return _counted(path, where, info, film, notes)
    shown = np.array(times, dtype=np.int64)
    if len(shown) == 0:
        raise UserError(where, "has no frames")
    fps = _fps(shown, info.unit, info.rate)
    seconds = float((times[-1] - min(times[0], 0)) * info.unit)
    last = max((header.pts or 0, header.duration) for header in headers)[1]
    if info.length - seconds - max(float(last * info.unit), 1 / fps) > SLACK + 1 / fps:
        what = f"is truncated after frame {len(shown) - 1}: {seconds:.1f} of {info.length:.1f} s"
        raise UserError(where, what)
    begins = sorted((h.pts or 0, h.dts if info.by_dts else h.pts) for h in headers if h.key and info.sought)
    keys = np.searchsorted(shown, np.array([pts for pts, _ in begins], dtype=np.int64))
    seek_times = np.array([pts if time is None else time for pts, time in begins], dtype=np.int64)
    own = _seconds(shown, info, fps)
    return VideoFile(path, where, len(shown), fps, shown, keys, seek_times, film, notes, own)


@dataclass(frozen=True, slots=True)
class _StreamInfo:
    """What a file tells of its film without decoding it.

    Attributes:
        rate: frames a second, if they are declared.
        unit: of times, in seconds.
        start: seconds at which the file begins.
        length: seconds that are declared, 0 if none are.
        timed: whether the times of packets are those of their frames.
        by_dts: whether a seek goes by the time of decoding.
        sought: whether there can be a seek at all.
    """

    packets: list[Header]
    rate: Fraction | None
    unit: Fraction
    start: float
    length: float
    timed: bool
    by_dts: bool
    sought: bool


def _stream_info(container: "InputContainer", stream: "VideoStream", where: str) -> _StreamInfo:
    name, codec = container.format.name, stream.codec_context
    timed = not codec.has_b_frames or name.partition(",")[0] in TIMED
    return _StreamInfo(
        packets=read_headers(container, stream, where),
        rate=stream.average_rate,
        unit=stream.time_base or Fraction(1),
        start=(container.start_time or 0) / av.time_base,
        length=declared_seconds(container, stream),
        timed=timed and codec.name not in UNTIMED and name not in UNTIMED,
        by_dts=name in BY_DTS,
        sought=codec.pix_fmt not in FROM_THE_START,
    )


def _counted(path: Path, where: str, info: _StreamInfo, film: int, notes: tuple[str, ...]) -> VideoFile:
    """The index of a file that does not tell the times of its frames: all are decoded once."""
    none = np.empty(0, dtype=np.int64)
    try:
        with opened(path, where, film) as (container, stream):
            times = [frame.pts for frame in _decoded(container, stream, none)]
    except _DamagedError as error:
        raise UserError(where, f"frame {error.place} cannot be decoded", DAMAGED) from error
    if not times:
        raise UserError(where, "has no frames")
    known = np.array([time for time in times if time is not None], dtype=np.int64)
    rising = len(known) == len(times) and bool((np.diff(known) > 0).all())
    fps = _fps(known, info.unit, info.rate) if rising else float(info.rate or USUAL_FPS)
    own = _seconds(known, info, fps) if rising else None
    return VideoFile(path, where, len(times), fps, none, none, none, film, notes, own)


def _seconds(times: npt.NDArray[np.int64], info: _StreamInfo, fps: float) -> Seconds | None:
    """When frames are shown, from the beginning of the file; None where that is at an even rate."""
    seconds: Seconds = times.astype(np.float64) * float(info.unit)
    start = min(info.start, float(seconds[0]))
    if abs(seconds[0] - start) < MICROSECONDS:  # to which PyAV rounds the file's beginning
        start = float(seconds[0])
    return uneven(seconds - start, fps, max(ROUNDED, float(info.unit)))


def _decoded(
    container: "InputContainer", stream: "VideoStream", times: npt.NDArray[np.int64]
) -> Iterator["VideoFrame"]:
    """Frames in the order in which they are shown.

    Raises:
        _DamagedError: naming the frame of the packet at fault.
    """
    count = 0
    packets = container.demux(stream)
    while True:
        packet = None
        try:
            packet = next(packets, None)
            frames = packet.decode() if packet is not None else []
        except av.FFmpegError as error:
            pts = packet.pts if packet is not None else None
            place = int(np.searchsorted(times, pts)) if len(times) and pts is not None else count
            raise _DamagedError(place) from error
        if packet is None:
            return
        for frame in frames:
            count += 1
            yield frame


def _fps(times: npt.NDArray[np.int64], unit: Fraction, rate: Fraction | None) -> float:
    """Frames a second: the declared rate where it is the mean but for rounding, else the mean."""
    span = float((int(times[-1]) - int(times[0])) * unit)
    if span <= 0:
        return float(rate or USUAL_FPS)
    mean = (len(times) - 1) / span
    return float(rate) if rate and abs(float(rate) / mean - 1) < 0.01 else mean


def _other_size(place: int, frame: "VideoFrame", first_place: int, first: "VideoFrame") -> str:
    sizes = [f"{f.width}x{f.height}" for f in (frame, first)]
    return f"frame {place} is {sizes[0]} pixels, but frame {first_place} {sizes[1]}"


class _DamagedError(Exception):
    """A frame that cannot be decoded."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


class _LostError(Exception):
    """A frame that did not come after a seek."""
