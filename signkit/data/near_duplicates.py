"""Clips of two splits that are nearly the same: consecutive frames of one film, or copies with some jitter.

A score on a clip whose neighbour was learnt from says nothing of others. Clips are compared with those of the
same reference: landmarks by the places of the hands' points, pictures by small gray copies.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from signkit.data.landmarks import normalise
from signkit.data.layouts import Layout, layout
from signkit.data.shapes import Bool, Float32, UInt8
from signkit.types import SPLITS, Landmarks, Sample, Signal, Video

MOMENTS = 8
"""Frames of a clip of landmarks that are compared."""
FRAMES = 3
"""Frames of a clip of video that are compared: the first, the middle one and the last."""
SIDE = 16
"""Height and width of the gray copies."""
NEAR_POINTS = 0.03
"""Root mean square distance of a point, in the layout's unit (the width of the shoulders, or the length of
the palm), under which two clips are nearly the same. Measured: frames of one film 0.004 to 0.02, a letter by
another person 0.04 and more, another recording of a sign 0.06 and more."""
NEAR_PICTURES = 0.08
"""Root mean square difference of two gray copies with mean 0 and deviation 1. Measured: photographs of one
series 0.01 to 0.06, of other letters by the same person 0.12 and more, of other people 0.4 and more."""
FLAT = 0.02
"""Added to a deviation, of gray from 0 to 1, so that noise of a flat picture is not enlarged."""
BLOCK = 1024
"""Clips whose distances to all others are computed at a time."""

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Signature:
    """What of a clip is compared.

    Attributes:
        kind: only signatures of one kind are comparable.
        values: float32; the distance of two is the root mean square of their difference, times `scale`.
        limit: the distance under which two clips are nearly the same.
    """

    kind: Hashable
    values: Array
    scale: float
    limit: float


@dataclass(frozen=True, slots=True)
class NearDuplicate:
    """Two clips of different splits that are nearly the same.

    Attributes:
        ids: theirs, and their `splits` and `places` for messages; that of the earlier split first.
        distance: between them, see `NEAR_POINTS` and `NEAR_PICTURES`.
    """

    ids: tuple[str, str]
    splits: tuple[str, str]
    places: tuple[str, str]
    distance: float

    def __str__(self) -> str:
        (first, second), (early, late), (there, here) = self.ids, self.splits, self.places
        what = f"{second} of {late} is nearly the same as {first} of {early} ({there})"
        return f"{here}: {what}, distance {self.distance:.3f}"


def signature(signal: Signal) -> Signature | None:
    """The signature of landmarks or of video; None of features, and of clips with one value throughout.

    Raises:
        UserError: a frame of a video cannot be decoded.
    """
    if isinstance(signal, Landmarks):
        return _of_points(signal.points, layout(signal.layout))
    if isinstance(signal, Video):
        places = np.linspace(0, signal.clip.frames - 1, FRAMES).astype(np.int64)
        unique, back = np.unique(places, return_inverse=True)
        return _of_pictures(signal.clip.read(unique)[back])
    return None


def _of_pictures(pixels: UInt8[np.ndarray, "frames height width 3"]) -> Signature | None:
    """Gray copies of `SIDE` by `SIDE` pixels, standardised."""
    gray = _small(pixels.mean(-1, dtype=np.float32) / 255).reshape(len(pixels), -1)
    gray -= gray.mean(1, keepdims=True)
    gray /= gray.std(1, keepdims=True) + np.float32(FLAT)
    return Signature("pictures", gray.reshape(-1), 1.0, NEAR_PICTURES) if gray.any() else None


def near_duplicates(samples: Sequence[Sample], signatures: Sequence[Signature | None]) -> list[NearDuplicate]:
    """For each clip that has nearly the same in a split before its own (train, dev, test), the nearest one.

    Args:
        signatures: of each sample.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for number, (sample, each) in enumerate(zip(samples, signatures, strict=True)):
        if each is not None:
            groups[sample.reference, each.kind, each.values.size].append(number)
    nearest: dict[int, tuple[float, int]] = {}
    for group in groups.values():
        for second, first, distance in _near(group, samples, signatures):
            nearest[second] = min(nearest.get(second, (np.inf, -1)), (distance, first))
    return [
        _pair(samples[first], samples[second], distance)
        for second, (distance, first) in sorted(nearest.items())
    ]


