"""The signal of a clip of a prepared corpus: only the bytes of the frames asked for are read."""

import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signkit.config.registry import extra_for
from signkit.data.npz import DAMAGED, read_npy
from signkit.data.shards.index import NO_MOTION, Entry
from signkit.data.shards.remote import Remote
from signkit.data.shards.tar import starts
from signkit.data.video import open_clip
from signkit.data.video.pixels import Size, gathered
from signkit.errors import UserError
from signkit.runtime.files import plainly
from signkit.types import Clip, Features, Landmarks, Signal, Video


@dataclass(frozen=True, slots=True)
class ShardClip:
    """Frames in a shard: one seek, and one reading from the first frame asked for to the last.

    Attributes:
        starts: where each JPEG file begins in the shard, and ``sizes`` its bytes.
        how: how the motion was computed that is packed with them, see `video.motion`; ``none``.
        motion: where its npz begins in the shard, and its bytes.
    """

    path: Path
    where: str
    fps: float
    starts: npt.NDArray[np.int64] = field(repr=False)
    sizes: npt.NDArray[np.int64] = field(repr=False)
    how: str = NO_MOTION
    motion: tuple[int, int] = (0, 0)

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.sizes)

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """Frames by index, RGB; see `signkit.types.Clip`."""
        first, last = int(places[0]), int(places[-1])
        begin, end = int(self.starts[first]), int(self.starts[last] + self.sizes[last])
        content = read_range(self.path, begin, end - begin, self.where)
        wanted, row_of = np.unique(places, return_inverse=True)
        offsets = (self.starts[wanted] - begin).tolist()
        view = memoryview(content)
        pictures = [view[o : o + n] for o, n in zip(offsets, self.sizes[wanted].tolist(), strict=True)]
        frames = decoded(pictures, wanted.tolist(), size, self.where)
        return frames if len(wanted) == len(places) else frames[row_of]

    def motion_maps(self, how: str) -> npt.NDArray[np.uint8] | None:
        """The maps of motion of all frames, uint8 [frames, height, width]; None if there are none of the
        kind.

        Raises:
            UserError: they are damaged.
        """
        if how != self.how:
            return None
        content = read_range(self.path, *self.motion, self.where)
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                maps = read_npy(archive, "motion")
        except (*DAMAGED, KeyError, OSError) as error:
            raise UserError(self.where, f"its motion is damaged ({error})", "prepare it again") from error
        if maps.dtype != np.uint8 or maps.ndim != 3 or len(maps) != self.frames:
            raise UserError(self.where, "its motion is not a map for each frame", "prepare it again")
        return maps


@dataclass(frozen=True, slots=True)
class MemoryClip:
    """Frames whose JPEG files are in memory."""

    pictures: Sequence[bytes] = field(repr=False)
    where: str
    fps: float

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.pictures)

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """Frames by index, RGB; see `signkit.types.Clip`."""
        wanted, row_of = np.unique(places, return_inverse=True)
        pictures = [memoryview(self.pictures[place]) for place in wanted]
        return decoded(pictures, wanted.tolist(), size, self.where)[row_of]


@dataclass(frozen=True, slots=True)
class TimedClip:
    """A clip with the frame rate that the index has, to the last digit."""

    clip: Clip
    fps: float

    @property
    def frames(self) -> int:
        """How many there are."""
        return self.clip.frames

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """Frames by index, RGB; see `signkit.types.Clip`."""
        return self.clip.read(places, size)


