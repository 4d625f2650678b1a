"""`signkit runs`: the runs of a folder, with their states and scores. No torch here."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from signkit.errors import OperationalError, UserError
from signkit.eval.figures import metric
from signkit.eval.results import SCORES, MainScores, Results, in_brief, plain, read_results
from signkit.report.sections import Cell, Row, Table
from signkit.report.terminal import print_sections
from signkit.runtime.runs import LATEST, RUNS, Run, describe, latest, run_folders
from signkit.types import Score

SHOWN = ("dev", "test")
"""Splits that have a column."""


@dataclass(frozen=True, slots=True)
class ListedRun(MainScores):
    """A run with its results.

    Attributes:
        run: what its folder says about it.
        results: its scores; None as long as there are none.
        latest: whether ``latest`` names it: it is the newest finished one.
    """

    run: Run
    results: Results | None
    latest: bool

    def __repr__(self) -> str:
        scores = in_brief(self.results.scores, self.results.metrics) if self.results else ""
        about = (self.name, self.state, scores, LATEST if self.latest else "")
        return f"<run {', '.join(filter(None, about))}>"

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.run.folder

    @property
    def name(self) -> str:
        """Its path below the folder that was listed: ``<recipe>/<time>-<hash>``."""
        return self.run.name

    @property
    def recipe(self) -> str:
        """The recipe's name."""
        return self.run.recipe

    @property
    def state(self) -> str:
        """``finished``, ``running``, ``interrupted``, ``failed`` or ``unknown``."""
        return self.run.state

    @property
    def seconds(self) -> float | None:
        """How long its sessions took together; None if not known."""
        return self.run.seconds

    @property
    def scores(self) -> tuple[Score, ...]:
        """All scores; empty as long as there are none."""
        return self.results.scores if self.results else ()


def runs(folder: str | PathLike[str] = RUNS) -> list[ListedRun]:
    """The runs below a folder, the oldest first.

    Args:
        folder: of several recipes' runs, of those of one recipe, or of one run.

    Raises:
        UserError: there is no such folder.
    """
    base = Path(folder)
    if not base.is_dir():
        raise UserError(str(folder), "there is no such folder", "`signkit runs DIR` lists the runs below DIR")
    folders = run_folders(base)
    if not folders and (base / "resolved.yaml").is_file():
        folders, base = [base], base.parent
    newest = latest(folders)
    return [ListedRun(describe(each, base), _results(each), each == newest) for each in folders]


def list_runs(folder: Path | None, as_json: bool) -> int:
    """Print the runs below a folder as a table, or as JSON; returns the exit status."""
    if folder is None and not Path(RUNS).is_dir():
        listed: list[ListedRun] = []
    else:
        listed = runs(folder or RUNS)
    if as_json:
        print(json.dumps({"runs": [_plain(each) for each in listed]}, ensure_ascii=False))
    elif listed:
        print_sections([_table(listed)])
    else:
        print(f"no runs in {folder or RUNS}")
    return 0


def _results(run: Path) -> Results | None:
    """The results of a run; None if there are none, or none that can be read."""
    try:
        return read_results(run / SCORES)
    except OperationalError:
        return None


def _plain(each: ListedRun) -> dict[str, Any]:
    content = asdict(each.run) | {"folder": str(each.run.folder), "latest": each.latest}
    for split in SHOWN:
        score = each.score(split)
        content[split] = plain(score) if score else None
    return content


def _table(listed: Sequence[ListedRun]) -> Table:
    rows: list[Row] = [
        (
            each.run.name,
            each.run.state,
            LATEST if each.latest else "",
            Cell(_steps(each.run), each.run.step),
            *(_score(each, split) for split in SHOWN),
            Cell(_duration(each.run.seconds), each.run.seconds),
            Cell(_bytes(each.run.size), each.run.size),
        )
        for each in listed
    ]
    return Table(("run", "state", "named", "steps", *SHOWN, "time", "size"), rows, words=3)


def _steps(run: Run) -> str:
    return str(run.step) if run.step >= run.max_steps else f"{run.step} of {run.max_steps}"


def _score(each: ListedRun, split: str) -> Cell:
    score = each.score(split)
    if score is None or each.results is None:
        return Cell("")
    of = metric(score.name, each.results.metrics)
    return Cell(f"{of.heading} {of.text(score.value)}", score.value)


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def _bytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
