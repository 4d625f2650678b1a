"""z in the unit of x and y, whatever a file has it in.

MediaPipe gives x and z as fractions of the picture's width. Scripts then multiply x and y to pixels and
forget z, and others move or scale all three; a depth camera's z are millimetres from the camera. Files do not
say which.
"""

import math

import numpy as np
import numpy.typing as npt

from signkit.data.layouts import Layout

UNKNOWN = 40.0
"""Without the picture's width: how many times smaller or larger than x and y the spread of z is, within a
part, where it is in another unit. In one unit it is up to 3 times larger and 15 times smaller (flat
hands)."""
FAR = 10.0
"""Spreads of z by which all points are away from 0 where z is counted from the camera, not from the
signer."""
Floats = npt.NDArray[np.float32]


def in_one_unit(points: Floats, layout: Layout, width: float = 0.0) -> tuple[Floats, str]:
    """Points [frames, points, 3] with z in the unit of x and y, and counted from the signer; and a note
    where z is not used.

    The spread of z within the parts of the body tells the unit: a picture is hundreds of pixels wide, so
    there is a gap between fractions of its width and pixels, and the border is the square root of the width.
    z is multiplied or divided by the width; where that is not known, z of another unit is set to 0. All
    points that are far from z = 0 are moved there, by one distance. The rule and its constants are this
    project's.

    Args:
        width: of the picture in pixels; 0 where it is not known.
    """
    if points.shape[-1] < 3:
        return points, ""
    spread, depth = _spreads(points, layout)
    if not (spread > 0 and depth > 0):
        return points, ""
    factor, note = _factor(depth / spread, width)
    middle = np.float32(np.nanmedian(points[..., 2]))
    shift = middle if abs(middle) > FAR * depth else np.float32(0)
    if factor == 1 and not shift:
        return points, ""
    out = points.copy()
    out[..., 2] = (out[..., 2] - shift) * np.float32(factor)
    return out, note


def _factor(ratio: float, width: float) -> tuple[float, str]:
    """What z is multiplied by."""
    border = math.sqrt(width) if width > UNKNOWN else UNKNOWN
    if 1 / border <= ratio <= border:
        return 1.0, ""
    if width > UNKNOWN:
        return (width, "") if ratio < 1 else (1 / width, "")
    times = f"{1 / ratio:,.0f} times smaller" if ratio < 1 else f"{ratio:,.0f} times larger"
    return 0.0, f"z is in another unit than x and y (its spread is {times}) and is not used"


def _spreads(points: Floats, layout: Layout) -> tuple[float, float]:
    """How far points are from the middle of their part in its frame, in x or y and in z: 90 of 100 are
    nearer."""
    flat, deep = [], []
    seen: npt.NDArray[np.bool_] = np.asarray(~np.isnan(points).any(-1))
    for members in layout.parts.values():
        chosen = seen[:, members].sum(1) > 1
        part, there = points[chosen][:, members], seen[chosen][:, members]
        filled = np.where(there[..., None], part, np.float32(0)).astype(np.float64)
        apart = np.abs(filled - (filled.sum(1) / there.sum(1, keepdims=True))[:, None])[there]
        flat.append(apart[:, :2].ravel())
        deep.append(apart[:, 2])
    if not sum(map(len, deep)):
        return 0.0, 0.0
    return tuple(float(np.percentile(np.concatenate(each), 90)) for each in (flat, deep))  # type: ignore[return-value]
