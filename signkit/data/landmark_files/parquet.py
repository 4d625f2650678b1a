"""The parquet files of two public collections of MediaPipe's landmarks, GISLR and ASLFR.

GISLR has a row a point (``frame, type, landmark_index, x, y, z``) and a file a sequence. ASLFR has a row a
frame (``frame, x_face_0, …, z_right_hand_20``) and many sequences a file, each with a ``sequence_id``; one is
named as ``FILE.parquet#SEQUENCE``. x and y are fractions of the picture's width and of its height, which
these files do not tell: they are taken as they are. Nor do they tell the frames a second.
"""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.config.registry import extra_for
from signkit.data.landmarks import settled
from signkit.data.layouts import layout
from signkit.data.missing import Missing
from signkit.data.npz import NpzHeader
from signkit.errors import UserError
from signkit.runtime.files import plainly
from signkit.types import USUAL_FPS, Landmarks

LONG = ("frame", "type", "landmark_index", "x", "y", "z")
SEQUENCE = "sequence_id"
PARTS = {"pose": "body", "face": "face", "left_hand": "left_hand", "right_hand": "right_hand"}
MOST_FRAMES = 1_000_000
SPARSE = 100  # frames for each row of a sequence, plus a thousand: a few rows must not fill the memory


def read_header(path: Path, where: str) -> NpzHeader:
    """As `signkit.data.landmark_files.landmark_header`; the checksum is of the file's index."""
    file_path, sequence = _named(path)
    with opened(file_path, where) as file:
        frames = _frame_numbers(file, sequence, where)
        span = _span(frames, where)
        index = f"{_index(file_path)} {sequence}"
        return NpzHeader(span, "holistic", 3, zlib.crc32(index.encode()))


def read(path: Path, fps: float = USUAL_FPS, missing: Missing = "nan") -> Landmarks:
    """A sequence from its first frame to its last; frames between that are not there are NaN."""
    where = str(path)
    file_path, sequence = _named(path)
    with opened(file_path, where) as file:
        frames = _frame_numbers(file, sequence, where)
        points = np.full((_span(frames, where), len(layout("holistic").points), 3), np.nan, np.float32)
        if "landmark_index" in file.schema_arrow.names:
            _fill_long(points, file, frames - frames.min(), sequence, where)
        else:
            _fill_wide(points, file, frames - frames.min(), sequence, where)
    points, notes = settled(points, layout("holistic"), where, missing=missing)
    return Landmarks(points, "holistic", fps, notes=notes)


def _named(path: Path) -> tuple[Path, str]:
    name, _, sequence = path.name.partition("#")
    number, dot, fraction = sequence.partition(".")
    return path.with_name(name), number if dot and not fraction.strip("0") else sequence


@contextmanager
def readable(path: Path, where: str) -> Iterator[Any]:
    """Gives `pyarrow.parquet` to open a file with; what it raises in the block becomes a fault of the file.

    Raises:
        UserError: pyarrow is not installed; no such file, a folder, not readable.
        OperationalError: it cannot be read.
    """
    with extra_for(where):
        import pyarrow as arrow  # type: ignore[import-untyped, unused-ignore]
        from pyarrow import parquet
    if not os.path.isfile(path):
        there = os.path.exists(path)
        raise UserError(where, "is a folder, not a file" if there else "there is no such file")
    try:
        with plainly(path, "read"):
            yield parquet
    except arrow.ArrowException as error:
        hint = f"it may be truncated or damaged ({str(error).splitlines()[0]})"
        raise UserError(where, "not a readable parquet file", hint) from error


@contextmanager
def opened(path: Path, where: str) -> Iterator[Any]:
    """A parquet file of either form, whose columns were looked at.

    Raises:
        UserError: as `readable`; a column is there twice, or those of both forms are missing.
        OperationalError: it cannot be read.
    """
    with readable(path, where) as parquet, parquet.ParquetFile(path) as file:
        _check_columns(file.schema_arrow.names, where)
        yield file


def _check_columns(names: list[str], where: str) -> None:
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise UserError(where, f"column {double!r} is there twice")
    long = [name for name in LONG if name not in names]
    if long and not ("frame" in names and any(name in names for name in wide_columns())):
        there = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        hint = f"there are: {there}"
        raise UserError(where, f"lacks the columns {', '.join(LONG)}, or frame and x_right_hand_0, …", hint)


def wide_columns() -> dict[str, tuple[int, int]]:
    """The point and the coordinate of each column of ASLFR's form."""
    parts = layout("holistic").parts
    return {
        f"{axis}_{name}_{number}": (point, coordinate)
        for name, part in PARTS.items()
        for number, point in enumerate(parts[part])
        for coordinate, axis in enumerate("xyz")
    }


