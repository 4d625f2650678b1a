"""Where the sequences of a parquet file of landmarks are, by a few of its columns; cached for the user.

Of ASLFR's form (a row a frame) that are four columns of 1,631. Each sequence has its rows together there.
"""

import hashlib
import io
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.fetch import cache_folder
from signkit.data.landmark_files.parquet import (
    MOST_FRAMES,
    SEQUENCE,
    SPARSE,
    names_of,
    numbers_of,
    opened,
)
from signkit.data.npz import DAMAGED
from signkit.errors import SignkitError
from signkit.runtime.files import plainly, write_bytes

VERSION = 1
"""Of the cache's format: files of another version are not used."""
TOGETHER, TWICE, NUMBERS = 1, 2, 3
FAULTS = {
    TOGETHER: "its rows are not together",
    TWICE: "it has a frame twice",
    NUMBERS: "its frames have no numbers, or numbers far apart",
}
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SequenceEntry:
    """A sequence of a file.

    Attributes:
        first: its first row, of a file with a row a frame, and ``rows``, how many it has.
        start: the number of its first frame.
        frames: from its first frame to its last.
        hand: frames in which a hand is seen.
        fault: one of `FAULTS`, or 0.
    """

    first: int
    rows: int
    start: int
    frames: int
    hand: int
    fault: int


@dataclass(frozen=True, slots=True)
class Sequences:
    """The sequences of a file, by their ids; "" is that of a file without ids.

    Attributes:
        columns: all names of the file.
        groups: how many groups of rows it has.
        checksum: of the sequences and the size of the file.
    """

    by_id: dict[str, SequenceEntry]
    columns: frozenset[str]
    groups: int
    checksum: int

    @property
    def long(self) -> bool:
        """Whether the file has a row a point."""
        return "landmark_index" in self.columns


def sequences_of(path: Path, where: str) -> Sequences:
    """The sequences of a file, from the cache where the file has not changed since.

    Raises:
        UserError: no such file, not readable, columns missing.
        OperationalError: it cannot be read.
    """
    with plainly(path, "read"):
        stamp = b"" if not os.path.isfile(path) else _stamp(path)
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:24]
    cache = cache_folder("sequences") / f"{name}.npz"
    arrays = _cached(cache, stamp)
    if arrays is None:
        arrays = {"stamp": np.frombuffer(stamp, np.uint8), **_indexed(path, where)}
        content = io.BytesIO()
        np.savez(content, **arrays)  # type: ignore[arg-type]
        with suppress(OSError, SignkitError):  # without a cache the next run reads them again
            cache.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(cache, content.getvalue())
    table: Ints = arrays["table"]
    size = os.stat(path).st_size
    return Sequences(
        by_id={
            name: SequenceEntry(*row)
            for name, row in zip(arrays["ids"].tolist(), table.tolist(), strict=True)
        },
        columns=frozenset(arrays["columns"].tolist()),
        groups=int(arrays["groups"]),
        checksum=zlib.crc32(table.tobytes() + repr((size, arrays["ids"].tolist())).encode()),
    )


def _stamp(path: Path) -> bytes:
    """Of a file as it is now; a changed one has another."""
    about = os.stat(path)
    return repr((VERSION, about.st_size, about.st_mtime_ns)).encode()


def _cached(file: Path, stamp: bytes) -> dict[str, npt.NDArray[Any]] | None:
    with suppress(OSError, KeyError, *DAMAGED), open(file, "rb") as content:
        arrays = np.load(content, allow_pickle=False)
        if arrays["stamp"].tobytes() == stamp:
            return {name: arrays[name] for name in ("table", "ids", "columns", "groups")}
    return None


def _indexed(path: Path, where: str) -> dict[str, npt.NDArray[Any]]:
    """What is cached: the numbers of each sequence, their ids, the file's columns, its groups of rows."""
    with opened(path, where) as file:
        names: list[str] = file.schema_arrow.names
        long = "landmark_index" in names
        more = ("type", "x") if long else ("x_left_hand_0", "x_right_hand_0")
        table = file.read([name for name in (SEQUENCE, "frame", *more) if name in names], use_threads=False)
        if long:
            hands = np.char.endswith(table["type"].to_numpy().astype(str), "_hand")
            seen = hands & ~np.isnan(numbers_of(table, "x", where))
        else:
            seen = np.zeros(len(table), bool)
            for name in set(more) & {*names}:
                seen |= ~np.isnan(numbers_of(table, name, where))
        frames = numbers_of(table, "frame", where)
        ids = table[SEQUENCE].to_numpy() if SEQUENCE in names else np.full(len(table), "")
        found, rows = _each(ids, frames, seen, long) if len(table) else (np.zeros(0, str), np.zeros((0, 6)))
        return {
            "table": rows.astype(np.int64),
            "ids": found,
            "columns": np.array(names),
            "groups": np.array(file.num_row_groups),
        }


def _each(
    ids: npt.NDArray[Any], frames: npt.NDArray[np.floating[Any]], seen: npt.NDArray[np.bool_], long: bool
) -> tuple[npt.NDArray[np.str_], Ints]:
    """The id and the numbers of each sequence, from those of each row."""
    known = np.isfinite(frames) & (np.floor(frames) == frames) & (np.abs(frames) < 2.0**24)
    numbers = np.where(known, frames, 0).astype(np.int64)
    # A run of rows with one id begins where the id changes. A sequence of several runs is at fault.
    starts = np.concatenate([[0], np.flatnonzero(ids[1:] != ids[:-1]) + 1])
    names, counts = names_of(ids[starts]), np.diff(np.append(starts, len(ids)))
    low, high = np.minimum.reduceat(numbers, starts), np.maximum.reduceat(numbers, starts)
    span = high - low + 1
    run = np.repeat(np.arange(len(starts)), counts)
    order = np.lexsort((numbers, run))
    again = np.zeros(len(ids), np.int64)
    again[1:] = (numbers[order][1:] == numbers[order][:-1]) & (run[order][1:] == run[order][:-1])
    twice = np.add.reduceat(again, starts)
    hand = np.add.reduceat(seen.astype(np.int64), starts)
    if long:  # a frame with a hand has many rows
        key = np.unique((run * 2**26 + numbers + 2**25)[seen])
        hand = np.bincount(key // 2**26, minlength=len(starts))
    odd = (np.bincount(run, ~known) > 0) | (span > np.minimum(MOST_FRAMES, 1000 + SPARSE * counts))
    known_names, first, place, times = np.unique(
        names, return_index=True, return_inverse=True, return_counts=True
    )
    several = times[place] > 1
    fault = np.select([several, odd, (twice > 0) & (not long)], [TOGETHER, NUMBERS, TWICE], 0)
    table = np.stack([starts, counts, low, span, hand, fault], axis=-1)
    return known_names, table[first]
