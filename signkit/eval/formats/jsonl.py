"""JSON lines: ``{"id", "text"}`` or ``{"id", "tokens"}``, as in the `decode` folder of a run."""

import json
from array import array
from collections.abc import Iterator
from typing import Any

from signkit.config.suggest import listed, nearest
from signkit.errors import UserError
from signkit.eval.formats.columns import Role, choose, kind_of
from signkit.eval.formats.table import ID, SIGNER, TEXT
from signkit.eval.formats.textlines import note, settle
from signkit.eval.transcripts import Transcripts

LINE = 'a line is `{"id": "…", "text": "…"}`'
WHOLE = 'a file of one value is `{"id": "text", …}`, or a list of records or texts'
WORDS = (*TEXT[:5], "tokens", *TEXT[5:])


def read_jsonl(
    source: str, lines: list[str], column: str = "", id_column: str = "", role: Role = "reference"
) -> Transcripts:
    """The utterances of JSON lines, or of one JSON value; blank lines are skipped.

    The first line determines the keys of id, text and signer. A list of words counts as text too. One value
    is ``{id: text}``, ``{id: record}``, a list of records, or a list of texts, which are lines without ids.

    Args:
        source: name of the file, for messages.
        lines: its lines.
        column: key of the text; if empty, the one that `columns.choose` finds in the first line.
        id_column: key of the id; if empty, the first of `ID`.
        role: the side that the file is: it may have the texts of both.

    Raises:
        UserError: a line is no JSON object, a key is missing or several may be meant, or a value is not text.
    """
    document = read_document(source, lines, column, id_column)
    if isinstance(document, list):
        numbered = range(1, len(document) + 1)
        return Transcripts(source, "lines", tuple(map(str, numbered)), tuple(document), numbered)
    ids: list[str] = []
    texts: list[str] = []
    signers: list[str] = []
    numbers = array("l")
    faults: list[UserError] = []
    keys: tuple[str, str, str] | None = None
    chosen = ""
    for number, where, record, escaped in _records(source, lines, document, faults):
        if keys is None:
            if not column:
                column, chosen = choose(where, list(record), WORDS, role)
            keys = _keys(where, record, column, id_column)
        try:
            name, text = record.get(keys[0]), record.get(keys[1])
            name = name.strip() if type(name) is str else ""
            if not name:
                name = _id(where, record, keys[0])
            if type(text) is not str:
                text = words_of(where, record, keys[1])
            if escaped:
                check_characters(where, name + text)
            signer = _signer(where, record, keys[2]) if keys[2] else ""
        except UserError as fault:
            note(faults, fault, source)
            continue
        ids.append(name)
        texts.append(text.strip())
        numbers.append(number)
        signers.append(signer)
    settle(faults)
    known_signers = tuple(signers) if any(signers) else ()
    notes = (chosen,) if chosen else ()
    return Transcripts(source, "jsonl", tuple(ids), tuple(texts), numbers, known_signers, notes=notes)


def is_json(lines: list[str]) -> bool:
    """Whether lines that come without a name are JSON: an object to begin with, or one list."""
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith(('{"', "{'")) or first == "{":
        return True
    if not first.startswith("["):
        return False
    try:
        return isinstance(json.loads("\n".join(lines)), list)
    except (ValueError, RecursionError):
        return False


def _records(
    source: str, lines: list[str], document: dict[int, dict[str, Any]] | None, faults: list[UserError]
) -> Iterator[tuple[int, str, dict[str, Any], bool]]:
    """Number and place of each record, the record, and whether it may have characters of escapes.

    Lines that are no record are noted among the faults.
    """
    if document is not None:
        for number, record in document.items():
            yield number, f"{source}: item {number}", record, True
        return
    decode = json.JSONDecoder().raw_decode
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        try:
            record = _record(source, number, line, decode)
        except UserError as fault:
            note(faults, fault, source)
            continue
        yield number, f"{source}:{number}", record, "\\u" in line


