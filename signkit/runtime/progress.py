"""The progress of a run: on the terminal, in log.txt and metrics.jsonl, and in TensorBoard."""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO, runtime_checkable

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from signkit.runtime.files import plainly, write_text

CURVE_POINTS = 400
"""The approximate number of steps that are written to metrics.jsonl and TensorBoard."""
SECONDS_BETWEEN_LINES = 15.0
"""Time between lines of progress if the output is not a terminal."""


class Watch:
    """Shows and logs the progress of a run. In processes other than the main one it does nothing.

    Args:
        folder: of the run.
        main: whether this process is the main one.
        log: whether messages are written to ``log.txt`` in the folder, too.

    Raises:
        OperationalError: the log cannot be written; also raised by `say` and `note`.
    """

    def __init__(self, folder: Path, *, main: bool, log: bool = True) -> None:
        self.folder, self.main = folder, main
        self.console = Console(stderr=True, highlight=False, quiet=not main)
        self._log = _Lines(folder / "log.txt") if main and log else None

    def say(self, message: str) -> None:
        """Write a line to the terminal and to the log."""
        self.note(message)
        self.console.print(message, markup=False, soft_wrap=True)

    def note(self, message: str) -> None:
        """Write a line to the log only."""
        if self._log is not None:
            self._log.write(f"{datetime.now().isoformat(timespec='seconds')} {message}")

    @contextmanager
    def bar(self, what: str, total: int, done: int = 0, delay: float = 0.0) -> Iterator["Bar"]:
        """Show a progress bar with the remaining time; without a terminal, print a line now and then.

        Args:
            what: the bar's label.
            total: its length.
            done: where it starts.
            delay: seconds before it is shown, for work that is usually done by then.
        """
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        progress = Progress(*columns, console=self.console)
        task = progress.add_task(what, total=total, completed=done, figures="")
        if not delay:
            self.show(progress)
        try:
            yield Bar(self, progress, task, what, total, done, delay)
        finally:
            if progress.live.is_started:
                progress.stop()

    def show(self, progress: Progress) -> None:
        """Show a bar, if there is a terminal and it is not shown already."""
        if self.console.is_terminal and self.main and not progress.live.is_started:
            progress.start()

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()
            self._log = None


class Bar:
    """A progress bar that is being shown."""

    def __init__(
        self, watch: Watch, progress: Progress, task: Any, what: str, total: int, done: int, delay: float
    ) -> None:
        self._watch, self._progress, self._task, self._delay = watch, progress, task, delay
        self._what, self._total, self._first = what, total, done
        self._begun = self._told = time.monotonic()

    def at(self, done: int, figures: str = "") -> None:
        """Move the bar to ``done`` and show ``figures``, a short text, next to it."""
        self._progress.update(self._task, completed=done, figures=figures)
        now = time.monotonic()
        if now - self._begun >= self._delay:
            self._watch.show(self._progress)
        if not self._watch.console.is_terminal and now - self._told > SECONDS_BETWEEN_LINES:
            self._told = now
            left = (now - self._begun) / max(1, done - self._first) * (self._total - done)
            line = f"{self._what} {done}/{self._total}, {left:.0f} s left  {figures}"
            self._watch.console.print(line, markup=False, soft_wrap=True)


@runtime_checkable
class Shown(Protocol):
    """The parts of `signkit.eval.figures.Metric` that are shown."""

    @property
    def name(self) -> str: ...

    @property
    def short(self) -> str: ...

    @property
    def heading(self) -> str: ...

    def text(self, value: float, digits: int = 2) -> str: ...


