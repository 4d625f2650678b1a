"""Folders of frames: pictures in the natural order of their names, none of them missing."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.video.picture import DAMAGED, decoded
from signkit.data.video.pixels import Size, gathered
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_bytes
from signkit.types import USUAL_FPS

ENDINGS = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, slots=True)
class FrameFolder:
    """A folder of pictures, one a frame, in the natural order of their names."""

    path: Path
    where: str
    names: tuple[str, ...] = field(repr=False)
    fps: float

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


def open_folder(path: Path, where: str, fps: float = USUAL_FPS) -> FrameFolder:
    """The frames of a folder; no picture is opened.

    Raises:
        UserError: no picture in it, pictures of two kinds, a gap in their numbers.
        OperationalError: it cannot be read.
    """
    with plainly(path, "read"):
        entries = [p.name for p in os.scandir(path) if p.is_file() and not p.name.startswith(".")]
    names = sorted((n for n in entries if n.lower().endswith(ENDINGS)), key=_natural)
    if not names:
        raise UserError(where, "the folder has no frames (png, jpg)")
    kinds = sorted({Path(name).suffix.lower().replace("jpeg", "jpg") for name in names})
    if len(kinds) > 1:
        raise UserError(where, "the folder has frames of two kinds, png and jpg")
    _check_gaps(names, where)
    return FrameFolder(path, where, tuple(names), fps)


def _natural(name: str) -> tuple[Any, ...]:
    """2 before 10; names that are alike otherwise by their letters."""
    parts = re.split(r"(\d+)", name)
    return tuple(int(part) if number % 2 else part for number, part in enumerate(parts)), name


def _check_gaps(names: list[str], where: str) -> None:
    """Refuse a folder whose frames are numbered evenly but for some that are not there."""
    pieces = [re.split(r"(\d+)", name) for name in names]
    if len(names) < 3 or len({tuple(p[::2]) for p in pieces}) > 1:
        return
    columns = [[int(p[i]) for p in pieces] for i in range(1, len(pieces[0]), 2)]
    counting = [(i, column) for i, column in enumerate(columns) if len(set(column)) > 1]
    if len(counting) != 1:
        return
    ((which, numbers),) = counting
    steps = np.diff(numbers)
    gaps = np.flatnonzero(steps > steps.min())
    if len(gaps) and steps.min() > 0:
        first = int(gaps[0])
        at = 2 * which + 1
        parts = list(pieces[first])
        parts[at] = str(numbers[first] + int(steps.min())).zfill(len(parts[at]))
        more = f" and others ({len(gaps)} gaps)" if len(gaps) > 1 else ""
        what = f"frame {first + 1} is missing: {''.join(parts)}{more}"
        raise UserError(where, what, "complete the folder, or renumber its frames")
