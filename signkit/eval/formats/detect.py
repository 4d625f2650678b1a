"""Detecting the format of a file by its ending or, failing that, by its first line."""

from pathlib import PurePath

from signkit.config.suggest import suggestion
from signkit.errors import UserError
from signkit.eval.formats import annotations
from signkit.eval.formats.captions import is_srt, is_vtt
from signkit.eval.formats.jsonl import is_json
from signkit.eval.formats.table import looks_like_header
from signkit.eval.formats.textgrid import is_textgrid

FORMATS: tuple[str, ...] = (
    "stm", "ctm", "trn", "csv", "corpus", "id", "kaldi", "jsonl", "lines", *annotations.FORMATS,
)  # fmt: skip
WITH_COLUMNS = ("csv", "corpus", "jsonl", *annotations.WITH_TIERS)
WITH_ID_COLUMNS = ("csv", "corpus", "jsonl")
ENDINGS = {
    ".stm": "stm",
    ".ctm": "ctm",
    ".trn": "trn",
    ".csv": "csv",
    ".tsv": "csv",
    ".psv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".eaf": "eaf",
    ".textgrid": "textgrid",
    ".vtt": "vtt",
    ".srt": "srt",
}


def check(format: str, option: str) -> None:
    """Check the name of a format; "" is allowed.

    Raises:
        UserError: the format is unknown; the most similar one is suggested.
    """
    if format and format not in FORMATS:
        raise UserError(option, f"there is no format `{format}`", suggestion(format, FORMATS))


def by_ending(name: str) -> str:
    """The format of a file by its ending (``.corpus.csv`` before ``.csv``); "" if that is not known."""
    if name.lower().endswith(".corpus.csv"):
        return "corpus"
    return ENDINGS.get(PurePath(name).suffix.lower(), "")


def by_content(lines: list[str], column: str = "", id_column: str = "") -> str:
    """The format of lines by the first of them.

    Captions and TextGrids are recognised; a header with a column of ids and one of text is ``csv``, JSON
    ``jsonl``, a line with ``|`` is ``id``, anything else ``lines``.
    """
    if is_vtt(lines):
        return "vtt"
    if is_srt(lines):
        return "srt"
    if is_textgrid(lines):
        return "textgrid"
    first = next((line for line in lines if line.strip()), "")
    if looks_like_header(first, column, id_column):
        return "csv"
    if is_json(lines):
        return "jsonl"
    return "id" if "|" in first else "lines"
