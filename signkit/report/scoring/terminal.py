"""Scores on a terminal."""

import math
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from signkit.eval.analyses import Analyses
from signkit.eval.labels import by_class, labels
from signkit.eval.scores import Scored
from signkit.report.scoring.scoring import POINTS, TITLES, Scoring
from signkit.types import Score

EDITS = ("_substitutions", "_deletions", "_insertions")
"""Endings of the metrics that tables of parts leave out."""
FEW_SIGNERS = 10
"""Below this the bootstrap by signer holds the true value clearly less often than it says."""
LONGEST = 40
"""Characters of a word that are shown."""
MOST = 5
"""How many of the most frequent confusions are shown."""


def print_scoring(scoring: Scoring, *, by_signer: bool = False, report: Path | None = None) -> None:
    """Print the figures with their intervals, what goes wrong most often, and how it was scored."""
    # Ids and glosses as they are: no markup in brackets, no names of emoji.
    console = Console(highlight=False, soft_wrap=True, markup=False, emoji=False)
    for name, scored in scoring.systems.items():
        _print_system(console, name, scored, scoring, by_signer)
    if scoring.comparisons:
        console.print(_comparisons(scoring))
    for signature in dict.fromkeys(scored.signature for scored in scoring.systems.values()):
        console.print(f"signature: {signature}")
    if report is not None:
        console.print(f"report:    {report}")


def figure(score_name: str, value: float, digits: int = 2) -> str:
    """A fraction as the reader has it."""
    if math.isnan(value):
        return "-"
    return f"{100 * value:.{digits}f}" + ("" if score_name in POINTS else " %")


def _print_system(console: Console, name: str, scored: Scored, scoring: Scoring, by_signer: bool) -> None:
    cleaned = scored.sentences.cleaned
    title = (
        f"{name} against {scoring.reference}: {len(cleaned.ids)} sentences, protocol {scoring.protocol.name}"
    )
    console.print(_scores(title, scored.scores, scoring.resampling.confidence))
    if cleaned.missing:
        count = len(cleaned.missing)
        as_what = scoring.protocol.empty or "deletions of all their words"
        console.print(f"warning: {count} without a hypothesis count as {as_what}")
    analyses = scoring.analyses[name]
    if by_signer:
        console.print(_signers(analyses))
        if len(analyses.signers) < FEW_SIGNERS and scoring.resampling.resamples:
            count = len(analyses.signers)
            console.print(f"note: with {count} signers, intervals by signer are narrower than they should be")
    if scoring.classes:
        console.print(_classes(scored))
    _print_most(console, analyses)


def _scores(title: str, scores: tuple[Score, ...], confidence: float) -> Table:
    table = _table(title)
    table.add_column("metric")
    table.add_column("value", justify="right", no_wrap=True)
    with_interval = any(not math.isnan(each.low) for each in scores)
    if with_interval:
        table.add_column(f"{100 * confidence:g} % interval", justify="right", no_wrap=True)
    table.add_column("of", style="dim")
    for each in scores:
        row = [TITLES.get(each.name, each.name), figure(each.name, each.value)]
        if with_interval:
            known = not math.isnan(each.low)
            row.append(f"{100 * each.low:.2f} – {100 * each.high:.2f}" if known else "-")
        table.add_row(*row, each.note)
    return table


def _print_most(console: Console, analyses: Analyses) -> None:
    """The most frequent confusions, deletions and insertions, a line each."""
    lines = (
        (
            "most confused",
            [f"{_short(c.reference)} → {_short(c.hypothesis)} ({c.count})" for c in analyses.confusions],
        ),
        ("most deleted ", [f"{_short(c.token)} ({c.count} of {c.occurrences})" for c in analyses.deleted]),
        ("most inserted", [f"{_short(c.token)} ({c.count} of {c.occurrences})" for c in analyses.inserted]),
    )
    for title, words in lines:
        if words:
            console.print(f"{title}: {', '.join(words[:MOST])}")
    unknown = analyses.vocabulary
    if unknown is not None:
        share = unknown.unknown_words / unknown.words if unknown.words else math.nan
        tokens = f"{unknown.unknown_words} of {unknown.words} words"
        types = f"{unknown.unknown_types} of {unknown.types} types"
        console.print(f"not in train : {figure('', share)} ({tokens}, {types})")


def _signers(analyses: Analyses) -> Table:
    table = _table("by signer")
    table.add_column("signer")
    for title in ("sentences", "words"):
        table.add_column(title, justify="right")
    known = [name for name in analyses.signers[0].values if not name.endswith(EDITS)]
    for name in known:
        table.add_column(name, justify="right", no_wrap=True)
    for part in analyses.signers:
        values = (figure(name, part.values[name]) for name in known)
        table.add_row(part.name, str(part.sentences), str(part.words), *values)
    return table


def _classes(scored: Scored) -> Table:
    found = by_class(labels(scored.sentences.pairs("word")))
    table = _table("by class")
    table.add_column("class")
    for title in ("precision", "recall", "F1", "sentences", "predicted"):
        table.add_column(title, justify="right")
    for place, name in enumerate(found.names):
        rates = (figure("", float(each[place])) for each in (found.precision, found.recall, found.f1))
        table.add_row(name, *rates, str(found.support[place]), str(found.predicted[place]))
    return table


def _comparisons(scoring: Scoring) -> Table:
    table = _table("compared: the first less the second")
    table.add_column("metric")
    table.add_column("test")
    if len(scoring.systems) > 2:
        table.add_column("systems")
    for title in ("difference", "interval", "p (Holm)"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("better")
    for each in scoring.comparisons:
        if each.metric.endswith(EDITS):
            continue
        difference = _signed(each.difference)
        interval = "" if math.isnan(each.low) else f"{_signed(each.low)} – {_signed(each.high)}"
        p = "-" if math.isnan(each.p_corrected) else _p(each.p_corrected)
        systems = [f"{each.first} – {each.second}"] if len(scoring.systems) > 2 else []
        table.add_row(each.metric, each.test, *systems, difference, interval, p, each.better or "neither")
    return table


def _signed(difference: float) -> str:
    """A difference of fractions in percent, with its sign; zero has none."""
    if math.isnan(difference):
        return "-"
    found = f"{100 * difference:+.2f}"
    return "0.00" if float(found) == 0 else found


def _short(token: str) -> str:
    shown = token if len(token) <= LONGEST else f"{token[: LONGEST - 1]}…"
    return "".join(character if character.isprintable() else "\ufffd" for character in shown)


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def _table(title: str) -> Table:
    return Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
