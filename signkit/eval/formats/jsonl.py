"""JSON lines: ``{"id", "text"}`` or ``{"id", "tokens"}``, as in the `decode` folder of a run."""

import json
from array import array
from typing import Any

from signkit.config.suggest import listed, nearest
from signkit.errors import UserError
from signkit.eval.formats.table import ID, SIGNER, TEXT
from signkit.eval.formats.textlines import note, settle
from signkit.eval.transcripts import Transcripts

LINE = 'a line is `{"id": "…", "text": "…"}`'
WORDS = (*TEXT[:5], "tokens", *TEXT[5:])


def read_jsonl(source: str, lines: list[str], column: str = "") -> Transcripts:
    """The utterances of JSON lines; blank lines are skipped.

    The first line determines the keys of id, text and signer. A list of words counts as text too.

    Args:
        source: name of the file, for messages.
        lines: its lines.
        column: key of the text; if empty, the first of `WORDS` that the first line has.

    Raises:
        UserError: a line is no JSON object, a key is missing, or a value is not text.
    """
    ids: list[str] = []
    texts: list[str] = []
    signers: list[str] = []
    numbers = array("l")
    faults: list[UserError] = []
    keys: tuple[str, str, str] | None = None
    decode = json.JSONDecoder().raw_decode
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        try:
            record = _record(source, number, line, decode)
        except UserError as fault:
            note(faults, fault, source)
            continue
        keys = keys or _keys(f"{source}:{number}", record, column)
        try:
            name, text = record.get(keys[0]), record.get(keys[1])
            name = name.strip() if type(name) is str else ""
            if not name:
                name = _id(f"{source}:{number}", record, keys[0])
            if type(text) is not str:
                text = _words(f"{source}:{number}", record, keys[1])
            if "\\u" in line:
                _check_characters(f"{source}:{number}", name + text)
            signer = _signer(f"{source}:{number}", record, keys[2]) if keys[2] else ""
        except UserError as fault:
            note(faults, fault, source)
            continue
        ids.append(name)
        texts.append(text.strip())
        numbers.append(number)
        signers.append(signer)
    settle(faults)
    if not ids:
        raise UserError(source, "has no utterances")
    known_signers = tuple(signers) if any(signers) else ()
    return Transcripts(source, "jsonl", tuple(ids), tuple(texts), numbers, known_signers)


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


def _keys(where: str, record: dict[str, Any], column: str) -> tuple[str, str, str]:
    """The keys of id, text and signer ("" for none).

    Raises:
        UserError: there is no key of the id or of the text.
    """
    keys = []
    for kind, known in (("id", ID), ("text", (column,) if column else WORDS), ("signer", SIGNER)):
        key = next((key for key in known if key in record), "")
        if not key and kind != "signer":
            what = (
                f"there is no key `{column}`"
                if column and kind == "text"
                else f"there is no key of the {kind}"
            )
            near = nearest(column, record) if column and kind == "text" else None
            hint = f"did you mean `{near}`?" if near else f"it is one of {listed(known)}"
            there = f"; there are {listed(record)}" if record else ""
            raise UserError(where, what + there, hint if near or known != (column,) else "")
        keys.append(key)
    return keys[0], keys[1], keys[2]


def _id(where: str, record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise _unusable(where, record, key, "an id")


def _words(where: str, record: dict[str, Any], key: str) -> str:
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


def _check_characters(where: str, text: str) -> None:
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
