"""Files of video by PyAV: an index of their frames without decoding them, then any frame by its index."""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import numpy.typing as npt

from signkit.data.video.packets import begins_amid, declared_seconds, read_headers
from signkit.data.video.picture import DAMAGED
from signkit.data.video.pixels import Size, ToRgb, gathered, turn_of
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
TEXT_CODECS = ("ansi", "bintext", "xbin", "idf")
"""FFmpeg shows text files as films of their letters."""
LISTS = ("concat", "hls", "dash")
"""What FFmpeg opens though it holds no film but names files that do."""
TIMED = ("mov", "matroska", "mpegts", "flv", "ogg")
"""Containers that keep the time at which a frame is shown; others know it where frames come in order."""
BY_DTS = ("mpegts",)
"""Containers in which a seek goes by the time of decoding, not of showing."""
UNTIMED = ("vp8", "mpeg")
"""A codec with packets that show no frame; a container of which times are guessed after a seek."""
FROM_THE_START = ("pal8",)
"""What cannot be sought: the palette of a film comes with its first packet only."""


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
    """

    path: Path
    where: str
    frames: int
    fps: float
    times: npt.NDArray[np.int64] = field(repr=False)
    keys: npt.NDArray[np.int64] = field(repr=False)
    seek_times: npt.NDArray[np.int64] = field(repr=False)

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
        with _opened(self.path, self.where) as (container, stream):
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
    with _opened(path, where) as (container, stream):
        rate, unit = stream.average_rate, stream.time_base or Fraction(1)
        in_order = not stream.codec_context.has_b_frames
        timed = in_order or container.format.name.partition(",")[0] in TIMED
        timed = timed and stream.codec_context.name not in UNTIMED and container.format.name not in UNTIMED
        by_dts = container.format.name in BY_DTS
        sought = stream.codec_context.pix_fmt not in FROM_THE_START
        packets = read_headers(container, stream, where)
        length = declared_seconds(container, stream)
    headers = [header for header in packets if not header.hidden]
    times = sorted({header.pts for header in headers if header.pts is not None})
    if not timed or len(times) < len(headers) or begins_amid(packets, times):
        return _counted(path, where, rate)
    shown = np.array(times, dtype=np.int64)
    if len(shown) == 0:
        raise UserError(where, "has no frames")
    fps = _fps(shown, unit, rate)
    seconds = float((times[-1] - min(times[0], 0)) * unit)
    last = max((header.pts or 0, header.duration) for header in headers)[1]
    if length - seconds - max(float(last * unit), 1 / fps) > SLACK + 1 / fps:
        raise UserError(where, f"is truncated after frame {len(shown) - 1}: {seconds:.1f} of {length:.1f} s")
    begins = sorted((h.pts or 0, h.dts if by_dts else h.pts) for h in headers if h.key and sought)
    keys = np.searchsorted(shown, np.array([pts for pts, _ in begins], dtype=np.int64))
    seek_times = np.array([pts if time is None else time for pts, time in begins], dtype=np.int64)
    return VideoFile(path, where, len(shown), fps, shown, keys, seek_times)


def _counted(path: Path, where: str, rate: Fraction | None) -> VideoFile:
    """The index of a file that does not tell the times of its frames: all are decoded once."""
    none = np.empty(0, dtype=np.int64)
    try:
        with _opened(path, where) as (container, stream):
            unit = stream.time_base or Fraction(1)
            times = [frame.pts for frame in _decoded(container, stream, none)]
    except _DamagedError as error:
        raise UserError(where, f"frame {error.place} cannot be decoded", DAMAGED) from error
    if not times:
        raise UserError(where, "has no frames")
    known = [time for time in times if time is not None]
    rising = len(known) == len(times) and all(one < next_ for one, next_ in pairwise(known))
    fps = _fps(np.array(known, dtype=np.int64), unit, rate) if rising else float(rate or USUAL_FPS)
    return VideoFile(path, where, len(times), fps, none, none, none)


@contextmanager
def _opened(path: Path, where: str) -> Iterator[tuple["InputContainer", "VideoStream"]]:
    """The file and its stream of pictures. Only this file is read, whatever it names."""
    try:
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except FileNotFoundError as error:
        raise UserError(where, "there is no such file") from error
    except (av.FFmpegError, OSError, UnicodeError) as error:
        raise UserError(where, "is not a readable video", DAMAGED) from error
    with container:
        if container.format.name == "image2" or container.format.name.endswith("_pipe"):
            raise UserError(where, "is one picture, not a video")
        if container.format.name.partition(",")[0] in LISTS:
            raise UserError(where, "is a list of files, not a video")
        stream = next((s for s in container.streams.video if not _is_cover(s)), None)
        if stream is None:
            kinds = sorted({s.type for s in container.streams if s.type != "video"})
            raise UserError(where, f"has no pictures, only {' and '.join(kinds) or 'an empty film'}")
        if stream.codec_context is None or stream.codec_context.name in TEXT_CODECS:
            raise UserError(where, "is not a video")
        stream.codec_context.thread_count = 1
        yield container, stream


def _is_cover(stream: "VideoStream") -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


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
