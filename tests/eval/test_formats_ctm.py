"""Words with times, given to the segments of a reference as sclite gives them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signkit.errors import UserError
from signkit.eval.formats import read, read_pair
from signkit.eval.transcripts import Transcripts

LINE = "a CTM line is `recording channel begin duration word [confidence]`"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Writes a file into the working folder."""
    monkeypatch.chdir(tmp_path)

    def put(name: str, content: str) -> Path:
        Path(name).write_bytes(content.encode())
        return Path(name)

    return put


def pairs(found: Transcripts) -> dict[str, str]:
    return dict(zip(found.ids, found.texts, strict=True))


def cut(write: Callable[[str, str], Path], stm: str, ctm: str) -> list[str]:
    """The texts of the segments, in the order of the reference."""
    reference, (hypothesis,) = read_pair(write("r.stm", stm), [write("h.ctm", ctm)])
    assert hypothesis.ids == tuple(name for name in reference.ids if name in hypothesis.index)
    return list(hypothesis.texts)


def test_ctm_alone(write: Callable[[str, str], Path]) -> None:
    found = read(
        write("a.ctm", ";; c\n; c\n\nq 1 0.5 0.1 B 0.9\nr 1 0 1 C NA\nq 1 0.2 0.1 A -1.5\n q 1 1 0 D\n")
    )
    assert pairs(found) == {"q": "A B D", "r": "C"}
    assert (found.a_word_a_line, found.format, found.signers) == (True, "ctm", ())
    assert list(found.lines) == [6, 5]


def test_channels_of_one_recording_are_utterances(write: Callable[[str, str], Path]) -> None:
    found = read(write("a.ctm", "q 1 0 1 A\nq 2 0 1 B\nr 1 0 1 C 1 lex spk\n"))
    assert pairs(found) == {"q-1": "A", "q-2": "B", "r-1": "C"}


def test_the_middle_decides(write: Callable[[str, str], Path]) -> None:
    """A middle at the end of a segment is of the next; what lies between two is of the second."""
    stm = "r 1 s 0 1 x\nr 1 s 1 2 x\nr 1 s 3 4 x\n"
    ctm = "r 1 0.8 0.3 A\nr 1 0.9 0.2 B\nr 1 2.4 0.1 C\nr 1 9 1 D\n"
    assert cut(write, stm, ctm) == ["A", "B", "C D"]


def test_the_last_segment_takes_what_is_left(write: Callable[[str, str], Path]) -> None:
    assert cut(write, "r 1 s 5 6 x\n", "r 1 0 1 A\nr 1 7 1 B\n") == ["A B"]


def test_no_segment_is_gone_back_to(write: Callable[[str, str], Path]) -> None:
    stm = "r 1 s 0 1 x\nr 1 s 1 2 x\nr 1 s 2 3 x\n"
    assert cut(write, stm, "r 1 0 3 A\nr 1 0.1 0.1 B\nr 1 2.5 0.1 C\n") == ["", "A B", "C"]


def test_an_end_is_a_32_bit_float(write: Callable[[str, str], Path]) -> None:
    """0.1 is more in 32 bits than in 64, 0.3 too; 0.7 is less."""
    assert float(np.float32(0.1)) > 0.1 and float(np.float32(0.7)) < 0.7
    assert cut(write, "r 1 s 0 0.1 x\nr 1 s 0.1 1 x\n", "r 1 0.1 0 A\n") == ["A", ""]
    assert cut(write, "r 1 s 0 0.7 x\nr 1 s 0.7 1 x\n", "r 1 0.69999999 0 A\n") == ["", "A"]


def test_an_ignored_segment_takes_its_words_along(write: Callable[[str, str], Path]) -> None:
    stm = "r 1 s 0 1 x\nr 1 s 1 2 IGNORE_TIME_SEGMENT_IN_SCORING\nr 1 s 2 3 y\n"
    assert cut(write, stm, "r 1 0 1 A\nr 1 1 1 B\nr 1 2 1 C\n") == ["A", "C"]


def test_the_order_of_recordings_does_not_matter(write: Callable[[str, str], Path]) -> None:
    stm = "b 1 s 0 1 x\na 2 s 0 1 x\na 1 s 0 1 x\n"
    assert cut(write, stm, "a 1 0 1 A\na 2 0 1 B\nb 1 0 1 C\n") == ["C", "B", "A"]


