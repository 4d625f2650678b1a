"""Rows of a text table, each with the line it came from; every fault with file and line."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from signkit.errors import UserError, UserErrors
from signkit.runtime.tables import read_table

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
    file: Path, text: str, columns: Collection[str], delimiter: str = "", *, quotes: bool = True
) -> list[Row]:
    """The rows of a table with a header, see `signkit.runtime.tables.read_table`.

    Raises:
        UserError: no header, a column missing or doubled; all rows that cannot be read, or have too many or
            too few cells.
    """
    rows = rows_or_faults(file, text, columns, delimiter, quotes=quotes)
    fail_together([row for row in rows if isinstance(row, UserError)], str(file))
    return [row for row in rows if isinstance(row, Row)]


def rows_or_faults(
    file: Path, text: str, columns: Collection[str], delimiter: str = "", *, quotes: bool = True
) -> list[Row | UserError]:
    """As `read_rows`, each row that cannot be used as its fault.

    Raises:
        UserError: no header, a column missing or doubled.
    """
    table = read_table(str(file), text, columns, delimiter, quotes=quotes)
    return [row if isinstance(row, UserError) else Row(f"{file}:{row[0]}", row[1]) for row in table.rows]


def fail_together(faults: list[UserError], where: str) -> None:
    """Raise what was found, the first twenty faults of it; nothing if there is none."""
    if len(faults) > MOST_FAULTS:
        faults = [*faults[:MOST_FAULTS], UserError(where, f"{len(faults) - MOST_FAULTS} more faults")]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise UserErrors(faults)
