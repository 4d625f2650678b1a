"""The report of a run: its scores, and what its task has to show, on a terminal and as a page."""

from collections.abc import Sequence
from pathlib import Path

from signkit.eval.figures import Metric
from signkit.report.numbers import sentence_case
from signkit.report.page import write_page
from signkit.report.scores import score_cards, score_table
from signkit.report.sections import Lines, Paragraph, Section
from signkit.report.terminal import print_sections
from signkit.types import Score


def shown_splits(splits: Sequence[str]) -> tuple[str, ...]:
    """The splits in the order of a report, dev first."""
    return tuple(sorted(splits, key=("dev", "test", "train").index))


def sentence(note: str) -> str:
    """A note as a sentence."""
    return f"{sentence_case(note)}."


def write_run_page(
    path: Path,
    name: str,
    step: int,
    scores: Sequence[Score],
    splits: Sequence[str],
    selected: str,
    sections: Sequence[Section],
    metrics: Sequence[Metric] = (),
    *,
    notes: Sequence[str] = (),
) -> None:
    """Write the page of a run.

    Args:
        name: of the recipe.
        step: whose weights were used.
        splits: that were scored.
        selected: the name of the metric of dev that the weights were selected by; "" without a dev.
        sections: of the task.
        metrics: of the task, where the scores have names of its own.
        notes: on the scores, or on why there are none.
    """
    order = shown_splits(splits)
    main = scores[0].name if scores else ""
    head: list[Section] = [Paragraph(f"Weights of step {step}."), *map(Paragraph, map(sentence, notes))]
    if scores:
        head += [
            score_cards(scores, order, (main,), metrics),
            score_table(scores, order, "Scores", selected, metrics),
        ]
    signatures = sorted({f"{s.split}: {s.signature}" for s in scores if s.signature})
    write_page(path, name, [*head, *sections, Lines(tuple(signatures), "How it was scored")])


def print_run(
    name: str,
    step: int,
    scores: Sequence[Score],
    splits: Sequence[str],
    selected: str,
    sections: Sequence[Section],
    metrics: Sequence[Metric] = (),
    *,
    notes: Sequence[str] = (),
) -> None:
    """Print the table of the scores and what the task has to show on a terminal; see `write_run_page`."""
    title = f"{name}, weights of step {step}"
    head: Section = Paragraph(title)
    if scores:
        head = score_table(scores, shown_splits(splits), title, selected, metrics)
    print_sections([head, *map(Paragraph, notes), *sections])
