"""Gaps and flicker of tracked landmarks, mended where that is asked for. What is filled in is marked."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from signkit.data.layouts import Layout
from signkit.data.tracking.tracker import Floats, Tracked

SEEN = 0.02
"""The least confidence that is written for a point that was seen."""
FILLED = 0.01
"""The confidence of a point that was filled in: above 0 and below `SEEN`."""
GAP = 0.2
"""Seconds a point may be missing and still be filled in."""
JUMP = 3.0
"""Sizes of a part that it must be away from both its neighbours in time, which are near each other, to be
taken for a mistake. A hand of 10 cm would move at 7 m a second and back."""


Bools = npt.NDArray[np.bool_]


def marked(tracked: Tracked) -> Tracked:
    """The confidence of seen points raised to `SEEN`, so that filled ones are known by theirs."""
    seen = ~np.isnan(tracked.points).any(-1)
    sure = np.where(seen, np.maximum(tracked.confidence, np.float32(SEEN)), np.float32(0))
    return replace(tracked, confidence=sure)


def fill(tracked: Tracked, layout: Layout, fps: float) -> Tracked:
    """Parts that jump away for one frame are put back and gaps of up to `GAP` seconds are filled, both by
    linear interpolation between the frames around. Nothing is added before a point's first frame or after
    its last; all other points stay as they are.

    Args:
        tracked: as `marked` gives it.
    """
    points = np.where(_jumps(tracked.points, layout)[..., None], np.float32(np.nan), tracked.points)
    filled, was_filled = _interpolated(points, int(GAP * fps + 1e-6))
    seen = np.where(np.isnan(points).any(-1), np.float32(0), tracked.confidence)
    return replace(tracked, points=filled, confidence=np.where(was_filled, np.float32(FILLED), seen))


def _jumps(points: Floats, layout: Layout) -> Bools:
    """Points [frames, points] of parts that are elsewhere for one frame."""
    jumping = np.zeros(points.shape[:2], bool)
    for members in layout.parts.values():
        part = points[:, list(members), :2]
        seen = ~np.isnan(part).any((-1, -2))
        if seen.sum() < 3:
            continue
        centre = part.mean(1)
        size = np.median(np.sqrt(part[seen].var(1).sum(-1)))
        before, after, apart = (
            np.linalg.norm(a - b, axis=-1)
            for a, b in ((centre[1:-1], centre[:-2]), (centre[1:-1], centre[2:]), (centre[2:], centre[:-2]))
        )
        away = np.minimum(before, after)  # NaN, which is never more, where one of the three is missing
        jumping[1:-1, list(members)] = ((away > JUMP * size) & (apart < away / 2))[:, None]
    return jumping


def _interpolated(points: Floats, most: int) -> tuple[Floats, Bools]:
    """Gaps of up to so many frames filled, and which points [frames, points] were."""
    # Of each frame, the nearest frame before and after it in which the point was seen:
    #     seen       0 1 . . 4      last       0 1 1 1 4
    #                               following  0 1 4 4 4      the gap is following - last - 1 = 2 frames
    missing = np.isnan(points).any(-1)
    frames = np.arange(len(points))[:, None]
    last = np.maximum.accumulate(np.where(missing, -1, frames))
    following = np.minimum.accumulate(np.where(missing, len(points), frames)[::-1])[::-1]
    filled = missing & (last >= 0) & (following < len(points)) & (following - last - 1 <= most)
    frame, point = np.nonzero(filled)
    a, b = last[filled], following[filled]
    share = ((frame - a) / (b - a)).astype(np.float32)[:, None]
    out = points.copy()
    out[filled] = (1 - share) * points[a, point] + share * points[b, point]
    return out, filled
