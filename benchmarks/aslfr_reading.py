"""The reader of Google's ASL fingerspelling collection: rows a second of one core, next to pyarrow's; memory.

    python benchmarks/aslfr_reading.py FOLDER               # writes the files there if they are missing: 3 GB
    python benchmarks/aslfr_reading.py FOLDER --files 2 --sequences 100

Writes wide files (a row a frame: `sequence_id`, `frame`, 1,629 coordinates as float32, snappy) as Kaggle's,
half of them in one group of rows and half in groups of 10,000, and a `train.csv` of full size: 67,208 rows of
68 files, of which the others are left out as missing. The numbers are random, so they compress less than real
ones. Every figure is of a process of its own, on one thread; rows are counted against its processor time, so
that other work on the machine counts less, and the time of starting Python is left out.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from pyarrow import parquet

from signkit.data.corpora import aslfr
from signkit.data.corpora.configs import AslfrConfig
from signkit.data.corpora.official import Stock
from signkit.data.landmark_files.parquet import wide_columns

ROWS, FILES, PARTICIPANTS = 67_208, 68, 94
GROUP = 10_000
POINTS = ("fingerspelling", "all")


def main() -> None:
    """Write what is missing, measure, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=4)
    parser.add_argument("--sequences", type=int, default=500, help="of each file that is written")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        name, _, rest = options.measure.partition(" ")
        print(json.dumps(MEASURES[name](options.folder, *rest.split())))
        return
    write(options.folder, options.files, options.sequences)
    print_speed(options.folder)
    print_corpus(options.folder)