def _pair(first: Sample, second: Sample, distance: float) -> NearDuplicate:
    places = (first.source or first.id, second.source or second.id)
    return NearDuplicate((first.id, second.id), (first.split, second.split), places, distance)


def _near(
    group: Sequence[int], samples: Sequence[Sample], signatures: Sequence[Signature | None]
) -> Iterator[tuple[int, int, float]]:
    """Clips of a group with the nearest one of a split before, if it is near."""
    of: dict[str, list[int]] = defaultdict(list)
    for number in group:
        of[samples[number].split].append(number)
    one = signatures[group[0]]
    assert one is not None
    for early, late in combinations([split for split in SPLITS if split in of], 2):
        known, asked = (_stacked(of[split], signatures) for split in (early, late))
        for start in range(0, len(asked), BLOCK):
            block = asked[start : start + BLOCK]
            squares = (block**2).sum(1)[:, None] + (known**2).sum(1) - 2 * block @ known.T
            for row, place in enumerate(squares.argmin(1)):
                # once more from the difference: the product loses digits where two are nearly the same
                difference = block[row] - known[place]
                distance = one.scale * float(np.sqrt(np.square(difference).mean()))
                if distance < one.limit:
                    yield of[late][start + row], of[early][place], distance


def _stacked(numbers: Sequence[int], signatures: Sequence[Signature | None]) -> Array:
    return np.stack([each.values for number in numbers if (each := signatures[number]) is not None])


def _of_points(points: Float32[np.ndarray, "frames points coordinates"], whole: Layout) -> Signature | None:
    """x and y of the hands at equally spaced moments, those not seen as in the nearest frame.

    A hand counts if it is seen in half of the frames. Of a layout without hands all points do.
    """
    parts = [list(whole.parts[name]) for name in whole.hands] or [[*range(len(whole.points))]]
    flat = normalise(points[..., :2], whole, "clip", "clip")
    seen = ~np.isnan(flat).any(-1)
    shown = tuple(bool(2 * seen[:, part].any(1).sum() >= len(flat)) for part in parts)
    chosen = [point for part, there in zip(parts, shown, strict=True) if there for point in part]
    if not chosen:
        return None
    moments = ((np.arange(MOMENTS) + 0.5) * (len(flat) / MOMENTS)).astype(np.int64)
    values = _filled(flat[:, chosen], seen[:, chosen])[moments].reshape(-1)
    if not values.any():
        return None
    # the mean is over coordinates, the distance that of points, which have two
    return Signature(("points", whole.name, shown), values, 2**0.5, NEAR_POINTS)


def _filled(points: Array, seen: Bool[np.ndarray, "frames points"]) -> Array:
    """Points, where they are not seen as in the nearest frame in which they are; 0 if there is none."""
    frames = len(points)
    places = np.arange(frames)[:, None]
    before = np.maximum.accumulate(np.where(seen, places, -frames), axis=0)
    after = np.minimum.accumulate(np.where(seen, places, 2 * frames)[::-1], axis=0)[::-1]
    nearest = np.where(places - before <= after - places, before, after).clip(0, frames - 1)
    return np.nan_to_num(np.take_along_axis(points, nearest[..., None], axis=0))


def _small(gray: Float32[np.ndarray, "frames height width"]) -> Float32[np.ndarray, "frames side side"]:
    """Means of boxes; of a picture with fewer pixels some are taken twice."""
    for axis in (1, 2):
        size = gray.shape[axis]
        if size < SIDE:
            gray = gray.take(np.arange(SIDE) * size // SIDE, axis)
            size = SIDE
        edges = np.arange(SIDE + 1) * size // SIDE
        counts = np.diff(edges).astype(np.float32).reshape([-1 if each == axis else 1 for each in range(3)])
        gray = np.add.reduceat(gray, edges[:-1], axis) / counts
    return gray
