"""Metrics as additive statistics of sentences and a function of their sum.

For example, the statistics of WER are errors and words, and the function is their ratio. In this form the
metric of a part of a corpus, its bootstrap interval and a paired test need only sums.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric of one system on one corpus.

    Attributes:
        name: name of the metric, such as ``wer`` or ``bleu4``; as `Score.name`.
        rows: float64 [distinct, statistics], the distinct statistics that sentences have.
        row: int [sentences], the row of each sentence.
        value: function of summed statistics [..., statistics] that returns values [...]: fractions, NaN where
            undefined.
        signature: the choices that the value depends on (``unit:word|costs:s4i3d3``).
        higher_is_better: whether higher values are better.
        note: remark for the reader ("333 errors, 4554 words"); may be empty.
    """

    name: str
    rows: Floats
    row: npt.NDArray[np.intp]
    value: Callable[[Floats], Floats]
    signature: str
    higher_is_better: bool = False
    note: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        statistics: npt.NDArray[np.generic],
        value: Callable[[Floats], Floats],
        signature: str,
        *,
        higher_is_better: bool = False,
        note: str = "",
    ) -> "Measure":
        """A measure from the statistics of every sentence [sentences, statistics]."""
        rows, row = _distinct(statistics)
        return cls(
            name,
            rows.astype(np.float64),
            row,
            value,
            signature,
            higher_is_better=higher_is_better,
            note=note,
        )

    def total(self, chosen: npt.NDArray[np.bool_] | None = None) -> float:
        """The metric of all sentences, or of those where ``chosen`` [sentences] is True."""
        row = self.row if chosen is None else self.row[chosen]
        return float(self.value(summed(np.bincount(row, minlength=len(self.rows)), self.rows)))

    def part(self, chosen: npt.NDArray[np.bool_], name: str, note: str) -> "Measure":
        """The measure of those sentences where ``chosen`` [sentences] is True, under another name."""
        return replace(self, row=self.row[chosen], name=name, note=note)


def _distinct(
    statistics: npt.NDArray[np.generic],
) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.intp]]:
    """The distinct rows, sorted, and the index of each row among them."""
    counts = statistics.astype(np.int64)
    sizes = counts.max(axis=0, initial=0) + 1
    if (counts != statistics).any() or (counts < 0).any() or np.prod(sizes.astype(np.float64)) >= 2.0**62:
        rows, row = np.unique(statistics, axis=0, return_inverse=True)
        return rows, row.reshape(-1)
    # Whole numbers of moderate size: encode each row as one integer, which is sorted many times faster.
    keys, row = np.unique(np.ravel_multi_index(tuple(counts.T), sizes), return_inverse=True)
    return np.stack(np.unravel_index(keys, sizes), axis=1), row


def identity(size: int) -> Floats:
    """The identity matrix [size, size]: rows of a measure whose statistics are the counts of its rows.

    It is a view of a line of 2 * size - 1 numbers, read by windows from right to left, so it takes no memory:

        line    0 0 1 0 0
        row 0       1 0 0           the last window
        row 1     0 1 0
        row 2   0 0 1

    `summed` recognises it by its strides and skips the product.
    """
    line = np.zeros(max(2 * size - 1, 0))
    line[size - 1 : size] = 1.0
    line.flags.writeable = False
    return np.lib.stride_tricks.sliding_window_view(line, size)[::-1] if size else np.zeros((0, 0))


def summed(times: npt.NDArray[np.integer], rows: Floats) -> Floats:
    """Sums of statistics when each row occurs ``times`` [..., rows] times: [..., statistics]."""
    whole, step = times.astype(np.float64), rows.itemsize
    if rows.shape[0] == rows.shape[1] and rows.strides == (-step, step) and rows[0, 0] == 1.0:
        return whole
    return np.asarray(whole @ rows)


def ratio(sums: Floats) -> Floats:
    """The first statistic divided by the second; NaN where the second is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(sums[..., 1] > 0, sums[..., 0] / sums[..., 1], np.nan))
