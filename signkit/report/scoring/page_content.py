"""What the page of a scoring shows, as records."""

from dataclasses import dataclass
from typing import Literal

from signkit.eval.analyses import Analyses
from signkit.eval.transcripts import Aligned, Pairs

NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One metric of one system on one split.

    Attributes:
        name: ``wer``, as `Measure.name`; parts of the sentences are shown under the same name.
        title: for readers: "Word error rate".
        value: a fraction, NaN where it is undefined; `low` and `high` are of its interval, NaN without one.
        system: its name, shown where there are several; `split` likewise.
        percent: whether it is read as a percentage; otherwise (BLEU, chrF) as points of 100.
        note: what it was counted from, or why it is undefined.
    """

    name: str
    title: str
    value: float
    low: float = NAN
    high: float = NAN
    system: str = ""
    split: str = ""
    higher_is_better: bool = False
    percent: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two systems compared in one metric.

    Attributes:
        name: of the metric, as `Figure.name`.
        difference: the first system's value minus the second's, a fraction.
        low: of the interval of the difference, NaN where the test gives none; `high` likewise.
        p_value: NaN where the test gives none.
        test: its name: "paired bootstrap", "MAPSSWE".
        better: the name of the better system; empty where the test tells no difference.
    """

    name: str
    first: str
    second: str
    difference: float
    low: float = NAN
    high: float = NAN
    p_value: float = NAN
    test: str = ""
    better: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class System:
    """One system's sentences and their analyses; all systems of a page have the same references."""

    name: str
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
        figures: in the order of the table.
        headline: names of the metrics shown large; the first metric of `figures` if empty.
        confidence: of all intervals.
        unit: what the sentences are made of.
    """

    title: str
    protocol: str
    description: str
    signatures: tuple[str, ...]
    figures: tuple[Figure, ...]
    systems: tuple[System, ...]
    comparisons: tuple[Comparison, ...] = ()
    headline: tuple[str, ...] = ()
    confidence: float = 0.95
    unit: Literal["word", "character"] = "word"
