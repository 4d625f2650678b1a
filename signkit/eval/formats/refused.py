"""Files that are no transcripts: they are refused, so that no figure is given for their mark-up."""

import re
from collections.abc import Sequence
from pathlib import PurePath
from xml.parsers import expat

from signkit.errors import UserError
from signkit.eval.formats.textlines import MARK, UTF16_MARKS, File

AS_WHAT = "docs/scoring.md lists the formats that are read"
BINARY = (
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a document in RTF"),
    (b"\xd0\xcf\x11\xe0", "an Office document"),
    (b"BZh", "compressed by bzip2"),
    (b"\xfd7zXZ\0", "compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"RIFF", "a sound or a video"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"OggS", "a sound or a video"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"PAR1", "a Parquet table"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"ooBinaryFile", "a binary file of Praat"),
    (b"%!PS", "a PostScript document"),
    *((bytes((0x80, version)), "a Python pickle") for version in (2, 3, 4, 5)),
)
ZIP = b"PK\x03\x04"
IN_ZIP = {
    ".docx": "a Word document", ".xlsx": "an Excel workbook", ".pptx": "a presentation",
    ".odt": "an OpenDocument text", ".ods": "an OpenDocument table", ".npz": "a NumPy archive",
}  # fmt: skip
ENDINGS = {
    ".md": "Markdown", ".markdown": "Markdown", ".rst": "reStructuredText", ".tex": "LaTeX", ".org": "Org",
    ".html": "HTML", ".htm": "HTML", ".rtf": "RTF", ".yaml": "YAML", ".yml": "YAML", ".toml": "TOML",
    ".py": "Python", ".ipynb": "a notebook", ".ass": "captions in SubStation Alpha",
    ".ssa": "captions in SubStation Alpha", ".sbv": "captions in SBV", ".lrc": "lyrics with times",
    ".mlf": "a label file of HTK", ".rttm": "RTTM", ".cha": "a CHAT file", ".log": "a log",
}  # fmt: skip
FIRST_LINES = (
    (r"\[script info\]", "captions in SubStation Alpha"),
    (r"#!mlf!#", "a label file of HTK"),
    (r"\d+:\d\d:\d\d\.\d{3},\d+:\d\d:\d\d\.\d{3}$", "captions in SBV"),
    (r"\{\d+\}\{\d+\}", "captions in MicroDVD"),
    (r"\[\d+:\d\d([.:]\d+)?\]", "lyrics with times"),
    (r"@(utf8|begin)$", "a CHAT file"),
    (r"\\(documentclass|begin\{)", "LaTeX"),
    (r"<(!doctype html|html|head|body|table|div|pre|ul|ol|script|style|meta|title|svg|h[1-6])\b", "HTML"),
    (r"<\?xml", "XML"),
    (r"<!(--|doctype)", "mark-up"),
    (r"```", "Markdown"),
    (r"scenarist_scc", "captions in SCC"),
    (r"speaker \S+ \d+ \d+\.\d+ \d+\.\d+ <na>", "RTTM"),
)
AS_IDS = "write a file of `id|words` lines for each side"
LOGS = (
    (re.compile(r"\S+:\s+(?:ref|hyp)=\[.*\]\s*"), f"a result of icefall (`id: ref=[…]`); {AS_IDS}"),
    (
        re.compile(r"[STHDPAE]-\d+\t.*"),
        f"the output of fairseq; {AS_IDS}: lines of `T-` are references, those of `D-` (or `H-`), without "
        "their score, hypotheses",
    ),
)
"""Lines of the logs of recognisers, what they are, and what to do."""
TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
ELEMENT = re.compile(r"\s*<([A-Za-z][\w:-]*)(\s[^<>]*)?>.*</\1\s*>\s*")
LOOKED_AT = 200
"""Lines that decide whether a text is mark-up."""


def refuse_binary(file: File) -> None:
    """Refuse what is no text at all.

    Raises:
        UserError: it says what the file is.
    """
    what = next((what for magic, what in BINARY if file.data.startswith(magic)), "")
    if file.data.startswith(ZIP):
        what = IN_ZIP.get(PurePath(file.name).suffix.lower(), "a ZIP archive")
    elif file.data[4:8] == b"ftyp":
        what = "a video"
    if what:
        raise UserError(file.source, f"is {what}, not a transcript", AS_WHAT)


def refuse_ending(file: File) -> None:
    """Refuse a file whose ending says that it is no transcript.

    Raises:
        UserError: it says what the file is.
    """
    what = ENDINGS.get(PurePath(file.name).suffix.lower())
    if what:
        raise UserError(
            file.source,
            f"is {what} by its name, not a transcript",
            "another ending, or `--format`, tells what else it is",
        )


def refuse_markup(source: str, lines: Sequence[str]) -> None:
    """Refuse lines of mark-up.

    Raises:
        UserError: it says which mark-up.
    """
    some = [line for line in lines[:LOOKED_AT] if line and not line.isspace()]
    if not some:
        return
    first = some[0].strip().lower()
    what = next((what for pattern, what in FIRST_LINES if re.match(pattern, first)), "")
    if not what and len(some) > 1 and "|" in some[0] and "-" in some[1] and TABLE_RULE.fullmatch(some[1]):
        what = "a table in Markdown"
    if not what and "<" in first:
        elements = [found[1] for found in map(ELEMENT.fullmatch, some) if found]
        last = next(line.strip().lower() for line in reversed(lines) if line.strip())
        if (tag := re.match(r"<([a-z][\w:-]*)", first)) and last.endswith(f"</{tag[1]}>"):
            elements, some = [tag[1]], some[:1]
        if 2 * len(elements) > len(some):
            what = f"mark-up (<{elements[0]}>…</{elements[0]}>)"
    if what:
        raise UserError(source, f"is {what}, not a transcript", AS_WHAT)


def refuse_logs(source: str, lines: Sequence[str]) -> None:
    """Refuse the logs of recognisers, which have reference and hypothesis in one file.

    Raises:
        UserError: it says which, and what to do.
    """
    some = [line for line in lines[:LOOKED_AT] if line and not line.isspace()]
    for pattern, known in LOGS:
        if 2 * sum(map(bool, map(pattern.fullmatch, some))) > len(some):
            what, _, hint = known.partition("; ")
            raise UserError(source, f"is {what}, not a transcript", hint)


def root_of(file: File) -> str:
    """The name of the root element of an XML file; "" if it is none.

    A file without ``<?xml`` is XML if it is well-formed as a whole: a gloss such as ``<unk>`` is not.

    Raises:
        UserError: it has a document type, whose entities may grow without limit.
    """
    data = file.data.removeprefix(MARK)
    if not data.lstrip().startswith(b"<") and not data.startswith(UTF16_MARKS):
        return ""
    roots: list[str] = []

    def element(name: str, _: object) -> None:
        if not roots:
            roots.append(name)

    parser = expat.ParserCreate()
    parser.StartElementHandler = element
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(data, True)
    except _DoctypeError as error:
        if error.args[0].lower() == "html":
            raise UserError(file.source, "is HTML, not a transcript", AS_WHAT) from None
        raise UserError(
            file.source, f"is XML with a document type ({error.args[0]}), which is not read", AS_WHAT
        ) from None
    except (expat.ExpatError, ValueError, LookupError):
        return roots[0] if roots and data.startswith(b"<?xml") else ""
    return roots[0]


class _DoctypeError(Exception):
    """An XML file has a document type."""


def _refuse_doctype(name: str, *_: object) -> None:
    raise _DoctypeError(name)
