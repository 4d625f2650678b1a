"""Rows of a text table, each with the line it came from; every fault with file and line."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from signkit.errors import UserError, UserErrors

MOST_FAULTS = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells by column, and where it is (``FILE:LINE``)."""

    where: str
    cells: dict[str, str]

    def whole_number(self, column: str) -> int:
        """A cell as a whole number, not negative.

        Raises:
            UserError: it is something else.
        """
        cell = self.cells[column].strip()
        if not (cell.isascii() and cell.isdigit()):
            raise UserError(self.where, f"{column} is {cell!r}, not a whole number")
        return int(cell)


def read_rows(
    file: Path, text: str, columns: Iterable[str], delimiter: str = ",", *, quotes: bool = True
) -> list[Row]:
    """The rows of a table with a header; blank lines are passed over.

    Args:
        columns: those that must be there; others may be.
        quotes: whether quotation marks enclose a cell; if not, they are letters.

    Raises:
        UserError: no header, a column missing or doubled, a row with too many or too few cells, a
            quotation mark that is never closed.
    """
    lines = io.StringIO(text, newline="")
    if quotes:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
    else:
        reader = csv.reader(lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_NONE)
    rows: list[Row] = []
    header: list[str] = []
    try:
        for cells in reader:
            where = f"{file}:{reader.line_num}"
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _header(where, cells, columns)
            elif len(cells) != len(header):
                raise UserError(where, f"the row has {len(cells)} cells, the header {len(header)}")
            else:
                rows.append(Row(where, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise UserError(f"{file}:{reader.line_num}", f"not a readable table: {error}") from error
    if not header:
        raise UserError(str(file), "the file is empty")
    return rows


def fail_together(faults: list[UserError], where: str) -> None:
    """Raise what was found, the first twenty faults of it; nothing if there is none."""
    if len(faults) > MOST_FAULTS:
        faults = [*faults[:MOST_FAULTS], UserError(where, f"{len(faults) - MOST_FAULTS} more faults")]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise UserErrors(faults)


def _header(where: str, cells: list[str], columns: Iterable[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    missing = [column for column in columns if column not in header]
    if missing:
        word = "column" if len(missing) == 1 else "columns"
        raise UserError(where, f"{word} missing: {', '.join(missing)}", f"there are: {', '.join(header)}")
    double = next((name for name in header if header.count(name) > 1), None)
    if double is not None:
        raise UserError(where, f"column {double!r} is there twice")
    return header
