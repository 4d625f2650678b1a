"""Reading lines of a user's text file, which must be UTF-8, and collecting its faults."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signkit.errors import UserError, UserErrors
from signkit.runtime.files import read_bytes

MOST_FAULTS = 10
MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
AS_UTF8 = "save the file as UTF-8"


def read_lines(path: Path) -> list[str]:
    r"""The lines of a file without line ends, which are "\n", "\r\n" or "\r" and nothing else.

    Raises:
        UserError: there is no such file, it is a folder, empty or not UTF-8, or has a NUL byte; the line is
            named.
        OperationalError: the file cannot be read.
    """
    text = _text(path)
    if not text:
        raise UserError(str(path), "is empty")
    lines = text.split("\n")
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


def _text(path: Path) -> str:
    data = read_bytes(path)
    if data.startswith(UTF16_MARKS):
        raise UserError(str(path), "is UTF-16, not UTF-8", AS_UTF8)
    data = data.removeprefix(MARK)
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    nul = data.find(b"\0")
    if nul >= 0:
        hint = f"if it is UTF-16, {AS_UTF8}"
        raise UserError(_place(path, data, nul), "has a NUL byte, which no text has", hint)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        what = f"byte 0x{data[error.start]:02X} is not UTF-8"
        raise UserError(_place(path, data, error.start), what, AS_UTF8) from error


def _place(path: Path, data: bytes, at: int) -> str:
    line = data.count(b"\n", 0, at) + 1
    return f"{path}:{line}"
