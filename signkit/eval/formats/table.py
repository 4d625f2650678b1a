"""Tables with a header: CSV with any common separator, and PHOENIX's ``*.corpus.csv``."""

import csv
from array import array
from collections.abc import Iterator

from signkit.config.suggest import listed, nearest
from signkit.errors import UserError
from signkit.eval.formats.textlines import note, settle
from signkit.eval.transcripts import Transcripts

ID = ("id", "name", "file", "filename", "video", "sequence_id", "clip", "sample")
TEXT = (
    "gloss", "glosses", "annotation", "orth", "text", "translation", "sentence", "phrase", "label",
    "hypothesis", "prediction",
)  # fmt: skip
SIGNER = ("signer", "speaker", "signer_id", "participant", "participant_id")
SEPARATORS = (",", "|", "\t", ";")


def read_table(source: str, lines: list[str], column: str = "", format: str = "csv") -> Transcripts:
    """The utterances of a table; blank lines are skipped.

    Args:
        source: name of the file, for messages.
        lines: its lines.
        column: column of the text; if empty, the first of `TEXT` that the table has.
        format: ``csv``: the separator is detected from the header, fields may be quoted (RFC 4180);
            ``corpus``: the separator is ``|``, and quotation marks have no meaning.

    Raises:
        UserError: a column is missing, a row has more or fewer fields than the header, an id is empty, or a
            quotation mark is never closed.
    """
    start = next((place for place, line in enumerate(lines) if line.strip()), None)
    if start is None:
        raise UserError(source, "has no header")
    separator = "|" if format == "corpus" else _separator(lines[start])
    quoted = format == "csv" and any('"' in line for line in lines)
    rows = (_quoted if quoted else _plain)(source, lines, separator)
    number, header = next(rows)
    id_place, text_place, signer_place = _columns(f"{source}:{number}", header, column)
    ids: list[str] = []
    texts: list[str] = []
    signers: list[str] = []
    numbers = array("l")
    faults: list[UserError] = []
    shared: dict[str, str] = {}
    width = len(header)
    for number, fields in rows:
        if len(fields) != width:
            note(faults, _wrong_width(f"{source}:{number}", len(fields), width, separator), source)
            continue
        name = fields[id_place].strip()
        if not name:
            note(faults, UserError(f"{source}:{number}", "has an empty id"), source)
            continue
        ids.append(name)
        texts.append(fields[text_place].strip())
        numbers.append(number)
        if signer_place >= 0:
            signer = fields[signer_place].strip()
            signers.append(shared.setdefault(signer, signer))
    settle(faults)
    if not ids:
        raise UserError(source, "has no rows below its header")
    return Transcripts(source, format, tuple(ids), tuple(texts), numbers, tuple(signers))


def looks_like_header(line: str) -> bool:
    """Whether a line names a column of ids and one of text."""
    names = _names(line.replace('"', "").split(_separator(line)))
    return any(name in ID for name in names) and any(name in TEXT for name in names)


def _separator(header: str) -> str:
    """The separator with which the header has a column of ids, else the most frequent one."""
    bare = header.replace('"', "")
    for separator in SEPARATORS:
        if separator in bare and not set(ID).isdisjoint(_names(bare.split(separator))):
            return separator
    return max(SEPARATORS, key=bare.count)


def _names(header: list[str]) -> list[str]:
    return [name.strip().lower() for name in header]


def _columns(where: str, header: list[str], column: str) -> tuple[int, int, int]:
    """The columns of id, text and signer (-1 for none).

    Raises:
        UserError: the header has no id or no text, or one of the columns twice.
    """
    shown, names = [name.strip() for name in header], _names(header)
    if column and column not in shown and column.lower() not in names:
        near = nearest(column, shown)
        hint = f"did you mean `{near}`?" if near else ""
        raise UserError(where, f"there is no column `{column}`; there are {listed(shown)}", hint)
    places = []
    for kind, known in (("ids", ID), ("text", (column.lower(),) if column else TEXT), ("signers", SIGNER)):
        name = next((name for name in known if name in names), None)
        if name is None and kind != "signers":
            hint = "it is one of " + listed(known) + ("" if kind == "ids" else ", or the one you name")
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
