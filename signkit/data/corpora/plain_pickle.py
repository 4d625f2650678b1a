"""A pickle file read without Python's pickle: lists, tuples, dicts, text, bytes and numbers, nothing else.

A pickle is a program for a small stack machine. Here is that machine with the instructions that make
plain values; those that look up or call anything in Python are refused by name. No instruction may
take more bytes than the file has left, and a value that is there many times may not make the whole much
larger than the file, so that memory stays within a few dozen times the file's size.
Source: the opcodes of CPython's `pickletools`, protocols 0 to 5.
"""

import struct
from collections.abc import Callable
from itertools import chain
from typing import Any

LARGEST = 1 << 28  # bytes of a file
REPEATED, SMALL = 16, 1 << 20  # written out it may be so many times the file's size, and so much more
DEEPEST = 64  # containers within each other


class NotPlain(ValueError):
    """The pickle is damaged, or holds what is not plain data."""


def loads(data: bytes) -> Any:
    """The value of a pickle.

    Raises:
        NotPlain: saying what was met and at which byte.
    """
    if len(data) > LARGEST:
        raise NotPlain(f"{len(data)} bytes are more than such a file has ({LARGEST})")
    machine = _Machine(data)
    try:
        value = machine.run()
    except (IndexError, KeyError, TypeError, ValueError, struct.error, OverflowError) as error:
        if isinstance(error, NotPlain):
            raise
        raise NotPlain(f"damaged at byte {machine.at}") from error
    _check_depth(value)
    if _size(value, {}) > REPEATED * len(data) + SMALL:
        raise NotPlain("values that repeat each other beyond all measure")
    return value


class _Machine:
    """The stack, the marks on it, and the memo. `at`: the next byte to be read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> Any:
        data, end, stack, opcodes = self.data, len(self.data), self.stack, OPCODES
        while self.at < end:
            code = data[self.at]
            self.at += 1
            if code == 0x94:  # MEMOIZE: with the next one most of a file, and so without a call
                self.memo[len(self.memo)] = stack[-1]
            elif code == 0x8C:  # SHORT_BINUNICODE
                start, self.at = self.at + 1, self.at + 1 + data[self.at]
                if self.at > end:
                    break
                stack.append(data[start : self.at].decode())
            elif code == 0x2E:  # STOP
                return stack.pop()
            elif code in opcodes:
                opcodes[code](self)
            else:
                raise NotPlain(f"{_kind(code)} at byte {self.at - 1}")
        raise NotPlain(f"truncated at byte {end}")

    def take(self, count: int) -> bytes:
        """The next bytes; never more than there are."""
        if count < 0 or count > len(self.data) - self.at:
            raise NotPlain(f"truncated at byte {len(self.data)}")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, size: int, signed: bool = False) -> int:
        return int.from_bytes(self.take(size), "little", signed=signed)

    def line(self) -> bytes:
        end = self.data.index(b"\n", self.at)
        return self.take(end + 1 - self.at)[:-1]

    def since_mark(self) -> list[Any]:
        """What was pushed since the last mark, taken from the stack."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items


Step = Callable[[_Machine], None]


def _push(make: Callable[[_Machine], Any]) -> Step:
    return lambda m: m.stack.append(make(m))


def _text(size: int) -> Step:
    return _push(lambda m: m.take(m.number(size)).decode())


def _bytes(size: int) -> Step:
    return _push(lambda m: m.take(m.number(size)))


def _long(size: int) -> Step:
    return _push(lambda m: int.from_bytes(m.take(_small(m.number(size))), "little", signed=True))


def _small(count: int) -> int:
    if count > 64:
        raise NotPlain("a number of more than 64 bytes")
    return count


def _word(m: _Machine) -> int:
    """A number in decimal digits; 00 and 01 stand for False and True."""
    word = m.line().removesuffix(b"L")
    _small(len(word))
    return word == b"01" if word in (b"00", b"01") else int(word)


def _place(m: _Machine) -> int:
    """A place in the memo, in decimal digits."""
    word = m.line()
    _small(len(word))
    return _spread(int(word))


def _spread(number: int) -> int:
    """A number whose hash is itself: among larger ones a file could choose many of one hash, and a dict of
    them would take hours."""
    if abs(number) >= 1 << 60:
        raise NotPlain("a key of more than 60 bits")
    return number


def _writable(text: str) -> str:
    """Text that UTF-8 can write: no half of a character, which only this instruction can make."""
    text.encode()
    return text


def _append(m: _Machine) -> None:
    value = m.stack.pop()
    _of(m.stack[-1], list).append(value)


def _appends(m: _Machine) -> None:
    items = m.since_mark()
    _of(m.stack[-1], list).extend(items)


def _set_item(m: _Machine) -> None:
    value, key = m.stack.pop(), m.stack.pop()
    _of(m.stack[-1], dict)[_key(key)] = value


