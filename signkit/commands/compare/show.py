"""A comparison of runs on a terminal, as a page and as JSON."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from signkit.commands.compare.records import RunComparison
from signkit.eval.results import plain
from signkit.report.numbers import shortened
from signkit.report.plots import overlaid_curves
from signkit.report.scores import score_table
from signkit.report.scoring.document import document
from signkit.report.scoring.page import content
from signkit.report.scoring.page import sections as scoring_sections
from signkit.report.scoring.terminal import comparison_table
from signkit.report.sections import Group, Lines, Paragraph, Picture, Section, Table


def with_short_names(compared: RunComparison) -> RunComparison:
    """The comparison with names of runs that are short enough for the columns of a page."""
    short = dict(zip(names := [each.name for each in compared.runs], shortened(names), strict=True))
    scoring = compared.scoring
    if scoring is not None:
        tests = [replace(c, first=short[c.first], second=short[c.second], better=short.get(c.better, ""))
                 for c in scoring.comparisons]  # fmt: skip
        scoring = replace(
            scoring,
            systems={short[name]: each for name, each in scoring.systems.items()},
            analyses={short[name]: each for name, each in scoring.analyses.items()},
            comparisons=tuple(tests),
        )
    runs = tuple(replace(each, name=short[each.name]) for each in compared.runs)
    return replace(compared, runs=runs, scoring=scoring)


def title(compared: RunComparison) -> str:
    """The title of the page."""
    return f"{' and '.join(each.name for each in compared.runs)}, {compared.split}"


def _scores_table(compared: RunComparison) -> Table:
    """Every metric of the split, a column a run."""
    metrics = [metric for each in compared.runs for metric in each.results.metrics]
    scored = compared.scores
    columns = [replace(each, split=name) for name, scores in scored.items() for each in scores]
    return score_table(columns, tuple(scored), f"Scores of {compared.split}", metrics=metrics)


def _settings_table(compared: RunComparison) -> Section:
    title = "Settings that differ"
    if not compared.settings:
        return Paragraph("The runs have the same settings.", title)
    names = tuple(each.name for each in compared.runs)
    rows = [(key, *values) for key, values in compared.settings.items()]
    return Table(("Setting", *names), rows, title, words=1 + len(names))


def _notes(compared: RunComparison) -> list[Section]:
    notes = [*compared.notes, *(note for each in compared.runs for note in each.results.notes)]
    return [Paragraph(note) for note in dict.fromkeys(notes)]


def tables(compared: RunComparison) -> list[Section]:
    """What a terminal shows: scores, tests, settings."""
    shown: list[Section] = [_scores_table(compared), *_notes(compared)]
    if compared.scoring is not None:
        signatures = dict.fromkeys(each.signature for each in compared.scoring.systems.values())
        notes = dict.fromkeys(note for each in compared.scoring.systems.values() for note in each.notes)
        lines = [f"note: {note}" for note in notes] + [f"signature: {signature}" for signature in signatures]
        shown += [comparison_table(compared.scoring), Lines(tuple(lines))]
    return [*shown, _settings_table(compared)]


def page(compared: RunComparison, folder: Path) -> list[Section]:
    """The page; the picture of the curves is drawn into a folder."""
    runs = {each.name: each.run for each in compared.runs}
    folders = Lines(tuple(f"{each.name}: {each.folder}" for each in compared.runs), "Runs")
    metrics = [metric for each in compared.runs for metric in each.results.metrics]
    loss, dev = overlaid_curves(folder, runs, metrics)
    shown: list[Section] = [folders, *_notes(compared), _settings_table(compared)]
    pictures = (Picture(loss, "Loss of each run by step"), Picture(dev, "Dev of each run by step"))
    shown.append(Group(pictures, "Learning curves", side_by_side=True))
    if compared.scoring is None:
        return [_scores_table(compared), *shown]
    return [*shown, *scoring_sections(content(compared.scoring))]


def as_json(compared: RunComparison) -> dict[str, Any]:
    """The comparison as JSON."""
    names = [each.name for each in compared.runs]
    return {
        "split": compared.split,
        "runs": [
            {
                "name": each.name,
                "folder": str(each.folder),
                "run": str(each.run),
                "metrics": [plain(score) for score in each.results.scores],
                "notes": each.results.notes,
            }
            for each in compared.runs
        ],
        "notes": list(compared.notes),
        "settings": {key: dict(zip(names, values, strict=True)) for key, values in compared.settings.items()},
        "curves": compared.curves,
        "scoring": document(compared.scoring) if compared.scoring is not None else None,
    }