def test_scattered_tracks_are_taken_in_order_of_time(write: Callable[[str, str], Path]) -> None:
    ctm = "a 1 1.5 0.1 B\nb 1 2 1 D\nb 1 0 1 E\na 1 0.5 0.1 A\n"
    stm = "a 1 s 1 2 x\nb 1 s 0 1 x\na 1 s 0 1 x\n"
    assert cut(write, stm, ctm) == ["B", "D E", "A"]


def test_a_recording_without_words_is_left_to_the_comparison(write: Callable[[str, str], Path]) -> None:
    """A segment without words is empty where its recording has some."""
    stm, ctm = "a 1 s 0 1 x\nb 1 s 0 1 x\nb 1 s 1 2 x\n", "b 1 1.5 0.1 A\n"
    reference, (hypothesis,) = read_pair(write("r.stm", stm), [write("h.ctm", ctm)])
    assert reference.ids == ("a-1-0-1", "b-1-0-1", "b-1-1-2")
    assert pairs(hypothesis) == {"b-1-0-1": "", "b-1-1-2": "A"}
    assert list(hypothesis.lines) == [1, 1]
    assert (hypothesis.a_word_a_line, hypothesis.segments) == (True, ())


def test_a_reference_without_times(write: Callable[[str, str], Path]) -> None:
    trn, ctm = write("r.trn", "x (a)\ny (b)\n"), write("h", "b 1 1 0 B\nb 1 0 0 A\n")
    reference, (hypothesis,) = read_pair(trn, [ctm], format="ctm")
    assert (reference.format, pairs(reference)) == ("trn", {"a": "x", "b": "y"})
    assert pairs(hypothesis) == {"b": "A B"}


def expected(segments: list[tuple[float, float]], words: list[tuple[float, float]]) -> list[list[int]]:
    """The rule as it is told, word by word."""
    found: list[list[int]] = [[] for _ in segments]
    place = 0
    for number, (begin, duration) in enumerate(words):
        while place < len(segments) - 1 and begin + duration / 2 >= np.float32(segments[place][1]):
            place += 1
        found[place].append(number)
    return found


ticks = st.integers(0, 12).map(lambda tick: tick / 4)
segment_lists = st.lists(
    st.tuples(ticks, ticks).map(lambda two: (min(two), max(two))), min_size=1, max_size=5, unique=True
)
tracks = st.tuples(segment_lists, st.lists(st.tuples(ticks, ticks), min_size=1, max_size=8))


@given(st.lists(tracks, min_size=1, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_words_go_where_the_rule_says(
    tmp_path: Path, data: list[tuple[list[tuple[float, float]], list[tuple[float, float]]]]
) -> None:
    """Also where words and segments overlap or stand out of order."""
    stm, ctm, wanted = [], [], []
    for track, (segments, words) in enumerate(data):
        name = f"r{track // 2} {track % 2}"
        stm += [f"{name} s {begin} {end} x\n" for begin, end in segments]
        ctm += [f"{name} {begin} {duration} {track}.{n}\n" for n, (begin, duration) in enumerate(words)]
        wanted += [" ".join(f"{track}.{n}" for n in place) for place in expected(segments, words)]
    (tmp_path / "r.stm").write_text("".join(stm))
    (tmp_path / "h.ctm").write_text("".join(ctm))
    _, (hypothesis,) = read_pair(tmp_path / "r.stm", [tmp_path / "h.ctm"])
    assert list(hypothesis.texts) == wanted


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("r\n", f"h.ctm:1: has 1 field; {LINE}"),
        ("\nr 1 0 1\n", f"h.ctm:2: has 4 fields; {LINE}"),
        ("r 1 x 1 A\n", "h.ctm:1: the begin 'x' is not a time in seconds"),
        ("r 1 0 nan A\n", "h.ctm:1: a time is not finite; " + LINE),
        ("r 1 inf 0 A\n", "h.ctm:1: a time is not finite; " + LINE),
        ("r 1 0 1 A B\n", f"h.ctm:1: 'B' is no confidence; {LINE}"),
        ("r 1 0 1 A\nr 1 * * <alt_begin>\n", "h.ctm:2: <ALT_BEGIN> has no <ALT_END>"),
        ("r 1 * * <ALT>\nr 1 0 1 A\n", "h.ctm:1: <ALT> follows no <ALT_BEGIN>"),
        ("r 1 * * <ALT_BEGIN>\nr 1 * * <ALT_BEGIN>\nr 1 * * <ALT_END>\n",
         "h.ctm:2: <ALT_BEGIN> stands inside alternatives, which begin in line 1"),
        ("r 1 * * <ALT_BEGIN>\nr 1 * * <ALT>\nr 1 0 1 A\nr 1 * * <ALT_END>\n",
         "h.ctm:2: an alternative is empty; write `@` where there may be no word"),
        ("r 1 * * <ALT_BEGIN>\nq 1 0 1 A\nr 1 * * <ALT_END>\n",
         "h.ctm:2: q 1 stands inside alternatives of r 1"),
        ("r 1 * * <ALT_BEGIN>\nr 1 0 1 A/B\nr 1 * * <ALT_END>\n",
         "h.ctm:2: the word 'A/B' cannot stand in alternatives"),
        ("r 1 0 1 {\nr 1 * * <ALT_BEGIN>\nr 1 0 1 A\nr 1 * * <ALT_END>\n",
         "h.ctm:1: the word '{' cannot stand in a file with alternatives"),
        ("r 1 0 1 A\nq 1 0 1 A\n", "h.ctm:2: the reference has no recording 'q'"),
        ("r 2 0 1 A\n", "h.ctm:1: the reference has no channel '2' of the recording 'r'; it has '1'"),
        ("recordin 1 0 1 A\n", "h.ctm:1: the reference has no recording 'recordin'; "
                               "did you mean 'recording'?"),
    ],
)  # fmt: skip
def test_faults_of_a_ctm(write: Callable[[str, str], Path], content: str, expected: str) -> None:
    stm = write("r.stm", "r 1 s 0 1 x\nrecording 1 s 0 1 x\n")
    with pytest.raises(UserError) as caught:
        read_pair(stm, [write("h.ctm", content)])
    assert str(caught.value) == expected


