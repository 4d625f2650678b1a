"""Pickles of strangers, read without running anything in them.

A pickle is a program for a small stack machine, and may call whatever Python can import. Here it makes plain
values only: None, bool, int, float, text, bytes, list, tuple, dict.

The base is the standard library's `pickle._Unpickler`, which is `pickle.Unpickler` in Python (joblib builds
on it too). To refuse names in `find_class` is not enough, and only here can the instructions be chosen:

    EXT1, EXT2, EXT4             take an object from a cache, past `find_class`
    EMPTY_SET, FROZENSET         make what is not plain data without a name
    SETITEM with chosen keys     tuples or large numbers of one hash make a dict quadratic: hours
    LONG_BINPUT 2147483648       the reader in C takes 32 GB for its memo
    BYTEARRAY8, LONG             allocate, or compute, before they look whether the bytes are there
"""

import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

from signkit.errors import UserError

LARGEST = 1 << 28
"""Bytes of a file."""
REPEATED, SMALL = 16, 1 << 20
"""A value, written out, has at most this many times the file's bytes, and this many more."""
DEEPEST = 64
"""Containers within each other."""
LARGEST_KEY = 1 << 60
"""Below this (a little less than CPython's modulus of hashes) a number is its own hash."""


class _Refused(Exception):
    """The pickle holds what is not plain data."""


def unpickle(data: bytes, where: str, hint: str = "") -> Any:
    """The value of a pickle, of protocol 0 to 5. Memory stays within a few dozen times the size of the file.

    >>> unpickle(pickle.dumps({"name": "S000001", "words": ["REGEN", 2]}), "labels.pkl")
    {'name': 'S000001', 'words': ['REGEN', 2]}

    Args:
        where: the file, for the message.
        hint: what the user may do about a file that is refused.

    Raises:
        UserError: the file is damaged, or holds something else; says what, and at which byte.
    """
    file = io.BytesIO(data)
    try:
        if len(data) > LARGEST:
            raise _Refused(f"{len(data)} bytes are more than such a file has ({LARGEST})")
        most = REPEATED * len(data) + SMALL
        value = _Reader(file).load()
        if _measured(value, {}, 0)[0] > most:
            raise _Refused("the same values repeat too often in it")
    except _Refused as error:
        raise UserError(where, f"not a pickle of plain data: {error}", hint) from error
    except Exception as error:  # whatever the instructions raise on bytes that are not what they should be
        what = f"not a pickle of plain data: damaged or truncated before byte {file.tell()}"
        raise UserError(where, what, hint) from error
    return value


class _Instructions(dict[int, Callable[[Any], None]]):
    """Functions by instruction; any other is refused by its name."""

    def __missing__(self, code: int) -> Callable[[Any], None]:
        names = [op.name for op in pickletools.opcodes if ord(op.code) == code]
        if not names:
            raise _Refused("it is none")
        raise _Refused(f"it has the instruction {names[0]}, which plain data does not need")


PLAIN = (
    "PROTO", "STOP", "MARK", "POP", "POP_MARK", "DUP", "NONE", "NEWTRUE", "NEWFALSE",
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8",
    "EMPTY_LIST", "LIST", "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "EMPTY_DICT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET", "GLOBAL", "STACK_GLOBAL",
)  # fmt: skip


USUAL: dict[int, Callable[[Any], None]] = {**pickle._Unpickler.dispatch}


def _code(name: str) -> int:
    return int(getattr(pickle, name)[0])


class _Reader(pickle._Unpickler):
    """The instructions for plain values."""

    # What the base has without saying so.
    stack: list[Any]
    memo: dict[int, Any]
    read: Callable[[int], bytes]
    readline: Callable[[], bytes]

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._file = file

    def find_class(self, module: str, name: str) -> Any:
        """Refuse every name."""
        raise _Refused(f"it names {module}.{name}, before byte {self._file.tell()}")

    def _frame(self) -> None:
        """How long the next stretch is, which only a stream needs."""
        self.read(8)

    def _place(self) -> int:
        """A place in the memo, in decimal digits."""
        place = int(self.readline())
        if not 0 <= place < 1 << 32:
            raise ValueError
        return place

    def _put(self) -> None:
        self.memo[self._place()] = self.stack[-1]

    def _get(self) -> None:
        self.stack.append(self.memo[self._place()])

    def _set_item(self) -> None:
        _check_keys(self.stack[-2:-1])
        USUAL[_code("SETITEM")](self)

    def _set_items(self) -> None:
        _check_keys(self.stack[::2])  # all since the mark: keys and values in turn
        USUAL[_code("SETITEMS")](self)

    def _dict(self) -> None:
        _check_keys(self.stack[::2])
        USUAL[_code("DICT")](self)

    dispatch = _Instructions(
        {_code(name): USUAL[_code(name)] for name in PLAIN}
        | {
            _code("FRAME"): _frame, _code("PUT"): _put, _code("GET"): _get,
            _code("SETITEM"): _set_item, _code("SETITEMS"): _set_items, _code("DICT"): _dict,
        }
    )  # fmt: skip


def _check_keys(keys: list[Any]) -> None:
    """Only keys of which a file cannot choose many with one hash."""
    for key in keys:
        if type(key) not in (str, bytes, int, float, bool, type(None)):
            raise _Refused(f"{type(key).__name__} as the key of a dict")
        if type(key) is int and abs(key) >= LARGEST_KEY:
            raise _Refused("a key of more than 60 bits")


def _measured(value: Any, known: dict[int, tuple[int, int]], depth: int) -> tuple[int, int]:
    """Values and bytes of a value when it is written out, where each repetition counts, and how deep it is.

    Args:
        known: both of the containers by identity, so that each is walked through once.

    Raises:
        _Refused: it is too deep, such as a list in itself.
        UnicodeEncodeError: text that UTF-8 cannot write, half of a character.
    """
    if isinstance(value, (str, bytes)):
        return 1 + len(value.encode() if isinstance(value, str) and not value.isascii() else value), 0
    if value is None or isinstance(value, (bool, int, float)):
        return 1, 0
    if id(value) not in known:
        if depth > DEEPEST:
            raise _Refused(f"containers in each other, more than {DEEPEST} deep")
        size = height = 0
        for part in [*value, *value.values()] if isinstance(value, dict) else value:
            more, high = _measured(part, known, depth + 1)
            size, height = size + more, max(height, high)
        known[id(value)] = 1 + size, 1 + height
    if depth + known[id(value)][1] > DEEPEST + 1:
        raise _Refused(f"containers in each other, more than {DEEPEST} deep")
    return known[id(value)]
