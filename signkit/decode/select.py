"""The largest entries of each row, with ties decided."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T", bound=np.generic)


def largest(scores: npt.NDArray[np.floating[Any]], count: int) -> npt.NDArray[np.int64]:
    """Indices of the ``count`` largest of each row of ``scores`` [rows, n], in ascending order.

    Of equal ones the first are taken. Returns [rows, min(count, n)].
    """
    rows, size = scores.shape
    if count >= size:
        return np.tile(np.arange(size), (rows, 1))
    bound = np.partition(scores, size - count, axis=1)[:, size - count, None]
    keep = scores >= bound
    if np.count_nonzero(keep) != rows * count:  # some row has more entries equal to its bound than room
        above = scores > bound
        ties = keep & ~above
        keep = above | (ties & (ties.cumsum(axis=1) <= count - above.sum(axis=1, keepdims=True)))
    return where(keep)[1].reshape(rows, count)


def pick(values: npt.NDArray[T], places: npt.NDArray[np.int64]) -> npt.NDArray[T]:
    """The entries of each row of ``values`` [rows, n] at ``places`` [rows, m].

    By one flat index: NumPy takes small arrays several times faster so than by pairs of indices.
    """
    if len(values) > 1:
        places = places + np.arange(len(values))[:, None] * values.shape[1]
    picked: npt.NDArray[T] = values.reshape(-1).take(places)
    return picked


def where(mask: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], ...]:
    """`numpy.nonzero`, several times faster for more than one dimension."""
    return np.unravel_index(np.flatnonzero(mask), mask.shape)
