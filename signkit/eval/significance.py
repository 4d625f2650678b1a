"""Significance of differences between systems: NIST's matched pairs test, and Holm's correction.

The test is MAPSSWE, matched pairs sentence segment word error (Gillick and Cox, 1989, "Some statistical
issues in the comparison of speech recognition algorithms"), with the segments of NIST's sc_stats.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.eval.transcripts import CORRECT, INSERTION, Aligned

Counts = npt.NDArray[np.int64]

SIGNIFICANT = 0.05


@dataclass(frozen=True, slots=True)
class MatchedPairs:
    """The result of the matched pairs test of two systems, a and b.

    Attributes:
        segments: number of segments, stretches of the references with an error of either system.
        errors_a: errors of system a in all segments.
        errors_b: errors of system b in all segments.
        mean: mean over segments of the errors of a minus the errors of b.
        standard_error: standard error of the mean.
        z: mean divided by standard error.
        p_value: two-sided p-value of z under the standard normal distribution.
    """

    segments: int
    errors_a: int
    errors_b: int
    mean: float
    standard_error: float
    z: float
    p_value: float


def mapsswe(a: Aligned, b: Aligned) -> MatchedPairs:
    """Test whether two systems make equally many errors, by segments of the same references.

    The normal distribution is an approximation; Gillick and Cox recommend at least 50 segments. If the
    differences do not vary, as with a single segment, z is set to 0 as by NIST, and the p-value is 1.

    Raises:
        ValueError: the numbers of sentences differ.
    """
    errors = segment_errors(a, b)
    difference = errors[:, 0] - errors[:, 1]
    size = len(difference)
    mean = float(difference.mean()) if size else 0.0
    deviation = float(difference.std(ddof=1)) if size > 1 else 0.0
    standard_error = deviation / math.sqrt(size) if size else 0.0
    z = mean / standard_error if standard_error else 0.0
    p_value = math.erfc(abs(z) / math.sqrt(2.0))
    of_a, of_b = (int(total) for total in errors.sum(axis=0))
    return MatchedPairs(size, of_a, of_b, mean, standard_error, z, p_value)


def segment_errors(a: Aligned, b: Aligned) -> Counts:
    """Errors of each system in each segment: [segments, 2].

    A segment begins with the first error of either system after the previous segment. It ends with two
    neighbouring words that both systems have right, without an insertion between them, or with the sentence.
    So every error lies in exactly one segment.

    Raises:
        ValueError: the numbers of sentences differ.
    """
    if len(a.counts) != len(b.counts):
        raise ValueError(f"{len(a.counts)} sentences against {len(b.counts)}: two systems of one reference")
    # Both alignments on one time line: a slot is a reference word with the insertions before it, and one more
    # slot per sentence has the insertions at its end. All sentences are in common arrays.
    slots = np.maximum(a.words, b.words) + 1
    first, size = np.cumsum(slots) - slots, int(slots.sum())
    right = np.zeros((size, 2), dtype=np.bool_)  # the system has the word right
    clean = np.ones(size, dtype=np.bool_)  # neither system inserts anything before the word
    errors = np.zeros((size, 2), dtype=np.int64)
    for i, system in enumerate((a, b)):
        slot = _slots(system, first)
        right[slot[system.kinds == CORRECT], i] = True
        clean[slot[system.kinds == INSERTION]] = False
        errors[:, i] = np.bincount(slot[system.kinds != CORRECT], minlength=size)
    # A slot is outside all segments if both systems have its word and the word before right, with nothing
    # inserted between. A segment begins at a slot that is not, after one that is (or at the first slot).
    both = right[:, 0] & right[:, 1]
    outside = both & clean & _or_first(both, first)
    begins = ~outside & _or_first(outside, first)
    segment = np.cumsum(begins)  # 0: before the first segment
    inside = segment[~outside]
    sums = np.stack([np.bincount(inside, errors[~outside, i]) for i in range(2)], axis=1).astype(np.int64)
    return sums[sums.any(axis=1)]  # a sentence's end alone can look like a segment


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """P-values corrected for multiple comparisons (Holm, 1979), in the given order.

    The smallest of m is multiplied by m, the next by m - 1 and so on; none may be below the one before it or
    above 1. NaN stays NaN and does not count.
    """
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given, kind="stable")[: int(np.isfinite(given).sum())]
    adjusted = np.full(len(given), np.nan)
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(given[order] * factors), 1.0)
    return tuple(adjusted.tolist())


def _slots(system: Aligned, first: Counts) -> Counts:
    """The slot of every step: of a word its own, of an insertion that of the word after it."""
    is_word = system.kinds != INSERTION
    words_before = np.cumsum(is_word) - is_word
    to_slot = first - (np.cumsum(system.words) - system.words)
    return np.asarray(words_before + np.repeat(to_slot, np.diff(system.offsets)))


def _or_first(flags: npt.NDArray[np.bool_], first: Counts) -> npt.NDArray[np.bool_]:
    """The flag of the slot before; True for the first slot of a sentence."""
    before = np.concatenate(([True], flags[:-1]))[: len(flags)]
    before[first] = True
    return before
