"""Folders of frames: pictures in the natural order of their names, none of them missing."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signkit.data.video import frame_names
from signkit.data.video.picture import DAMAGED, decoded
from signkit.data.video.pixels import Size, gathered
from signkit.data.video.times import Seconds, rate_of, uneven
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_bytes
from signkit.types import USUAL_FPS

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")
KINDS = "png, jpg, webp, bmp, tif"
"""Of pictures, in messages."""


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """A folder of pictures, one a frame, in the natural order of their names.

    Attributes:
        seconds: when each is shown, as the names tell; None where that is at an even rate.
    """

    path: Path
    where: str
    names: tuple[str, ...] = field(repr=False)
    fps: float
    seconds: Seconds | None = field(default=None, repr=False, compare=False)

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.names)

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """Frames by index, upright, RGB; see `signkit.types.Clip`."""
        wanted, row_of = np.unique(places, return_inverse=True)
        rows = gathered(self._alike(wanted.tolist()), len(wanted), size)
        return rows if len(wanted) == len(places) else rows[row_of]

    def _alike(self, places: list[int]) -> Iterator[npt.NDArray[np.uint8]]:
        """Frames, all of one size."""
        shape = None
        for place in places:
            name = self.names[place]
            content = read_bytes(self.path / name)
            try:
                pixels = decoded(content)
            except Exception as error:  # Pillow raises what it likes on damaged pictures
                raise UserError(self.where, f"frame {place} ({name}) cannot be decoded", DAMAGED) from error
            shape = shape or pixels.shape
            if pixels.shape != shape:
                sizes = [f"{width}x{height}" for height, width, _ in (pixels.shape, shape)]
                what = f"frame {place} ({name}) is {sizes[0]} pixels, but frame {places[0]} {sizes[1]}"
                raise UserError(self.where, what)
            yield pixels


def open_folder(path: Path, where: str, fps: float | None = None, kind: str = "") -> FrameFolder:
    """The frames of a folder, or of the only folder of frames in it; no picture is opened.

    Args:
        fps: frames a second; None: what the names of the frames tell if they are times, else the usual rate.
        kind: the ending of the pictures that are meant, ``.png``; all if empty.

    Raises:
        UserError: no picture in it, pictures of two kinds, a gap in their numbers.
        OperationalError: it cannot be read.
    """
    found = pictures(path, kind)
    if not found:
        path, found = _below(path, where, kind)
    kinds = Counter(_kind(name) for name in found)
    if len(kinds) > 1:
        count = {2: "two", 3: "three"}.get(len(kinds), len(kinds))
        listed = " and ".join(each for each, _ in kinds.most_common())
        raise UserError(where, f"the folder has frames of {count} kinds, {listed}")
    names = tuple(frame_names.ordered(found))
    named_times = frame_names.times(names)
    if named_times is None:
        frame_names.check_gaps(names, where)
        return FrameFolder(path, where, names, fps or USUAL_FPS)
    if fps is not None:
        return FrameFolder(path, where, names, fps)
    seconds, rounded = named_times
    rate = frame_names.usual_rate(seconds, rounded)
    if rate is not None:
        return FrameFolder(path, where, names, rate)
    rate = rate_of(seconds)
    return FrameFolder(path, where, names, rate, uneven(seconds, rate))


def open_photo(path: Path) -> FrameFolder | None:
    """A clip of one frame, if the path ends as a picture does and is a file; it is not opened."""
    if path.suffix.lower() not in ENDINGS or not os.path.isfile(path):
        return None
    return FrameFolder(path.parent, str(path), (path.name,), USUAL_FPS)


def pictures(folder: Path, kind: str = "") -> list[str]:
    """The names of a folder's pictures, in any order.

    Args:
        kind: their ending; any if empty.

    Raises:
        OperationalError: it cannot be read.
    """
    with plainly(folder, "read"), os.scandir(folder) as entries:
        files = [entry.name for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    return [name for name in files if name.lower().endswith(kind.lower() or ENDINGS)]


def _below(folder: Path, where: str, kind: str) -> tuple[Path, list[str]]:
    """The only folder of frames in a folder, as PHOENIX has them in one named 1, and its frames."""
    with plainly(folder, "read"), os.scandir(folder) as entries:
        inner = sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))
    found = [(folder / name, names) for name in inner if (names := pictures(folder / name, kind))]
    if not found:
        raise UserError(where, f"the folder has no frames ({kind.lstrip('.') or KINDS})")
    if len(found) > 1:
        what = f"the folder has no frames, but {len(found)} folders of frames, such as {found[0][0].name}"
        raise UserError(where, what, "name one of them")
    return found[0]


def _kind(name: str) -> str:
    kind = Path(name).suffix.lower().lstrip(".")
    return {"jpeg": "jpg", "tiff": "tif"}.get(kind, kind)
