"""Folders of spelled words and phrases in the form of public collections."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from isolated import long_form

PHRASES = ("3 creekhouse", "scales/kuhaylah", "a b", "coldwater.example", "988-651-7423", "hi")
PARTS = {"face": 468, "left_hand": 21, "pose": 33, "right_hand": 21}
COLUMNS = [f"{axis}_{part}_{n}" for axis in "xyz" for part, count in PARTS.items() for n in range(count)]


def wide(frames: Mapping[Any, Sequence[int]], seed: int = 0) -> dict[str, Any]:
    """Columns of a file with a row a frame: sequences with the numbers of their frames, one after the other.
    The left hand is never seen, the right one in even rows."""
    ids = np.repeat(np.array([*frames]), [len(numbers) for numbers in frames.values()])
    values = np.random.default_rng(seed).random((len(COLUMNS), len(ids)), np.float32)
    for name, column in zip(COLUMNS, values, strict=True):
        column[(1 if "right_hand" in name else 0 if "left_hand" in name else len(ids)) :: 2] = np.nan
        column[0 if "left_hand" in name else len(ids) :] = np.nan
    numbers = np.array([n for each in frames.values() for n in each], np.int16)
    return {"sequence_id": ids, "frame": numbers, **dict(zip(COLUMNS, values, strict=True))}


def write(path: Path, columns: Mapping[str, Any], group: int | None = None) -> None:
    """A parquet file whose missing numbers are empty cells, as pandas writes them."""
    import pyarrow
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: pyarrow.array(values, from_pandas=True) for name, values in columns.items()}
    parquet.write_table(pyarrow.table(arrays), path, row_group_size=group)


def aslfr(root: Path, group: int | None = None) -> Path:
    """Six sequences of three participants in two files; two of the supplement in another. Sequence 10 has 8
    frames, each further one two more, and those of 12 begin with 7."""
    frames = {10 + n: [*range(7 * (n == 2), 7 * (n == 2) + 8 + 2 * n)] for n in range(6)}
    files = {"101": (10, 11, 12), "102": (13, 14, 15)}
    rows = []
    for name, ids in files.items():
        path = f"train_landmarks/{name}.parquet"
        write(root / path, wide({i: frames[i] for i in ids}, int(name)), group)
        rows += [(path, name, i, 70 + i % 3, PHRASES[i - 10]) for i in ids]
    _list(root / "train.csv", rows)
    path = "supplemental_landmarks/201.parquet"
    write(root / path, wide({10: range(20), 21: range(9)}, 3), group)
    _list(
        root / "supplemental_metadata.csv",
        [(path, 201, 10, 70, "coming up with killer sound bites"), (path, 201, 21, 71, "please")],
    )
    return root


def long_file(path: Path, frames: int) -> None:
    """A file with a row a point, of one sequence."""
    write(path, long_form(frames, 5))


def _list(path: Path, rows: Sequence[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("path", "file_id", "sequence_id", "participant_id", "phrase"), *rows])


WORDS = {"train": ("asl", "new york"), "dev": ("b&b",), "test": ("jack's", "a.s.l.")}


def chicagofswild(root: Path, frames: str = "ChicagoFSWild-Frames", name: str = "ChicagoFSWild") -> Path:
    """A csv, and folders of 3 to 7 frames of 40 x 60 pixels."""
    from media import moving, write_frames

    header = (
        "", "filename", "url", "start_time", "number_of_frames", "width", "height", "label_proc", "label_raw",
        "label_notes", "partition", "signer",
    )  # fmt: skip
    rows: list[tuple[Any, ...]] = []
    for split, words in WORDS.items():
        for word in words:
            number = len(rows)
            clip = f"aslized/{split}_{number:04d}_(nad)"
            write_frames(root / frames / clip, moving(3 + number, 40, 60), "{:04d}.jpg", first=1)
            url = "https://a.b/c?d=1,2"
            rows.append((number, clip, url, "0:01", 3 + number, 60, 40, word, word, "", split, f"s{number}"))
    with (root / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return root
