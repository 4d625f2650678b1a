"""What is seen of a run while it goes: the terminal, log.txt, metrics.jsonl and TensorBoard."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

CURVE_POINTS = 400
"""Steps written to metrics.jsonl and TensorBoard, about."""
SECONDS_BETWEEN_LINES = 15.0
"""Of a run whose output is not a terminal."""


class Watch:
    """Tells of a run. In a process that is not the main one it is silent and writes nothing.

    Args:
        folder: of the run.
        main: whether this process is the main one.
    """

    def __init__(self, folder: Path, *, main: bool) -> None:
        self.folder, self.main = folder, main
        self.console = Console(stderr=True, highlight=False, quiet=not main)
        self._log: TextIO | None = open(folder / "log.txt", "a", encoding="utf-8", buffering=1) if main else None

    def say(self, message: str) -> None:
        """A line on the terminal and in the log."""
        self.note(message)
        self.console.print(message, markup=False)

    def note(self, message: str) -> None:
        """A line in the log alone."""
        if self._log is not None:
            self._log.write(f"{datetime.now().isoformat(timespec='seconds')} {message}\n")

    @contextmanager
    def bar(self, what: str, total: int, done: int = 0) -> Iterator["Bar"]:
        """A progress bar with the time left; lines now and then where there is no terminal."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
        )
        shown = self.console.is_terminal and self.main
        with Progress(*columns, console=self.console, disable=not shown, transient=not shown) as progress:
            task = progress.add_task(what, total=total, completed=done, figures="")
            yield Bar(self, progress, task, what, total, done)

    def close(self) -> None:
        """Close the log."""
        if self._log is not None:
            self._log.close()
            self._log = None


class Bar:
    """A progress bar that is being shown."""

    def __init__(self, watch: Watch, progress: Progress, task: Any, what: str, total: int, done: int) -> None:
        self._watch, self._progress, self._task = watch, progress, task
        self._what, self._total, self._first = what, total, done
        self._begun = self._told = time.monotonic()

    def at(self, done: int, figures: str = "") -> None:
        """Show that so much is done, with figures beside."""
        self._progress.update(self._task, completed=done, figures=figures)
        now = time.monotonic()
        if not self._watch.console.is_terminal and now - self._told > SECONDS_BETWEEN_LINES:
            self._told = now
            left = (now - self._begun) / max(1, done - self._first) * (self._total - done)
            self._watch.console.print(f"{self._what} {done}/{self._total}, {left:.0f} s left  {figures}", markup=False)


class TrainingWatch:
    """A training's `Watcher`: the bar with loss and dev score, metrics.jsonl and TensorBoard.

    Args:
        begun: the step that training goes on from; later lines of an interrupted run are dropped.
    """

    def __init__(self, watch: Watch, bar: Bar, *, begun: int, total: int, score: str) -> None:
        self._watch, self._bar, self._total, self._score = watch, bar, total, score
        self._every = max(1, total // CURVE_POINTS)
        self._dev = ""
        self._metrics: TextIO | None = None
        self._board: Any = None
        if watch.main:
            self._metrics = _continued(watch.folder / "metrics.jsonl", begun)
            self._board = _tensorboard(watch.folder / "tensorboard", begun)

    def stepped(self, step: int, figures: dict[str, float]) -> None:
        """Show and record a step's figures."""
        self._bar.at(step, f"loss {figures['loss']:.3f}{self._dev}")
        if step % self._every == 0 or step in (1, self._total):
            self._record(step, figures)

    def evaluated(self, step: int, score: float, best: bool) -> None:
        """Show and record a dev score."""
        self._dev = f"  dev {self._score} {100 * score:.1f} %"
        self._watch.note(f"step {step}: dev {self._score} {100 * score:.2f} %{' (best)' if best else ''}")
        self._record(step, {f"dev_{self._score}": score})

    def close(self) -> None:
        """Close the files."""
        if self._metrics is not None:
            self._metrics.close()
            self._board.close()

    def _record(self, step: int, figures: dict[str, float]) -> None:
        if self._metrics is None:
            return
        self._metrics.write(json.dumps({"step": step, **figures}) + "\n")
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)


def read_metrics(path: Path) -> list[dict[str, float]]:
    """The lines of metrics.jsonl, a broken last one left out."""
    rows: list[dict[str, float]] = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                break
    return rows


def _continued(path: Path, begun: int) -> TextIO:
    kept = [row for row in read_metrics(path) if row["step"] <= begun]
    handle = open(path, "w", encoding="utf-8", buffering=1)
    handle.writelines(json.dumps(row) + "\n" for row in kept)
    return handle


def _tensorboard(folder: Path, begun: int) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=begun + 1 if begun else None)

