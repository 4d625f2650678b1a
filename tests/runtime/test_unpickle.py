"""Pickles of strangers: plain values come back, anything else is refused, nothing is executed."""

import copyreg
import pickle
import pickletools
import random
import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signkit.errors import UserError
from signkit.runtime import unpickle as module
from signkit.runtime.unpickle import unpickle

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LEAVES = st.none() | st.booleans() | st.integers(-(2**190), 2**190) | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(
    LEAVES,
    lambda part: (
        st.lists(part, max_size=5)
        | st.lists(part, max_size=5).map(tuple)
        | st.dictionaries(TEXT | st.integers(-(2**60) + 1, 2**60 - 1), part, max_size=5)
    ),
    max_leaves=40,
)


def loads(data: bytes) -> object:
    return unpickle(data, "labels.pkl")


def refusal(data: bytes, hint: str = "") -> str:
    """The message, without its beginning."""
    with pytest.raises(UserError) as error:
        unpickle(data, "labels.pkl", hint)
    begin = "labels.pkl: not a pickle of plain data: "
    assert str(error.value).startswith(begin)
    return str(error.value)[len(begin) :]


def typed(value: object) -> object:
    """With types, since True == 1."""
    if isinstance(value, dict):
        return [(typed(key), typed(part)) for key, part in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [typed(part) for part in value]
    return type(value).__name__, value


@given(VALUES, st.integers(0, 5))
def test_plain_values_are_what_pickle_makes_of_them(value: object, protocol: int) -> None:
    assert typed(loads(pickle.dumps(value, protocol=protocol))) == typed(value)


def test_values_that_are_there_twice_and_many_of_them() -> None:
    word = ["REGEN"]
    value = {"info": [{"name": f"S{i:06d}", "label": word} for i in range(3000)]}
    for protocol in range(6):
        assert loads(pickle.dumps(value, protocol=protocol)) == value


class Call:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path("/nonexistent").joinpath, ("x",))


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        Call(),
        Path,
        print,
        {1, 2},
        1j,
        range(3),
        bytearray(b"x"),
        frozenset("x"),
        OrderedDict(a=1),
        np.ones(2),
    ],
)
def test_whatever_is_not_plain_is_refused(value: object, protocol: int) -> None:
    with pytest.raises(UserError):
        loads(pickle.dumps(value, protocol=protocol))


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(("value", "name"), [(print, "print"), (Path, "Path"), (Call(), "getattr")])
def test_a_name_is_refused_by_its_name(value: object, name: str, protocol: int) -> None:
    message = refusal(pickle.dumps(value, protocol=protocol), hint="do without it")
    assert re.fullmatch(rf"it names \S+\.{name}, before byte [0-9]+; do without it", message)


REFUSED = (
    "REDUCE", "BUILD", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4",
    "BYTEARRAY8", "NEXT_BUFFER", "READONLY_BUFFER", "EMPTY_SET", "FROZENSET", "ADDITEMS",
    "STRING", "BINSTRING", "SHORT_BINSTRING",  # text of Python 2
)  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_an_instruction_that_makes_objects_is_named(name: str) -> None:
    code = next(op.code for op in pickletools.opcodes if op.name == name).encode("latin-1")
    message = f"it has the instruction {name}, which plain data does not need"
    assert refusal(b"\x80\x04" + code + b"x" * 40) == message


def test_all_other_instructions_are_known() -> None:
    names = {op.name for op in pickletools.opcodes if ord(op.code) not in module._Reader.dispatch}
    assert names == {*REFUSED}


def test_an_extension_that_was_used_before_is_refused_too() -> None:
    """The reader in C takes it from a cache, and asks nobody."""
    copyreg.add_extension("builtins", "print", 250)
    try:
        data = pickle.dumps(print, protocol=2)
        assert pickle.loads(data) is print
        assert refusal(data) == "it has the instruction EXT1, which plain data does not need"
    finally:
        copyreg.remove_extension("builtins", "print", 250)
        copyreg._extension_cache.pop(250, None)  # type: ignore[attr-defined]