def _frame_numbers(file: Any, sequence: str, where: str) -> npt.NDArray[np.int64]:
    """The frame of each row of the sequence."""
    if SEQUENCE in file.schema_arrow.names:
        table = file.read([SEQUENCE, "frame"])
        ids = _ids(table)
        _check_sequence(ids, sequence, where)
        frames = numbers_of(table, "frame", where)
        frames = frames[ids == sequence] if sequence else frames
    elif sequence:
        raise UserError(where, f"the file has no column {SEQUENCE}", "leave out the part after #")
    else:
        frames = numbers_of(file.read(["frame"]), "frame", where)
    if len(frames) == 0:
        raise UserError(where, "has no frames")
    if not (np.isfinite(frames) & (np.floor(frames) == frames) & (np.abs(frames) < 2.0**53)).all():
        raise UserError(where, "a row has no frame number")
    numbers: npt.NDArray[np.int64] = frames.astype(np.int64)
    return numbers


def _ids(table: Any) -> npt.NDArray[np.str_]:
    """The sequence of each row; numbers that were stored with a fraction of 0 (12.0) without it."""
    return names_of(table[SEQUENCE].to_numpy())


def names_of(ids: npt.NDArray[Any]) -> npt.NDArray[np.str_]:
    """Ids of sequences as text."""
    whole = ids.dtype.kind == "f" and np.isfinite(ids).all() and (np.floor(ids) == ids).all()
    return np.asarray((ids.astype(np.int64) if whole else ids).astype(str))


def numbers_of(table: Any, name: str, where: str) -> npt.NDArray[np.floating[Any]]:
    """A column of a table or of a batch; NaN where a row has no value.

    Raises:
        UserError: it has no numbers.
    """
    column = table[name]
    kind = str(column.type)
    values: npt.NDArray[Any] = (
        np.full(len(column), np.nan) if kind == "null" else column.to_numpy(zero_copy_only=False)
    )
    if values.dtype.kind not in "fiu":
        raise UserError(where, f"column {name!r} has no numbers but {kind}")
    return values if values.dtype.kind == "f" else values.astype(np.float64)


def _check_sequence(ids: npt.NDArray[Any], sequence: str, where: str) -> None:
    known = np.unique(ids)
    if sequence and sequence not in known:
        raise UserError(
            where, f"no sequence {sequence!r} in it", f"there are {len(known)}, such as {known[0]}"
        )
    if not sequence and len(known) > 1:
        what = f"holds {len(known)} sequences"
        raise UserError(where, what, f"name one as FILE.parquet#SEQUENCE, such as #{known[0]}")


def _span(frames: npt.NDArray[np.int64], where: str) -> int:
    span = int(frames.max() - frames.min()) + 1
    if span > min(MOST_FRAMES, 1000 + SPARSE * len(frames)):
        raise UserError(where, f"its frames go from {frames.min()} to {frames.max()}")
    return span


def _fill_long(
    points: npt.NDArray[np.float32], file: Any, frames: npt.NDArray[np.int64], sequence: str, where: str
) -> None:
    table = file.read([name for name in (*LONG[1:], SEQUENCE) if name in file.schema_arrow.names])
    if sequence:
        table = table.filter(_ids(table) == sequence)
    kinds, numbers = table["type"].to_numpy().astype(str), numbers_of(table, "landmark_index", where)
    parts = layout("holistic").parts
    place = np.full(len(numbers), -1, np.int64)
    for name, part in PARTS.items():
        there = (numbers >= 0) & (numbers < len(parts[part])) & (np.floor(numbers) == numbers)
        chosen = (kinds == name) & there
        place[chosen] = parts[part][0] + numbers[chosen].astype(np.int64)
    if (place < 0).any():
        row = int(np.argmax(place < 0))
        raise UserError(
            where, f"row {row} is point {numbers[row]:g} of {str(kinds[row])!r}, which MediaPipe has not"
        )
    if len(np.unique(frames * len(points[0]) + place)) < len(place):
        raise UserError(where, "has a point twice in one frame")
    points[frames, place] = np.stack([numbers_of(table, axis, where) for axis in "xyz"], axis=-1)


def _fill_wide(
    points: npt.NDArray[np.float32], file: Any, frames: npt.NDArray[np.int64], sequence: str, where: str
) -> None:
    """Of the file's groups of rows only those are read that the sequence is in."""
    if len(np.unique(frames)) < len(frames):
        raise UserError(where, "has a frame twice")
    there = frozenset(file.schema_arrow.names)
    columns = {name: at for name, at in wide_columns().items() if name in there}
    done = 0
    for group in range(file.num_row_groups):
        rows: Any = slice(None)
        count = file.metadata.row_group(group).num_rows
        if sequence:
            ids = _ids(file.read_row_group(group, [SEQUENCE]))
            rows = np.flatnonzero(ids == sequence)
            count = len(rows)
        if count:
            table = file.read_row_group(group, list(columns))
            for name, (point, coordinate) in columns.items():
                points[frames[done : done + count], point, coordinate] = numbers_of(table, name, where)[rows]
        done += count


def _index(path: Path) -> tuple[int, bytes]:
    """The size of a file and the bytes at its end, where parquet keeps sizes and ranges of its columns."""
    with plainly(path, "read"), open(path, "rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 65536))
        return size, file.read()
