"""Rows of large parquet files with a row a frame (ASLFR's form), in any order.

Groups of rows are decoded in steps. In the order of the file each row is decoded once and only the last steps
stay in memory, however large the groups are. Going back, or on to another group, begins at the group of the
row.
"""

import os
from bisect import bisect_right
from collections import OrderedDict, deque
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.landmark_files.parquet import numbers_of, readable
from signkit.errors import UserError

STEP, RETAINED = 8 << 20, 32 << 20
"""Bytes of rows that are decoded at a time, and that stay in memory of a file."""
BUFFER = 1 << 16
"""Bytes of each column that are read from the disk at a time, as a column's chunk may be large."""
OPEN = 2
"""Files that a process has open: one that it ends with, and the next. Of a file that is being decoded pyarrow
holds a page of each column, up to a megabyte."""
Floats = npt.NDArray[np.float32]


class WideFile:
    """Some columns of a file; safe to use from several threads.

    Args:
        columns: their names, all of which the file has.
        step: bytes of rows that are decoded at a time.
        retained: bytes of rows that stay in memory.

    Raises:
        UserError: there is no such file, or it is not readable.
        OperationalError: it cannot be read.
    """

    def __init__(
        self, path: Path, columns: tuple[str, ...], *, step: int = STEP, retained: int = RETAINED
    ) -> None:
        self._path, self._where, self._columns = path, str(path), columns
        self._step, self._retained = max(1, step // (4 * len(columns))), retained
        self._lock = Lock()
        with readable(path, self._where) as parquet:
            self._file = parquet.ParquetFile(path, buffer_size=BUFFER)
        counts = (self._file.metadata.row_group(i).num_rows for i in range(self._file.num_row_groups))
        self._starts = [*accumulate(counts, initial=0)]
        self._steps: deque[tuple[int, Floats]] = deque()  # first row, [columns, rows]
        self._batches: Iterator[Any] = iter(())
        self._next = 0  # the row that is decoded next

    def rows(self, first: int, last: int) -> Floats:
        """Rows from ``first`` up to, but without, ``last``: [rows, columns], NaN where a cell is empty.

        Raises:
            UserError: the file is damaged, has fewer rows, or a column without numbers.
            OperationalError: it cannot be read.
        """
        with self._lock, readable(self._path, self._where):
            retained = self._steps[0][0] if self._steps else self._next
            if first < retained or self._group(first) > self._group(self._next) or not self._steps:
                self._begin(self._group(first))
            while self._next < last:
                self._decode(first)
            parts = [
                block[:, max(0, first - start) : last - start].T
                for start, block in self._steps
                if start < last and first < start + block.shape[1]
            ]
        return np.concatenate(parts) if len(parts) > 1 else parts[0].copy()  # never a view of a step

    def _group(self, row: int) -> int:
        return bisect_right(self._starts, row, hi=len(self._starts) - 1) - 1

    def _begin(self, group: int) -> None:
        self._steps.clear()
        self._next = self._starts[group]
        self._batches = self._file.iter_batches(
            batch_size=self._step,
            row_groups=[*range(group, len(self._starts) - 1)],
            columns=[*self._columns],
            use_threads=False,  # pyarrow's threads do not survive a fork, and loaders are processes
        )

    def _end(self) -> None:
        """Give back the memory of decoding: the file is at its end."""
        self._batches = iter(())
        import pyarrow as arrow  # type: ignore[import-untyped, unused-ignore]

        arrow.default_memory_pool().release_unused()

    def _decode(self, needed: int) -> None:
        """Decode the next step, and forget steps before the row that is needed."""
        batch = next(self._batches, None)
        if batch is None:
            raise UserError(self._where, f"has {self._next} rows: it has changed since the corpus was read")
        block = np.empty((len(self._columns), batch.num_rows), np.float32)
        for place, name in enumerate(self._columns):
            block[place] = numbers_of(batch, name, self._where)
        self._steps.append((self._next, block))
        self._next += batch.num_rows
        if self._next == self._starts[-1]:
            self._end()
        most = max(2, self._retained // block.nbytes)
        while len(self._steps) > most and self._steps[1][0] <= needed:
            self._steps.popleft()


_files: OrderedDict[tuple[int, Path, tuple[str, ...]], WideFile] = OrderedDict()
_files_lock = Lock()


def rows_of(path: Path, columns: tuple[str, ...], first: int, last: int) -> Floats:
    """As `WideFile.rows`, of one of the files that this process has open.

    Raises:
        UserError: as `WideFile` and `WideFile.rows`.
        OperationalError: it cannot be read.
    """
    key = (os.getpid(), path, columns)  # a process that was forked opens its own
    with _files_lock:
        file = _files.pop(key, None) or WideFile(path, columns)
        _files[key] = file
        while len(_files) > OPEN:
            _files.popitem(last=False)
    return file.rows(first, last)
