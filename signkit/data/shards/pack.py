"""A clip of a corpus as the bytes that are written of it: what the processes of `signkit data prepare` do."""

import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from signkit.config.registry import extra_for
from signkit.data.motion import How, MotionStream
from signkit.data.shards.index import NO_MOTION, Header, Refused, clip_description
from signkit.data.shards.tar import member
from signkit.data.video.h264 import SAME_BITS
from signkit.errors import UserError
from signkit.types import Clip, Features, Landmarks, Sample, Text, Video

AT_ONCE = 128 << 20
"""Bytes of decoded frames that are held at a time, about."""
KEY_FRAME = 12
"""Frames from one key frame of an mp4 to the next: what is decoded for one frame at most."""
ENDINGS = {"npz": "npz", "mp4": "mp4", "jpeg": "jpg"}


@dataclass(frozen=True, slots=True)
class Packed:
    """A clip's bytes as they are written, and what the index tells of them."""

    content: bytes
    kind: str
    fps: float
    sizes: tuple[int, ...]
    sha256: str
    motion: int = 0


@dataclass(frozen=True, slots=True)
class Pack:
    """Packs a sample by its number; a function that knows the corpus."""

    samples: Sequence[Sample]
    header: Header

    def __call__(self, number: int) -> Packed | Refused:
        """The packed sample, or why it is left out.

        Raises:
            OperationalError: it cannot be read, which is not the clip's fault.
        """
        sample = self.samples[number]
        try:
            return _packed(sample, f"{number:08d}", self.header)
        except UserError as error:
            return Refused(sample.id, sample.split, error.where, error.what, error.hint)


def _packed(sample: Sample, key: str, header: Header) -> Packed:
    signal, motion = sample.load(), b""
    if isinstance(signal, Video):
        clip = signal.clip
        _check_frames(sample, clip.frames)
        fps = float(clip.fps)
        kind = "jpeg" if header.format == "shards" else "mp4"
        with extra_for("signkit data prepare"):
            parts, motion = _jpegs(clip, header) if kind == "jpeg" else ([_mp4(clip, header)], b"")
    elif isinstance(signal, Text):
        raise UserError(sample.source or sample.id, "is text, which is not packed")
    else:
        _check_frames(sample, signal.frames)
        fps = float(signal.fps)
        kind, parts = "npz", [_npz(signal)]
    content = parts[0]
    if header.format == "shards":
        ending = f".{{:06d}}.{ENDINGS[kind]}" if kind == "jpeg" else f".{ENDINGS[kind]}"
        about = json.dumps(clip_description(sample, fps), ensure_ascii=False).encode()
        members = [member(key + ending.format(place), part) for place, part in enumerate(parts)]
        if motion:
            members.append(member(f"{key}.motion.npz", motion))
        content = b"".join((*members, member(f"{key}.json", about)))
    digest = hashlib.sha256(content).hexdigest()
    return Packed(content, kind, fps, tuple(map(len, parts)), digest, len(motion))


def _check_frames(sample: Sample, frames: int) -> None:
    if frames != sample.frames:
        what = f"sample {sample.id!r} has {frames} frames, not {sample.frames}"
        raise UserError(sample.source or sample.id, what)


def _stretches(clip: Clip, size: int) -> Iterator[npt.NDArray[np.uint8]]:
    """All frames of a clip, a stretch of them at a time."""
    at_once = max(1, AT_ONCE // (size * size * 3))
    for start in range(0, clip.frames, at_once):
        places = np.arange(start, min(start + at_once, clip.frames))
        yield clip.read(places, (size, size))


def _jpegs(clip: Clip, header: Header) -> tuple[list[bytes], bytes]:
    """The frames of a clip, and an npz of their maps of motion if the header names a kind; decoded once."""
    from PIL import Image

    stream = None if header.motion == NO_MOTION else MotionStream(cast(How, header.motion))
    files, maps = list[bytes](), list[npt.NDArray[np.uint8]]()
    for stretch in _stretches(clip, header.size):
        for pixels in stretch:
            file = io.BytesIO()
            Image.fromarray(pixels).save(file, "JPEG", quality=header.quality)
            files.append(file.getvalue())
        if stream is not None:
            maps.append(stream.push(stretch))
    if stream is None:
        return files, b""
    packed = io.BytesIO()
    np.savez_compressed(packed, motion=np.concatenate([*maps, stream.finish()]))
    return files, packed.getvalue()


def _mp4(clip: Clip, header: Header) -> bytes:
    """H.264 without frames that wait for later ones; one thread, so that the bits are always the same."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(clip.fps).limit_denominator(1001))
        stream.width = stream.height = header.size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        rate, every = str(constant_rate(header.quality)), str(KEY_FRAME)
        stream.options = {"preset": "veryfast", "crf": rate, "g": every, "bf": "0", **SAME_BITS}
        for pixels in chain.from_iterable(_stretches(clip, header.size)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def constant_rate(quality: int) -> int:
    """H.264's constant rate factor, from 0 (lossless) to 51, for a quality from 100 to 1: 92 gives 14,
    about as good as JPEG's 92 (this project)."""
    return round(51 * math.sqrt((100 - quality) / 99))


def _npz(signal: Landmarks | Features) -> bytes:
    file = io.BytesIO()
    write: Callable[..., None] = np.savez
    if isinstance(signal, Features):
        write(file, features=signal.vectors)
    else:
        times = {} if signal.times is None else {"times": signal.times}
        layout, fps = np.array(signal.layout), np.array(float(signal.fps))
        write(file, landmarks=signal.points, layout=layout, fps=fps, **times)
    return file.getvalue()
