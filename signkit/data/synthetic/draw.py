"""Random draws that have the same bits on every machine and with every numpy.

A `numpy.random.Generator` may change its streams from release to release; the raw words of a
bit generator and of `SeedSequence` may not (NEP 19). Everything here is those words, shifts and
one exact multiplication.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

T = TypeVar("T")
Array = npt.NDArray[np.float64]


def stream(*key: int) -> np.random.PCG64:
    """An independent stream of random words for each key, such as (seed, purpose, index)."""
    return np.random.PCG64(np.random.SeedSequence(list(key)))


def words(bits: np.random.PCG64, count: int) -> npt.NDArray[np.uint64]:
    """The next 64-bit words of a stream."""
    return np.asarray(bits.random_raw(count), dtype=np.uint64)


def uniform(bits: np.random.PCG64, count: int) -> Array:
    """Uniform in [0, 1): the upper 53 bits of a word."""
    return np.asarray((words(bits, count) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def one(bits: np.random.PCG64) -> float:
    """The next of the numbers that `uniform` gives."""
    return (int(bits.random_raw()) >> 11) * 2.0**-53


def between(bits: np.random.PCG64, low: float, high: float) -> float:
    """One uniform number in [low, high)."""
    return low + (high - low) * one(bits)


def below(bits: np.random.PCG64, limit: int) -> int:
    """A whole number in [0, limit). The bias is under limit / 2**53."""
    return int(one(bits) * limit)


def choose(bits: np.random.PCG64, items: Sequence[T]) -> T:
    """One of the items, all equally likely."""
    return items[below(bits, len(items))]


def shuffled(bits: np.random.PCG64, items: Sequence[T]) -> list[T]:
    """The items in a random order."""
    order = np.argsort(words(bits, len(items)), kind="stable")
    return [items[i] for i in order]


def bell(bits: np.random.PCG64, count: int) -> Array:
    """Bell-shaped numbers, mean 0 and variance 1: the sum of the four 16-bit parts of a word."""
    parts = words(bits, count).view(np.uint16).reshape(count, 4)
    total = parts[:, 0].astype(np.int64) + parts[:, 1] + parts[:, 2] + parts[:, 3]
    # Irwin-Hall of four: variance 4 / 12 of the unit's square, mean 2 * 65535.
    return np.asarray((total - 131070) * (1.7320508075688772 / 65536.0), dtype=np.float64)
