"""Points that were not seen but have coordinates: zeros for missing hands, and their like."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from signkit.data.layouts import Layout

Missing = Literal["nan", "zero", "one_place"]
"""How a file marks what was not seen: NaN; zeros; or all points of a part at one place, such as -1, or zeros
that were moved when the clip was normalised."""
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


def as_missing(points: Floats, layout: Layout, missing: Missing) -> Floats:
    """Landmarks [frames, points, 2 or 3] with NaN for what a file marks as missing in another way.

    ``zero``: points whose coordinates are all exactly 0. If a part has one point that is 0 in every frame in
    which another of it is seen, such as the wrist of hands that are given from the wrist, it is the part's
    origin and is missing with the whole part only. ``one_place``: parts of which all points, three at least,
    lie at exactly one place in a frame, which no hand ever does.
    """
    if missing == "nan":
        return points
    gone = _zeros(points, layout) if missing == "zero" else _at_one_place(points, layout)
    return np.where(gone[..., None], np.float32(np.nan), points)


def suspicious_frames(points: Floats, layout: Layout) -> dict[tuple[str, Missing], int]:
    """In how many frames all points of a part are exactly 0, and in how many others they lie at one place; by
    the part and what would read them as missing. None is not named."""
    zero, same = (points == 0).all(-1), _at_one_place(points, layout)
    counts: dict[tuple[str, Missing], int] = {}
    for part, members in layout.parts.items():
        zeros = zero[:, list(members)].all(1)
        counts[part, "zero"] = int(zeros.sum())
        counts[part, "one_place"] = int((same[:, members[0]] & ~zeros).sum())
    return {key: count for key, count in counts.items() if count}


def _zeros(points: Floats, layout: Layout) -> Bools:
    zero: Bools = np.asarray((points == 0).all(-1))
    for members in map(list, layout.parts.values()):
        part = zero[:, members]
        shown = part[~part.all(1)]
        origin = np.flatnonzero(shown.all(0))
        if len(origin) == 1 and len(members) > 2:
            zero[:, members[origin[0]]] = part.all(1)
    return zero


def _at_one_place(points: Floats, layout: Layout) -> Bools:
    """Points [frames, points] of parts that lie at one place."""
    marked = np.zeros(points.shape[:2], bool)
    for members in map(list, layout.parts.values()):
        if len(members) > 2:
            part = points[:, members, :2]
            same: Bools = np.asarray((part == part[:, :1]).all((1, 2)))  # never of NaN
            marked[:, members] = same[:, None]
    return marked
