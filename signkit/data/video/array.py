"""Frames that are in memory already, as a clip."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from signkit.data.video.pixels import Size, gathered


@dataclass(frozen=True, slots=True)
class ArrayClip:
    """A `signkit.types.Clip` of an array: uint8 [frames, height, width, 3], RGB."""

    pixels: npt.NDArray[np.uint8] = field(repr=False)
    fps: float = 25.0
    seconds: npt.NDArray[np.float64] | None = field(default=None, repr=False, compare=False)

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.pixels)

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """Frames by index; see `signkit.types.Clip`."""
        if size is None or size == self.pixels.shape[1:3]:
            return self.pixels[places]
        return gathered((self.pixels[place] for place in places), len(places), size)
