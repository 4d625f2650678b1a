"""The outcome for the reader: tables on the terminal, a page with a picture of the surface."""

import math
import sys
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from signkit.commands.tune.outcome import Outcome, rates_by_value
from signkit.report.page import image, page
from signkit.report.picture import DEV, FOUND, INK, saved
from signkit.report.terminal import percent
from signkit.runtime.files import write_text

BEST = 8
"""Trials shown."""

Rows = list[tuple[str, ...]]


def print_outcome(outcome: Outcome, title: str) -> None:
    """The best trials, what each parameter is worth, and what the gain rests on."""
    # Whole lines when piped, whatever the width of the terminal.
    width = None if sys.stdout.isatty() else 200
    console = Console(width=width, highlight=False, soft_wrap=True, markup=False, emoji=False)
    for name, (head, rows) in _tables(outcome, title).items():
        table = Table(title=name, title_justify="left", box=box.SIMPLE_HEAD)
        for number, column in enumerate(head):
            narrow = column.replace("_", "\n").replace(".weight", "\nweight")
            table.add_column(narrow, justify="right" if number else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        console.print(table)
    for line in sentences(outcome):
        console.print(line)


def sentences(outcome: Outcome) -> tuple[str, ...]:
    """The outcome in words."""
    rate, gain = outcome.rate.upper(), outcome.gain
    between = "" if math.isnan(outcome.low) else f", 95 % interval {_points(outcome.low, outcome.high)}"
    first = f"{rate} {percent(outcome.best.rate)}{between}; plain decoding {percent(outcome.plain.rate)}"
    if outcome.given != outcome.plain:
        first += f", the recipe as it was {percent(outcome.given.rate)}"
    sure = "" if math.isnan(gain.low) else f", 95 % interval {_points(gain.low, gain.high)}"
    counts = f"{outcome.better} of {outcome.sentences} sentences have fewer errors, {outcome.worse} more"
    return (
        first + ".",
        f"Against plain decoding {100 * gain.difference:+.1f} points{sure}: {counts}.",
        "It was chosen on these very sentences: the figure of others will be higher.",
    )


def write_page(path: Path, outcome: Outcome, title: str) -> None:
    """Write the page with the picture of the surface in it."""
    with TemporaryDirectory() as aside:
        picture = saved(Path(aside) / "surface.png", lambda: _figure(outcome))
        shown = image(picture, "Error rate of every trial over each parameter")
    tables = []
    for name, (head, rows) in _tables(outcome, title).items():
        cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
        lines = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
        tables.append(f"<h2>{escape(name)}</h2><table><tr>{cells}</tr>{lines}</table>")
    words = "".join(f"<p>{escape(line)}</p>" for line in sentences(outcome))
    write_text(path, page(title, f"<h1>{escape(title)}</h1>{words}{shown}{''.join(tables)}"))


def _tables(outcome: Outcome, title: str) -> dict[str, tuple[tuple[str, ...], Rows]]:
    rate = outcome.rate.upper()
    names = tuple(p.key.removeprefix("decode.") for p in outcome.space)
    best: Rows = [
        (str(t.number), percent(t.rate), *(f"{value:g}" for value in t.values)) for t in outcome.trials[:BEST]
    ]
    worth: Rows = [
        (
            name,
            f"{p.low:g} to {p.high:g}",
            f"{value:g}",
            f"{p.neutral:g}",
            percent(without),
        )
        for name, p, value, without in zip(
            names, outcome.space, outcome.best.values, outcome.without, strict=True
        )
    ]
    return {
        f"{title}: the best of {len(outcome.trials)} trials": (("trial", rate, *names), best),
        "What each parameter is worth": (
            ("parameter", "range", "best", "neutral", f"{rate} at neutral"),
            worth,
        ),
    }


def _figure(outcome: Outcome) -> Any:
    """The error rate of every trial over each parameter; the best and plain decoding are marked."""
    from matplotlib import pyplot

    count = len(outcome.space)
    columns = min(count, 3)
    rows = -(-count // columns)
    figure, grid = pyplot.subplots(
        rows, columns, figsize=(4 * columns, 3.2 * rows), layout="constrained", squeeze=False, sharey=True
    )
    for place, axes in enumerate(grid.flat):
        if place >= count:
            axes.set_axis_off()
            continue
        values, rates = rates_by_value(outcome.trials, place)
        axes.scatter(values, [100 * rate for rate in rates], s=10, color=INK, alpha=0.5, linewidths=0)
        for trial, colour, name in ((outcome.plain, DEV, "plain"), (outcome.best, FOUND, "best")):
            axes.scatter(trial.values[place], 100 * trial.rate, s=50, color=colour, label=name)
        axes.set_xlabel(outcome.space[place].key.removeprefix("decode."))
    usual = float(np.quantile([trial.rate for trial in outcome.trials], 0.8))
    top = max(outcome.plain.rate, usual)  # what is far worse would flatten the rest
    grid[0, 0].set_ylim(0.95 * 100 * outcome.best.rate, 1.05 * 100 * top + 0.01)
    grid[0, 0].set_ylabel(f"{outcome.rate.upper()} (%)")
    grid[0, 0].legend(frameon=False, fontsize=8)
    return figure


def _points(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f}"
