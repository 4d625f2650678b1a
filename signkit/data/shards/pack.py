"""A clip of a corpus as the bytes that are kept of it: what the processes of `signkit data prepare` do."""

import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.config.registry import check_extra
from signkit.data.shards.index import described
from signkit.data.shards.tar import member
from signkit.errors import OperationalError, UserError
from signkit.types import Clip, Landmarks, Sample, Video

AT_ONCE = 128 << 20
"""Bytes of decoded frames that are held at a time, about."""
KEY_FRAME = 12
"""Frames from one key frame of an mp4 to the next: what is decoded for one frame at most."""
USUAL_FPS = 25.0
"""Of features, which do not say."""
ENDINGS = {"npz": "npz", "mp4": "mp4", "jpeg": "jpg"}


@dataclass(frozen=True, slots=True)
class Form:
    """How clips are kept: in ``shards`` or in ``mp4`` files, frames of size x size pixels."""

    format: str
    size: int
    quality: int


@dataclass(frozen=True, slots=True)
class Packed:
    """A clip's bytes as they are written, and what the index tells of them."""

    content: bytes
    kind: str
    fps: float
    sizes: tuple[int, ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A clip that cannot be used, and why; an error does not travel well between processes.

    Attributes:
        users: whether the clip is at fault; else the machine is.
    """

    where: str
    what: str
    hint: str = ""
    users: bool = True

    def error(self) -> UserError | OperationalError:
        """The error that it was."""
        return UserError(self.where, self.what, self.hint) if self.users else OperationalError(self.what)


@dataclass(frozen=True, slots=True)
class Pack:
    """Packs a sample by its number; a function that knows the corpus."""

    samples: Sequence[Sample]
    form: Form

    def __call__(self, number: int) -> Packed | Refused:
        """The packed sample, or why it is refused."""
        sample = self.samples[number]
        try:
            return _packed(sample, f"{number:08d}", self.form)
        except UserError as error:
            return Refused(error.where, error.what, error.hint)
        except OperationalError as error:
            return Refused("", str(error), users=False)


def _packed(sample: Sample, key: str, form: Form) -> Packed:
    signal = sample.load()
    if isinstance(signal, Video):
        clip = signal.clip
        _check_frames(sample, clip.frames)
        fps = float(clip.fps)
        kind = "jpeg" if form.format == "shards" else "mp4"
        try:
            parts = [*_jpegs(clip, form)] if kind == "jpeg" else [_mp4(clip, form)]
        except ImportError as error:
            check_extra(error, "signkit data prepare")
            raise
    else:
        array = signal.points if isinstance(signal, Landmarks) else signal.vectors
        _check_frames(sample, len(array))
        fps = float(signal.fps) if isinstance(signal, Landmarks) else USUAL_FPS
        kind, parts = "npz", [_npz(signal.layout if isinstance(signal, Landmarks) else "", array, fps)]
    content = parts[0]
    if form.format == "shards":
        ending = f".{{:06d}}.{ENDINGS[kind]}" if kind == "jpeg" else f".{ENDINGS[kind]}"
        about = json.dumps(described(sample, fps), ensure_ascii=False).encode()
        names = [key + ending.format(place) for place in range(len(parts))]
        content = b"".join((*map(member, names, parts), member(f"{key}.json", about)))
    return Packed(content, kind, fps, tuple(map(len, parts)), hashlib.sha256(content).hexdigest())


def _check_frames(sample: Sample, frames: int) -> None:
    if frames != sample.frames:
        what = f"sample {sample.id!r} has {frames} frames, not {sample.frames}"
        raise UserError(sample.source or sample.id, what)


def _pictures(clip: Clip, size: int) -> Iterator[npt.NDArray[np.uint8]]:
    """All frames of a clip, one after the other, a stretch of them decoded at a time."""
    at_once = max(1, AT_ONCE // (size * size * 3))
    for start in range(0, clip.frames, at_once):
        places = np.arange(start, min(start + at_once, clip.frames))
        yield from clip.read(places, (size, size))


def _jpegs(clip: Clip, form: Form) -> Iterator[bytes]:
    from PIL import Image

    for pixels in _pictures(clip, form.size):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=form.quality)
        yield file.getvalue()


def _mp4(clip: Clip, form: Form) -> bytes:
    """H.264 without frames that wait for later ones; one thread, so that the bits are always the same."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(clip.fps).limit_denominator(1001))
        stream.width = stream.height = form.size
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        rate, every = str(constant_rate(form.quality)), str(KEY_FRAME)
        stream.options = {"preset": "veryfast", "crf": rate, "g": every, "bf": "0"}
        for pixels in _pictures(clip, form.size):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def constant_rate(quality: int) -> int:
    """H.264's constant rate factor, from 0 (all is kept) to 51, for a quality from 100 to 1: 92 gives 14,
    about as good as JPEG's 92 (this project)."""
    return round(51 * math.sqrt((100 - quality) / 99))


def _npz(layout: str, array: npt.NDArray[np.float32], fps: float) -> bytes:
    file = io.BytesIO()
    write: Callable[..., None] = np.savez
    if layout:
        write(file, landmarks=array, layout=np.array(layout), fps=np.array(fps))
    else:
        write(file, features=array)
    return file.getvalue()
