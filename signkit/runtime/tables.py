"""Text tables with a header, as spreadsheets and other programs write them: CSV in all its forms, and TSV.

The separator is a comma, a semicolon, a tab or a bar. What programs add is passed over: a byte order mark, a
line ``sep=;``, blank rows, empty cells at the end of a row, blanks and capitals in names of columns. A row
that cannot be read is a fault of its own and hides no other.
"""

import csv
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from signkit.errors import UserError

SEPARATORS = (",", "\t", ";", "|")
MOST_LINES = 1000
"""Lines that one row may take, by line breaks in quotation marks; more is a mark that is never closed."""
GLOSS_COLUMNS = ("label", "labels", "word", "sign", "glosses", "class")
"""What tables of other tools call the column of glosses, for the hint where it is missing."""
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060"
_SEPARATOR_LINE = re.compile(r'"?sep=(.)?"?[,;|\t]*', re.IGNORECASE)
_ENCLOSED = re.compile(r'"((?:[^"]|"")*)"')
UNREADABLE = "a quotation mark that begins a cell is never closed, or text follows the closing one"
QUOTED_MARK = 'a quotation mark in a cell is written `""`'


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a table.

    Attributes:
        where: the header, ``FILE:LINE``.
        columns: the name of each column; "" where it has none.
        rows: the cells of each row by column, with the number of its line; or its fault.
    """

    where: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict[str, str]] | UserError, ...]


def read_table(
    source: str, text: str, columns: Collection[str], separator: str = "", *, quotes: bool = True
) -> Table:
    r"""Read a table.

    >>> table = read_table("a.csv", "sep=;\nID;Path;;\na;b.mp4;;\n\n;;;\nc;;", ["id", "path"])
    >>> table.rows
    ((3, {'id': 'a', 'path': 'b.mp4'}), (6, {'id': 'c', 'path': ''}))

    Args:
        source: the file's name, for messages.
        text: its content.
        columns: the names of those that must be there; others may be, and are given in small letters.
        separator: between cells; "": the one with which the header has the most of these columns.
        quotes: whether quotation marks enclose a cell; if not, they are letters.

    Raises:
        UserError: no header, a column missing or doubled.
    """
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = 0
    if named := named_separator(lines[0]):
        separator, start = separator or named, 1
    blank = "".join((*SEPARATORS, '" ')) + INVISIBLE
    start = next((place for place in range(start, len(lines)) if lines[place].strip(blank)), len(lines))
    if start == len(lines):
        raise UserError(source, "the file is empty")
    separator = separator or _separator(lines[start], columns)
    records = _records(source, lines, start, separator, quotes)
    number, cells = next(records)
    where = f"{source}:{number}"
    if isinstance(cells, UserError):
        raise cells
    names = _header(where, cells, columns)
    needed = max((names.index(column) + 1 for column in columns), default=0)
    rows: list[tuple[int, dict[str, str]] | UserError] = []
    for number, cells in records:
        row = cells if isinstance(cells, UserError) else fitted(cells, len(names), needed)
        if isinstance(row, UserError):
            rows.append(row)
        elif row is None:
            what = f"the row has {len(cells)} cells, the header {len(names)}"  # type: ignore[arg-type]
            hint = f'a cell with `{separator}` in it is enclosed in quotation marks: "…"'
            more = len(cells) > len(names) and quotes and separator != "\t"  # type: ignore[arg-type]
            rows.append(UserError(f"{source}:{number}", what, hint if more else ""))
        elif any(map(str.strip, row)):
            rows.append((number, {name: cell for name, cell in zip(names, row, strict=True) if name}))
    return Table(where, tuple(names), tuple(rows))


def missing_columns(
    where: str, word: str, missing: Sequence[str], there: Sequence[str], more: str = ""
) -> UserError:
    """What is missing of a header, and what is there, perhaps by another name.

    Args:
        word: what the parts are called, ``column`` or ``key``.
        more: goes behind the names that are there.
    """
    meant = next((name for name in map(column_name, there) if name in GLOSS_COLUMNS), "")
    if meant and "gloss" in missing:
        more += f"; is {meant} the gloss? Then call it so"
    elif "gloss" in missing and "text" in map(column_name, there):
        more += "; `data.reference: text` reads the texts in place of glosses"
    what = f"{word}{'s' * (len(missing) > 1)} missing: {', '.join(missing)}"
    return UserError(where, what, f"there are: {', '.join(there)}{more}")


def column_name(written: str) -> str:
    """The name of a column: without blanks around it and invisible characters, in small letters."""
    return written.strip().strip(INVISIBLE + '"').strip().casefold()


def _separator(header: str, columns: Collection[str]) -> str:
    """The separator with which the header has the most of these columns, else the most frequent one."""

    def fit(separator: str) -> tuple[int, int]:
        names = {column_name(name) for name in header.split(separator)}
        return len(names.intersection(map(str.casefold, columns))), header.count(separator)

    return max(SEPARATORS, key=fit)


def _header(where: str, cells: list[str], columns: Collection[str]) -> list[str]:
    """The columns' names, those that must be there as they are asked for."""
    while cells and not column_name(cells[-1]):
        cells = cells[:-1]
    asked = {column.casefold(): column for column in columns}
    names = [asked.get(name, name) for name in map(column_name, cells)]
    missing = [column for column in columns if column not in names]
    if missing:
        few = "" if len(cells) > 1 else "; cells are separated by `,`, `;`, `|` or tabs"
        raise missing_columns(where, "column", missing, [cell.strip() for cell in cells], few)
    double = next((name for name in names if name and names.count(name) > 1), None)
    if double is not None:
        raise UserError(where, f"column {double!r} is there twice")
    return names


