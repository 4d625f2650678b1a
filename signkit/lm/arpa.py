r"""N-gram models as ARPA files: written in a fixed order, read strictly, whatever program wrote them.

Fields are separated by ASCII blanks and tabs. Text before ``\data\`` is skipped.
"""

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from signkit.errors import UserError
from signkit.lm.arpa_contexts import with_contexts
from signkit.lm.arpa_section import Listed, Section, first_line, read_section
from signkit.lm.grams import BEGIN, BLANK, END, UNKNOWN, Grams, Ints, Unit
from signkit.runtime.files import write_bytes

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PACKED: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "gzip": (b"\x1f\x8b", gzip.decompress),
    "bzip2": (b"BZh", bz2.decompress),
    "xz": (b"\xfd7zXZ\0", lzma.decompress),
}
_PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": partial(gzip.compress, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
_UNPACK = "unpack it first; .gz, .bz2 and .xz are read as they are"
_OTHERS = (
    (
        b"mmap lm http://kheafield.com/code",
        "is a binary file of KenLM",
        "give the ARPA file it was made from",
    ),
    (b"\x28\xb5\x2f\xfd", "is compressed by zstd", _UNPACK),
    (b"PK\x03\x04", "is a zip archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive", _UNPACK),
    (b"\xff\xfe", "is UTF-16, not UTF-8", "save the file as UTF-8"),
    (b"\xfe\xff", "is UTF-16, not UTF-8", "save the file as UTF-8"),
)
"""What other files begin with."""
UNKNOWN_LOG10 = -100.0
"""Log-probability of the unknown word if a file does not have it, as in KenLM."""
_COUNT = re.compile(rb"ngram\s+([0-9]{1,3})\s*=\s*([0-9]{1,18})")


def write_arpa(path: Path, grams: Grams) -> bytes:
    """Write a model, completely or not at all, compressed if the name ends in .gz, .bz2 or .xz; return the
    content."""
    content = _PACK.get(path.suffix, bytes)(arpa_text(grams).encode())
    write_bytes(path, content)
    return content


def arpa_text(grams: Grams) -> str:
    """The text of a model's ARPA file, with the n-grams of each order sorted as in `grams`."""
    names = np.array([BLANK if word == " " else word for word in grams.words], dtype=object)
    parts = ["\\data\\\n", *(f"ngram {n}={count}\n" for n, count in enumerate(grams.counts, 1))]
    for n, (tokens, log10) in enumerate(zip(grams.tokens, grams.log10, strict=True), 1):
        parts.append(f"\n\\{n}-grams:\n")
        texts = map(" ".join, names[tokens].tolist())
        figures = log10.tolist()
        if n < grams.order:
            backoff = grams.backoff[n - 1].tolist()
            parts += [f"{p!r}\t{w}\t{b!r}\n" for p, w, b in zip(figures, texts, backoff, strict=True)]
        else:
            parts += [f"{p!r}\t{w}\n" for p, w in zip(figures, texts, strict=True)]
    return "".join([*parts, "\n\\end\\\n"])


def parse_arpa(content: bytes, source: str, unit: Unit | None = None) -> tuple[Grams, bool]:
    """Read a model from the content of an ARPA file, which may be compressed by gzip, bzip2 or xz.

    Args:
        content: that of the file.
        source: its name, for messages.
        unit: what a word of the model is; if None, it is guessed from the words, see `guess_unit`.

    Returns:
        The model, and whether its unit was guessed.

    Raises:
        UserError: the first fault of the file, with its line.
    """
    lines = _unpacked(content, source).split(b"\n")
    sections = _sections(lines, source)
    listed: list[Listed] = []
    for section in sections:
        listed.append(read_section(lines, section, listed))
    listed, added = with_contexts(listed)
    words = listed[0].names
    for mark in (BEGIN, END):
        if mark not in listed[0].index:
            where = f"{source}:{sections[0].line}"
            raise UserError(where, f"the model has no `{mark}`", "it is no model of sentences")
    guessed = guess_unit(words)
    if unit == "character" and guessed == "word":
        raise UserError(source, "is no model of characters", "most of its words are longer")
    used: Unit = unit or guessed
    words = tuple(" " if word == BLANK and used == "character" else word for word in words)
    log10, backoff = [each.log10 for each in listed], [each.backoff for each in listed[:-1]]
    tokens = [each.tokens for each in listed]
    if UNKNOWN not in listed[0].index:  # every model here has an unknown word
        words = (*words, UNKNOWN)
        tokens[0] = np.arange(len(words))[:, None]
        log10[0] = np.append(log10[0], UNKNOWN_LOG10)
        backoff[:1] = [np.append(each, 0.0) for each in backoff[:1]]
    notes = (*_rounding_notes(listed), *_context_notes(added, listed[0].names, source))
    return Grams(words, used, tuple(tokens), tuple(log10), tuple(backoff), notes), unit is None