def _set_items(m: _Machine) -> None:
    items = m.since_mark()
    _of(m.stack[-1], dict).update(_pairs(items))


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return {_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)}


def _key(key: Any) -> Any:
    if not isinstance(key, (str, bytes, int, float, type(None))):
        raise NotPlain(f"{type(key).__name__} as the key of a dict")
    return _spread(key) if isinstance(key, int) else key


def _of(value: Any, kind: type[Any]) -> Any:
    if type(value) is not kind:
        raise NotPlain(f"{type(value).__name__} where {kind.__name__} should be")
    return value


def _tuple(count: int) -> Step:
    def step(m: _Machine) -> None:
        items = tuple(m.stack[len(m.stack) - count :])
        if len(items) < count:
            raise IndexError
        del m.stack[len(m.stack) - count :]
        m.stack.append(items)

    return step


def _put(make: Callable[[_Machine], int]) -> Step:
    def step(m: _Machine) -> None:
        m.memo[make(m)] = m.stack[-1]

    return step


def _get(make: Callable[[_Machine], int]) -> Step:
    return _push(lambda m: m.memo[make(m)])


def _pop(m: _Machine) -> None:
    if m.marks and m.marks[-1] == len(m.stack):
        m.marks.pop()
    else:
        m.stack.pop()


def _pop_mark(m: _Machine) -> None:
    m.since_mark()


def _frame(m: _Machine) -> None:
    """The length of what follows, which helps a reader of streams only."""
    m.take(8)


def _protocol(m: _Machine) -> None:
    if m.take(1)[0] > 5:
        raise NotPlain("a protocol after the fifth")


# The instructions, by the names of `pickletools`.
OPCODES: dict[int, Step] = {
    0x80: _protocol,
    0x95: _frame,
    ord("("): lambda m: m.marks.append(len(m.stack)),
    ord("0"): _pop,
    ord("1"): _pop_mark,
    ord("2"): _push(lambda m: m.stack[-1]),
    ord("N"): _push(lambda m: None),
    0x88: _push(lambda m: True),
    0x89: _push(lambda m: False),
    ord("I"): _push(_word),
    ord("L"): _push(_word),
    ord("J"): _push(lambda m: m.number(4, signed=True)),
    ord("K"): _push(lambda m: m.number(1)),
    ord("M"): _push(lambda m: m.number(2)),
    0x8A: _long(1),
    0x8B: _long(4),
    ord("F"): _push(lambda m: float(m.line())),
    ord("G"): _push(lambda m: struct.unpack(">d", m.take(8))[0]),
    ord("V"): _push(lambda m: _writable(m.line().decode("raw-unicode-escape"))),
    ord("X"): _text(4),
    0x8D: _text(8),
    ord("C"): _bytes(1),
    ord("B"): _bytes(4),
    0x8E: _bytes(8),
    ord("]"): _push(lambda m: []),
    ord("}"): _push(lambda m: {}),
    ord(")"): _push(lambda m: ()),
    ord("l"): _push(lambda m: m.since_mark()),
    ord("d"): _push(lambda m: _pairs(m.since_mark())),
    ord("t"): _push(lambda m: tuple(m.since_mark())),
    0x85: _tuple(1),
    0x86: _tuple(2),
    0x87: _tuple(3),
    ord("a"): _append,
    ord("e"): _appends,
    ord("s"): _set_item,
    ord("u"): _set_items,
    ord("p"): _put(_place),
    ord("q"): _put(lambda m: m.number(1)),
    ord("r"): _put(lambda m: m.number(4)),
    ord("g"): _get(_place),
    ord("h"): _get(lambda m: m.number(1)),
    ord("j"): _get(lambda m: m.number(4)),
}


def _kind(code: int) -> str:
    """What an instruction that is refused would do."""
    import pickletools

    known = {ord(op.code): op.name for op in pickletools.opcodes}
    return f"the instruction {known[code]}, which makes Python objects," if code in known else "no pickle"


def _check_depth(value: Any) -> None:
    """Refuse containers in each other without end, such as a list in itself."""
    layer: list[Any] = [value] if isinstance(value, (list, tuple, dict)) else []
    for _ in range(DEEPEST):
        inner = {}
        for item in layer:
            for part in item.values() if isinstance(item, dict) else item:
                if isinstance(part, (list, tuple, dict)):
                    inner[id(part)] = part
        layer = [*inner.values()]
        if not layer:
            return
    raise NotPlain(f"containers in each other, more than {DEEPEST} deep")


def _size(value: Any, known: dict[int, int]) -> int:
    """Values and characters when it is written out: what is there many times counts each time.

    Args:
        known: sizes of containers by identity.
    """
    if isinstance(value, (str, bytes)):
        return 1 + len(value)
    if not isinstance(value, (list, tuple, dict)):
        return 1
    if id(value) not in known:
        parts = chain(value, value.values()) if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(value)]
