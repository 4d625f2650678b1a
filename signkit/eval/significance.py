"""Whether one system is better than another: NIST's matched pairs test, and Holm's correction.

The test is MAPSSWE, matched pairs sentence segment word error (Gillick and Cox, 1989, "Some statistical
issues in the comparison of speech recognition algorithms"), cut into segments as in NIST's sc_stats.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from signkit.eval.transcripts import CORRECT, INSERTION, Aligned

Counts = npt.NDArray[np.int64]

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class MatchedPairs:
    """The result of the matched pairs test of two systems, a and b.

    Attributes:
        segments: stretches of the references with an error of either system.
        errors_a: of system a, in all segments.
        errors_b: of system b.
        mean: of the differences of a segment's errors, a less b.
        standard_error: of the mean.
        z: mean over standard error.
        p_value: two-sided, of the standard normal.
        better: ``a`` or ``b`` where the p-value is below 0.05, else empty.
    """

    segments: int
    errors_a: int
    errors_b: int
    mean: float
    standard_error: float
    z: float
    p_value: float
    better: Literal["a", "b", ""]


def mapsswe(a: Aligned, b: Aligned) -> MatchedPairs:
    """Test whether two systems make equally many errors, by segments of the same references.

    The normal distribution is an approximation; Gillick and Cox ask for 50 segments or more.
    Where the differences do not vary, as with a single segment, NIST sets Z to 0, and so does this: the
    p-value is 1, and neither system is called better.

    Raises:
        ValueError: not as many sentences in a as in b.
    """
    errors = segment_errors(a, b)
    difference = errors[:, 0] - errors[:, 1]
    size = len(difference)
    mean = float(difference.mean()) if size else 0.0
    deviation = float(difference.std(ddof=1)) if size > 1 else 0.0
    standard_error = deviation / math.sqrt(size) if size else 0.0
    z = mean / standard_error if standard_error else 0.0
    p_value = math.erfc(abs(z) / math.sqrt(2.0))
    better: Literal["a", "b", ""] = "" if p_value >= SIGNIFICANT else "a" if mean < 0 else "b"
    of_a, of_b = (int(total) for total in errors.sum(axis=0))
    return MatchedPairs(size, of_a, of_b, mean, standard_error, z, p_value, better)


def segment_errors(a: Aligned, b: Aligned) -> Counts:
    """Errors of each system in each segment: [segments, 2].

    A segment begins with the first error of either system since the last one ended. It ends with the
    second of two neighbouring words that both systems have right, nothing inserted between them, or with
    the sentence. All errors lie in segments, each in one.

    Raises:
        ValueError: not as many sentences in a as in b.
    """
    if len(a.counts) != len(b.counts):
        raise ValueError(f"{len(a.counts)} sentences against {len(b.counts)}: two systems of one reference")
    slots = np.maximum(a.words, b.words) + 1  # a word with what is inserted before it; the last: the end
    first, size = np.cumsum(slots) - slots, int(slots.sum())
    right = np.zeros((size, 2), dtype=np.bool_)  # the system has the word
    clean = np.ones(size, dtype=np.bool_)  # neither inserts anything before it
    errors = np.zeros((size, 2), dtype=np.int64)
    for i, system in enumerate((a, b)):
        slot = _slots(system, first)
        right[slot[system.kinds == CORRECT], i] = True
        clean[slot[system.kinds == INSERTION]] = False
        errors[:, i] = np.bincount(slot[system.kinds != CORRECT], minlength=size)
    both = right[:, 0] & right[:, 1]
    outside = both & clean & _or_first(both, first)
    begins = ~outside & _or_first(outside, first)
    segment = np.cumsum(begins)  # 0: before the first
    inside = segment[~outside]
    sums = np.stack([np.bincount(inside, errors[~outside, i]) for i in range(2)], axis=1).astype(np.int64)
    return sums[sums.any(axis=1)]  # not the end of a sentence by itself


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values corrected for there being several of them (Holm, 1979), in the order given.

    The smallest of m is multiplied by m, the next by m - 1 and so on; none is below one before it, none
    above 1. A p-value that is NaN stays so and does not count.
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")[: int(np.isfinite(given).sum())]
    adjusted = np.full(len(given), np.nan)
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return tuple(adjusted.tolist())


def _slots(system: Aligned, first: Counts) -> Counts:
    """The slot of every step: of a word, its own; of an insertion, that of the word after it."""
    is_word = system.kinds != INSERTION
    words_before = np.cumsum(is_word) - is_word
    to_slot = first - (np.cumsum(system.words) - system.words)
    return np.asarray(words_before + np.repeat(to_slot, np.diff(system.offsets)))


def _or_first(flags: npt.NDArray[np.bool_], first: Counts) -> npt.NDArray[np.bool_]:
    """Whether the slot before has the flag; true of a sentence's first slot."""
    before = np.concatenate(([True], flags[:-1]))[: len(flags)]
    before[first] = True
    return before
