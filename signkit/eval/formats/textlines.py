"""A user's file of text: its bytes, its lines, in UTF-8 or UTF-16, and the faults found in them."""

import gc
import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from signkit.errors import UserError, UserErrors
from signkit.runtime.files import plainly, read_bytes

MOST_FAULTS = 10
MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
AS_UTF8 = "save the file as UTF-8"
GZIP = b"\x1f\x8b"
LARGEST = 1 << 30
"""Bytes that a compressed file may have when it is unpacked."""
STDIN = Path("-")


@dataclass(frozen=True, slots=True)
class File:
    """A file that was read, unpacked if it was compressed by gzip.

    Attributes:
        source: its name, for messages.
        name: the last part of its path, without ``.gz``.
        data: its bytes.
    """

    source: str
    name: str
    data: bytes


def read_file(path: Path) -> File:
    """Read a file; ``-`` is the standard input.

    Raises:
        UserError: there is no such file, it is a folder, or it is compressed and damaged or too large.
        OperationalError: the file cannot be read.
    """
    if path == STDIN:
        with plainly(Path("stdin"), "read"):
            data = sys.stdin.buffer.read()
    else:
        data = read_bytes(path)
    source = "stdin" if path == STDIN else str(path)
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return File(source, name, _unpacked(source, data) if data.startswith(GZIP) else data)


def lines_of(file: File) -> list[str]:
    r"""The lines of a file without line ends, which are "\n", "\r\n" or "\r" and nothing else.

    Raises:
        UserError: it is neither UTF-8 nor UTF-16 with a byte order mark, or has a NUL byte;
            the line is named.
    """
    lines = _text(file).split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


@contextmanager
def uncollected() -> Iterator[None]:
    """Switch off the garbage collector, which would scan millions of new objects again and again."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def note(faults: list[UserError], fault: UserError, source: str) -> None:
    """Add a fault to the list; at the tenth, stop reading.

    Raises:
        UserErrors: there are ten faults.
    """
    faults.append(fault)
    if len(faults) == MOST_FAULTS:
        raise UserErrors([*faults, UserError(source, f"reading stopped after {MOST_FAULTS} faults")])


def settle(faults: list[UserError]) -> None:
    """Raise the collected faults, if there are any."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise UserErrors(faults)


def _unpacked(source: str, data: bytes) -> bytes:
    try:
        with gzip.open(BytesIO(data)) as file:
            content = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(source, f"is compressed by gzip and damaged: {error}") from error
    if len(content) > LARGEST:
        raise UserError(
            source, "has over 1 GiB when it is unpacked", "unpack it and give the parts that are needed"
        )
    return content


def _text(file: File) -> str:
    data = file.data
    if data.startswith(UTF16_MARKS):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            raise UserError(file.source, "is damaged UTF-16", AS_UTF8) from error
    data = data.removeprefix(MARK)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    nul = data.find(b"\0")
    if nul >= 0:
        hint = f"if it is UTF-16, {AS_UTF8}"
        raise UserError(_place(file, data, nul), "has a NUL byte, which no text has", hint)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"byte 0x{data[error.start]:02X} is not UTF-8"
        raise UserError(_place(file, data, error.start), what, AS_UTF8) from error


def _place(file: File, data: bytes, at: int) -> str:
    line = data.count(b"\n", 0, at) + 1
    return f"{file.source}:{line}"