def load_entry(root: Path | Remote, entry: Entry, motion: str = NO_MOTION) -> Signal:
    """The signal of a clip of the index; the frames of video are read when they are asked for.

    Args:
        root: the folder; at an address the clip is fetched.
        motion: how the motion was computed that is packed with the corpus, by its header.

    Raises:
        UserError: the file is shorter than the index says, or damaged; file and clip are named.
        OperationalError: it cannot be read.
    """
    if isinstance(root, Remote):  # a file of its own
        path, offset, where = root.clip(entry), 0, f"{root.address}/{entry.file}: clip {entry.id!r}"
    else:
        path, offset, where = root / entry.file, entry.offset, f"{root / entry.file}: clip {entry.id!r}"
    packed = np.append(entry.sizes, entry.motion)
    first = offset + starts(packed)[:-1] if entry.file.endswith(".tar") else np.zeros(1, np.int64)
    if entry.kind == "jpeg":
        how = motion if entry.motion else NO_MOTION
        place = offset + int(starts(packed)[-1]), entry.motion
        return Video(ShardClip(path, where, entry.fps, first, entry.sizes, how, place))
    if entry.kind == "npz":
        content = read_range(path, int(first[0]), int(entry.sizes[0]), where)
        return npz_signal(content, where, entry.fps)
    clip = open_clip(path, where)
    if clip.frames != entry.frames:
        raise UserError(where, f"has {clip.frames} frames, not {entry.frames}")
    return Video(TimedClip(clip, entry.fps))


def npz_signal(content: bytes, where: str, rate: float) -> Signal:
    """Landmarks or features as they were packed.

    Args:
        rate: frames a second of features, which are packed without it.

    Raises:
        UserError: they are damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if "features.npy" in archive.namelist():
                return Features(read_npy(archive, "features"), rate)
            points, name, fps = (read_npy(archive, key) for key in ("landmarks", "layout", "fps"))
            times = read_npy(archive, "times") if "times.npy" in archive.namelist() else None
        return Landmarks(points, str(name), float(fps), times)
    except (*DAMAGED, KeyError, OSError) as error:
        raise UserError(where, f"is damaged ({error})") from error


def read_range(path: Path, begin: int, size: int, where: str) -> bytes:
    """Some bytes of a file.

    Raises:
        UserError: there is no such file, or it ends before them.
        OperationalError: it cannot be read.
    """
    with plainly(path, "read"):
        try:
            handle = os.open(path, os.O_RDONLY)
        except FileNotFoundError as error:
            raise UserError(where, "there is no such file") from error
        try:
            content = os.pread(handle, size, begin)
            while len(content) < size and (
                more := os.pread(handle, size - len(content), begin + len(content))
            ):
                content += more
        finally:
            os.close(handle)
    if len(content) < size:
        what = f"the file ends at byte {begin + len(content)}, before byte {begin + size}"
        raise UserError(where, what, "it is truncated: copy it again")
    return content


def decoded(
    pictures: Sequence[memoryview], places: Sequence[int], size: Size | None, where: str
) -> npt.NDArray[np.uint8]:
    """JPEG files as frames: uint8 [frames, height, width, 3].

    Args:
        places: of the frames in the clip, for messages.
        size: height and width to resize to; None: as they are.

    Raises:
        UserError: one cannot be decoded, or has another size than the first.
    """
    return gathered(_alike(pictures, places, size, where), len(pictures), size)


def _alike(
    pictures: Sequence[memoryview], places: Sequence[int], size: Size | None, where: str
) -> Iterator[npt.NDArray[np.uint8]]:
    """Decoded pictures, all of one size."""
    shape = None
    for place, picture in zip(places, pictures, strict=True):
        pixels = _picture(picture, size, f"{where}, frame {place}")
        shape = shape or pixels.shape
        if pixels.shape != shape:
            ours, theirs = (f"{s[1]}x{s[0]}" for s in (pixels.shape, shape))
            raise UserError(where, f"frame {place} is {ours} pixels, but frame {places[0]} {theirs}")
        yield pixels


def _picture(content: memoryview, size: Size | None, where: str) -> npt.NDArray[np.uint8]:
    with extra_for(where):
        from PIL import Image
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as image:
            if size is not None and 2 * max(size) <= min(image.size):
                image.draft("RGB", (size[1], size[0]))  # a half, a quarter, an eighth: decodes less
            width, height = image.size
            return np.frombuffer(image.tobytes(), dtype=np.uint8).reshape(height, width, 3)
    except Exception as error:  # Pillow raises what it likes on damaged pictures
        raise UserError(
            where, "cannot be decoded", "the shard is damaged: copy or prepare it again"
        ) from error