def write(folder: Path, files: int, sequences: int) -> None:
    """The files, those of even number in one group of rows, and the list."""
    rng = np.random.default_rng(1)
    rows: list[tuple[Any, ...]] = []
    of_file = np.sort(rng.integers(0, FILES, ROWS - files * sequences))
    (folder / "train_landmarks").mkdir(parents=True, exist_ok=True)
    for number in range(FILES):
        path = f"train_landmarks/{1000 + number}.parquet"
        count = sequences * (number < files) + int((of_file == number).sum()) * (number >= files)
        ids = [number * 10_000 + i for i in range(count)]
        rows += [(path, 1000 + number, i, i % PARTICIPANTS, f"phrase {i:x}") for i in ids]
        if number < files and not (folder / path).exists():
            write_file(folder / path, ids, None if number % 2 == 0 else GROUP, rng)
    while len(rows) < ROWS:
        rows.append((path, 1000 + FILES - 1, FILES * 10_000 + len(rows), len(rows) % PARTICIPANTS, "phrase"))
    with (folder / "train.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("path", "file_id", "sequence_id", "participant_id", "phrase"), *rows])


def write_file(path: Path, ids: list[int], group: int | None, rng: np.random.Generator) -> None:
    """Sequences of 60 to 260 frames; the left hand is missing in four frames of five, the right in one."""
    lengths = rng.integers(60, 261, len(ids))
    total = int(lengths.sum())
    gone = {"left_hand": rng.random(total) < 0.8, "right_hand": rng.random(total) < 0.2}
    columns: dict[str, Any] = {
        "sequence_id": np.repeat(ids, lengths),
        "frame": np.concatenate([np.arange(length, dtype=np.int16) for length in lengths]),
    }
    for name in wide_columns():
        part = name.split("_", 1)[1].rsplit("_", 1)[0]
        columns[name] = pyarrow.array(rng.random(total, np.float32), mask=gone.get(part))
    parquet.write_table(pyarrow.table(columns), path, row_group_size=group or total)


def plain(folder: Path, file: str, points: str) -> dict[str, float]:
    """pyarrow alone: `parquet.read_table` of the columns that the reader needs, or of all."""
    columns = None if points == "every_column" else [*aslfr._points(points)[2], "frame", "sequence_id"]
    begin = time.process_time()
    rows = parquet.read_table(folder / file, columns=columns, use_threads=False).num_rows
    return figures(rows, begin)


def ours(folder: Path, file: str, points: str, order: str = "file") -> dict[str, float]:
    """Every sequence of a file as landmarks, in the order of the file, or some of them in another."""
    found = stock(folder, points).corpus.samples
    samples = [each for each in found if each.load.args[0] == folder / file]  # type: ignore[attr-defined]
    if order == "random":
        samples = [samples[i] for i in np.random.default_rng(0).permutation(len(samples))[:40]]
    begin = time.process_time()
    rows = sum(len(sample.load().points) for sample in samples)  # type: ignore[union-attr]
    return figures(rows, begin)


def corpus(folder: Path) -> dict[str, Any]:
    """Three passes over all clips: peak memory at four places of each."""
    samples = stock(folder, "fingerspelling").corpus.samples
    found = {"clips": len(samples)}
    memory = []
    for done, sample in enumerate(samples * 3, 1):
        sample.load()
        if done % (len(samples) // 4) == 0:
            memory.append(peak())
    return found | {"memory": memory}


def listed(folder: Path) -> dict[str, float]:
    """Reading the corpus without the cache, or with what is in it."""
    begin = time.process_time()
    stock(folder, "fingerspelling")
    return {"read": time.process_time() - begin}


def stock(folder: Path, points: str) -> Stock:
    """What there is; the other files of the list are missing."""
    return aslfr.take_stock(AslfrConfig(root=str(folder), points=points))  # type: ignore[arg-type]


def figures(rows: int, begin: float) -> dict[str, float]:
    """Rows a second since `begin`, and the peak of memory."""
    return {"rows": rows, "speed": rows / (time.process_time() - begin), "peak": peak()}


def peak() -> float:
    """The most memory that the process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (10 if sys.platform == "linux" else 20))


MEASURES: dict[str, Callable[..., dict[str, Any]]] = {
    "plain": plain,
    "ours": ours,
    "corpus": corpus,
    "listed": listed,
}


def alone(folder: Path, what: str) -> dict[str, Any]:
    """A measurement in a process of its own, on one thread."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "ARROW_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, __file__, str(folder), "--measure", what]
    done = subprocess.run(
        command, env=os.environ | threads | cache, check=True, capture_output=True, text=True
    )
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def print_speed(folder: Path) -> None:
    """Rows a second and memory of both, for a file in one group and one in several."""
    alone(folder, "listed")  # fills the cache
    print("| file | read | pyarrow, rows/s | ours, rows/s | ratio | pyarrow, peak MB | ours, peak MB |")
    print("|---|---|---:|---:|---:|---:|---:|")
    kinds = {"1000": "one group", "1001": f"groups of {GROUP:,} rows"}
    for name, kind in kinds.items():
        file = f"train_landmarks/{name}.parquet"
        for points in POINTS:
            theirs, mine = (alone(folder, f"{how} {file} {points}") for how in ("plain", "ours"))
            assert theirs["rows"] == mine["rows"]
            counts = f"{theirs['speed']:,.0f} | {mine['speed']:,.0f} | {mine['speed'] / theirs['speed']:.2f}"
            size = f"{theirs['peak']:,.0f} | {mine['peak']:,.0f}"
            print(f"| {kind}, {theirs['rows']:,} rows | `{points}` | {counts} | {size} |")
        every = alone(folder, f"plain {file} every_column")
        print(f"| {kind} | every column | {every['speed']:,.0f} | | | {every['peak']:,.0f} | |")
        mixed = alone(folder, f"ours {file} fingerspelling random")
        speed = f"{mixed['speed']:,.0f} | | | {mixed['peak']:,.0f}"
        print(f"| {kind}, 40 clips in random order | `fingerspelling` | | {speed} |")


def print_corpus(folder: Path) -> None:
    """The time of reading the lists, and memory over a whole pass."""
    for kept in (folder / "cache").rglob("*.npz"):
        kept.unlink()
    first, again = (alone(folder, "listed")["read"] for _ in range(2))
    whole = alone(folder, "corpus")
    memory = ", ".join(f"{size:,.0f}" for size in whole["memory"])
    print(f"\nThe corpus of {ROWS:,} rows is read in {first:.1f} s, again in {again:.1f} s.")
    print(f"Peak memory in MB after each quarter of three passes over {whole['clips']:,} clips: {memory}.")


if __name__ == "__main__":
    main()