def named_separator(line: str) -> str:
    """The separator that Excel's first line names, such as ``sep=;``; "" of another line. Where an editor has
    taken away a tab, nothing follows the ``=``."""
    named = _SEPARATOR_LINE.fullmatch(line)
    return "" if named is None else named[1] or "\t"


def fitted(cells: list[str], width: int, needed: int) -> list[str] | None:
    """A row as wide as the header, without or with empty cells at its end; None if it has too many cells, or
    not the first `needed` ones. A row without any text always fits."""
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    if any(map(str.strip, cells)) and not needed <= len(cells) <= width:
        return None
    return cells[:width] + [""] * (width - len(cells))


def _records(
    source: str, lines: list[str], start: int, separator: str, quotes: bool
) -> Iterator[tuple[int, list[str] | UserError]]:
    """The cells of each row that is not blank, or its fault, with the number of its first line."""
    place, width = start, 0
    while place < len(lines):
        line, used = lines[place], 1
        cells: list[str] | None = None
        if not quotes or '"' not in line:
            cells = line.split(separator)
        elif separator == "\t":
            cells = _tab_cells(line, width)
        else:
            cells, used = _quoted(lines, place, separator)
            if used > 1 and width and len(cells or ()) != width:  # a stray mark swallowed the next rows
                cells, used = None, 1
        if cells is None:
            yield place + 1, UserError(f"{source}:{place + 1}", UNREADABLE, QUOTED_MARK)
        elif line.strip():
            width = width or len(cells)
            yield place + 1, cells
        place += used


def _quoted(lines: list[str], place: int, separator: str) -> tuple[list[str] | None, int]:
    """The cells of a row that begins in a line, and how many lines it takes; None if it cannot be read."""
    following = (line + "\n" for line in islice(lines, place, place + MOST_LINES))
    reader = csv.reader(following, delimiter=separator, strict=True)
    try:
        return next(reader), reader.line_num
    except csv.Error:
        return None, 1


def _tab_cells(line: str, width: int) -> list[str]:
    """The cells of a line separated by tabs. Only marks that enclose a whole cell are no letters."""
    cells = line.split("\t")
    if len(cells) > width > 0:  # perhaps tabs in quotation marks
        whole, _ = _quoted([line], 0, "\t")
        if whole is not None and len(whole) == width:
            return whole
    enclosed = map(_ENCLOSED.fullmatch, cells)
    return [
        found[1].replace('""', '"') if found else cell for found, cell in zip(enclosed, cells, strict=True)
    ]
