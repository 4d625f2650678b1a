"""Detecting the format of a file by its ending or, failing that, by its first line."""

from pathlib import Path

from signkit.config.suggest import suggestion
from signkit.errors import UserError
from signkit.eval.formats.table import looks_like_header

FORMATS: tuple[str, ...] = ("stm", "ctm", "trn", "csv", "corpus", "id", "kaldi", "jsonl", "lines")
WITH_COLUMNS = ("csv", "corpus", "jsonl")
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
}


def check(format: str, option: str) -> None:
    """Check the name of a format; "" is allowed.

    Raises:
        UserError: the format is unknown; the most similar one is suggested.
    """
    if format and format not in FORMATS:
        raise UserError(option, f"there is no format `{format}`", suggestion(format, FORMATS))


def detect(path: Path, lines: list[str]) -> str:
    """The format of a file, by its ending (``.corpus.csv`` before ``.csv``) or its first line.

    If the ending is unknown, the first line decides: a header with a column of ids and one of text is
    ``csv``, a JSON object ``jsonl``, a line with ``|`` is ``id``, anything else ``lines``.
    """
    if path.name.lower().endswith(".corpus.csv"):
        return "corpus"
    ending = ENDINGS.get(path.suffix.lower())
    if ending:
        return ending
    first = next((line for line in lines if line.strip()), "")
    if looks_like_header(first):
        return "csv"
    if first.lstrip().startswith('{"'):
        return "jsonl"
    return "id" if "|" in first else "lines"
