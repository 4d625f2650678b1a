"""Strict reading: every kind of fault has its place, its words and, where there is one, its suggestion."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.config.registry import registered
from signkit.config.strict_yaml import Asset, Group, Path_, Range, read
from signkit.errors import UserError, UserErrors


@dataclass(frozen=True, kw_only=True)
class Inner:
    layers: Annotated[int, Range(1, 8)] = 2
    kind: Literal["tcn", "dilated"] = "tcn"
    steps: tuple[Annotated[float, Range(0, 1)], ...] = ()

    def __post_init__(self) -> None:
        if self.layers == 7:
            raise UserError("layers", "seven brings bad luck", "use 6")
        if self.layers == 6:
            raise ValueError("six is no better")


@dataclass(frozen=True, kw_only=True)
class Outer:
    word: str = "x"
    count: int = 1
    rate: Annotated[float, Range(0)] = 0.5
    flag: bool = False
    maybe: int | None = 3
    file: Annotated[str, Path_(optional=True)] = ""
    protocol: Annotated[str, Asset("eval")] = "plain"
    inner: Inner = Inner()
    parts: tuple[Inner, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Strict:
    needed: int
    root: Annotated[str, Path_()]
    model: Annotated[object, Group("models")]


def faults(text: str | bytes, cls: type = Outer, overrides: tuple[str, ...] = ()) -> list[str]:
    with pytest.raises(UserErrors) as caught:
        read(text, "r.yaml", cls, overrides)
    assert caught.value.exit_code == 2
    assert str(caught.value) == "\n".join(str(fault) for fault in caught.value.faults)
    return str(caught.value).split("\n")


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("word: no", "word", "no"),
        ("word: 1.10", "word", "1.10"),
        ("word: null", "word", "null"),
        ("word: ~", "word", "~"),
        ("word: 'a: b'", "word", "a: b"),
        ('word: ""', "word", ""),
        ('word: "\\u00e9\\n"', "word", "é\n"),
        ("word: |\n  a\n  b\n", "word", "a\nb\n"),
        ("count: -12", "count", -12),
        ("count: +7", "count", 7),
        ("rate: 1e-4", "rate", 1e-4),
        ("rate: .5", "rate", 0.5),
        ("rate: 5", "rate", 5.0),
        ("rate: 1.E+2", "rate", 100.0),
        ("flag: yes", "flag", True),
        ("flag: on", "flag", True),
        ("flag: True", "flag", True),
        ("flag: off", "flag", False),
        ("flag: no", "flag", False),
        ("maybe: null", "maybe", None),
        ("maybe: ~", "maybe", None),
        ("maybe: 4", "maybe", 4),
        ("inner: {kind: dilated}", "inner", Inner(kind="dilated")),
        ("inner: {kind: 'dilated'}", "inner", Inner(kind="dilated")),
        ("inner: {}", "inner", Inner()),
        ("inner: {steps: [0, 1e-1, .5]}", "inner", Inner(steps=(0.0, 0.1, 0.5))),
        ("parts: []", "parts", ()),
        ("parts: [{layers: 3}, {}]", "parts", (Inner(layers=3), Inner())),
        ("parts:\n- layers: 3\n", "parts", (Inner(layers=3),)),
    ],
)
def test_a_value_is_read_by_its_declared_type(text: str, field: str, value: object) -> None:
    read_value = getattr(read(text, "r.yaml", Outer), field)
    assert read_value == value
    assert type(read_value) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("count: 5.0", "r.yaml:1:8: `count` needs a whole number, not `5.0`"),
        ("count: 1_000", "r.yaml:1:8: `count` needs a whole number, not `1_000`"),
        ("count: 010", "r.yaml:1:8: `count` needs a whole number, not `010`"),
        ("count: 1e3", "r.yaml:1:8: `count` needs a whole number, not `1e3`"),
        ("count: 99999999999999999999",
         "r.yaml:1:8: `count` needs a whole number, not `99999999999999999999`"),
        ("count: ٣", "r.yaml:1:8: `count` needs a whole number, not `٣`"),
        ("count: '5'", "r.yaml:1:8: `count` needs a whole number, not text in quotes; remove the quotes"),
        ("count: [5]", "r.yaml:1:8: `count` needs a whole number, not a list"),
        ("count:", "r.yaml:1:7: `count` has no value"),
        ("rate: inf", "r.yaml:1:7: `rate` needs a number, not `inf`"),
        ("rate: .inf", "r.yaml:1:7: `rate` needs a number, not `.inf`"),
        ("rate: nan", "r.yaml:1:7: `rate` needs a number, not `nan`"),
        ("rate: 1e999", "r.yaml:1:7: `rate` needs a number, not `1e999`"),
        ("rate: 0x10", "r.yaml:1:7: `rate` needs a number, not `0x10`"),
        ("rate: fast", "r.yaml:1:7: `rate` needs a number, not `fast`"),
        ("rate: {a: 1}", "r.yaml:1:7: `rate` needs a number, not a section"),
        ("rate: -1", "r.yaml:1:7: `rate` must be at least 0, not `-1`"),
        ("flag: 1", "r.yaml:1:7: `flag` needs true or false, not `1`"),
        ("flag: maybe", "r.yaml:1:7: `flag` needs true or false, not `maybe`"),
        ("word:", 'r.yaml:1:6: `word` has no value; write "" for an empty word'),
        ("word: [a]", "r.yaml:1:7: `word` needs a word, not a list"),
        ("inner: {layers: 9}", "r.yaml:1:17: `inner.layers` must be between 1 and 8, not `9`"),
        ("inner: {kind: tnc}", "r.yaml:1:15: `inner.kind` cannot be `tnc`; did you mean `tcn`?"),
        ("inner: {kind: q}", "r.yaml:1:15: `inner.kind` cannot be `q`; one of `tcn`, `dilated`"),
        ("inner: {steps: 3}",
         "r.yaml:1:16: `inner.steps` needs a list, not the word `3`; for example [a, b]"),
        ("inner: {steps: [0, 2]}", "r.yaml:1:20: `inner.steps.1` must be between 0 and 1, not `2`"),
        ("inner: tcn", "r.yaml:1:8: `inner` needs a section of keys, not the word `tcn`"),
        ("inner:", "r.yaml:1:7: `inner` needs a section of keys, not nothing"),
        ("inner:\n  layres: 3", "r.yaml:2:3: unknown key `inner.layres`; did you mean `layers`?"),
        ("parts: [{}, {layres: 3}]", "r.yaml:1:14: unknown key `parts.1.layres`; did you mean `layers`?"),
        ("layers: 3", "r.yaml:1:1: unknown key `layers`; did you mean `inner.layers`?"),
        ("layrs: 3", "r.yaml:1:1: unknown key `layrs`; did you mean `inner.layers`?"),
        ("cuont: 3", "r.yaml:1:1: unknown key `cuont`; did you mean `count`?"),
        ("inner: {q: 3}", "r.yaml:1:9: unknown key `inner.q`; one of `layers`, `kind`, `steps`"),
        ("<<: {count: 3}",
         "r.yaml:1:1: unknown key `<<`; one of `word`, `count`, `rate`, `flag`, `maybe`, `file`, `protocol`, "
         "`inner`, `parts`"),
        ("count: 1\nrate: 2\ncount: 3", "r.yaml:3:1: doubled key `count`; first given at r.yaml:1:1"),
        ("inner: {layers: 7}", "r.yaml:1:17: `inner.layers`: seven brings bad luck; use 6"),
        ("inner: {layers: 6}", "r.yaml:1:8: `inner`: six is no better"),
        ("file: nowhere.csv", "r.yaml:1:7: `file` is `nowhere.csv`, but there is no such file or folder"),
        ("protocol: plian", "r.yaml:1:11: `protocol` cannot be `plian`; did you mean `plain`?"),
        ("protocol: my.yaml", "r.yaml:1:11: `protocol` is `my.yaml`, but there is no such file or folder"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_its_place(text: str, message: str) -> None:
    assert faults(text) == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "r.yaml:1:1: the file is empty"),
        ("# nothing\n", "r.yaml:1:1: the file is empty"),
        ("---\n", "r.yaml:2:1: not a mapping of keys to values but nothing"),
        ("- a\n", "r.yaml:1:1: not a mapping of keys to values but a list"),
        ("hello", "r.yaml:1:1: not a mapping of keys to values but the word `hello`"),
        ("count: 1\n---\nrate: 2\n", "r.yaml:2:1: a second document; keep one document in a file"),
        ("count: &a 1", "r.yaml:1:8: anchor `&a` is not allowed; remove it"),
        ("count: *a", "r.yaml:1:8: alias `*a` is not allowed; write the value out"),
        ("*a : 3", "r.yaml:1:1: alias `*a` is not allowed; write the value out"),
        ("word: !!python/name:os.system x",
         "r.yaml:1:7: tag `tag:yaml.org,2002:python/name:os.system` is not allowed; remove it"),
        ("word: !env HOME", "r.yaml:1:7: tag `!env` is not allowed; remove it"),
        ("? [a]\n: 3", "r.yaml:1:3: a key must be a word"),
        ("inner: {layers: 3", "r.yaml:1:18: not YAML: expected ',' or '}', but got '<stream end>'"),
        ("count: 3\n rate: 4", "r.yaml:2:6: not YAML: mapping values are not allowed here"),
        ("inner:\n\tlayers: 3", "r.yaml:2:1: not YAML: found character '\\t' that cannot start any token; "
         "indent with spaces, not tabs"),
        ("word: 'open", "r.yaml:1:12: not YAML: found unexpected end of stream"),
        ("word: \"\\U00110000\"", "r.yaml:1:1: not YAML: an escape or a number is out of range"),
        ("word: \"\\ud800\"", "r.yaml:1:7: control character U+D800"),
        ("word: \"a\\0b\"", "r.yaml:1:7: control character U+0000"),
        ("count: 1\nword: a\0b", "r.yaml:2:8: control character U+0000"),
        ("word: \x1b[31m", "r.yaml:1:7: control character U+001B"),
        ("[" * 40, "r.yaml:1:33: nested more than 32 levels deep"),
        ("a: " * 1 + "{a: " * 100_000, "r.yaml:1:128: nested more than 32 levels deep"),
        (b"count: 1\nword: caf\xe9\n", "r.yaml:2:10: not UTF-8 (byte 0xe9); save the file as UTF-8"),
        (b"\xff\xfec\x00", "r.yaml:1:1: not UTF-8 (byte 0xff); save the file as UTF-8"),
        (b"#" * 1_000_001, "r.yaml: larger than 1,000,000 bytes"),
    ],
)  # fmt: skip
def test_what_is_not_a_plain_mapping_is_refused(text: str | bytes, message: str) -> None:
    assert faults(text) == [message]


def test_an_alias_bomb_is_refused_at_every_mark() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    marks = [line for line in faults(bomb) if "alias" in line or "anchor" in line]
    assert marks == [
        "r.yaml:1:4: anchor `&a` is not allowed; remove it",
        "r.yaml:2:4: anchor `&b` is not allowed; remove it",
        "r.yaml:2:8: alias `*a` is not allowed; write the value out",
        "r.yaml:2:12: alias `*a` is not allowed; write the value out",
        "r.yaml:3:5: alias `*b` is not allowed; write the value out",
        "r.yaml:3:9: alias `*b` is not allowed; write the value out",
    ]


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    text = "rate: -1\ninner:\n  layres: 2\n  kind: tc\ncount: x\ncount: 2\n"
    assert faults(text, overrides=("flag=3", "inner.size=4")) == [
        "r.yaml:1:7: `rate` must be at least 0, not `-1`",
        "r.yaml:3:3: unknown key `inner.layres`; did you mean `layers`?",
        "r.yaml:4:9: `inner.kind` cannot be `tc`; did you mean `tcn`?",
        "r.yaml:5:8: `count` needs a whole number, not `x`",
        "r.yaml:6:1: doubled key `count`; first given at r.yaml:5:1",
        "--set flag=3: `flag` needs true or false, not `3`",
        "--set inner.size=4: unknown key `inner.size`; one of `layers`, `kind`, `steps`",
    ]


def test_missing_keys_are_named_at_their_section() -> None:
    models = "one of " + ", ".join(f"`{name}`" for name in registered("models"))
    assert "`c2st`, `classifier`, `ctc`" in models
    assert faults("{}", Strict) == [
        "r.yaml:1:1: missing key `needed`",
        "r.yaml:1:1: missing key `root`",
        f"r.yaml:1:1: missing key `model`; `model: {{name: …}}` with {models}",
    ]
    assert faults('needed: 1\nroot: ""\nmodel: {}', Strict) == [
        "r.yaml:2:7: `root` is an empty path",
        f"r.yaml:3:8: missing key `model.name`; {models}",
    ]


def test_a_component_is_read_against_its_own_options(tmp_path: Path) -> None:
    start = f"needed: 1\nroot: {tmp_path}\nmodel: "
    assert read(start + "{name: c2st, topology: rnnt}", "r.yaml", Strict).model.topology == "rnnt"  # type: ignore[attr-defined]
    assert faults(start + "{name: c2ts}", Strict) == [
        "r.yaml:3:15: `model.name` cannot be `c2ts`; did you mean `c2st`?"
    ]
    assert faults(start + "{topology: rntt, name: c2st, nam: x}", Strict) == [
        "r.yaml:3:19: `model.topology` cannot be `rntt`; did you mean `rnnt`?",
        "r.yaml:3:37: unknown key `model.nam`; one of `topology`, `dropout`, `normalised`",
    ]
    assert faults(start + "c2st", Strict) == [
        "r.yaml:3:8: `model` needs a section with a `name`, not the word `c2st`; write `{name: c2st}`"
    ]
    assert faults(start + "{name: ctc, name: c2st}", Strict) == [
        "r.yaml:3:20: doubled key `model.name`; first given at r.yaml:3:9"
    ]


@pytest.mark.parametrize(
    ("override", "field", "value"),
    [
        ("count=7", "count", 7),
        ("word=", "word", ""),
        ("word=a=b", "word", "a=b"),
        ("word=no", "word", "no"),
        ("rate= 1e-3 ", "rate", 1e-3),
        ("maybe=null", "maybe", None),
        ("inner.layers=5", "inner", Inner(layers=5)),
        ("inner={layers: 5}", "inner", Inner(layers=5)),
        ("parts.1.layers=5", "parts", (Inner(layers=1), Inner(layers=5))),
        ("parts.0={kind: dilated}", "parts", (Inner(kind="dilated"), Inner(layers=2))),
        ("parts=[]", "parts", ()),
    ],
)
def test_an_override_goes_through_the_same_door(override: str, field: str, value: object) -> None:
    text = "word: file\ncount: 2\nparts: [{layers: 1}, {layers: 2}]\n"
    assert getattr(read(text, "r.yaml", Outer, [override]), field) == value
    if field != "parts":
        assert getattr(read("# nothing", "r.yaml", Outer, [override]), field) == value


def test_of_a_key_set_twice_the_last_counts() -> None:
    assert read("count: 1", "r.yaml", Outer, ["count=2", "count=3"]).count == 3
    assert read("count: x", "r.yaml", Outer, ["count=2"]).count == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("count=x", "--set count=x: `count` needs a whole number, not `x`"),
        ("count=#", "--set count=#: `count` has no value"),
        ("inner.layres=3", "--set inner.layres=3: unknown key `inner.layres`; did you mean `layers`?"),
        ("iner.layers=3", "--set iner.layers=3: unknown key `iner`; did you mean `inner`?"),
        ("count", "--set count: not of the form KEY=VALUE; for example `--set train.lr=3e-4`"),
        ("=3", "--set =3: not of the form KEY=VALUE; for example `--set train.lr=3e-4`"),
        ("inner..layers=3",
         "--set inner..layers=3: not of the form KEY=VALUE; for example `--set train.lr=3e-4`"),
        ("count.x=3", "--set count.x=3: `count` is not a section"),
        ("parts.2={}", "--set parts.2={}: `parts` is a list without an item `2`; its items are 0 to 1"),
        ("parts.-1={}", "--set parts.-1={}: `parts` is a list without an item `-1`; its items are 0 to 1"),
        ("inner.steps.0=1",
         "--set inner.steps.0=1: `inner.steps` is a list without an item `0`; it is empty"),
        ("word=[", "--set word=[: not YAML: expected the node content, but found '<stream end>'"),
        ("word=*x", "--set word=*x: alias `*x` is not allowed; write the value out"),
        ("word=!x y", "--set word=!x y: tag `!x` is not allowed; remove it"),
        ("word=" + "w" * 200, None),
        ("a." * 100_000 + "b=1", "--set " + "a." * 50 + "…: not of the form KEY=VALUE; for example "
         "`--set train.lr=3e-4`"),
    ],
)  # fmt: skip
def test_a_fault_of_an_override_names_the_override(override: str, message: str | None) -> None:
    text = "count: 2\ninner: {steps: []}\nparts: [{layers: 1}, {layers: 2}]\n"
    if message is None:
        assert read(text, "r.yaml", Outer, [override]).word == "w" * 200
    else:
        assert faults(text, overrides=(override,)) == [message]


def test_paths_are_those_of_the_current_folder_then_of_the_recipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(there))
    (there / "a.csv").touch()

    def file(text: str) -> str:
        return read(f"file: {text}", str(there / "r.yaml"), Outer).file

    assert file("a.csv") == str(there / "a.csv")
    (here / "a.csv").touch()
    assert file("a.csv") == str(here / "a.csv")
    assert file("../there/a.csv") == str(there / "a.csv")
    assert file("~/a.csv") == str(there / "a.csv")
    assert file('""') == ""
    assert read("file: gone.csv", "r.yaml", Outer, check_paths=False).file == str(here / "gone.csv")
    (here / "mine.yaml").touch()
    assert read("protocol: mine.yaml", "r.yaml", Outer).protocol == str(here / "mine.yaml")


def test_a_byte_order_mark_and_other_line_ends_are_fine() -> None:
    assert read("\ufeffword: é\r\ncount: 3\r\n".encode(), "r.yaml", Outer) == Outer(word="é", count=3)


def test_given_fields_are_not_keys() -> None:
    assert read("{}", "r.yaml", Outer, given={"word": "given"}).word == "given"
    with pytest.raises(UserErrors, match="^r.yaml:1:1: unknown key `word`; one of `count`"):
        read("word: x", "r.yaml", Outer, given={"word": "given"})


_pieces = st.sampled_from(
    ["count", "inner", "parts", "word", ":", ": ", "\n", "\n  ", "- ", "[", "]", "{", "}", ",", "&a", "*a",
     "!!str ", "'", '"', "|", ">", "#", "? ", "<<", "1e-4", "\t", "%YAML 1.1\n", "---\n", "...\n", "\\",
     "\\x41", "é", "\x85", "\u2028", "\0", "~", "null", "tcn", "3"]
)  # fmt: skip
_texts = st.lists(_pieces, max_size=25).map("".join)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.one_of(st.binary(max_size=60), _texts.map(str.encode)), st.lists(_texts, max_size=2))
def test_whatever_the_bytes_only_user_errors_come(content: bytes, overrides: list[str]) -> None:
    try:
        outer = read(content, "r.yaml", Outer, overrides)
    except UserErrors as error:
        assert error.faults
        assert all(fault.where.startswith(("r.yaml:", "--set ")) for fault in error.faults)
    else:
        assert isinstance(outer, Outer)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(min_value=0, allow_infinity=False, allow_nan=False))
def test_every_number_python_writes_is_read_back(number: float) -> None:
    assert math.isclose(read(f"rate: {number!r}", "r.yaml", Outer).rate, number, rel_tol=0.0)
