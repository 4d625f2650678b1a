"""The runs of a grid, and how they are printed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signkit.eval.figures import Metric
from signkit.eval.results import in_brief, plain
from signkit.report.scores import score_table
from signkit.report.sections import Cell, Paragraph, Row, Section, Table
from signkit.report.terminal import print_sections
from signkit.types import Score

OTHER_DATA = "The grid changes `data`: figures of different dev splits do not rank the runs."


@dataclass(frozen=True, slots=True)
class GridPoint:
    """A run of a grid.

    Attributes:
        settings: the value of each key of the grid, as it is set.
        folder: of the run; None if it was not begun.
        state: ``finished``, ``interrupted``, ``failed``, or ``waiting`` for its turn.
        dev: the metric that dev is judged by; None without one.
        error: why it failed.
    """

    settings: dict[str, str]
    folder: Path | None = None
    state: str = "waiting"
    dev: Score | None = None
    error: str = ""

    def __repr__(self) -> str:
        dev = in_brief([self.dev]) if self.dev else ""
        return f"<run {', '.join(filter(None, (self.name, self.state, dev, str(self.folder or ''))))}>"

    @property
    def name(self) -> str:
        """The settings in a line."""
        return ", ".join(f"{key}={value}" for key, value in self.settings.items())


@dataclass(frozen=True, slots=True)
class GridResult:
    """The runs of a grid, the best on dev first.

    Attributes:
        metric: that the runs are ranked by.
        points: the runs; those without a value last.
    """

    metric: Metric
    points: tuple[GridPoint, ...]

    def __repr__(self) -> str:
        return (
            f"<grid of {len(self.points)} runs, ranked by {self.metric.heading} of dev; best: {self.best!r}>"
        )

    @property
    def best(self) -> GridPoint | None:
        """The best run; None if none has a value."""
        return next((point for point in self.points if point.dev is not None), None)


def print_grid(result: GridResult, as_json: bool) -> None:
    """Print the runs by their dev scores; the last line is the folder of the best."""
    best = result.best
    if as_json:
        runs = [_plain(point) for point in result.points]
        folder = str(best.folder) if best else None
        print(json.dumps({"metric": result.metric.name, "runs": runs, "best": folder}, ensure_ascii=False))
        return
    print_sections([_table(result), *_notes(result)])
    if best is not None:
        print(best.folder, flush=True)


def _notes(result: GridResult) -> list[Section]:
    how = "Ranked on dev. Test is not shown: it is for the run that was chosen, once."
    notes: list[Section] = [Paragraph(how)]
    changed = [key for key in result.points[0].settings if len({p.settings[key] for p in result.points}) > 1]
    if any(key.partition(".")[0] == "data" for key in changed):
        notes.append(Paragraph(OTHER_DATA))
    return notes


def _table(result: GridResult) -> Table:
    """The runs, the best first, with the interval of each dev score."""
    keys = tuple(result.points[0].settings)
    rows: list[Row] = []
    for point in result.points:
        cell: Cell | str = point.state
        if point.dev is not None:
            shown = score_table([point.dev], ("dev",), metrics=(result.metric,)).cells()
            cell = shown[0][1]
        rows.append((*point.settings.values(), cell, str(point.folder or "")))
    columns = (*keys, f"dev {result.metric.heading}", "run")
    return Table(columns, rows, words=len(keys), remarks=1)


def _plain(point: GridPoint) -> dict[str, Any]:
    return {
        "settings": point.settings,
        "run": str(point.folder) if point.folder else None,
        "state": point.state,
        "dev": plain(point.dev) if point.dev else None,
        "error": point.error,
    }
