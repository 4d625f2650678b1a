"""Landmarks of a clip: checked, and made independent of where the signer stands and how large.

The layouts themselves are in `signkit.data.layouts`.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from signkit.data.depth import in_one_unit
from signkit.data.layouts import Layout, Which, layout, subset
from signkit.data.missing import Missing, as_missing
from signkit.data.past import Past
from signkit.data.shapes import Float32
from signkit.errors import UserError
from signkit.types import Landmarks

__all__ = [
    "Layout",
    "Origin",
    "Scale",
    "Which",
    "check_landmarks",
    "layout",
    "normalise",
    "settled",
    "subset",
    "z_scored",
]

Origin = Literal["none", "frame", "clip", "past"]
Scale = Literal["none", "clip", "past", "frame", "part"]
Points = npt.NDArray[np.float32]
NOTHING, NO_HAND = "no point is seen in any frame", "neither hand is seen in any frame"


def check_landmarks(
    points: Float32[np.ndarray, "frames points coordinates"], layout: Layout, where: str
) -> None:
    """Whether landmarks [frames, points, 2 or 3], NaN where missing, can be used.

    Args:
        where: the file, for the message.

    Clips in which nothing, or no hand, is ever seen can be used too: see `unseen`.

    Raises:
        UserError: no frame, another number of points than the layout's, not 2 or 3 coordinates, an
            infinite coordinate.
    """
    frames, count, width = points.shape
    if count != len(layout.points):
        what = f"layout {layout.name!r} has {len(layout.points)} points but the file has {count}"
        raise UserError(where, what)
    if width not in (2, 3):
        raise UserError(where, f"a point has 2 or 3 coordinates, not {width}")
    if frames == 0:
        raise UserError(where, "has no frames")
    infinite = np.argwhere(np.isinf(points).any(-1))
    if len(infinite):
        frame, point = infinite[0]
        raise UserError(where, f"point {layout.points[point]!r} is infinite in frame {frame}")


def unseen(points: Float32[np.ndarray, "frames points coordinates"], layout: Layout) -> str:
    """What is never seen in landmarks [frames, points, 2 or 3], NaN where missing; "" if a hand is seen."""
    seen = ~np.isnan(points).any(-1)
    if not seen.any():
        return NOTHING
    hands = [point for hand in layout.hands for point in layout.parts[hand]]
    return NO_HAND if hands and not seen[:, hands].any() else ""


def settled(
    points: Points,
    layout: Layout,
    where: str,
    *,
    missing: Missing = "nan",
    width: float = 0.0,
    hint: str = "",
) -> tuple[Points, tuple[str, ...]]:
    """Landmarks of a file as all others are: NaN where missing, z in the unit of x and y, checked; and notes.

    Args:
        missing: how the file marks points that were not seen.
        width: of the picture in pixels; 0 where it is not known.
        hint: what may be the reason where no hand is seen; it becomes a note.

    Raises:
        UserError: as `check_landmarks`.
    """
    points = with_depth(as_missing(points, layout, missing))
    check_landmarks(points, layout, where)
    points, note = in_one_unit(points, layout, width)
    what = unseen(points, layout) if hint else ""
    notes = (note, f"{what}; {hint}" if what else "")
    return points, tuple(each for each in notes if each)


def as_part(landmarks: Landmarks, name: str) -> Landmarks:
    """The points of a layout that is a part of the landmarks' own (`signkit.data.layouts.is_part_of`)."""
    index = {point: i for i, point in enumerate(layout(landmarks.layout).points)}
    points = landmarks.points[:, [index[point] for point in layout(name).points]]
    return replace(landmarks, points=points, layout=name)


def with_depth(
    points: Float32[np.ndarray, "frames points coordinates"],
) -> Float32[np.ndarray, "frames points coordinates"]:
    """Landmarks with a depth of 0 where x and y are known, if the depth is NaN everywhere: not measured."""
    if points.shape[2] < 3 or not np.isnan(points[..., 2]).all():
        return points
    known = ~np.isnan(points[..., :2]).any(-1, keepdims=True)
    return np.concatenate([points[..., :2], np.where(known, np.float32(0), np.float32(np.nan))], -1)


