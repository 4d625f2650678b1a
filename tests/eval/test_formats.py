"""Files of transcripts: what is read of each format, and what is said of each fault."""

import gc
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signkit.errors import OperationalError, UserError, UserErrors
from signkit.eval.formats import FORMATS, read, read_pair
from signkit.eval.transcripts import Segment, Transcripts

INFINITY = float("inf")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Writes a file into the working folder."""
    monkeypatch.chdir(tmp_path)

    def put(name: str, content: str | bytes) -> Path:
        data = content if isinstance(content, bytes) else content.encode()
        Path(name).write_bytes(data)
        return Path(name)

    return put


def pairs(found: Transcripts) -> dict[str, str]:
    return dict(zip(found.ids, found.texts, strict=True))


def message(path: Path, format: str = "", column: str = "") -> str:
    with pytest.raises(UserError) as caught:
        read(path, format, column)
    return str(caught.value)


# The lines of a file


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends_and_byte_order_mark(write: Callable[..., Path], end: str, mark: str, last: bool) -> None:
    path = write("a.txt", mark + end.join(["a b", "", "c"]) + (end if last else ""))
    found = read(path)
    assert (found.format, found.ids, found.texts) == ("lines", ("1", "2", "3"), ("a b", "", "c"))
    assert list(found.lines) == [1, 2, 3]
    assert (found.signers, found.segments, found.a_word_a_line) == ((), (), False)


def test_no_other_character_ends_a_line(write: Callable[..., Path]) -> None:
    text = "a\u2028b\x0bc\x0cd\x85e\x1cf\u2029g"
    assert read(write("a.txt", text)).texts == (text,)


@given(
    st.lists(st.text(st.characters(blacklist_characters="\n\r\0", blacklist_categories=["Cs"])), min_size=1)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_come_back(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "any"
    path.write_bytes(("\n".join(lines) + "\n").encode())
    found = read(path, "lines")
    first = lines[0].removeprefix("\ufeff")
    assert found.texts == tuple(line.strip() for line in [first, *lines[1:]])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "a.txt: is empty"),
        (b"\xef\xbb\xbf", "a.txt: is empty"),
        (b"\xff\xfea\0\0\xd8", "a.txt: is damaged UTF-16; save the file as UTF-8"),
        ("a".encode("utf-16-be"), "a.txt:1: has a NUL byte, which no text has; "
                                  "if it is UTF-16, save the file as UTF-8"),
        (b"a\r\nb\0c\n", "a.txt:2: has a NUL byte, which no text has; "
                         "if it is UTF-16, save the file as UTF-8"),
        ("é\nü\n".encode() + "Größe\n".encode("latin-1") + "é".encode(),
         "a.txt:3: byte 0xF6 is not UTF-8; save the file as UTF-8"),
        (b"\xef\xbb\xbfa\r\rb\xff", "a.txt:3: byte 0xFF is not UTF-8; save the file as UTF-8"),
        (b"a\n\xed\xa0\x80", "a.txt:2: byte 0xED is not UTF-8; save the file as UTF-8"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_text(write: Callable[..., Path], content: bytes, expected: str) -> None:
    assert message(write("a.txt", content)) == expected


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,gloss\r\nw,SÜD\r\n"), ("a.stm", "w 1 a 0 1 SÜD\r\n"), ("a.trn", "SÜD (w)\n"),
        ("a.json", '{"w": "SÜD"}'), ("a.txt", "w|SÜD\n"),
    ],
)  # fmt: skip
def test_utf_16_with_a_byte_order_mark(write: Callable[..., Path], name: str, content: str) -> None:
    assert pairs(read(write(name, content.encode("utf-16")))) == {"w": "SÜD"}


def test_a_blank_line_at_the_end_is_no_sentence(write: Callable[..., Path]) -> None:
    one, two = write("r.txt", b"RAIN\nSUN\n"), write("h.txt", b"RAIN\nSUN\n\n \n")
    for files in ((one, two), (two, one), (two, two)):
        left, (right,) = read_pair(files[0], [files[1]])
        assert (left.texts, right.texts) == (("RAIN", "SUN"), ("RAIN", "SUN"))
    left, (right,) = read_pair(one, [write("silent.txt", b"RAIN\n\n")])
    assert (len(left), right.texts) == (2, ("RAIN", ""))


def test_no_file_and_a_folder(write: Callable[..., Path]) -> None:
    Path("folder.stm").mkdir()
    assert message(Path("no.stm")) == "no.stm: there is no such file"
    assert message(Path("folder.stm")) == "folder.stm: is a folder, not a file"
    write("file", "a")
    with pytest.raises(OperationalError, match="^file/no.stm: cannot be read: Not a directory$"):
        read(Path("file/no.stm"))


def test_ten_faults_end_the_reading(write: Callable[..., Path]) -> None:
    with pytest.raises(UserErrors) as caught:
        read(write("a.trn", "a\n" * 12))
    faults = [str(fault) for fault in caught.value.faults]
    hint = "a TRN line is `words (id)`"
    assert faults[:10] == [f"a.trn:{n}: has no id in parentheses at its end; {hint}" for n in range(1, 11)]
    assert faults[10:] == ["a.trn: reading stopped after 10 faults"]


def test_faults_come_together(write: Callable[..., Path]) -> None:
    text = message(write("a.trn", "a (1)\nb\nc (2)\nd ()\n"))
    assert text == (
        "a.trn:2: has no id in parentheses at its end; a TRN line is `words (id)`\n"
        "a.trn:4: has an empty id; a TRN line is `words (id)`"
    )


def test_the_collector_is_left_as_it_was(write: Callable[..., Path]) -> None:
    path = write("a.trn", "a\n")
    message(path)
    assert gc.isenabled()
    gc.disable()
    try:
        message(path)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_id_used_twice(write: Callable[..., Path]) -> None:
    text = message(write("a.trn", ";; c\na (1)\nb (1)\n"))
    assert text == "a.trn:3: id '1' is used twice; first in line 2"


def test_ten_megabytes_in_one_line(write: Callable[..., Path]) -> None:
    words = " ".join(["WORT"] * 2_000_000)
    for name, content in [
        ("a.stm", f"r 1 s 0 1 {words}\n"),
        ("a.trn", f"{words} (r)\n"),
        ("a.txt", f"r|{words}\n"),
        ("a.csv", f"id,gloss\nr,{words}\n"),
        ("b.csv", f'id,gloss\nr,"{words}"\n'),
        ("a.jsonl", json.dumps({"id": "r", "text": words})),
    ]:
        assert pairs(read(write(name, content))) == {"r": words}


# Which format


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.stm", "r 1 s 0 1 a", "stm"),
        ("a.STM", "r 1 s 0 1 a", "stm"),
        ("a.ctm", "r 1 0 1 a", "ctm"),
        ("a.trn", "a (r)", "trn"),
        ("a.csv", "id,gloss\nr,a", "csv"),
        ("a.tsv", "id\tgloss\nr\ta", "csv"),
        ("a.psv", "id|gloss\nr|a", "csv"),
        ("a.jsonl", '{"id": "r", "text": "a"}', "jsonl"),
        ("a.ndjson", '{"id": "r", "text": "a"}', "jsonl"),
        ("a.json", '{"id": "r", "text": "a"}', "jsonl"),
        ("dev.corpus.csv", "id|folder|signer|annotation\nr|f|s|a", "corpus"),
        ("dev.Corpus.CSV", "id|folder|signer|annotation\nr|f|s|a", "corpus"),
        ("a.txt", "\nr|a", "id"),
        ("a.out", "r|a", "id"),
        ("a", 'r|a "b"', "id"),
        ("a.txt", "id|gloss\nr|a", "csv"),
        ("a.txt", "\nName;Gloss;x\nr;a;1", "csv"),
        ("a.out", '"id"\t"gloss"\nr\ta', "csv"),
        ("a.out", '{"id": "r", "text": "a"}', "jsonl"),
        ("a.txt", "a b\nr|a", "lines"),
        ("a.out", "{ a / b } c", "lines"),
        ("a.txt", "\n\n", "lines"),
    ],
)
def test_the_format_is_found(write: Callable[..., Path], name: str, content: str, format: str) -> None:
    found = read(write(name, content))
    assert found.format == format
    assert found.source == name
    if format != "lines":
        assert found.ids == ("r",)
        assert found.texts[0].startswith("a")


def test_a_named_format_goes_before_the_ending(write: Callable[..., Path]) -> None:
    path = write("a.stm", "a b (r)\n")
    assert pairs(read(path, "trn")) == {"r": "a b"}
    assert pairs(read(path, "lines")) == {"1": "a b (r)"}
    assert read(write("b.txt", "id|gloss\nr|a"), "id").format == "csv"


def test_a_format_that_is_not_known(write: Callable[..., Path]) -> None:
    assert message(Path("a.stm"), "json") == "--format: there is no format `json`; did you mean `jsonl`?"
    assert message(Path("a.stm"), "zzz") == (
        "--format: there is no format `zzz`; one of " + ", ".join(f"`{name}`" for name in FORMATS)
    )
    with pytest.raises(UserError, match="^--reference-format: there is no format `tr`; did you mean `trn`"):
        read_pair(Path("a.stm"), [], reference_format="tr")


def test_a_column_of_a_format_without_columns(write: Callable[..., Path]) -> None:
    path = write("a.trn", "a (r)\n")
    text = "a file of the format trn has no columns; leave the option out"
    assert message(path, column="gloss") == f"--column: {text}"
    for option in ("column", "reference_column"):
        with pytest.raises(UserError) as caught:
            read_pair(path, [path], **{option: "gloss"})
        assert str(caught.value) == f"--{option.replace('_', '-')}: {text}"


# STM


def test_stm(write: Callable[..., Path]) -> None:
    path = write(
        "a.stm",
        ";; a comment\n** another\n\nr1 1 s1 0.0 1.79769e+308 A  B\tC \nr2\tA s2 1.50 2 <o,f0> D\n"
        "r3 1 s1 0 0 <o>\nr4 1 s1 2 3\nr5 1 s1 2 3 <unk> X <y>\n",
    )
    found = read(path)
    assert pairs(found) == {"r1": "A  B\tC", "r2": "D", "r3": "", "r4": "", "r5": "X <y>"}
    assert found.signers == ("s1", "s2", "s1", "s1", "s1")
    assert list(found.lines) == [4, 5, 6, 7, 8]
    assert found.segments == (
        Segment("r1", "1", 0.0, INFINITY),
        Segment("r2", "A", 1.5, 2.0),
        Segment("r3", "1", 0.0, 0.0),
        Segment("r4", "1", 2.0, 3.0),
        Segment("r5", "1", 2.0, 3.0),
    )


def test_segments_of_one_recording_are_named_by_their_times(write: Callable[..., Path]) -> None:
    found = read(write("a.stm", "r 1 s 0.0 1.50 A\nr 1 s 1.50 3 B\nq 2 s 0 1 C\n"))
    assert pairs(found) == {"r-1-0.0-1.50": "A", "r-1-1.50-3": "B", "q-2-0-1": "C"}


def test_labels_that_look_like_words_are_noted(write: Callable[..., Path]) -> None:
    lines = "w1 1 a 0 1 <o,f0,male> A\nw2 1 a 0 1 <NA> B\nw3 1 a 0 1 <unk> C\nw4 1 a 0 1 <LACHT>\n"
    found = read(write("a.stm", lines))
    assert found.texts == ("A", "B", "C", "")
    assert found.notes == (
        "a.stm: 2 segments begin with a word in <…>, which an STM takes as labels of the segment, as sclite "
        "does, and not as a word: <unk> in line 3, <LACHT> in line 4",
    )
    assert read(write("b.stm", "w1 1 a 0 1 <o> A <unk>\n")).notes == ()


@pytest.mark.parametrize("mark", ["IGNORE_TIME_SEGMENT_IN_SCORING", "x ignoretimesegmentinscoring y"])
def test_ignored_segments_are_left_out(write: Callable[..., Path], mark: str) -> None:
    path = write("a.stm", f"p 1 s 0 1 IGNORE ignore\nq 1 t 0 1 {mark}\nr 1 u 0 1 B\n")
    found = read(path)
    assert pairs(found) == {"p": "IGNORE ignore", "r": "B"}
    assert (found.signers, list(found.lines)) == (("s", "u"), [1, 3])
    assert found.segments == (Segment("p", "1", 0.0, 1.0), Segment("r", "1", 0.0, 1.0))
    other = write("a.trn", "x (p)\ny (q)\nz (r)\n")
    reference, (hypothesis,) = read_pair(path, [other])
    assert (pairs(reference), pairs(hypothesis)) == (pairs(found), {"p": "x", "r": "z"})
    assert reference.notes == (
        "a.stm: 1 segment is left out of scoring, with the words in that time, as "
        "IGNORE_TIME_SEGMENT_IN_SCORING says (q)",
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("r\n", "a.stm:1: has 1 field; an STM line is `recording channel speaker begin end words`"),
        ("\nr 1 s 0\n", "a.stm:2: has 4 fields; an STM line is `recording channel speaker begin end words`"),
        ("r 1 s x 1 A\n", "a.stm:1: the begin 'x' is not a time in seconds"),
        ("r 1 s 0 A B\n", "a.stm:1: the end 'A' is not a time in seconds"),
        ("r 1 s nan 1 A\n", "a.stm:1: the begin 'nan' is not a time in seconds"),
        ("r 1 s 0 1_0 A\n", "a.stm:1: the end '1_0' is not a time in seconds"),
        ("r 1 s 2.5 1 A\n", "a.stm:1: the end 1 lies before the begin 2.5"),
        (";; nothing\n", "a.stm: has no segments"),
        ("r 1 s 0 1 IGNORE_TIME_SEGMENT_IN_SCORING\n", "a.stm: every segment is one that is not scored; "
                                                      "see IGNORE_TIME_SEGMENT_IN_SCORING"),
        ("r 1 s 0 1 A\nr 1 s 0 1 B\n", "a.stm:2: id 'r-1-0-1' is used twice; first in line 1"),
    ],
)  # fmt: skip
def test_faults_of_an_stm(write: Callable[..., Path], content: str, expected: str) -> None:
    assert message(write("a.stm", content)) == expected


def test_an_stm_as_hypothesis_may_write_its_times_otherwise(write: Callable[..., Path]) -> None:
    reference = write("r.stm", "r 1 s 0.0 1.0 A\nr 1 s 1.0 1.79769e+308 B\n")
    hypothesis = write("h.stm", "r 1 x 0 1 C\nr 1 x 1 1e39 D\n")
    same = write("s.stm", "r 1 x 1.0 1.79769e+308 E\nr 1 x 0.0 1.0 F\n")
    other = write("o.stm", "r 1 x 0 2 G\n")
    found, (first, second, third) = read_pair(reference, [hypothesis, same, other])
    assert pairs(first) == {"r-1-0.0-1.0": "C", "r-1-1.0-1.79769e+308": "D"}
    assert pairs(second) == {"r-1-1.0-1.79769e+308": "E", "r-1-0.0-1.0": "F"}
    assert pairs(third) == {"r": "G"}
    assert found.ids == first.ids


# TRN


def test_trn(write: Callable[..., Path]) -> None:
    path = write("a.trn", "A (B) C (s1-001)\n;; c\n** c\n\t\n (a_b-c)\n(x_1) \nD( y )\t\n")
    found = read(path)
    assert pairs(found) == {"s1-001": "A (B) C", "a_b-c": "", "x_1": "", "y": "D"}
    assert found.signers == ("s1", "a_b", "x", "")
    assert list(found.lines) == [1, 5, 6, 7]
    assert read(write("b.trn", "A (1)\nB (2)\n")).signers == ()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("A B", "has no id in parentheses at its end"),
        ("A )1(", "has no id in parentheses at its end"),
        ("A (1", "has no id in parentheses at its end"),
        ("A 1)", "has no id in parentheses at its end"),
        ("A ()", "has an empty id"),
        ("A (1) B", "goes on after its id"),
    ],
)
def test_faults_of_a_trn(write: Callable[..., Path], content: str, what: str) -> None:
    assert message(write("a.trn", f"X (0)\n{content}\n")) == f"a.trn:2: {what}; a TRN line is `words (id)`"
    assert message(write("a.trn", ";; c\n")) == "a.trn: has no utterances"


# id|words


def test_id(write: Callable[..., Path]) -> None:
    found = read(write("a.txt", "r1|A B \n\nr2|\n r3 | C\n"))
    assert (pairs(found), list(found.lines)) == ({"r1": "A B", "r2": "", "r3": "C"}, [1, 3, 4])
    assert found.signers == ()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("A B", "has no `|`; a line is `id|words`"),
        (" |A", "has an empty id; a line is `id|words`"),
        ("r|s|A", "has 3 fields; a line is `id|words`; more columns need a header"),
    ],
)
def test_faults_of_an_id_file(write: Callable[..., Path], content: str, what: str) -> None:
    assert message(write("a.txt", f"0|X\n{content}\n")) == f"a.txt:2: {what}"
    assert message(write("a.txt", "\n"), "id") == "a.txt: has no utterances"
