"""A video with its glosses burnt in: as large as the clip, each frame at its time, without its sound."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.tracking.frames import in_order
from signkit.data.video.h264 import SAME_BITS
from signkit.data.video.times import Seconds, bounds
from signkit.errors import OperationalError
from signkit.report.clips.cues import Cue
from signkit.report.clips.lettering import Band, Fonts, band
from signkit.runtime.files import whole_file
from signkit.types import Clip

QUALITY = "18"
"""The constant rate factor of H.264: hardly to be distinguished from the clip."""
TICKS = 60_000
"""A second of a video whose rate varies: MPEG-4 has 16 bits for them."""
BT601 = 5
"""FFmpeg's number of the matrix between RGB and brightness with colour differences."""


def burn(path: Path, clip: Clip, cues: Sequence[Cue], fonts: Fonts, tell: Callable[[], None]) -> None:
    """Write an mp4, whole or not at all; H.264, or MPEG-4 where that is lacking or a side is odd, which its
    encoder refuses.

    Args:
        tell: called after each frame.

    Raises:
        UserError: a frame cannot be decoded.
        OperationalError: the disk is full, the place cannot be written, or the frames cannot be encoded.
    """
    import av

    try:
        with whole_file(path) as aside:
            _write(aside, clip, cues, fonts, tell)
    except av.FFmpegError as error:
        raise OperationalError(f"{path}: cannot be written: {error.strerror or error}") from error


def _write(path: Path, clip: Clip, cues: Sequence[Cue], fonts: Fonts, tell: Callable[[], None]) -> None:
    import av

    own = getattr(clip, "seconds", None)
    gloss_of = spread(cues, bounds(clip.frames, clip.fps, own))
    drawn = _drawer(fonts)
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as file:
        stream: Any = None
        ticks = -1
        for place, picture in enumerate(in_order(clip)):
            height, width = picture.shape[:2]
            if stream is None:
                stream = _stream(file, width, height, clip.fps, own is not None)
            if gloss := gloss_of[place]:
                picture = drawn(gloss, height, width).over(picture)
            frame = _frame(picture)
            if own is not None:
                shown = round(own[place] * TICKS)
                ticks = max(shown, ticks + 1)
                frame.pts, frame.time_base = ticks, Fraction(1, TICKS)
            file.mux(stream.encode(frame))
            tell()
        file.mux(stream.encode(None))


def spread(cues: Sequence[Cue], bounds: Seconds) -> list[str]:
    """The gloss that each frame shows, "" for none; every cue has one frame at least.

    Args:
        bounds: when each frame begins, and when the last one ends.
    """
    frames, middles = len(bounds) - 1, (bounds[:-1] + bounds[1:]) / 2
    found = [""] * frames
    for cue in cues:
        start, end = np.searchsorted(middles, [cue.start / 1000, cue.end / 1000], "right").tolist()
        start = min(start, frames - 1)
        end = max(start + 1, end)
        found[start:end] = [cue.gloss] * (min(end, frames) - start)
    return found


def _drawer(fonts: Fonts) -> Callable[[str, int, int], Band]:
    from PIL import ImageFont

    @cache
    def drawn(gloss: str, height: int, width: int) -> Band:
        path = str(fonts.path(gloss))
        return band(gloss, (height, width), lambda pixels: ImageFont.truetype(path, pixels))

    return drawn


def _stream(file: Any, width: int, height: int, fps: float, varies: bool) -> Any:
    import av

    whole = width % 2 == 0 and height % 2 == 0 and "libx264" in av.codecs_available
    rate = Fraction(fps).limit_denominator(max(1, min(1001, int(65535 / fps))))  # 16 bits each in MPEG-4
    options = {"crf": QUALITY, **SAME_BITS} if whole else {"qscale": "3"}
    stream = file.add_stream("libx264" if whole else "mpeg4", rate=rate, options=options)
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    if varies:
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
    stream.codec_context.colorspace = BT601
    return stream


def _frame(picture: npt.NDArray[np.uint8]) -> Any:
    import av

    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace=BT601)