def normalise(
    points: Float32[np.ndarray, "frames points coordinates"],
    layout: Layout,
    origin: Origin,
    scale: Scale,
    past: Past | None = None,
) -> Float32[np.ndarray, "frames points coordinates"]:
    """Landmarks with the signer's place and size taken out; NaN where a point was not seen.

    A point with one missing coordinate is missing. x and y are shifted and scaled; z is only scaled,
    as trackers give it from an origin of their own in each part.

    origin: ``clip`` subtracts the root's median over the clip, ``frame`` the root of each frame
    (the clip's where it is not seen). A clip whose root is never seen has the mean of its seen
    points as its origin. One in which nothing is seen stays as it is.

    scale: ``clip`` divides by the median length of the layout's reference pairs, or by its fixed
    unit. A clip whose pairs are never seen, or have no length, is divided by the root mean square
    distance of its points from their mean, or by 1 if that is 0 too. ``frame`` and ``part`` are of the
    points that are used, see `z_scored`; nothing is divided here then.

    ``past`` as origin or scale: by the frames so far alone, see `signkit.data.past`.

    Args:
        past: of a clip that comes in parts, what is known of the parts before.
    """
    out = np.where(np.isnan(points).any(-1, keepdims=True), np.float32(np.nan), points)
    if np.isnan(out).all():
        return out
    if "past" in (origin, scale):
        so_far, units = (past or Past(layout)).push(out)
    size = _clip_size(out, layout) if scale == "clip" else 1.0
    if origin == "past":
        out[..., :2] -= so_far[:, None].astype(np.float32)
    elif origin != "none":
        centre = clip_origin(out, layout)[None]
        if origin == "frame":
            centre = _frame_origin(out, layout, centre)
        out[..., :2] -= centre[:, None]
    if scale == "past":
        return out / units[:, None, None].astype(np.float32)
    return out / np.float32(size)


def z_scored(points: Points, layout: Layout, scale: Scale) -> Points:
    """Landmarks of which each coordinate has the mean 0 and the standard deviation 1: over the seen points of
    a frame (``frame``), or of each part of a frame (``part``); all 0 where they have no extent.

    These are the normalisations that Ko et al. 2019 compare. Other scales leave the points as they are.
    """
    if scale not in ("frame", "part"):
        return points
    parts = [np.arange(points.shape[1])] if scale == "frame" else [*map(np.array, layout.parts.values())]
    out = np.full_like(points, np.nan)
    for part in parts:
        some = points[:, part]
        seen = ~np.isnan(some[..., :1])
        count = np.maximum(seen.sum(1, keepdims=True), 1)
        mean = np.where(seen, some, 0).sum(1, keepdims=True) / count
        centred = np.where(seen, some - mean, 0)
        deviation = np.sqrt(np.square(centred).sum(1, keepdims=True) / count)
        scaled = np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > 0)
        out[:, part] = np.where(seen, scaled, np.nan)
    return out


def _seen_tracks(points: Points, chosen: tuple[int, ...]) -> list[Points]:
    """x and y [seen frames, 2] of each chosen point that is seen at all."""
    tracks = (points[~np.isnan(points[:, i, 0]), i, :2] for i in chosen)
    return [track for track in tracks if len(track)]


def clip_origin(points: Points, layout: Layout) -> Points:
    """x and y of the clip's origin [2]: the mean of the root points' medians, or of all points where no root
    point is seen. A point that has a coordinate missing must have all missing."""
    medians = [np.median(track, axis=0) for track in _seen_tracks(points, layout.root)]
    places = np.stack(medians) if medians else points[~np.isnan(points[..., 0])][:, :2]
    return np.asarray(places.mean(0), dtype=np.float32)


def _frame_origin(points: Points, layout: Layout, fallback: Points) -> Points:
    """x and y of each frame's origin [frames, 2]: the mean of those root points the clip ever shows."""
    root = [i for i in layout.root if not np.isnan(points[:, i, 0]).all()]
    if not root:
        return fallback
    centre = points[:, root, :2].mean(1)
    return np.where(np.isnan(centre), fallback, centre)


def _clip_size(points: Points, layout: Layout) -> float:
    """The clip's unit of length; never 0."""
    if layout.unit is not None and not layout.scale:
        return layout.unit
    lengths = []
    for a, b in layout.scale:
        length = np.linalg.norm(points[:, a, :2] - points[:, b, :2], axis=-1)
        if not np.isnan(length).all():
            lengths.append(float(np.nanmedian(length)))
    lengths = [length for length in lengths if length > 0]
    if lengths:
        return float(np.mean(lengths))
    seen = points[~np.isnan(points[..., 0])][:, :2]
    return float(np.sqrt(seen.var(0).sum())) or 1.0


def longest_seen(hands: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Of the points of both hands [frames, 42, coordinates] the hand that is seen in more frames
    [frames, 21, coordinates].

    Trackers take a hand for the left one in some frames and for the right one in others. So where it is not
    seen, the other one is taken, if both are never seen together.
    """
    first, second = np.split(hands, 2, axis=1)
    seen, other = (~np.isnan(hand).any((1, 2), keepdims=True) for hand in (first, second))
    if other.sum() > seen.sum():
        first, second, seen, other = second, first, other, seen
    return first if (seen & other).any() else np.where(seen, first, second)
