"""When the frames of a clip are shown: evenly at a rate, or each at a time of its own."""

import numpy as np
import numpy.typing as npt

from signkit.types import USUAL_FPS

ROUNDED = 0.001
"""Seconds by which times are rounded: in milliseconds, as many containers have them."""
Seconds = npt.NDArray[np.float64]


def bounds(frames: int, fps: float, times: Seconds | None) -> Seconds:
    """When each frame begins to be shown, and when the last one ends: float64 [frames + 1].

    Args:
        times: of the frames, where they are not at an even rate.
    """
    if times is None:
        return np.arange(frames + 1) / fps
    return np.append(times, times[-1] + 1 / fps)


def rate_of(seconds: Seconds) -> float:
    """Frames a second, the mean; the usual rate where there is no time between them."""
    span = float(seconds[-1] - seconds[0])
    return (len(seconds) - 1) / span if span > 0 else USUAL_FPS


def uneven(seconds: Seconds, fps: float, slack: float = ROUNDED) -> Seconds | None:
    """Times that are not those of frames counted at a rate from 0 on; None if they are, but for rounding."""
    counted = np.arange(len(seconds)) / fps
    shown_at_all = len(seconds) < 2 or seconds[-1] > seconds[0]
    return seconds if shown_at_all and np.abs(seconds - counted).max() > slack else None