ALTERNATIVES = """\
r 1 0.0 0.1 X
r 1 * * <alt_begin>
r 1 0.1 0.2 A
r 1 0.4 0.2 B
r 1 * * <alt>
r 1 0.1 0.2 C 0.9
r 1 * * <alt>
r 1 * * <alt_end>
r 1 2.5 0.2 D
"""


def test_alternatives(write: Callable[[str, str], Path]) -> None:
    stm = "r 1 s 0 2 x\nr 1 s 2 3 x\n"
    assert cut(write, stm, ALTERNATIVES) == ["X { A B / C / @ }", "D"]
    found = read(write("a.ctm", ALTERNATIVES))
    assert (pairs(found), found.with_alternatives) == ({"r": "X { A B / C / @ } D"}, True)
    assert read(write("b.ctm", "r 1 0 1 {\n")).with_alternatives is False


def test_alternatives_stay_together(write: Callable[[str, str], Path]) -> None:
    """The latest middle of a word in them decides, as in sclite."""
    late = ALTERNATIVES.replace("0.4 0.2 B", "2.4 0.2 B")
    assert cut(write, "r 1 s 0 2 x\nr 1 s 2 3 x\n", late) == ["X", "{ A B / C / @ } D"]


def test_recordings_and_channels_are_compared_without_the_case_of_a_to_z(
    write: Callable[[str, str], Path],
) -> None:
    stm = "Week 1a s 0 1 x\nWEEK 1A s 1 2 x\nweek 1b s 0 2 x\n"
    ctm = "wEEK 1A 0.5 0 A\nweek 1a 1.5 0 B\nweek 1B 0.5 0 C\n"
    assert cut(write, stm, ctm) == ["A", "B", "C"]
    with pytest.raises(UserError, match="^h.ctm:1: the reference has no recording 'ä'$"):
        cut(write, "Ä 1 s 0 1 x\n", "ä 1 0 1 A\n")


def test_signers_that_overlap_on_a_channel_are_noted(write: Callable[[str, str], Path]) -> None:
    ctm = write("h.ctm", "w 1 0.1 0.2 A\nw 1 1.5 0.1 C\nw 1 2 0.2 B\nw 1 3.2 0.2 D\n")
    _, (found,) = read_pair(write("r.stm", "w 1 a 0 3 A B\nw 1 b 1 4 C D\n"), [ctm])
    assert found.texts == ("A C B", "D")
    assert found.notes == (
        "r.stm: on channel '1' of 'w' segments of several signers overlap: a word goes to the first of "
        "them that ends after its middle, as in sclite, whoever signed it",
    )
    for apart in ("w 1 a 0 3 A B\nw 1 a 1 4 C D\n", "w 1 a 0 1 A B\nw 1 b 1 4 C D\n"):
        assert read_pair(write("r.stm", apart), [ctm])[1][0].notes == ()


