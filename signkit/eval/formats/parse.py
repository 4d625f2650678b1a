"""One file, in whatever format it is, as utterances."""

from dataclasses import dataclass
from pathlib import Path

from signkit.errors import UserError
from signkit.eval.formats.annotations import utterances
from signkit.eval.formats.captions import read_captions
from signkit.eval.formats.columns import Role
from signkit.eval.formats.ctm import Words, read_words
from signkit.eval.formats.detect import by_content, by_ending
from signkit.eval.formats.eaf import ROOT as EAF_ROOT
from signkit.eval.formats.eaf import read_eaf
from signkit.eval.formats.jsonl import read_jsonl
from signkit.eval.formats.mistaken import separated
from signkit.eval.formats.plain import read_id, read_kaldi, read_plain
from signkit.eval.formats.refused import (
    AS_WHAT,
    refuse_binary,
    refuse_ending,
    refuse_logs,
    refuse_markup,
    root_of,
)
from signkit.eval.formats.stm import read_stm
from signkit.eval.formats.table import looks_like_header, read_table
from signkit.eval.formats.textgrid import read_textgrid
from signkit.eval.formats.textlines import lines_of, read_file, uncollected
from signkit.eval.formats.trn import read_trn
from signkit.eval.transcripts import Transcripts

COMMENTED = ("csv", "corpus", "jsonl", "id", "kaldi", "lines")
"""Formats without comments, in which a file of nothing but sclite's comments holds no utterances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a file is read; what is empty is found out.

    Attributes:
        format: one of `FORMATS`.
        column: column, key or tier of the text, for formats that have them.
        id_column: column or key of the id.
        separator: marks that are between words, in addition to blanks.
        role: the side that the file is.
    """

    format: str = ""
    column: str = ""
    id_column: str = ""
    separator: str = ""
    role: Role = "reference"


def parse(path: Path, reading: Reading) -> Transcripts | Words:
    """What a file holds, by its format; it may be nothing.

    Raises:
        UserError: the file has a fault, or is no transcript.
    """
    file = read_file(path)
    refuse_binary(file)
    format = reading.format or by_ending(file.name)
    root = root_of(file)
    if root and (root != EAF_ROOT or reading.format not in ("", "eaf")):
        raise UserError(file.source, f"is XML (<{root}>), not a transcript", AS_WHAT)
    if root == EAF_ROOT or format == "eaf":
        found = read_eaf(file.source, file.data, reading.column) if file.data else []
        return separated(utterances(file.source, "eaf", found), reading.separator)
    if not reading.format:
        refuse_ending(file)
    source, lines = file.source, lines_of(file)
    del file  # its bytes are not needed beside its lines
    if reading.format != "lines":
        refuse_markup(source, lines)
        refuse_logs(source, lines)
    first = next((line for line in lines if line.strip()), "")
    if not format:
        format = by_content(lines, reading.column, reading.id_column)
    elif format == "id" and looks_like_header(first, reading.column, reading.id_column):
        format = "csv"
    with uncollected():
        parsed = _parsed_lines(source, lines, format, reading)
    return parsed if isinstance(parsed, Words) else separated(parsed, reading.separator)


def _parsed_lines(source: str, lines: list[str], format: str, reading: Reading) -> Transcripts | Words:
    if not lines:
        return Transcripts(source, "", (), (), ())
    if format == "ctm":
        return read_words(source, lines)
    comments = any(line.startswith(";;") for line in lines)
    if comments and format in COMMENTED and all(not each.strip() or each.startswith(";;") for each in lines):
        return Transcripts(source, format, (), (), ())
    if format in ("csv", "corpus"):
        return read_table(source, lines, reading.column, format, reading.id_column, reading.role)
    if format == "jsonl":
        return read_jsonl(source, lines, reading.column, reading.id_column, reading.role)
    if format in ("vtt", "srt"):
        return utterances(source, format, read_captions(source, lines, format))
    if format == "textgrid":
        return utterances(source, format, read_textgrid(source, lines, reading.column))
    readers = {
        "stm": read_stm,
        "trn": read_trn,
        "id": read_id,
        "kaldi": read_kaldi,
        "lines": read_plain,
    }
    return readers[format](source, lines)