class TrainingWatch:
    """A `signkit.train.loop.Watcher`: a bar with loss and dev score, metrics.jsonl and TensorBoard.

    Args:
        watch: of the run.
        bar: of the training.
        begun: the step that training resumes from; later lines of an interrupted run are dropped.
        total: the number of steps.
        metric: of the dev score.
        remark: a line for the user about a step's figures, or "".

    Raises:
        OperationalError: a file cannot be written; also raised by `stepped` and `evaluated`.
    """

    def __init__(
        self,
        watch: Watch,
        bar: Bar,
        *,
        begun: int,
        total: int,
        metric: Shown,
        remark: Callable[[int, Mapping[str, float]], str] | None = None,
    ) -> None:
        self._watch, self._bar, self._total, self._metric = watch, bar, total, metric
        self._remark = remark
        self._every = max(1, total // CURVE_POINTS)
        self._dev = ""
        self._files: tuple[_Lines, _Board] | None = None
        if watch.main:
            metrics = _continued(watch.folder / "metrics.jsonl", begun)
            self._files = metrics, _Board(watch.folder / "tensorboard", begun)

    def stepped(self, step: int, figures: dict[str, float]) -> None:
        """Show and record a step's figures."""
        self._bar.at(step, f"loss {figures['loss']:.3f}{self._dev}")
        if step % self._every == 0 or step in (1, self._total):
            self._record(step, figures)
        if self._remark is not None and (line := self._remark(step, figures)):
            self._watch.say(line)

    def evaluated(self, step: int, score: float, best: bool) -> None:
        """Show and record a dev score."""
        name = self._metric.heading
        self._dev = f"  dev {name} {self._metric.text(score, 1)}"
        shown = self._metric.text(score)
        self._watch.note(f"step {step}: dev {name} {shown}{' (best)' if best else ''}")
        self._record(step, {f"dev_{self._metric.short or self._metric.name}": score})

    def close(self) -> None:
        """Close the files."""
        for file in self._files or ():
            file.close()

    def _record(self, step: int, figures: dict[str, float]) -> None:
        if self._files is not None:
            metrics, board = self._files
            metrics.write(json.dumps({"step": step, **figures}))
            board.add(step, figures)


def read_metrics(path: Path) -> list[dict[str, int | float]]:
    """The lines of metrics.jsonl, without a last one that is incomplete."""
    rows: list[dict[str, int | float]] = []
    if path.is_file():
        with suppress(ValueError):
            for line in path.read_text(encoding="utf-8").splitlines():
                rows.append(json.loads(line))
    return rows


class _Lines:
    """A text file that is appended to by whole lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with plainly(path):
            self._file: TextIO = open(path, "a", encoding="utf-8", buffering=1)

    def write(self, line: str) -> None:
        with plainly(self._path):
            self._file.write(line + "\n")

    def close(self) -> None:
        with suppress(OSError):  # nothing is lost: each line was flushed when it was written
            self._file.close()


class _Board:
    """TensorBoard's event file, flushed after every record.

    torch's own writer is not used: it writes in a thread, whose errors end in a traceback.

    Args:
        begun: the step that training resumes from; TensorBoard drops later records of older files.
    """

    def __init__(self, folder: Path, begun: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # type: ignore[import-untyped]
        from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
        from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]

        self._event, self._summary = Event, Summary
        self._path = folder / f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        with plainly(self._path):
            folder.mkdir(exist_ok=True)
            self._file = open(self._path, "ab", buffering=0)
        self._records = RecordWriter(self._file)
        self._write(Event(file_version="brain.Event:2"))
        if begun:
            self._write(Event(step=begun + 1, session_log=SessionLog(status=SessionLog.START)))

    def add(self, step: int, figures: dict[str, float]) -> None:
        values = [self._summary.Value(tag=name, simple_value=value) for name, value in figures.items()]
        self._write(self._event(step=step, summary=self._summary(value=values)))

    def close(self) -> None:
        self._file.close()

    def _write(self, event: Any) -> None:
        event.wall_time = time.time()
        with plainly(self._path):
            self._records.write(event.SerializeToString())


def _continued(path: Path, begun: int) -> _Lines:
    """Open the file without the lines after a step, so that no step occurs twice when they are repeated."""
    retained = [row for row in read_metrics(path) if row["step"] <= begun]
    write_text(path, "".join(json.dumps(row) + "\n" for row in retained))
    return _Lines(path)
