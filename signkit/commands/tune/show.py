"""The outcome of tuning as tables on the terminal and as a page with a figure."""

import math
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from signkit.commands.tune.outcome import TuneOutcome, figures_by_value
from signkit.eval.figures import Metric, metric
from signkit.report import page
from signkit.report.numbers import sentence_case
from signkit.report.plots import DEV, INK, RECOGNISED, saved
from signkit.report.sections import Cell, Paragraph, Picture, Row, Table
from signkit.report.terminal import print_sections

BEST = 8
"""Number of trials in the table."""
BORDER, LEAST = 0.1, 0.002
"""Of the picture, beyond the best trial and the worst one shown: a share of their distance, and a value."""


def print_outcome(outcome: TuneOutcome, title: str) -> None:
    """Print the best trials, the effect of each parameter, and the gain with its interval."""
    tables = [
        replace(
            table,
            columns=tuple(
                column.replace("_", "\n").replace(".weight", "\nweight") for column in table.columns
            ),
        )
        for table in _tables(outcome, title)
    ]
    print_sections([*tables, *map(Paragraph, sentences(outcome))])


def write_page(path: Path, outcome: TuneOutcome, title: str) -> None:
    """Write the page, with a figure of all trials."""
    with TemporaryDirectory() as aside:
        picture = saved(Path(aside) / "surface.png", lambda: _figure(outcome))
        surface = Picture(
            picture,
            f"{sentence_case(metric(outcome.figure).title)} of every trial over each parameter",
            "Every trial",
        )
        page.write_page(path, title, [Paragraph(" ".join(sentences(outcome))), surface, *_tables(outcome)])


def sentences(outcome: TuneOutcome) -> tuple[str, ...]:
    """The outcome in sentences."""
    of, gain = metric(outcome.figure), outcome.gain
    between = "" if math.isnan(outcome.low) else f", 95 % interval {_points(of, outcome.low, outcome.high)}"
    plain, given = of.text(outcome.plain.value, 1), of.text(outcome.given.value, 1)
    first = f"{of.heading} {of.text(outcome.best.value, 1)}{between}; plain decoding {plain}"
    if outcome.given != outcome.plain:
        how = f"with {', '.join(outcome.changes)}" if outcome.changes else "as it was"
        first += f", the recipe {how} {given}"
    sure = "" if math.isnan(gain.low) else f", 95 % interval {_points(of, gain.low, gain.high)}"
    others = f"{of.heading} on others will be {'lower' if of.higher_is_better else 'higher'}"
    counts = f"{outcome.better} of {outcome.sentences} sentences have fewer errors, {outcome.worse} more"
    return (
        first + ".",
        f"Against plain decoding {100 * gain.difference:+.1f} points{sure}: {counts}.",
        f"The settings were chosen on these very sentences: {others}.",
    )


def _tables(outcome: TuneOutcome, of_what: str = "") -> tuple[Table, Table]:
    of = metric(outcome.figure)
    names = tuple(p.key.removeprefix("decode.") for p in outcome.space)
    best: list[Row] = [
        (str(t.number), _figured(of, t.value), *(_value(value) for value in t.values))
        for t in outcome.trials[:BEST]
    ]
    parameters = zip(names, outcome.space, outcome.best.values, outcome.without, strict=True)
    worth: list[Row] = [
        (name, f"{p.low:g} to {p.high:g}", _value(value), _value(p.neutral), _figured(of, without))
        for name, p, value, without in parameters
    ]
    trials = f"the best of {len(outcome.trials)} trials"
    title = f"{of_what}: {trials}" if of_what else sentence_case(trials)
    return (
        Table(("trial", of.heading, *names), best, title),
        Table(
            ("parameter", "range", "best", "neutral", f"{of.heading} at neutral"), worth,
            "Effect of each parameter",
        ),
    )  # fmt: skip


def _figured(of: Metric, value: float) -> Cell:
    return Cell(of.text(value, 1), value)


def _value(value: float) -> Cell:
    return Cell(f"{value:g}", value)


def _figure(outcome: TuneOutcome) -> Any:
    """A plot of every trial over each parameter; the best and plain decoding are marked."""
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
        values, figures = figures_by_value(outcome.trials, place)
        axes.scatter(values, [100 * each for each in figures], s=10, color=INK, alpha=0.5, linewidths=0)
        for trial, colour, name in ((outcome.plain, DEV, "plain"), (outcome.best, RECOGNISED, "best")):
            axes.scatter(trial.values[place], 100 * trial.value, s=50, color=colour, label=name)
        axes.set_xlabel(outcome.space[place].key.removeprefix("decode."))
    of = metric(outcome.figure)
    found = [trial.value for trial in outcome.trials]
    # Far worse trials would flatten the rest.
    usual = float(np.quantile(found, 0.2 if of.higher_is_better else 0.8))
    worst = min(outcome.plain.value, usual) if of.higher_is_better else max(outcome.plain.value, usual)
    low, high = sorted((outcome.best.value, worst))
    margin = max(BORDER * (high - low), LEAST)  # the marks have a size
    grid[0, 0].set_ylim(100 * (low - margin), 100 * (high + margin))
    grid[0, 0].set_ylabel(f"{of.heading} (%)" if of.unit == "percent" else of.heading)
    grid[0, 0].legend(frameon=False, fontsize=8)
    return figure


def _points(of: Metric, low: float, high: float) -> str:
    """An interval in the metric's unit, or in percentage points."""
    return " to ".join(of.text(end, 1).removesuffix(" %") for end in (low, high))
