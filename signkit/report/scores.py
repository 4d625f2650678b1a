"""The scores of a run: every metric that its protocol names, with its interval."""

import math
from collections.abc import Iterable, Sequence
from functools import partial

from signkit.eval.figures import Metric, metric
from signkit.report.numbers import DASH, PERCENT, number, round_up, span
from signkit.report.sections import Card, Cards, Cell, Figure, Interval, Row, Table
from signkit.types import Score

CONFIDENCE = "95 % interval"
"""Of the scores of runs and of searches for decoding parameters."""
APART = ("calibration_error", "calibration_error_raw")
"""Metrics that have a sentence of their own."""
ARROWS = {True: "↑", False: "↓", None: ""}
BETTER = {True: "higher is better", False: "lower is better", None: ""}


def score_table(
    scores: Sequence[Score],
    splits: Sequence[str],
    title: str = "",
    selected: str = "",
    metrics: Sequence[Metric] = (),
) -> Table:
    """A table with a row a metric, in the order of the scores, and a column a split.

    Args:
        splits: shown, in this order.
        selected: the name of the metric of dev by which the weights were selected; empty if there was none.
        metrics: further ones than `signkit.eval.figures` knows.
    """
    presented = partial(metric, own=metrics)
    by_place = {(s.name, s.split): s for s in scores if s.name not in APART and s.split in splits}
    names = list(dict.fromkeys(name for name, _ in by_place))
    ranged = any(not math.isnan(score.low) for score in by_place.values())
    rows: list[Row] = [
        (
            _heading(presented(name)),
            *(_cell(by_place.get((name, split)), presented(name), ranged) for split in splits),
        )
        for name in names
    ]
    ways = {presented(name).higher_is_better for name in names}
    notes = [", ".join(f"{ARROWS[way]} {BETTER[way]}" for way in (False, True) if way in ways)]
    if ranged:
        notes[0] += f"; in brackets: {CONFIDENCE}"
    if selected:
        of = presented(selected)
        notes.append(f"The weights were selected by the {of.title} of dev ({BETTER[of.higher_is_better]}).")
    return Table(("metric", *splits), rows, title, notes=tuple(filter(None, notes)))


def _heading(of: Metric) -> str:
    return f"{of.title} {ARROWS[of.higher_is_better]}".rstrip()


def _cell(score: Score | None, of: Metric, ranged: bool) -> Cell:
    """A value, and behind it its interval with a digit less."""
    if score is None:
        return Cell("", math.nan, "" if ranged else None)
    ends = [of.text(end, 1).removesuffix(" %") for end in (score.low, score.high)]
    detail = "" if math.isnan(score.low) else f"({DASH.join(ends)})"
    return Cell(of.text(score.value), score.value, detail if ranged else None, score.note)


def score_cards(
    scores: Sequence[Score], splits: Sequence[str], names: Iterable[str], metrics: Sequence[Metric] = ()
) -> Cards:
    """Some metrics in large numbers, each with its interval on a line; names of which there are no scores are
    left out."""
    cards = []
    for name in names:
        shown = [s for split in splits for s in scores if (s.split, s.name) == (split, name)]
        if shown:
            cards.append(
                card(metric(name, metrics), [(s.split if len(splits) > 1 else "", s) for s in shown])
            )
    return Cards(tuple(cards))


def card(of: Metric, scores: Sequence[tuple[str, Score]], confidence: str = CONFIDENCE) -> Card:
    """One metric of several systems or splits.

    Args:
        scores: each with the name of what it is of; "" where there is but one.
    """
    ends = [x for _, s in scores for x in (s.value, s.high) if not math.isnan(x)]
    top = round_up(max(ends, default=1.0))
    figures = tuple(
        Figure(
            text=number(s.value, of.unit).removesuffix(PERCENT),
            unit="%" if of.unit == "percent" and not math.isnan(s.value) else "",
            interval=Interval(s.value, s.low, s.high, 0.0, top),
            of=name,
            between=f"{confidence} {between}" if (between := span(s.low, s.high, of.unit)) else "",
            note=s.note,
        )
        for name, s in scores
    )
    return Card(of.title, figures, BETTER[of.higher_is_better], number(top, of.unit, 0))