DAMAGED = "damaged or truncated before byte "


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x80\x04X\xff\xff\xff\x7fab", DAMAGED + "9"),  # 2 GB of text
        (b"\x80\x04\x8e" + b"\xff" * 8, DAMAGED + "11"),
        (b"\x80\x04\x8b\x00\x00\x00\x7f", DAMAGED + "7"),
        (b"I" + b"9" * 5000 + b"\n.", DAMAGED + "5002"),
        (b"Np" + b"9" * 60 + b"\n.", DAMAGED + "63"),
        (b"Np" + b"9" * 5000 + b"\n.", DAMAGED + "5003"),
        (b"N\x72\xff\xff\xff\xff", DAMAGED + "6"),  # the last of four billion places in the memo
        (b"\x80\x04h\x05.", DAMAGED + "4"),  # nothing was kept as 5
        (b"\x80\x04a.", DAMAGED + "3"),
        (b"\x80\x04]K\x01K\x02\x86s.", "list as the key of a dict"),
        (b"\x80\x04K\x01K\x02a.", DAMAGED + "7"),
        (b"\x80\x04}]K\x01s.", "list as the key of a dict"),
        (b"\x80\x04}(K\x01)\x85K\x01u.", DAMAGED + "11"),
        (b"\x80\x04}(K\x01K\x02)\x85K\x01u.", "tuple as the key of a dict"),
        (b"\x80\x04(K\x01K\x02)\x85K\x01d.", "tuple as the key of a dict"),
        (b"\x80\x09N.", DAMAGED + "2"),
        (b"\x80\x04\x8c\x02\xff\xfe.", DAMAGED + "6"),
        (b"V\\ud800\n.", DAMAGED + "9"),  # half of a character
        (b"\x80\x04\x8c\x03\xed\xa0\x80.", DAMAGED + "8"),
        (b"\x80\x04N", DAMAGED + "3"),
        (b"\x80\x04.", DAMAGED + "3"),
        (b"\x80\x04]\x94h\x00a.", "containers in each other, more than 64 deep"),  # a list in itself
        (b"]" * 200 + b"a" * 199 + b".", "containers in each other, more than 64 deep"),
        (b"]" * 100_000 + b"a" * 99_999 + b".", "containers in each other, more than 64 deep"),
    ],
)
def test_damage_is_named_by_its_byte(data: bytes, why: str) -> None:
    assert refusal(data) == why


REPEATED = "the same values repeat too often in it"


def test_a_list_of_itself_many_times_is_seen_through_quickly() -> None:
    """61 lists, which to write out would take 2**60 brackets."""
    nested = b"]\x94" + b"".join(b"](h%ch%ce\x94" % (i, i) for i in range(60)) + b"."
    assert refusal(nested) == REPEATED


def test_one_text_many_times_is_no_small_file_of_gigabytes() -> None:
    data = pickle.dumps(["x" * 30_000] * 30_000, protocol=4)
    assert len(data) < 100_000
    assert refusal(data) == REPEATED
    assert len(unpickle(pickle.dumps(["x" * 1000] * 1000, protocol=4), "")) == 1000


def test_keys_of_one_hash_are_refused() -> None:
    """Multiples of a prime of 61 bits, in which a dict would look for each other one by one."""
    for protocol in (0, 4):
        data = pickle.dumps({number * (2**61 - 1): 0 for number in range(3)}, protocol=protocol)
        assert refusal(data) == "a key of more than 60 bits"


def test_damaged_bytes_never_end_in_another_error() -> None:
    value = [{"info": [{"name": "a", "label": ["b", 1, 2.5, None, (1, 2, 3)]}] * 3}]
    data = pickle.dumps(value, protocol=4)
    chance = random.Random(1)
    refused = 0
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(data))] = chance.randrange(256)
        try:
            unpickle(bytes(damaged[: chance.randint(1, len(data))]), "")
        except UserError:
            refused += 1
    assert refused > 2000


def test_a_file_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 3)
    assert refusal(b"\x80\x04N.") == "4 bytes are more than such a file has (3)"
