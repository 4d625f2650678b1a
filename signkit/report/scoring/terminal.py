"""Scores on a terminal."""

import math
from pathlib import Path

from signkit.eval.analyses import Analyses
from signkit.eval.figures import metric
from signkit.eval.labels import by_class, labels
from signkit.eval.scores import Scored
from signkit.report.scoring.scoring import Scoring, missing_warning
from signkit.report.sections import Lines, Row, Section, Table
from signkit.report.terminal import print_sections
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
    shown: list[Section] = []
    for name, scored in scoring.systems.items():
        shown += _system(name, scored, scoring, by_signer)
    if scoring.comparisons:
        shown.append(comparison_table(scoring))
    notes = dict.fromkeys(note for scored in scoring.systems.values() for note in scored.notes)
    if notes:
        shown.append(Lines(tuple(f"note: {note}" for note in notes)))
    signatures = dict.fromkeys(how for scored in scoring.systems.values() for how in scored.signatures)
    lines = [f"signature: {signature}" for signature in signatures]
    if report is not None:
        lines.append(f"report:    {report}")
    print_sections([*shown, Lines(tuple(lines))])


def _system(name: str, scored: Scored, scoring: Scoring, by_signer: bool) -> list[Section]:
    cleaned, analyses = scored.sentences.cleaned, scoring.analyses[name]
    title = (
        f"{name} against {scoring.reference}: {len(cleaned.ids)} sentences, protocol {scoring.protocol.name}"
    )
    shown: list[Section] = [_scores(title, scored.scores, scoring.resampling.confidence)]
    if warning := missing_warning(scored, scoring.protocol):
        shown.append(Lines((f"warning: {warning}",)))
    if by_signer:
        shown.append(_signers(analyses))
        if len(analyses.signers) < FEW_SIGNERS and scoring.resampling.resamples:
            count = len(analyses.signers)
            note = f"note: with {count} signers, intervals by signer are narrower than they should be"
            shown.append(Lines((note,)))
    if scoring.classes:
        shown.append(_classes(scored))
    return [*shown, Lines(_most(analyses, scored.sentences.error_unit))]


def _scores(title: str, scores: tuple[Score, ...], confidence: float) -> Table:
    with_interval = any(not math.isnan(each.low) for each in scores)
    rows: list[Row] = []
    for each in scores:
        of = metric(each.name)
        between = (
            "-"
            if math.isnan(each.low)
            else " – ".join(of.text(x).removesuffix(" %") for x in (each.low, each.high))
        )
        rows.append((of.title, of.text(each.value), *[between] * with_interval, each.note))
    interval = [f"{100 * confidence:g} % interval"] * with_interval
    return Table(("metric", "value", *interval, "of"), rows, title, remarks=1)


def _most(analyses: Analyses, unit: str) -> tuple[str, ...]:
    """The most frequent confusions, deletions and insertions, a line each."""
    lists = (
        (
            "most confused",
            [f"{_short(c.reference)} → {_short(c.hypothesis)} ({c.count})" for c in analyses.confusions],
        ),
        ("most deleted ", [f"{_short(c.token)} ({c.count} of {c.occurrences})" for c in analyses.deleted]),
        ("most inserted", [f"{_short(c.token)} ({c.count} of {c.occurrences})" for c in analyses.inserted]),
    )
    lines = [f"{title}: {', '.join(words[:MOST])}" for title, words in lists if words]
    unknown = analyses.vocabulary
    if unknown is not None:
        share = unknown.unknown_words / unknown.words if unknown.words else math.nan
        tokens = f"{unknown.unknown_words} of {unknown.words} {unit}s"
        types = f"{unknown.unknown_types} of {unknown.types} types"
        lines.append(f"not in train : {_percent(share)} ({tokens}, {types})")
    return tuple(lines)


def _signers(analyses: Analyses) -> Table:
    names = [name for name in analyses.signers[0].values if not name.endswith(EDITS)]
    rows: list[Row] = [
        (part.name, str(part.sentences), str(part.words), *(metric(n).text(part.values[n]) for n in names))
        for part in analyses.signers
    ]
    return Table(("signer", "sentences", "words", *names), rows, "by signer")


def _classes(scored: Scored) -> Table:
    table = by_class(labels(scored.sentences.pairs("word")))
    rows: list[Row] = [
        (name, *(_percent(float(x)) for x in rates), str(support), str(predicted))
        for name, *rates, support, predicted in zip(
            table.names, table.precision, table.recall, table.f1, table.support, table.predicted, strict=True
        )
    ]
    return Table(("class", "precision", "recall", "F1", "sentences", "predicted"), rows, "by class")


def comparison_table(scoring: Scoring) -> Table:
    """The tests of every two systems, a row each."""
    several = len(scoring.systems) > 2
    rows: list[Row] = []
    for each in scoring.comparisons:
        if each.metric.endswith(EDITS):
            continue
        interval = "" if math.isnan(each.low) else f"{_signed(each.low)} – {_signed(each.high)}"
        p = "-" if math.isnan(each.p_corrected) else _p(each.p_corrected)
        systems = [f"{each.first} – {each.second}"] * several
        figures = (_signed(each.difference), interval, p)
        rows.append((each.metric, each.test, *systems, *figures, each.better or "neither"))
    words = ("metric", "test", *["systems"] * several)
    columns = (*words, "difference", "interval", "p (Holm)", "better")
    return Table(columns, rows, "compared: the first less the second", words=len(words), remarks=1)


def _percent(value: float) -> str:
    return metric("").text(value)


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