def guess_unit(words: tuple[str, ...]) -> Unit:
    """The unit of a model, guessed: characters, if at least 90 % of its words are single characters."""
    plain = [word for word in words if word not in (UNKNOWN, BEGIN, END)]
    single = sum(len(word) == 1 or word == BLANK for word in plain)
    return "character" if plain and single >= 0.9 * len(plain) else "word"


def _rounding_notes(listed: Sequence[Listed]) -> list[str]:
    notes = []
    for each in listed:
        rows, largest = each.rounded
        if len(rows):
            where = f"{each.section.source}:{each.section.line + 1 + int(rows[0])}"
            many = f"{len(rows)} log-probabilities of order {each.section.order} are"
            what = many if len(rows) > 1 else "a log-probability is"
            notes.append(f"{where}: {what} above 0 by rounding (up to {largest:g}) and read as 0")
    return notes


def _context_notes(added: Sequence[Ints], words: Sequence[str], source: str) -> list[str]:
    count = sum(map(len, added))
    if not count:
        return []
    first = next(each[0] for each in added if len(each))
    gram = " ".join(words[token] for token in first)
    what = f"n-grams with which longer ones begin are missing, such as `{gram}`, {count} in all"
    return [f"{source}: {what}: added with the probability that backing off gives them"]


def _unpacked(content: bytes, source: str) -> bytes:
    """The text of a file, which may be compressed by gzip, bzip2 or xz, without a byte order mark.

    Raises:
        UserError: it is damaged, or of a kind that is not read; the message says what it is.
    """
    for name, (mark, unpack) in _PACKED.items():
        if content.startswith(mark):
            try:
                content = unpack(content)
            except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
                raise UserError(source, f"is a damaged {name} file", "get or make it again") from error
            break
    for mark, what, hint in _OTHERS:
        if content.startswith(mark):
            raise UserError(source, what, hint)
    return content.removeprefix(BYTE_ORDER_MARK)


def _sections(lines: list[bytes], source: str) -> list[Section]:
    r"""The sections of a file, one for each order, found by the lines that begin with a backslash.

    Raises:
        UserError: no ``\data\`` or ``\end\``, a section that is missing or was not announced.
    """
    marks = [(number, line.strip()) for number, line in enumerate(lines, 1) if line[:1] == b"\\"]
    if not marks or marks[0][1] != b"\\data\\":
        where = marks[0][0] if marks else first_line(lines)
        raise UserError(f"{source}:{where}", "is not an ARPA file", r"it begins with a line `\data\`")
    stop = marks[1][0] if len(marks) > 1 else len(lines) + 1
    counts = _counts(lines, marks[0][0], stop, source)
    wanted = [*(f"\\{n}-grams:" for n in range(1, len(counts) + 1)), "\\end\\"]
    for place, name in enumerate(wanted, 1):
        if place >= len(marks):
            last = len(lines) - (not lines[-1])
            raise UserError(f"{source}:{last}", f"ends without `{name}`", "the file is cut off")
        number, mark = marks[place]
        if mark != name.encode():
            text = mark.decode("utf-8", "replace")
            raise UserError(f"{source}:{number}", f"`{name}` belongs here, not `{text}`")
    end = marks[len(wanted)][0]
    after = next((n for n, line in enumerate(lines[end:], end + 1) if line.strip()), None)
    if after is not None:
        raise UserError(f"{source}:{after}", r"there is more after `\end\`")
    return [
        Section(source, n, len(counts), marks[n][0], marks[n + 1][0] - 1, count)
        for n, count in enumerate(counts, 1)
    ]


def _counts(lines: list[bytes], begin: int, stop: int, source: str) -> list[int]:
    """The number of n-grams of each order, as the head of the file announces them."""
    counts: list[int] = []
    for number in range(begin + 1, stop):
        line = lines[number - 1].strip()
        if not line:
            continue
        match = _COUNT.fullmatch(line)
        if not match or int(match[1]) != len(counts) + 1:
            where, wanted = f"{source}:{number}", f"`ngram {len(counts) + 1}=` and a number belong here"
            raise UserError(where, f"{wanted}, not `{line.decode('utf-8', 'replace')}`")
        counts.append(int(match[2]))
    if not counts:
        raise UserError(f"{source}:{begin}", "announces no number of n-grams")
    return counts
