"""Clips cropped to a box, such as that of the signing hand."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.data.video.pixels import AT_ONCE, Size, resized
from signkit.errors import UserError
from signkit.types import Clip, Signal, Video

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels; right and bottom are exclusive. It may leave the frame."""


@dataclass(frozen=True, slots=True)
class CroppedClip:
    """A clip of which a box is shown, black where that leaves the frame; a `signkit.types.Clip`.

    Attributes:
        where: for messages.
    """

    clip: Clip
    box: Box
    where: str

    @property
    def frames(self) -> int:
        """How many there are."""
        return self.clip.frames

    @property
    def fps(self) -> float:
        """Frames a second, as the clip's."""
        return self.clip.fps

    @property
    def seconds(self) -> npt.NDArray[np.float64] | None:
        """When each frame is shown; None where that is at an even rate."""
        return Video(self.clip).times

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """The box of each frame; see `signkit.types.Clip`.

        Raises:
            UserError: a frame cannot be decoded, or the box is outside of it.
        """
        parts = (places[start : start + AT_ONCE] for start in range(0, len(places), AT_ONCE))
        return np.concatenate([resized(self._cropped(self.clip.read(part)), size) for part in parts])

    def _cropped(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        left, top, right, bottom = self.box
        height, width = pixels.shape[1:3]
        inside = pixels[:, max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
        if inside.size == 0:
            box = f"the box {left}, {top} to {right}, {bottom}"
            raise UserError(self.where, f"{box} is outside of the frames of {width}x{height} pixels")
        if inside.shape[1:3] == (bottom - top, right - left):
            return inside
        black = np.zeros((len(pixels), bottom - top, right - left, 3), np.uint8)
        y, x = max(0, -top), max(0, -left)
        black[:, y : y + inside.shape[1], x : x + inside.shape[2]] = inside
        return black


def load_cropped(load: Callable[[], Signal], box: Box, where: str) -> Signal:
    """A clip of which the box is shown."""
    signal = load()
    return Video(CroppedClip(signal.clip, box, where)) if isinstance(signal, Video) else signal
