"""Where a signer is and how large, by the frames so far: for landmarks that come frame by frame."""

from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.layout_type import Layout

Float64s = npt.NDArray[np.float64]
NO_EXTENT = 1e-9
"""Share of the mean square of coordinates up to which their variance is taken for 0."""


class Past:
    """The origin and the unit of length of each frame, from means over it and the frames before it.

    The origin is the mean of the root points, or of all points as long as no root point was seen. The unit is
    the mean length of the layout's reference pairs, or the layout's own; as long as none was seen, the root
    mean square distance of the points from their mean, or 1 if that is 0.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._sums: dict[str, Float64s] = {}

    def push(self, points: npt.NDArray[np.float32]) -> tuple[Float64s, Float64s]:
        """Of the next frames [frames, points, coordinates], all coordinates of a point NaN where it was not
        seen: the origins [frames, 2] and the units [frames]."""
        places = points[..., :2].astype(np.float64)
        seen = ~np.isnan(points[..., 0])
        root, seen_root = places[:, list(self._layout.root)], seen[:, list(self._layout.root)]
        count, mean = self._mean("all", places.reshape(len(points), -1, 2), seen)
        roots, root_mean = self._mean_of_each("root", root, seen_root)
        origin = _mean_of_known(root_mean, roots > 0, mean)
        return origin, self._units(places, seen, count, mean)

    def _units(self, places: Float64s, seen: Any, count: Float64s, mean: Float64s) -> Float64s:
        layout = self._layout
        if layout.unit is not None and not layout.scale:
            return np.full(len(places), layout.unit)
        square = self._sum("square", np.where(seen, np.nansum(places**2, -1), 0.0).sum(1))
        square = square / np.maximum(count, 1)
        spread = square - (mean**2).sum(1)
        usual = np.sqrt(np.where(spread > NO_EXTENT * square, spread, 1.0))
        first, second = [a for a, _ in layout.scale], [b for _, b in layout.scale]
        apart = np.linalg.norm(places[:, first] - places[:, second], axis=-1)
        _, length = self._mean_of_each("pairs", apart[..., None], seen[:, first] & seen[:, second])
        return _mean_of_known(length, length[..., 0] > 0, usual[:, None])[:, 0]

    def _mean(self, name: str, values: Float64s, seen: Any) -> tuple[Float64s, Float64s]:
        """How many [frames], and the mean [frames, 2], of the values [frames, n, 2] so far."""
        count = self._sum(f"{name} count", seen.sum(1).astype(np.float64))
        total = self._sum(name, np.where(seen[..., None], values, 0.0).sum(1))
        return count, total / np.maximum(count, 1)[:, None]

    def _mean_of_each(self, name: str, values: Float64s, seen: Any) -> tuple[Float64s, Float64s]:
        """How many [frames, n], and the means [frames, n, w], of each of the values [frames, n, w] so far."""
        count = self._sum(f"{name} count", seen.astype(np.float64))
        total = self._sum(name, np.where(seen[..., None], values, 0.0))
        return count, total / np.maximum(count, 1)[..., None]

    def _sum(self, name: str, values: Float64s) -> Float64s:
        """Sums over the frames so far; added up in their order, however they are divided among calls."""
        before = self._sums.get(name, np.zeros(values.shape[1:]))
        sums = np.cumsum(np.concatenate([before[None], values]), axis=0)[1:]
        if len(sums):
            self._sums[name] = sums[-1]
        return sums


def _mean_of_known(values: Float64s, known: Any, otherwise: Float64s) -> Float64s:
    """The mean [frames, w] of the known ones of values [frames, n, w]; without any, something else."""
    count = known.sum(1, keepdims=True)
    mean = np.where(known[..., None], values, 0.0).sum(1) / np.maximum(count, 1)
    return np.where(count > 0, mean, otherwise)
