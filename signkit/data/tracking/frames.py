"""The frames of a clip in order, as many at a time as memory should hold."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from signkit.types import Clip

HELD = 256 << 20
"""Bytes of frames that are decoded at a time."""


def in_order(clip: Clip) -> Iterator[npt.NDArray[np.uint8]]:
    """All frames of a clip, RGB: uint8 [height, width, 3].

    Raises:
        UserError: a frame cannot be decoded.
    """
    first = clip.read(np.zeros(1, np.int64))
    at_once = max(1, HELD // first.nbytes)
    for start in range(0, clip.frames, at_once):
        yield from clip.read(np.arange(start, min(start + at_once, clip.frames)))
