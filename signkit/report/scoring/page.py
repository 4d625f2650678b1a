"""The page of a scoring: figures, comparisons, where the errors are, every sentence aligned."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from signkit.eval.analyses import Analyses
from signkit.eval.comparison import Comparison
from signkit.eval.figures import metric
from signkit.eval.transcripts import Aligned, Pairs
from signkit.report import page as pages
from signkit.report.numbers import counted, isolated, number, p_text, round_up, sentence_case, signed, span
from signkit.report.scores import card
from signkit.report.scoring.analyses import analyses
from signkit.report.scoring.scoring import Scoring
from signkit.report.sections import (
    Cards,
    Cell,
    Choice,
    Group,
    Interval,
    Lines,
    Paragraph,
    Row,
    Section,
    Table,
)
from signkit.report.sections import Pairs as PairsSection
from signkit.report.sentences import KINDS, Line, Sentence, Step
from signkit.types import Score

HEADLINE = ("wer", "cer", "letter_accuracy", "aslfr", "bleu4", "accuracy", "macro_f1", "sentence_error")
"""Metrics shown large, the first three of those there are."""
TESTS = {"bootstrap": "paired bootstrap", "mapsswe": "MAPSSWE"}
SHOWN = 2000
"""Sentences on a page."""


@dataclass(frozen=True, slots=True)
class System:
    """One system's scores, sentences and their analyses; all systems of a page have the same references."""

    name: str
    scores: tuple[Score, ...]
    pairs: Pairs
    aligned: Aligned
    analyses: Analyses


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything that the page of a scoring shows.

    Attributes:
        title: of the page: the file scored, or the experiment.
        protocol: its name, and its description in a sentence.
        signatures: lines that say how the figures were made.
        notes: what the reader should know, a sentence each.
        confidence: of all intervals.
        unit: what the sentences are made of.
    """

    title: str
    protocol: str
    description: str
    signatures: tuple[str, ...]
    systems: tuple[System, ...]
    comparisons: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()
    confidence: float = 0.95
    unit: Literal["word", "character", "label"] = "word"

    @property
    def scores(self) -> list[tuple[str, Score]]:
        """The scores of all systems, each with its system's name."""
        return [(system.name, score) for system in self.systems for score in system.scores]

    @property
    def interval(self) -> str:
        """The heading of intervals."""
        return f"{100 * self.confidence:g} % interval"


def content(scoring: Scoring) -> Page:
    """What the page of a scoring shows."""
    return Page(
        title=f"{' and '.join(scoring.systems)} against {scoring.reference}",
        protocol=scoring.protocol.name,
        description=scoring.description,
        signatures=tuple(
            f"{name}: {how}" for name, each in scoring.systems.items() for how in each.signatures
        ),
        systems=tuple(
            System(name, each.scores, *each.sentences.errors, scoring.analyses[name])
            for name, each in scoring.systems.items()
        ),
        comparisons=scoring.comparisons,
        notes=tuple(dict.fromkeys(note for each in scoring.systems.values() for note in each.notes)),
        unit=next(iter(scoring.systems.values())).sentences.error_unit,
        confidence=scoring.resampling.confidence,
    )


def write_page(path: Path, page: Page) -> None:
    """Write the page, whole or not at all.

    Raises:
        OperationalError: the file cannot be written.
    """
    pages.write_page(path, page.title, sections(page))


def sections(page: Page) -> list[Section]:
    """All that the page shows."""
    about = Paragraph(f"Protocol {page.protocol}. {page.description}")
    notes = [Paragraph(f"Note: {note}") for note in page.notes]
    shown: list[Section] = [about, *notes, Group((_cards(page), _scores(page)), "Figures")]
    how = Paragraph(f"By the protocol {page.protocol}. Figures of the same signature can be compared.")
    shown.append(Group((how, Lines(page.signatures)), "How it was scored"))
    if page.comparisons:
        shown.append(_comparisons(page))
    if page.systems:
        shown += [_analyses(page), sentences(page.systems, page.unit)]
    return shown


def _cards(page: Page) -> Cards:
    """The chosen metrics in large numbers, each with its interval on a line."""
    named = len(page.systems) > 1
    there = {score.name for _, score in page.scores}
    names = [name for name in HEADLINE if name in there][:3] or [score.name for _, score in page.scores[:1]]
    cards = []
    for name in names:
        scores = [(isolated(system) * named, score) for system, score in page.scores if score.name == name]
        cards.append(card(metric(name), scores, page.interval))
    return Cards(tuple(cards))


