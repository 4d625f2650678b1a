"""Small media files made on the spot, whole and damaged."""

import io
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from signkit.data.video.h264 import SAME_BITS

MILLISECOND = Fraction(1, 1000)
Pixels = npt.NDArray[np.uint8]


def moving(frames: int, height: int = 48, width: int = 32) -> Pixels:
    """A film of slopes that move, every frame another: uint8 [frames, height, width, 3]."""
    t, y, x = np.mgrid[:frames, :height, :width]
    return np.stack([x * 4 + t * 3, y * 3 + t * 7, 255 - t * 5 + 0 * x], -1).astype(np.uint8)


def write_video(
    path: Path,
    pixels: Pixels,
    codec: str = "libx264",
    *,
    rate: int = 25,
    pix_fmt: str = "yuv420p",
    times: list[int] | None = None,
    container: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """A file of video; ``times`` in milliseconds, where the rate varies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=container or {}) as file:
        stream = file.add_stream(
            codec, rate=rate, options=options | (SAME_BITS if codec == "libx264" else {})
        )
        stream.height, stream.width, stream.pix_fmt = *pixels.shape[1:3], pix_fmt
        if times is not None:
            stream.codec_context.time_base = MILLISECOND
        for number, picture in enumerate(pixels):
            frame = av.VideoFrame.from_ndarray(picture, format="rgba" if picture.shape[2] == 4 else "rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[number], MILLISECOND
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """A file with sound alone."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=16000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.rate = 16000
        file.mux(stream.encode(sound))
        file.mux(stream.encode(None))
    return path


def write_frames(folder: Path, pixels: Pixels, name: str = "images{:04d}.png", first: int = 1) -> Path:
    """A folder of pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pixels, first):
        Image.fromarray(picture).save(folder / name.format(number))
    return folder


def write_moving(path: Path, pixels: Pixels, duration: int | list[int] = 40) -> Path:
    """A gif, webp or apng."""
    first, *rest = [Image.fromarray(picture) for picture in pixels]
    lossless = {"lossless": True} if path.suffix == ".webp" else {}
    first.save(path, save_all=True, append_images=rest, duration=duration, **lossless)
    return path


def encoded(picture: Pixels, kind: str) -> bytes:
    """A picture as the bytes of a file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind)
    return file.getvalue()


def turned(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """An mp4 with another display matrix (a, b, c, d) in its track's header."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in matrix)
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def cut(path: Path, share: float) -> Path:
    """The beginning of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def overwritten(path: Path, start: float, end: float) -> Path:
    """A file with zeros from one share of it to another."""
    data = bytearray(path.read_bytes())
    low, high = int(len(data) * start), int(len(data) * end)
    data[low:high] = bytes(high - low)
    path.write_bytes(data)
    return path


def put(path: Path, content: bytes | str) -> Path:
    """A file of these bytes or this text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


FAST = {"movflags": "faststart"}
"""The index first, as for streaming."""
