"""What a report consists of, as records: what a page shows, and in part a terminal too.

A family says what it found as a list of sections and draws nothing itself. A new kind of section is a class
here that is named in `Section`, a macro of the same name in ``templates/sections.html``, and, if a terminal
can show it, a case in `signkit.report.terminal.print_sections`.

    sections = [
        Paragraph("Weights of step 300."),
        Table(("split", "accuracy"), (("dev", Cell("71.43 %", 0.7143)),), title="Scores"),
        Picture(folder / "picture.png", "Loss by step", title="Training"),
    ]
    write_page(folder / "report.html", "isolated signs", sections)      # signkit.report.page
    print_sections(sections)                                            # signkit.report.terminal

Texts are shown as they are, whatever characters they have. A section may have a ``title`` that heads it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from signkit.report.numbers import percent_of
from signkit.report.sentences import Sentence


@dataclass(frozen=True, slots=True)
class Interval:
    """A value and its interval on an axis from `bottom` to `top`; NaN where there is none."""

    value: float
    low: float = math.nan
    high: float = math.nan
    bottom: float = 0.0
    top: float = 1.0

    @property
    def drawn(self) -> bool:
        """Whether there is anything to draw."""
        return not math.isnan(self.value) and self.top > self.bottom

    @property
    def ranged(self) -> bool:
        """Whether both ends of the interval are known."""
        return not math.isnan(self.low) and not math.isnan(self.high)

    def at(self, number: float) -> str:
        """The place of a number on the axis, as a percentage of its length."""
        return percent_of((number - self.bottom) / (self.top - self.bottom))


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table.

    Attributes:
        sort: the number by which its column is sorted: NaN comes last; None sorts by the text.
        detail: set small behind the text; "" keeps the place of the details of other cells.
        note: shown when it is pointed at.
        share: of a bar behind the text, 0 to 1.
        find: what a button behind the text looks for in the page's sentences.
    """

    text: str
    sort: float | int | None = None
    detail: str | None = None
    note: str = ""
    share: float | None = None
    interval: Interval | None = None
    find: str = ""
    strong: bool = False

    @property
    def key(self) -> str:
        """`sort` as the page has it: NaN is empty."""
        return "" if self.sort is None or math.isnan(self.sort) else repr(float(self.sort))


Row = Sequence[Cell | str]
"""Of a table; a cell may be a plain text."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph. `folded`: the summary that it is opened by; always open if empty."""

    text: str
    title: str = ""
    folded: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines to be copied, such as the signatures of scores."""

    lines: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose columns can be sorted.

    Attributes:
        caption: says what it shows; for screen readers alone where a title says so already.
        notes: below the table.
        words: how many columns, the first ones, are texts; `remarks`: how many of the last ones; the others
            are numbers.
    """

    columns: tuple[str, ...]
    rows: Sequence[Row]
    title: str = ""
    caption: str = ""
    notes: tuple[str, ...] = ()
    words: int = 1
    remarks: int = 0
    folded: str = ""

    def numeric(self, column: int) -> bool:
        """Whether a column has numbers."""
        return self.words <= column < len(self.columns) - self.remarks

    def cells(self) -> list[list[Cell]]:
        """The rows, all of cells."""
        return [[Cell(cell) if isinstance(cell, str) else cell for cell in row] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG or JPEG file, read when the page is written; `alt` says what is to be seen."""

    path: Path
    alt: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture in a gallery: the bytes of a PNG or JPEG file, and its caption."""

    content: bytes
    name: str
    about: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures side by side."""

    shots: tuple[Shot, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Sentences with reference and hypothesis aligned, to be searched and ordered.

    Attributes:
        places: of each sentence in the order of the references; as given if empty.
        unit: what a token is.
        opened: whether they are shown at once.
    """

    sentences: tuple[Sentence, ...]
    title: str = ""
    places: tuple[int, ...] = ()
    note: str = ""
    unit: str = "word"
    opened: bool = True

    def placed(self) -> list[tuple[int, Sentence]]:
        """The sentences with their places."""
        places: Sequence[int] = self.places or range(len(self.sentences))
        return list(zip(places, self.sentences, strict=True))

    @property
    def several(self) -> bool:
        """Whether several systems are compared."""
        return any(len(sentence.lines) > 1 for sentence in self.sentences)


@dataclass(frozen=True, slots=True)
class Figure:
    """A large number on a card.

    Attributes:
        text: the number, `unit` a sign set small behind it.
        of: what it is of, where a card has several.
        between: its interval in words.
    """

    text: str
    interval: Interval
    unit: str = ""
    of: str = ""
    between: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A metric in large numbers. `better`: which direction is; `end`: of the axis, in words."""

    title: str
    figures: tuple[Figure, ...]
    better: str
    end: str


@dataclass(frozen=True, slots=True)
class Cards:
    """The most important metrics."""

    cards: tuple[Card, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Matrix:
    """How often each row was taken for each column: [labels][labels]; correct on the diagonal."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    caption: str
    title: str = ""

    def shade(self, row: int, column: int) -> float:
        """How strongly an error is coloured, 0 to 1: by the root of its share of the most frequent one."""
        most = max((n for i, of in enumerate(self.counts) for j, n in enumerate(of) if i != j), default=0)
        return math.sqrt(self.counts[row][column] / most) if most else 0.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a `Bars`, with its interval; `below` stands under its label."""

    label: str
    value: float
    text: str
    low: float = math.nan
    high: float = math.nan
    below: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars on an axis from 0 to `top`, whose ticks are labelled; `note` is set below."""

    bars: tuple[Bar, ...]
    top: float
    ticks: tuple[tuple[float, str], ...]
    alt: str
    note: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Sections under one title; `side_by_side`: next to each other where there is room."""

    parts: "tuple[Section, ...]"
    title: str = ""
    side_by_side: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Sections of several systems, of which one is looked at at a time."""

    of: "dict[str, tuple[Section, ...]]"
    title: str = ""


Section = (
    Paragraph | Lines | Table | Picture | Gallery | Pairs | Cards | Matrix | Bars | Group | Choice
)  # fmt: skip
