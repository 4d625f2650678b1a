"""`signkit landmarks`: clips in, files of landmarks and a report out."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from signkit.commands.landmarks.inputs import Input, find_inputs
from signkit.commands.landmarks.record import Entry, Record, Source
from signkit.data.corpora.table import fail_together
from signkit.data.tracking.extract import PARTS, Options
from signkit.data.tracking.jobs import Failure, Job, track_all
from signkit.data.tracking.tracker import check_mediapipe
from signkit.data.video import open_clip
from signkit.errors import SignkitError, UserError
from signkit.runtime.pool import Executor
from signkit.runtime.progress import Watch
from signkit.runtime.ray_pool import connected

MOST_ROWS = 40
"""Of the table on a terminal; report.jsonl has them all."""


@dataclass(frozen=True, slots=True)
class _Task:
    """A clip that is to be tracked now."""

    name: str
    source: Source
    job: Job
    frames: int


def landmarks(
    paths: Sequence[Path],
    list_file: Path | None,
    out: Path,
    options: Options,
    workers: int,
    as_json: bool,
    *,
    executor: Executor = "local",
    address: str = "",
) -> int:
    """Track all clips that are not done yet; print what was found in each. Returns the exit status.

    Args:
        workers: processes, or clips at a time; 0: as many as there are processors.
        executor: who tracks: processes of this machine, or of a ray cluster.
        address: of the cluster, see `signkit.runtime.ray_pool.connected`.

    Raises:
        UserError: nothing to track, a file in the way, MediaPipe not installed, no such cluster; nothing is
            begun then.
        OperationalError: a file cannot be written; those that are finished stay.
    """
    inputs = find_inputs(paths, list_file)
    record = Record(out)
    names = [f"{each.output}.{options.format}" for each in inputs]
    failures: dict[str, Failure] = {}
    tasks = _tasks(inputs, names, record, out, options, failures)
    if tasks:
        check_mediapipe("landmarks")
    try:
        with connected(executor, address):
            watch = Watch(out, main=True, log=False)
            failures |= _track(tasks, record, options, executor, workers, watch)
    finally:
        if record.entries:
            record.close()
    unchanged = len(inputs) - len(tasks) - sum(name not in {task.name for task in tasks} for name in failures)
    _print([record.entries[name] for name in names], as_json, unchanged)
    for failure in failures.values():
        print(f"error: {failure.message}", file=sys.stderr)
    if not failures:
        return 0
    return 1 if all(failure.killed for failure in failures.values()) else 2


def _tasks(
    inputs: Sequence[Input], names: Sequence[str], record: Record, out: Path, options: Options,
    failures: dict[str, Failure],
) -> list[_Task]:  # fmt: skip
    """The clips that are not done yet. Those that cannot be opened are failures already.

    Raises:
        UserError: a file in the way.
    """
    tasks, faults = [], []
    for each, name in zip(inputs, names, strict=True):
        source = Source.of(each.path)
        try:
            if record.finished(name, source, options):
                continue
        except UserError as fault:
            faults.append(fault)
            continue
        try:
            frames = open_clip(each.path).frames
            tasks.append(_Task(name, source, Job(each.path, out / name, options), frames))
        except SignkitError as error:
            failures[name] = Failure(str(error))
    fail_together(faults, str(out))
    for each, name in zip(inputs, names, strict=True):
        if name in failures:
            record.end(name, Source.of(each.path), options, failures[name])
    return tasks


def _track(
    tasks: Sequence[_Task],
    record: Record,
    options: Options,
    executor: Executor,
    workers: int,
    watch: Watch,
) -> dict[str, Failure]:
    task_of = {task.job: task for task in tasks}
    failures: dict[str, Failure] = {}
    reported = dict.fromkeys(task_of, 0)
    begun = time.monotonic()
    events = track_all([task.job for task in tasks], workers, executor)
    # Closed, so that no process goes on where this one is interrupted.
    with watch.bar("landmarks", sum(task.frames for task in tasks)) as bar, closing(events):
        tracked = 0
        for job, event in events:
            task = task_of[job]
            if event is None:
                record.begin(task.name, task.source)
                continue
            if isinstance(event, int):
                reported[job] += event
                tracked += event
            else:
                record.end(task.name, task.source, options, event)
                tracked += 0 if isinstance(event, Failure) else task.frames - reported[job]
                reported[job] = task.frames
            if isinstance(event, Failure):
                failures[task.name] = event
            rate = tracked / max(time.monotonic() - begun, 1e-6)
            bar.at(sum(reported.values()), f"{rate:.1f} frames/s")
    return failures


def _print(entries: Sequence[Entry], as_json: bool, unchanged: int) -> None:
    if as_json:
        for entry in entries:
            print(json.dumps(entry, ensure_ascii=False))
        return
    parts = [part for part in PARTS.values() if any(_key(part) in entry for entry in entries)]
    rows = [_row(entry, parts) for entry in entries if "error" not in entry]
    if not sys.stdout.isatty():
        for row in rows:
            print("\t".join(row))
        return
    table = Table(Column("file", overflow="fold"), "frames", *parts, title=_title(entries, unchanged))
    for row in rows[:MOST_ROWS]:
        table.add_row(*row)
    if len(rows) > MOST_ROWS:
        table.add_row(f"… {len(rows) - MOST_ROWS} more in report.jsonl")
    if rows:
        table.add_section()
        table.add_row("all", *_row(_all(entries, parts), parts)[1:])
    Console(markup=False, emoji=False).print(table)


def _title(entries: Sequence[Entry], unchanged: int) -> str:
    failed = sum("error" in entry for entry in entries)
    done = len(entries) - failed - unchanged
    return f"{done} tracked, {unchanged} kept as they were, {failed} failed; frames in which a part was seen"


def _row(entry: Mapping[str, object], parts: Sequence[str]) -> list[str]:
    shares = (entry.get(_key(part)) for part in parts)
    shown = (f"{100 * share:.1f} %" if isinstance(share, float) else "-" for share in shares)
    return [str(entry["output"]), str(entry["frames"]), *shown]


def _all(entries: Sequence[Entry], parts: Sequence[str]) -> Entry:
    """Sums over the clips, shares weighted by frames."""
    good = [entry for entry in entries if "error" not in entry]
    frames = sum(entry["frames"] for entry in good)
    shares = {_key(p): sum(e.get(_key(p), 0) * e["frames"] for e in good) / frames for p in parts}
    return {"output": "all", "frames": frames, **shares}


def _key(part: str) -> str:
    return part.replace(" ", "_")