def read_document(
    source: str, lines: list[str], column: str, id_column: str
) -> dict[int, dict[str, Any]] | list[str] | None:
    """Records by number, or texts, of a file that is one JSON value; None if it is JSON lines.

    Raises:
        UserError: the value is not JSON, or not one of those in `read_jsonl`.
    """
    first = next((line for line in lines if line.strip()), "")
    bare = first.strip()
    if not bare.startswith(("[", "{")):
        return None
    try:
        alone = json.loads(bare)
    except (ValueError, RecursionError):
        if bare.startswith("{") and bare.endswith("}"):
            return None  # a damaged line
        alone = None
    record = (id_column,) if id_column else ID
    if isinstance(alone, dict):
        more = sum(bool(line.strip()) for line in lines) > 1
        named = {key.lower() for key in alone}
        if more or not named.isdisjoint((*record, *WORDS, *SIGNER)) or any(map(kind_of, alone)):
            return None
    try:
        value = json.loads("\n".join(lines), object_pairs_hook=_object)
    except RecursionError as error:
        raise UserError(source, "is nested too deep", WHOLE) from error
    except json.JSONDecodeError as error:
        raise UserError(f"{source}:{error.lineno}:{error.colno}", "is not JSON", WHOLE) from error
    except ValueError as error:
        raise UserError(source, str(error), WHOLE) from error
    if isinstance(value, dict):
        return {
            number: {**(text if isinstance(text, dict) else {column or "text": text}), record[0]: name}
            for number, (name, text) in enumerate(value.items(), 1)
        }
    if value and all(isinstance(each, dict) for each in value):
        return dict(enumerate(value, 1))
    texts = [
        each.strip()
        if isinstance(each, str)
        else words_of(f"{source}: item {number}", {"text": each}, "text")
        for number, each in enumerate(value, 1)
    ]
    check_characters(source, "".join(texts))
    return texts


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"has the key {twice!r} twice")
    return found


def _record(source: str, number: int, line: str, decode: Any) -> dict[str, Any]:
    bare = line.strip()
    try:
        record, end = decode(bare)
    except (ValueError, RecursionError) as error:
        column = error.colno if isinstance(error, json.JSONDecodeError) else 1
        raise _fault(source, number, line, column, "is not JSON") from error
    if end != len(bare):
        raise _fault(source, number, line, end + 1, "goes on after its JSON value")
    if not isinstance(record, dict):
        raise _fault(source, number, line, 1, "is JSON but no object")
    return record


def _fault(source: str, number: int, line: str, column: int, what: str) -> UserError:
    """A fault at a column of the line, counted from 1 and without leading blanks."""
    return UserError(f"{source}:{number}:{column + len(line) - len(line.lstrip())}", what, LINE)


def _keys(where: str, record: dict[str, Any], column: str, id_column: str) -> tuple[str, str, str]:
    """The keys of id, text and signer ("" for none).

    Raises:
        UserError: there is no key of the id or of the text.
    """
    keys = []
    kinds = (
        ("id", id_column, ID, "--id-column"),
        ("text", column, WORDS, "--column"),
        ("signer", "", SIGNER, ""),
    )
    for kind, given, known, option in kinds:
        exact = next((key for key in ((given,) if given else known) if key in record), "")
        folded = {key.lower(): key for key in record}
        key = exact or next(
            (folded[key] for key in ([given.lower()] if given else known) if key in folded), ""
        )
        if not key and kind != "signer":
            what = f"there is no key `{given}`" if given else f"there is no key of the {kind}"
            near = nearest(given, record) if given else None
            hint = (
                f"did you mean `{near}`?"
                if near
                else ""
                if given
                else f"it is one of {listed(known)}, or the one that `{option}` names"
            )
            there = f"; there are {listed(record)}" if record else ""
            raise UserError(where, what + there, hint)
        keys.append(key)
    return keys[0], keys[1], keys[2]


def _id(where: str, record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise _unusable(where, record, key, "an id")


def words_of(where: str, record: dict[str, Any], key: str) -> str:
    """The text of a list of words.

    Raises:
        UserError: it is none.
    """
    value = record.get(key)
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _unusable(where, record, key, "text or a list of words")
    spaced = next((word for word in value if word.split() != [word]), None)
    if spaced is not None:
        raise UserError(where, f"`{key}` has {spaced!r}, which is not one word")
    return " ".join(value)


def _signer(where: str, record: dict[str, Any], key: str) -> str:
    return _id(where, record, key) if record.get(key) not in (None, "") else ""


def _unusable(where: str, record: dict[str, Any], key: str, wanted: str) -> UserError:
    if key not in record:
        return UserError(where, f"there is no key `{key}`")
    shown = json.dumps(record[key], ensure_ascii=True)
    return UserError(where, f"`{key}` is {shown if len(shown) <= 40 else shown[:40] + '…'}, not {wanted}")


def check_characters(where: str, text: str) -> None:
    """Refuse characters that only an escape can produce: lone surrogates and NUL.

    Raises:
        UserError: the text has one.
    """
    try:
        text.encode()
        odd = "\0" if "\0" in text else ""
    except UnicodeEncodeError as error:
        odd = text[error.start]
    if odd:
        raise UserError(where, f"the escape \\u{ord(odd):04x} is no character of a text")
