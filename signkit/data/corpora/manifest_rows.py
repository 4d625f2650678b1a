"""The rows of a manifest, and what their paths mean: a table of any common form, or JSON."""

import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from signkit.data.corpora.manifest_segments import SEGMENTS, as_cell
from signkit.data.corpora.media import NUMBERS
from signkit.data.corpora.table import Row, rows_or_faults
from signkit.data.gloss_checks import is_list_as_text
from signkit.errors import UserError
from signkit.runtime.files import read_bytes, read_text
from signkit.runtime.paths import on_disk
from signkit.runtime.tables import column_name, missing_columns
from signkit.text.visible import is_blank, with_codes
from signkit.text.vocabulary import composed

COLUMNS = ("id", "path", "gloss", "split")
OPTIONAL = ("text", "signer", SEGMENTS, *NUMBERS)
JSON = (".json", ".jsonl", ".ndjson")
USUAL = ("manifest.csv", "manifest.json", "manifest.jsonl", "manifest.tsv", "index.csv")
"""What manifests are called, for the hint where one is missing."""
OF_ONE_LINE = (*COLUMNS, "signer")
"""Columns whose cells have no line breaks: one means that a quotation mark is missing."""


def manifest_text(file: Path, option: str = "") -> str:
    """The content of a manifest.

    Args:
        option: names another manifest, for the hint where this one is missing.

    Raises:
        UserError: there is no such file, it is not UTF-8, or no text at all.
        OperationalError: it cannot be read.
    """
    if option and not os.path.exists(file):
        others = [name for name in USUAL if os.path.isfile(file.with_name(name))]
        hint = "`signkit data manifest FOLDER` writes the manifest of a folder of clips"
        hint = f"there is {others[0]}: {option}={others[0]}" if others else hint
        raise UserError(str(file), "there is no such file", hint)
    if read_bytes(file)[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise UserError(str(file), "is a workbook or an archive, no text", "save the table as CSV in UTF-8")
    return read_text(file)


def manifest_rows(
    file: Path, text: str, columns: tuple[str, ...] = COLUMNS, labels: tuple[str, ...] = ()
) -> list[Row | UserError]:
    """The rows of a manifest in their order, each that cannot be used as its fault.

    Args:
        columns: those that must be there.
        labels: columns of labels; a table must have them, of JSON at least one record.

    Raises:
        UserError: of the whole: a column missing or doubled, no rows, no JSON.
    """
    if file.suffix.lower() in JSON:
        rows = [*_json_rows(file, text, columns, labels)]
        _check_labels(file, rows, labels)
    else:
        rows = [
            row if isinstance(row, UserError) else _of_one_line(row, labels)
            for row in rows_or_faults(file, text, (*columns, *labels))
        ]
    if not rows:
        raise UserError(str(file), "the manifest has no rows")
    return rows


def labels_of(row: Row, names: tuple[str, ...]) -> dict[str, str]:
    """The labels of a row by the names of their columns; those of empty cells are not known."""
    cells = {name: composed(row.cells.get(name, "").strip()) for name in names}
    return {name: cell for name, cell in cells.items() if cell}


def check_id(row: Row, first: dict[str, Row]) -> None:
    """An id is not empty, and not that of a row before.

    Raises:
        UserError: it is.
    """
    name = composed(row.cells["id"].strip())
    if not name:
        raise UserError(row.where, "the id is empty")
    before = first.setdefault(name, row)
    if before is row:
        return
    line = line_of(before.where)
    splits = before.cells["split"].strip(), row.cells["split"].strip()
    if splits[0] != splits[1]:
        what = f"id {name!r} is in two splits, {splits[0]} in {line} and {splits[1]} here"
        raise UserError(row.where, what)
    raise UserError(row.where, f"id {name!r} is used twice, first in {line}")


def reference_of(row: Row, column: str) -> tuple[str, ...]:
    """The glosses of a row, or the words of its text.

    Raises:
        UserError: there are none, or they are a list written as text.
    """
    cell = row.cells[column]
    tokens = tuple(composed(cell).split())
    if not tokens:
        raise UserError(row.where, f"the {column} is empty")
    if is_blank(cell):
        what = f"the {column} is empty: it has invisible characters only, {with_codes(cell.strip())}"
        raise UserError(row.where, what)
    if column == "gloss" and is_list_as_text(cell):
        what = f"the gloss is a list written as text, {cell.strip()}"
        raise UserError(row.where, what, "write the glosses with blanks between them")
    return tokens


def signer_faults(rows: Sequence[Row | UserError]) -> list[tuple[int, UserError]]:
    """Rows that name no signer, or a signer of another split, with their numbers."""
    faults = []
    first: dict[str, str] = {}
    hint = "signer_independent claims that no signer is in two splits"
    for number, row in enumerate(rows):
        if isinstance(row, UserError):
            continue
        signer, split = composed(row.cells["signer"].strip()), row.cells["split"].strip()
        if not signer:
            faults.append((number, UserError(row.where, "the signer is empty", hint)))
        elif first.setdefault(signer, split) != split:
            what = f"signer {signer!r} is in {first[signer]} and in {split}"
            faults.append((number, UserError(row.where, what, hint)))
    return faults


def line_of(where: str) -> str:
    """A place without its file: ``line 3``."""
    line = where.rpartition(":")[2].strip()
    return line if line.startswith("entry") else f"line {line}"


def row_path(row: Row, root: Path) -> Path:
    r"""What the path of a row leads to. Backslashes separate folders, unless a file is really named so;
    accents may be composed or not.

    Raises:
        UserError: it is empty, or not below the manifest's folder.
    """
    path = row.cells["path"].strip()
    if not path:
        raise UserError(row.where, "the path is empty")
    if "\0" in path:
        raise UserError(row.where, f"path {path!r} has the character 0, which no path has")
    if "://" in path:
        raise UserError(row.where, f"path '{path}' is a URL", "download the file and give its path")
    windows = PureWindowsPath(path)
    if PurePosixPath(path).is_absolute() or windows.anchor or ".." in windows.parts or path[0] == "~":
        hint = f"paths are relative to it: {below}" if (below := _below(windows, root)) else ""
        raise UserError(row.where, f"path '{path}' is not below the manifest's folder", hint)
    if "\\" not in path:
        return on_disk(root / path)
    written = [on_disk(root / each) for each in (path, windows.as_posix())]
    return next((each for each in written if os.path.exists(file_of(each))), written[-1])


def file_of(path: Path) -> Path:
    """The file in which a clip is: without the name of a sequence of a parquet file."""
    name, mark, _ = path.name.partition(".parquet#")
    return path.with_name(f"{name}.parquet") if mark else path


def other_case(path: Path) -> str:
    """The name of what is there in place of a path and differs only in capitals; "" if nothing does."""
    try:
        names = os.listdir(path.parent)
    except OSError:
        return ""
    return next((name for name in names if name.casefold() == path.name.casefold()), "")


def _below(path: PureWindowsPath, root: Path) -> str:
    """The end of a path that leads to something in the folder, "" if none does."""
    parts = [part for part in path.parts if part not in (path.anchor, "..")]
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((end for end in ends if end and (root / end).exists()), "")


def _of_one_line(row: Row, labels: tuple[str, ...]) -> Row | UserError:
    broken = next((name for name in (*OF_ONE_LINE, *labels) if "\n" in row.cells.get(name, "").strip()), None)
    if broken is None:
        return row
    return UserError(row.where, f"{broken} has a line break", "a quotation mark may be missing at its end")


def _check_labels(file: Path, rows: Sequence[Row | UserError], labels: tuple[str, ...]) -> None:
    there = {name for row in rows if isinstance(row, Row) for name in row.cells}
    if rows and (missing := [name for name in labels if name not in there]):
        raise UserError(str(file), f"no record has the key {missing[0]}", "`data.labels` names it")


def _json_rows(
    file: Path, text: str, columns: tuple[str, ...], labels: tuple[str, ...]
) -> Iterator[Row | UserError]:
    for where, record in _records(file, text):
        try:
            yield record if isinstance(record, UserError) else _json_row(where, record, columns, labels)
        except UserError as fault:
            yield fault


def _records(file: Path, text: str) -> Iterator[tuple[str, Any]]:
    """The records of a file, each with its place: one a line, a list of them, or an object of them by id.

    Raises:
        UserError: a list that cannot be read.
    """
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith("["):
            where = f"{file}:{error.lineno}" if isinstance(error, json.JSONDecodeError) else str(file)
            raise UserError(where, f"not JSON: {error}") from error
        whole = None
    if isinstance(whole, dict) and whole and all(isinstance(record, dict) for record in whole.values()):
        whole = [{"id": name, **record} for name, record in whole.items()]
    if isinstance(whole, list):
        yield from ((f"{file}: entry {number}", record) for number, record in enumerate(whole, 1))
        return
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{file}:{number}"
        if not line.strip():
            continue
        try:
            yield where, json.loads(line)
        except (ValueError, RecursionError) as error:
            yield where, UserError(where, f"not JSON: {error}")


def _json_row(where: str, record: Any, columns: tuple[str, ...], labels: tuple[str, ...]) -> Row:
    if not isinstance(record, dict):
        raise UserError(where, "not a JSON object")
    cells = {column_name(key): value for key, value in record.items()}
    missing = [column for column in columns if column not in cells]
    if missing:
        raise missing_columns(where, "key", missing, [*record])
    found = {key: _json_cell(where, key, cells[key]) for key in (*COLUMNS, *OPTIONAL) if key in cells}
    written = {name: cells[name.casefold()] for name in labels if name.casefold() in cells}
    return Row(where, found | {name: _json_label(where, name, value) for name, value in written.items()})


def _json_label(where: str, name: str, value: object) -> str:
    """A label as text: "" where it is null, or pandas' NaN."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas makes floats of whole numbers if one row has none
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise UserError(where, f"{name} is {json.dumps(value)}, not text")


def _json_cell(where: str, key: str, value: object) -> str:
    if key == SEGMENTS:
        return as_cell(where, value)
    if key == "gloss" and isinstance(value, list):
        spaced = [gloss for gloss in value if not isinstance(gloss, str) or gloss.split() != [gloss]]
        if spaced:
            raise UserError(where, f"gloss has {json.dumps(spaced[0])}, which is not one gloss")
        return " ".join(value)
    if isinstance(value, str):
        return value
    if value is None and key in OPTIONAL:
        return ""
    if isinstance(value, float) and value.is_integer() and key in ("id", "signer"):
        return str(int(value))  # pandas makes floats of whole numbers if one row has none
    if isinstance(value, float) and math.isnan(value) and key in OPTIONAL:
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool) and key in NUMBERS:
        return repr(value)
    if isinstance(value, int) and not isinstance(value, bool) and key in ("id", "signer", "gloss"):
        return str(value)
    raise UserError(where, f"{key} is {json.dumps(value)}, not text")
