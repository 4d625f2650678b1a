"""Pickles read without pickle: plain values come back, anything else is refused, nothing is executed."""

import pickle
import pickletools
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signkit.data.corpora import plain_pickle
from signkit.data.corpora.plain_pickle import NotPlain, loads

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
    "value", [Call(), Path, print, {1, 2}, 1j, range(3), bytearray(b"x"), frozenset("x")]
)
def test_whatever_is_not_plain_is_refused(value: object, protocol: int) -> None:
    with pytest.raises(NotPlain):
        loads(pickle.dumps(value, protocol=protocol))


REFUSED = (
    "GLOBAL", "STACK_GLOBAL", "REDUCE", "BUILD", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "PERSID", "BINPERSID",
    "EXT1", "EXT2", "EXT4", "BYTEARRAY8", "NEXT_BUFFER", "READONLY_BUFFER", "EMPTY_SET", "FROZENSET",
    "ADDITEMS",
)  # fmt: skip


def test_the_instructions_that_are_known_are_all_but_those_that_make_objects() -> None:
    known = set(plain_pickle.OPCODES) | {0x94, 0x8C, ord(".")}
    old = {"STRING", "BINSTRING", "SHORT_BINSTRING"}  # text of Python 2
    assert {op.name for op in pickletools.opcodes if ord(op.code) not in known} == {*REFUSED, *old}


@pytest.mark.parametrize("name", REFUSED)
def test_an_instruction_that_makes_objects_is_named(name: str) -> None:
    code = next(op.code for op in pickletools.opcodes if op.name == name).encode("latin-1")
    with pytest.raises(NotPlain, match=f"^the instruction {name}, which makes Python objects, at byte 2$"):
        loads(b"\x80\x04" + code + b"x" * 40)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x80\x04X\xff\xff\xff\x7fab", "truncated at byte 9"),  # 2 GB of text
        (b"\x80\x04\x8e" + b"\xff" * 8, "truncated at byte 11"),
        (b"\x80\x04\x8b\x00\x00\x00\x7f", "a number of more than 64 bytes"),
        (b"I" + b"9" * 5000 + b"\n.", "a number of more than 64 bytes"),
        (b"Np" + b"9" * 60 + b"\n.", "a key of more than 60 bits"),
        (b"Np" + b"9" * 5000 + b"\n.", "a number of more than 64 bytes"),
        (b"\x80\x04h\x05.", "damaged at byte 4"),  # nothing was kept as 5
        (b"\x80\x04a.", "damaged at byte 3"),
        (b"\x80\x04]K\x01K\x02\x86s.", "damaged at byte 9"),
        (b"\x80\x04K\x01K\x02a.", "int where list should be"),
        (b"\x80\x04}]K\x01s.", "list as the key of a dict"),
        (b"\x80\x09N.", "a protocol after the fifth"),
        (b"\x80\x04\x8c\x02\xff\xfe.", "damaged at byte 6"),
        (b"V\\ud800\n.", "damaged at byte 8"),
        (b"\x80\x04N", "truncated at byte 3"),
        (b"\x80\x04.", "damaged at byte 3"),
        (b"\x80\x04]\x94h\x00a.", "containers in each other, more than 64 deep"),  # a list in itself
        (b"]" * 200 + b"a" * 199 + b".", "containers in each other, more than 64 deep"),
    ],
)
def test_damage_is_named_by_its_byte(data: bytes, why: str) -> None:
    with pytest.raises(NotPlain) as caught:
        loads(data)
    assert str(caught.value) == why


REPEATED = "^values that repeat each other beyond all measure$"


def test_a_list_of_itself_many_times_is_seen_through_quickly() -> None:
    """61 lists, which to write out would take 2**60 brackets."""
    nested = b"]\x94" + b"".join(b"](h%ch%ce\x94" % (i, i) for i in range(60)) + b"."
    with pytest.raises(NotPlain, match=REPEATED):
        loads(nested)


def test_one_text_many_times_is_no_small_file_of_gigabytes() -> None:
    data = pickle.dumps(["x" * 30_000] * 30_000, protocol=4)
    assert len(data) < 100_000
    with pytest.raises(NotPlain, match=REPEATED):
        loads(data)
    assert len(loads(pickle.dumps(["x" * 1000] * 1000, protocol=4))) == 1000


def test_keys_of_one_hash_are_refused() -> None:
    """Multiples of a prime of 61 bits, in which a dict would look for each other one by one."""
    with pytest.raises(NotPlain, match="^a key of more than 60 bits$"):
        loads(pickle.dumps({number * (2**61 - 1): 0 for number in range(3)}, protocol=4))


def test_damaged_bytes_never_end_in_another_error() -> None:
    data = pickle.dumps({"info": [{"name": "a", "label": ["b", 1, 2.5, None, (1, 2, 3)]}] * 3}, protocol=4)
    chance = random.Random(1)
    refused = 0
    for _ in range(3000):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(data))] = chance.randrange(256)
        try:
            loads(bytes(damaged[: chance.randint(1, len(data))]))
        except NotPlain:
            refused += 1
    assert refused > 2000


def test_a_file_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_pickle, "LARGEST", 3)
    with pytest.raises(NotPlain, match=r"^4 bytes are more than such a file has \(3\)$"):
        loads(b"\x80\x04N.")
