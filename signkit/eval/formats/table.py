"""Tables with a header: CSV with any common separator, and PHOENIX's ``*.corpus.csv``."""

import csv
import re
from array import array
from collections.abc import Iterator

from signkit.config.suggest import listed, nearest
from signkit.errors import UserError
from signkit.eval.formats.columns import Role, choose, kind_of
from signkit.eval.formats.textlines import note, settle
from signkit.eval.transcripts import Transcripts
from signkit.runtime.tables import SEPARATORS, fitted, named_separator

ID = (
    "id", "name", "file", "filename", "video", "sequence_id", "clip", "sample", "audio_filepath", "path",
)  # fmt: skip
TEXT = (
    "gloss", "glosses", "annotation", "orth", "text", "translation", "sentence", "phrase", "label",
    "hypothesis", "prediction",
)  # fmt: skip
SIGNER = ("signer", "speaker", "signer_id", "participant", "participant_id")
QUOTED = re.compile(r'\s*"(?:[^"]|"")*"\s*')
LITERAL_QUOTES = ("\t", "|")
"""Separators of tables in which a quotation mark is often part of a sentence."""


def read_table(
    source: str,
    lines: list[str],
    column: str = "",
    format: str = "csv",
    id_column: str = "",
    role: Role = "reference",
) -> Transcripts:
    """The utterances of a table; rows without any text, and Excel's ``sep=`` line, are skipped.

    A row may have further fields if they are empty, and may lack its last ones if they are neither id nor
    text.

    Args:
        source: name of the file, for messages.
        lines: its lines.
        column: column of the text; if empty, the one that `columns.choose` finds.
        format: ``csv``: the separator is detected from the header, fields may be quoted (RFC 4180);
            ``corpus``: the separator is ``|``, and quotation marks have no meaning.
        id_column: column of the ids; if empty, the first of `ID` that the table has.
        role: the side that the table is: it may have the texts of both.

    Raises:
        UserError: a column is missing, several may be the text, a row has more or fewer fields than the
            header, an id is empty, or a quotation mark is never closed.
    """
    start = next((place for place, line in enumerate(lines) if line.strip()), None)
    if start is None:
        raise UserError(source, "has no header")
    separator = "|" if format == "corpus" else ""
    if named := named_separator(lines[start]):
        separator = named
        lines = [*lines[:start], "", *lines[start + 1 :]]
        start = next((place for place, line in enumerate(lines) if line.strip()), start)
    separator = separator or _separator(lines[start], id_column)
    rows = _rows(source, lines, separator, format)
    number, header = next(rows, (start + 1, [""]))
    where, chosen = f"{source}:{number}", ""
    if not column:
        column, chosen = choose(where, [name.strip() for name in header], TEXT, role)
    id_place, text_place, signer_place = _columns(where, header, column, id_column, separator)
    ids: list[str] = []
    texts: list[str] = []
    signers: list[str] = []
    numbers = array("l")
    faults: list[UserError] = []
    shared: dict[str, str] = {}
    width = len(header)
    needed = max(id_place, text_place) + 1
    for number, fields in rows:
        row = fields if len(fields) == width else fitted(fields, width, needed)
        if row is None:
            note(faults, _wrong_width(f"{source}:{number}", len(fields), width, separator), source)
            continue
        fields = row
        name = fields[id_place].strip()
        if not name:
            if not "".join(fields).strip():
                continue
            note(faults, UserError(f"{source}:{number}", "has an empty id"), source)
            continue
        ids.append(name)
        texts.append(fields[text_place].strip())
        numbers.append(number)
        if signer_place >= 0:
            signer = fields[signer_place].strip()
            signers.append(shared.setdefault(signer, signer))
    settle(faults)
    notes = (chosen,) if chosen else ()
    return Transcripts(source, format, tuple(ids), tuple(texts), numbers, tuple(signers), notes=notes)