def _scores(page: Page) -> Table:
    """All metrics of all systems."""
    named = len(page.systems) > 1
    noted = any(score.note for _, score in page.scores)
    rows: list[Row] = [
        (
            sentence_case(metric(score.name).title),
            *[system] * named,
            *[score.note] * noted,
            Cell(number(score.value, metric(score.name).unit), score.value),
            Cell(span(score.low, score.high, metric(score.name).unit), score.low),
        )
        for system, score in page.scores
    ]
    words = ("Metric", *["System"] * named, *["Counted from"] * noted)
    return Table((*words, "Value", page.interval), rows, caption="All figures", words=len(words))


def _comparisons(page: Page) -> Table:
    """Systems against each other: differences, intervals, p-values, and which is the better one."""
    tops: dict[str, float] = {}
    for each in page.comparisons:
        ends = (each.difference, each.low, each.high)
        tops[each.metric] = max(tops.get(each.metric, 0.0), *(abs(x) for x in ends if not math.isnan(x)), 0.0)
    noted = any(each.note for each in page.comparisons)
    rows: list[Row] = []
    for each in page.comparisons:
        of, top = metric(each.metric), round_up(tops[each.metric])
        rows.append(
            (
                f"{isolated(each.first)} − {isolated(each.second)}",
                sentence_case(of.title),
                TESTS.get(each.test, each.test),
                Cell(each.better or "no difference shown", strong=bool(each.better)),
                *[each.note] * noted,
                Cell(
                    signed(each.difference, of.unit),
                    each.difference,
                    interval=Interval(each.difference, each.low, each.high, -top, top),
                ),
                Cell(span(each.low, each.high, of.unit), each.low),
                Cell(p_text(each.p_corrected), each.p_corrected),
            )
        )
    words = ("Systems", "Metric", "Test", "Better", *["Note"] * noted)
    columns = (*words, "Difference", page.interval, "p")
    return Table(columns, rows, "Systems compared", words=len(words))


def _analyses(page: Page) -> Section:
    title = "Where the errors are"
    if len(page.systems) == 1:
        return Group(analyses(page.systems[0].analyses, page.unit), title)
    return Choice({s.name: analyses(s.analyses, page.unit, s.name) for s in page.systems}, title)


def sentences(systems: tuple[System, ...], unit: str = "word", most: int = SHOWN) -> PairsSection:
    """The aligned sentences: all of them, or the `most` with the most errors over all systems."""
    errors = np.stack([system.aligned.errors for system in systems]).sum(axis=0)
    order = worst(errors, most)
    note = ""
    if left_out := len(errors) - len(order):
        note = (
            f"The {counted(len(order), 'sentence')} with the most errors are here; "
            f"{counted(left_out, 'sentence')} with no more errors than these "
            f"{'is' if left_out == 1 else 'are'} left out."
        )
    pairs = systems[0].pairs
    shown = tuple(
        Sentence(
            pairs.ids[place],
            tuple(Line(_steps(s, place), s.name if len(systems) > 1 else "") for s in systems),
            pairs.signers[place] if pairs.signers else "",
        )
        for place in order.tolist()
    )
    return PairsSection(shown, "Sentences", tuple(order.tolist()), note, unit)


def worst(errors: npt.NDArray[np.int64], most: int) -> npt.NDArray[np.intp]:
    """Places of the sentences to show: all in their order, or the `most` with most errors, worst first."""
    if len(errors) <= most:
        return np.arange(len(errors))
    return np.argsort(-errors, kind="stable")[:most]


def _steps(system: System, place: int) -> tuple[Step, ...]:
    aligned, tokens = system.aligned, (*system.pairs.tokens, "")  # -1 is the last
    of = slice(*aligned.offsets[place : place + 2].tolist())
    columns = (aligned.kinds, aligned.references, aligned.hypotheses)
    kinds, references, hypotheses = (column[of].tolist() for column in columns)
    return tuple(
        (KINDS[kind], tokens[reference], tokens[hypothesis])
        for kind, reference, hypothesis in zip(kinds, references, hypotheses, strict=True)
    )
