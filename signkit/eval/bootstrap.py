"""Bootstrap intervals of a metric, and the paired bootstrap test of two systems.

Sentences (or signers) are drawn with replacement, as many as there are, and the metric is computed from the
sum of their statistics (Efron and Tibshirani, 1993; for system comparison Koehn, 2004, "Statistical
significance tests for machine translation evaluation", and Riezler and Maxwell, 2005).

Sentences with equal statistics are interchangeable, and there are far fewer distinct rows of statistics than
sentences. So only the number of times that each distinct row is drawn is kept, and a resample is a vector of
counts: its statistics are one matrix product, counts [resamples, rows] times rows [rows, statistics].
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.eval.measure import Floats, Measure, summed

Indices = npt.NDArray[np.intp]
Value = Callable[[Floats], Floats]

CELLS = 4_000_000
"""Most counts in memory at once: 32 MB."""


@dataclass(frozen=True, slots=True)
class PairedBootstrap:
    """Two measures compared on the same resamples.

    Attributes:
        difference: value of the first minus value of the second.
        low: lower end of the interval of the difference.
        high: upper end of that interval.
        p_value: two-sided probability of a difference at least as large if both systems were equally good.
        resamples: number of resamples in which both measures are defined.
    """

    difference: float
    low: float
    high: float
    p_value: float
    resamples: int


def interval(
    measure: Measure,
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    groups: npt.NDArray[np.integer] | None = None,
) -> tuple[float, float]:
    """The percentile bootstrap interval of a measure: (low, high).

    The same seed gives the same interval, regardless of the order of sentences. Resamples in which the
    measure is undefined (for example without words) are left out. The result is (NaN, NaN) for fewer than two
    sentences or signers, and if no resample is defined.

    Resampling repeats sentences. A measure that is biased in small samples (such as macro F1 with few
    sentences a class) is biased once more in each resample, and the interval may miss the value itself.

    Args:
        measure: the metric.
        confidence: probability with which the interval should contain the true value.
        resamples: number of resamples.
        seed: seed of the random numbers.
        groups: the signer of each sentence, [sentences]; None to draw sentences. With signers, whole signers
            are drawn, so that the interval is valid for other signers too. With few signers it is too
            narrow: on simulated data 78 % of the 95 % intervals with 5 signers contained the true rate, 90 %
            with 10, 93 % with 30.

    Raises:
        ValueError: a confidence not between 0 and 1, no resamples, or not one signer a sentence.
    """
    _check(confidence, resamples)
    if groups is None:
        counts = np.bincount(measure.row, minlength=len(measure.rows))
        rows = measure.rows
    else:
        rows, counts = np.unique(_of_groups(measure, groups), axis=0, return_counts=True)
    if counts.sum() < 2:
        return np.nan, np.nan
    drawn = _draw(counts, resamples, seed)
    return _percentiles(np.concatenate([measure.value(summed(times, rows)) for times in drawn]), confidence)


def paired(
    a: Measure,
    b: Measure,
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    groups: npt.NDArray[np.integer] | None = None,
) -> PairedBootstrap:
    """Paired bootstrap test of two measures: every resample draws the same sentences for both.

    The p-value is the share of resamples whose difference is at least as far from the mean of all
    differences as the observed one is from 0. The observed difference counts as a resample, so p is never 0.
    Swapping a and b only changes signs; if their values are equal, p is 1. The interval and p are NaN if a
    measure is undefined, or if there are fewer than two sentences or signers.

    Args:
        a: metric of one system.
        b: the same metric of another system.
        confidence: of the interval, as for `interval`.
        resamples: as for `interval`.
        seed: as for `interval`.
        groups: the signer of each sentence, as for `interval`.

    Raises:
        ValueError: as `interval`, or the numbers of sentences differ.
    """
    _check(confidence, resamples)
    if len(a.row) != len(b.row):
        raise ValueError(f"{len(a.row)} sentences against {len(b.row)}: a pair measures the same sentences")
    difference = a.total() - b.total()
    # The draws depend on the order of rows, hence of the systems: always put the one with the higher value
    # first, so that swapping a and b gives the same resamples.
    if difference < 0:
        turned = paired(b, a, confidence=confidence, resamples=resamples, seed=seed, groups=groups)
        return PairedBootstrap(difference, -turned.high, -turned.low, turned.p_value, turned.resamples)
    drawn = _paired_sums(a, b, resamples, seed, groups)
    values = np.concatenate([a.value(of_a) - b.value(of_b) for of_a, of_b in drawn] or [np.empty(0)])
    values = values[np.isfinite(values)]
    if not len(values) or np.isnan(difference):
        return PairedBootstrap(difference, np.nan, np.nan, np.nan, len(values))
    as_far = np.abs(values - values.mean()) >= difference
    low, high = _percentiles(values, confidence)
    return PairedBootstrap(difference, low, high, float((as_far.sum() + 1) / (len(values) + 1)), len(values))


def _paired_sums(
    a: Measure, b: Measure, resamples: int, seed: int, groups: npt.NDArray[np.integer] | None
) -> Iterator[tuple[Floats, Floats]]:
    """The summed statistics of both, [resamples, statistics] each, in blocks of resamples."""
    if groups is not None:
        width = a.rows.shape[1]
        both = np.concatenate([_of_groups(a, groups), _of_groups(b, groups)], axis=1)
        rows, counts = np.unique(both, axis=0, return_counts=True)
        for times in _draw(counts, resamples, seed):
            sums = summed(times, rows)
            yield sums[:, :width], sums[:, width:]
        return
    # A sentence is a pair of rows, one of each system. The distinct pairs are drawn, and their counts then
    # added up to counts of the rows of either side.
    codes, counts = np.unique(a.row * len(b.rows) + b.row, return_counts=True)
    of_a, of_b = np.divmod(codes, max(len(b.rows), 1))
    for times in _draw(counts, resamples, seed):
        yield (
            summed(_collected(times, of_a, len(a.rows)), a.rows),
            summed(_collected(times, of_b, len(b.rows)), b.rows),
        )


def _collected(times: npt.NDArray[np.int64], row: Indices, size: int) -> npt.NDArray[np.int64]:
    """Sum the counts of pairs of rows [resamples, pairs] to counts of one side's rows [resamples, size].

    ``row`` [pairs] is the row of that side in each pair. Sorted by it, the pairs of a row are neighbours, and
    reduceat adds up each run.
    """
    order = np.argsort(row, kind="stable")
    present, first = np.unique(row[order], return_index=True)
    collected = np.zeros((len(times), size), dtype=np.int64)
    collected[:, present] = np.add.reduceat(times[:, order], first, axis=1)
    return collected


def _of_groups(measure: Measure, groups: npt.NDArray[np.integer]) -> Floats:
    """The statistics of each group, summed: [groups, statistics]."""
    if len(groups) != len(measure.row):
        raise ValueError(f"{len(groups)} signers for {len(measure.row)} sentences")
    order = np.argsort(groups, kind="stable")
    _, first = np.unique(groups[order], return_index=True)
    sums = np.zeros((len(first), measure.rows.shape[1]))
    for place, own in enumerate(np.split(measure.row[order], first[1:])[: len(first)]):
        sums[place] = summed(np.bincount(own, minlength=len(measure.rows)), measure.rows)
    return sums


def _draw(counts: npt.NDArray[np.integer], resamples: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """How often each row is drawn, [resamples, rows], in blocks of resamples; nothing for fewer than two.

    The counts of a resample are multinomial. If there are few rows they are drawn from that distribution;
    otherwise it is faster to draw sentence by sentence and to count.

    Args:
        counts: number of sentences with each row.
        resamples: number of resamples.
        seed: seed of the random numbers.
    """
    total = int(counts.sum())
    if total < 2:
        return
    generator = np.random.Generator(np.random.PCG64(seed))
    size = len(counts)
    few = size * 8 < total
    row = np.repeat(np.arange(size), counts)
    most = max(1, CELLS // (size if few else total))
    for done in range(0, resamples, most):
        now = min(most, resamples - done)
        if few:
            yield generator.multinomial(total, counts / total, size=now)
        else:
            # each resample counts in a range of its own, so that one bincount counts the whole block
            one = row[generator.integers(0, total, size=(now, total))] + size * np.arange(now)[:, None]
            yield np.bincount(one.reshape(-1), minlength=now * size).reshape(now, size)


def _percentiles(values: Floats, confidence: float) -> tuple[float, float]:
    """The central interval of the finite values; (NaN, NaN) if there are none."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _check(confidence: float, resamples: int) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, exclusive: {confidence}")
    if resamples < 1:
        raise ValueError(f"at least one resample is needed: {resamples}")
