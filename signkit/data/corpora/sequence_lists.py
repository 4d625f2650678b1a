"""Lists of sequences as Kaggle's collections of Google's landmarks have them: a row each, with the path of a
parquet file below the folder."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from signkit.data.corpora.official import Lists
from signkit.data.corpora.table import Row, read_rows
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.text.vocabulary import composed

SEQUENCE_ID = "sequence_id"


class Placed(Protocol):
    """What is made of a row; ``where`` is its place, for messages."""

    @property
    def where(self) -> str: ...


Clip = TypeVar("Clip", bound=Placed)


def sequences_listed(
    file: Path, columns: Sequence[str], lists: Lists, clip: Callable[[dict[str, str], Row], Clip]
) -> list[Clip]:
    """The rows of a list that can be used, each sequence once; the faults of others and the digest are added.

    Args:
        columns: that it must have, `SEQUENCE_ID` and ``path`` among them; no cell may be empty.
        clip: makes a clip of a row's cells.

    Raises:
        UserError: there is no such list, it lacks a column, or it has no rows.
    """
    text, first, clips = read_text(file), dict[str, str](), list[Clip]()
    lists.digest.update(text.encode())
    for row in read_rows(file, text, tuple(columns)):
        try:
            cells = _cells(row, columns)
            made = clip(cells, row)
        except UserError as fault:
            lists.faults.append(fault)
            continue
        number = cells[SEQUENCE_ID]
        if (before := first.setdefault(number, made.where)) is not made.where:
            line = before.rpartition(":")[2]
            what = f"sequence {number} is there twice, first in line {line}"
            lists.faults.append(UserError(row.where, what))
        else:
            clips.append(made)
    if not clips and not lists.faults:
        raise UserError(str(file), "the list has no rows")
    return clips


def _cells(row: Row, columns: Sequence[str]) -> dict[str, str]:
    cells = {name: composed(row.cells[name].strip()) for name in columns}
    if empty := [name for name, cell in cells.items() if not cell]:
        raise UserError(row.where, f"{empty[0]} is empty")
    below = Path(cells["path"])
    if below.is_absolute() or ".." in below.parts:
        raise UserError(row.where, f"path {cells['path']} is not below the folder")
    return cells