def test_a_word_like_a_label_is_a_word(write: Callable[[str, str], Path]) -> None:
    assert pairs(read(write("a.ctm", "r 1 0 1 <unk> 0.5\n"))) == {"r": "<unk>"}


def test_times_that_are_no_seconds(write: Callable[[str, str], Path]) -> None:
    stm = write("r.stm", "q 1 s 0 3 A B\nq 1 s 3 6 C\n")
    far = (
        "h.ctm: {} of 3 words lie more than 1 s outside every segment of the reference; are the times in "
        "seconds? They are given to the first or last one, as by sclite"
    )
    for times, notes in (
        (("500", "1500", "4500"), (far.format(3),)),
        (("3", "25", "90"), (far.format(2),)),
        (("0.5", "1.5", "6.5"), ()),
        (("0", "0", "0"), ("h.ctm: the times of all 3 words are 0, so no segment can be told",)),
    ):
        rows = "".join(f"q 1 {time} 0 {word}\n" for time, word in zip(times, "ABC", strict=True))
        _, (found,) = read_pair(stm, [write("h.ctm", rows)])
        assert found.notes == notes


@pytest.mark.parametrize(
    ("stm", "ctm", "expected"),
    [
        (
            "r 1 s 0 1 x\nr 1 s 3 4 x\n",
            "r 1 0.5 0 A\nr 1 2 0 B\nr 1 3.5 0 C\n",
            "1 word lies {} ('B' in line 2): it is",
        ),
        # of two recordings, in the file's order; at an edge a word is in its segment
        (
            "r 1 s 0 1 x\nr 1 s 3 4 x\nq 1 s 0 1 x\nq 1 s 1.5 2 x\n",
            "q 1 1.2 0 Q\nr 1 1 0 A\nr 1 3 0 B\nr 1 1.5 0.4 C\n",
            "2 words lie {} ('Q' in line 1): they are",
        ),
        # covered by an overlapping segment, or by one that comes later in the file
        ("r 1 s 0 4 x\nr 1 s 1 2 x\nr 1 s 5 6 x\n", "r 1 3 0 A\n", ""),
        ("r 1 s 5 6 x\nr 1 s 2 4 x\nr 1 s 0 1 x\n", "r 1 3 0 A\n", ""),
        # before the first and after the last; between segments that touch, whose ends sclite rounds
        ("r 1 s 1 2 x\nr 1 s 3 4 x\n", "r 1 0.5 0 A\nr 1 4.5 0 B\n", ""),
        ("r 1 s 0 3.3 x\nr 1 s 3.3 4 x\n", "r 1 3.29999998 0 A\nr 1 3.3 0 B\n", ""),
        # another channel, and no times at all
        ("r 1 s 0 1 x\nr 1 s 3 4 x\nr 2 s 0 4 x\n", "r 2 2 0 A\n", ""),
    ],
)  # fmt: skip
def test_words_between_segments_are_counted(
    write: Callable[[str, str], Path], stm: str, ctm: str, expected: str
) -> None:
    _, (hypothesis,) = read_pair(write("r.stm", stm), [write("h.ctm", ctm)])
    what = expected.format("between segments of the reference, in none of them")
    rule = "given to the segment that follows, as by sclite"
    assert hypothesis.notes == ((f"h.ctm: {what} {rule}",) if expected else ())


@given(st.lists(tracks, min_size=1, max_size=3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_words_between_segments_are_those_in_no_segment(
    tmp_path: Path, data: list[tuple[list[tuple[float, float]], list[tuple[float, float]]]]
) -> None:
    stm, ctm, wanted = [], [], 0
    for track, (segments, words) in enumerate(data):
        stm += [f"r{track} 1 s {begin} {end} x\n" for begin, end in segments]
        ctm += [f"r{track} 1 {begin} {duration} w\n" for begin, duration in words]
        first, last = min(begin for begin, _ in segments), max(end for _, end in segments)
        for middle in (begin + duration / 2 for begin, duration in words):
            inside = any(begin <= middle <= end for begin, end in segments)
            wanted += first <= middle <= last and not inside
    (tmp_path / "r.stm").write_text("".join(stm))
    (tmp_path / "h.ctm").write_text("".join(ctm))
    _, (hypothesis,) = read_pair(tmp_path / "r.stm", [tmp_path / "h.ctm"])
    if any(begin + duration for _, words in data for begin, duration in words):
        notes = [note for note in hypothesis.notes if "between segments" in note]
        assert [int(note.split()[1]) for note in notes] == ([wanted] if wanted else [])
