"""Sections on a terminal: the same tables and sentences as on a page."""

import sys
from collections.abc import Sequence
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from signkit.report.sections import Cell, Group, Lines, Pairs, Paragraph, Section, Table
from signkit.report.sentences import Sentence

COLOURS = {"C": "", "S": "bold magenta", "D": "bold red", "I": "bold blue"}


REMARK = 24
"""Columns that a remark is given at least."""
UNBOUNDED = 1_000_000
"""Columns of what is no terminal: a row of a table is one line there, and nothing in it is cut."""


def console() -> Console:
    """A terminal that shows ids and glosses as they are: no markup in brackets, no names of emoji.

    Lines are whole when they are piped, whatever the width of the terminal.
    """
    width = None if sys.stdout.isatty() else UNBOUNDED
    return Console(width=width, highlight=False, soft_wrap=True, markup=False, emoji=False)


def print_sections(sections: Sequence[Section]) -> None:
    """Print what a terminal can show; pictures are for pages."""
    out = console()
    for section in sections:
        match section:
            case Paragraph():
                out.print(section.text)
            case Lines():
                out.print(*section.lines, sep="\n")
            case Table():
                if title := section.title or section.caption:
                    out.print(Text(title, "bold"))  # not the table's own, which would be as wide as the table
                if _least_width(section) <= out.width:
                    out.print(_table(section))
                else:
                    _print_rows(out, section)
                for note in section.notes:
                    out.print(note)
            case Pairs():
                out.print(f"{section.title}:")
                for sentence in section.sentences:
                    _print_sentence(out, sentence)
            case Group():
                print_sections(section.parts)


def _least_width(section: Table) -> int:
    """The columns of a terminal that a table needs, if names and numbers are whole and remarks are folded."""
    rows = section.cells()
    width = 3 * len(section.columns) + 1  # blanks around and between columns
    for place, name in enumerate(section.columns):
        cells = [row[place] for row in rows]
        details = max((len(cell.detail or "") for cell in cells), default=0)
        column = max([len(name), *(len(cell.text) + bool(details) + details for cell in cells)])
        width += min(column, REMARK) if _remark(section, place) else column
    return width


def _remark(section: Table, place: int) -> bool:
    return place >= len(section.columns) - section.remarks


def _print_rows(out: Console, section: Table) -> None:
    """A table too wide for the terminal: each row as lines below its name, a line a column."""
    indent = max(map(len, section.columns[1:]), default=0)
    for name, *cells in section.cells():
        out.print(Text(name.text or "-", "bold"))
        for column, cell in zip(section.columns[1:], cells, strict=True):
            if text := " ".join(filter(None, (cell.text, cell.detail))):
                out.print(Text(f"  {column:{indent}}  {text}"))


def _table(section: Table) -> RichTable:
    table = RichTable(box=box.SIMPLE_HEAD)
    rows = section.cells()
    for place, column in enumerate(section.columns):
        justify: Literal["right", "left"] = "right" if section.numeric(place) else "left"
        table.add_column(column, justify=justify, no_wrap=not _remark(section, place), overflow="fold")
    columns = [_column(*each) for each in zip(section.columns, zip(*rows, strict=True), strict=False)]
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    return table


def _column(name: str, cells: Sequence[Cell]) -> list[Text]:
    """The cells as texts; where there are details, all as wide as the column, so that texts and details each
    stand below each other."""
    width = max(len(cell.detail or "") for cell in cells)
    if not width:
        return [Text(cell.text, "bold" if cell.strong else "") for cell in cells]
    before = max(len(name) - width - 1, *(len(cell.text) for cell in cells))
    return [
        Text(f"{cell.text:>{before}}", justify="left").append(f" {cell.detail or '':{width}}", "dim")
        for cell in cells
    ]


def _print_sentence(out: Console, sentence: Sentence) -> None:
    out.print(f"  {sentence.id}", style="dim")
    for line in sentence.lines:
        above, below = Text("  reference   "), Text("  recognised  ")
        for kind, reference, hypothesis in line.steps:
            width = max(len(reference), len(hypothesis), 1)
            above.append((reference or "·").ljust(width + 1), COLOURS[kind])
            below.append((hypothesis or "·").ljust(width + 1), COLOURS[kind])
        out.print(above)
        out.print(below)
