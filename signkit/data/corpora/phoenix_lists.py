"""What the lists of both PHOENIX corpora have in common: bars between cells, and glosses to be cleaned."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from signkit.data.corpora.official import Lists
from signkit.data.corpora.table import Row, read_rows
from signkit.errors import UserError
from signkit.eval.cleaning import hypothesis_cleaner
from signkit.runtime.files import read_text
from signkit.text.vocabulary import composed


def read_list(lists: Lists, file: Path, columns: tuple[str, ...]) -> list[Row]:
    """The rows of a list; what is wrong with the file is added to the faults."""
    try:
        text = read_text(file)
        lists.digest.update(text.encode())
        rows = read_rows(file, text, columns, "|", quotes=False)
        if not rows:
            raise UserError(str(file), "the list has no rows")
        return rows
    except UserError as fault:
        lists.faults.append(fault)
        return []


def frames_below(cell: str, split: str) -> PurePosixPath:
    """The folder of a sample's frames below that of its split: ``NAME/1`` of ``NAME/1/*.png`` and of
    ``train/NAME/1``, as copies of the corpus have it."""
    parts = PurePosixPath(cell.strip()).parts
    if parts and parts[-1].startswith("*"):
        parts = parts[:-1]
    return PurePosixPath(*(parts[1:] if len(parts) > 1 and parts[0] == split else parts))


def gloss_cleaner(protocol: str, clean: bool, lists: Lists) -> Callable[[Row, str, str], tuple[str, ...]]:
    """What makes glosses of a row's cell and its split; a cell that the rules refuse is a fault of the lists.

    Train is cleaned as hypotheses are, so that a model learns what is scored; dev and test stay as they
    are, since the protocol says what is done to references.
    """
    edit = hypothesis_cleaner(protocol) if clean else str

    def glosses(row: Row, column: str, split: str) -> tuple[str, ...]:
        joined = " ".join(composed(row.cells[column]).split())
        try:
            return tuple((edit(joined) if split == "train" else joined).split())
        except UserError as fault:
            lists.faults.append(UserError(row.where, str(fault)))
            return tuple(joined.split())

    return glosses