def looks_like_header(line: str, column: str = "", id_column: str = "") -> bool:
    """Whether a line names a column of ids and one of text: the usual ones, or those given."""
    if named_separator(line):
        return True
    names = _names(line.replace('"', "").split(_separator(line, id_column)))
    ids = (id_column.lower(),) if id_column else ID
    texts = (column.lower(),) if column else (*TEXT, *filter(kind_of, names))
    return all(any(name in known for name in names) for known in (ids, texts))


def _rows(source: str, lines: list[str], separator: str, format: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a table, each with its line number.

    Quotation marks quote fields; but in a table with tabs or pipes in which each line is a row as it is, and
    some of the marks do not enclose a field, they are part of the text.
    """
    if format == "corpus" or not any('"' in line for line in lines):
        return _plain(source, lines, separator)
    if separator in LITERAL_QUOTES:
        rows = list(_plain(source, lines, separator))
        fields = [field for _, row in rows for field in row if '"' in field]
        if len({len(row) for _, row in rows}) == 1 and not all(map(QUOTED.fullmatch, fields)):
            return iter(rows)
    return _quoted(source, lines, separator)


def _separator(header: str, id_column: str = "") -> str:
    """The separator with which the header has a column of ids, else the most frequent one."""
    bare = header.replace('"', "")
    known = {id_column.lower()} if id_column else set(ID)
    for separator in SEPARATORS:
        if separator in bare and not known.isdisjoint(_names(bare.split(separator))):
            return separator
    return max(SEPARATORS, key=bare.count)


def _names(header: list[str]) -> list[str]:
    return [name.strip().lower() for name in header]


def _columns(
    where: str, header: list[str], column: str, id_column: str, separator: str
) -> tuple[int, int, int]:
    """The columns of id, text and signer (-1 for none).

    Raises:
        UserError: the header has no id or no text, or one of the columns twice.
    """
    shown, names = [name.strip() for name in header], _names(header)
    headerless = separator == "\t" and {*ID, *TEXT, *SIGNER}.isdisjoint(names) and not (column or id_column)
    for named in (column, id_column):
        if named and named not in shown and named.lower() not in names:
            near = nearest(named, shown)
            hint = f"did you mean `{near}`?" if near else ""
            raise UserError(where, f"there is no column `{named}`; there are {listed(shown)}", hint)
    places = []
    kinds = (
        ("ids", (id_column.lower(),) if id_column else ID, "--id-column"),
        ("text", (column.lower(),) if column else TEXT, "--column"),
        ("signers", SIGNER, ""),
    )
    for kind, known, option in kinds:
        name = next((name for name in known if name in names), None)
        if name is None and option:
            hint = f"it is one of {listed(known)}, or the one that `{option}` names"
            if headerless:
                hint = f"if it has no header, the format `kaldi` reads `id words`; else {hint}"
            raise UserError(where, f"there is no column of {kind}; there are {listed(shown)}", hint)
        if name is not None and names.count(name) > 1:
            raise UserError(where, f"the column `{name}` occurs {names.count(name)} times")
        places.append(names.index(name) if name is not None else -1)
    return places[0], places[1], places[2]


def _plain(source: str, lines: list[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows without quotation marks, each with its line number."""
    for number, line in enumerate(lines, 1):
        fields = line.split(separator)
        if len(fields) > 1 or not (line == "" or line.isspace()):
            yield number, fields


def _quoted(source: str, lines: list[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with quotation marks, each with the number of the line where it begins."""
    old = csv.field_size_limit(sum(map(len, lines)) + len(lines))  # a single field may span the whole file
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, strict=True)
    begin = 1
    try:
        for fields in reader:
            if len(fields) > 1 or "".join(fields).strip():
                yield begin, fields
            begin = reader.line_num + 1
    except csv.Error as error:
        what = "a quotation mark that begins a field is never closed, or text follows the closing one"
        raise UserError(f"{source}:{begin}", what, 'a quotation mark in a field is written `""`') from error
    finally:
        csv.field_size_limit(old)


def _wrong_width(where: str, fields: int, width: int, separator: str) -> UserError:
    what = f"has {fields} field{'s' * (fields > 1)}, the header {width}"
    hint = f'a text with `{separator}` in it is quoted: "…"' if fields > width else ""
    return UserError(where, what, hint)
