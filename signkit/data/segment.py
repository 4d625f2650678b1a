"""A part of a clip as a clip of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from signkit.types import Clip, Features, Landmarks, Signal, Text, Video


@dataclass(frozen=True, slots=True)
class ClipSegment:
    """Some frames of a clip one after the other, a `signkit.types.Clip`; others are not decoded.

    Attributes:
        first: the place of the first one in the clip.
        frames: how many there are.
    """

    clip: Clip
    first: int
    frames: int

    @property
    def fps(self) -> float:
        """Frames a second, as the clip's."""
        return self.clip.fps

    @property
    def seconds(self) -> npt.NDArray[np.float64] | None:
        """When each frame is shown, from the segment's beginning; None where that is at an even rate."""
        return _part_of(Video(self.clip).times, self.first, self.first + self.frames)

    def read(
        self, places: npt.NDArray[np.int64], size: tuple[int, int] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Frames by their places in the segment; see `signkit.types.Clip`."""
        return self.clip.read(places + self.first, size)


def load_segment(load: Callable[[], Signal], first: int, last: int) -> Signal:
    """The frames ``first`` to ``last - 1`` of a signal.

    Args:
        load: gives the whole signal. Landmarks and features are read whole, once for segments that follow
            each other and have the same `load`.
    """
    signal = _whole(load)
    if isinstance(signal, Video):
        return Video(ClipSegment(signal.clip, first, last - first))
    if isinstance(signal, Landmarks):
        times = _part_of(signal.times, first, last)
        return replace(signal, points=signal.points[first:last].copy(), times=times)
    if isinstance(signal, Features):
        return replace(signal, vectors=signal.vectors[first:last].copy())
    return Text(signal.tokens[first:last])


def _part_of(times: npt.NDArray[np.float64] | None, first: int, last: int) -> npt.NDArray[np.float64] | None:
    return None if times is None else times[first:last] - times[first]


@lru_cache(maxsize=1)
def _whole(load: Callable[[], Signal]) -> Signal:
    return load()
