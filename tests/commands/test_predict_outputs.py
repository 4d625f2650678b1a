"""What `signkit predict` writes of times: spans of glosses, WebVTT, ELAN's files; and what it replaces."""

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signkit.commands.predict.named import Input
from signkit.commands.predict.options import Outputs
from signkit.commands.predict.outputs import check_outputs
from signkit.commands.predict.verb import _print_table as print_table
from signkit.data.corpora.media import Numbers
from signkit.errors import UserError
from signkit.report.clips.captions import srt, web_vtt
from signkit.report.clips.cues import LONGEST, Cue, cues, in_one_line, moved
from signkit.report.clips.elan import eaf
from signkit.types import Hypothesis, Label, Prediction

TOKENS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
CUES = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 4_000_000), TOKENS, st.floats(0, 1)), max_size=6)


def spoken(*times: float, sure: bool = True) -> Hypothesis:
    """A hypothesis of the tokens a, b, … at these times."""
    tokens = tuple("abcdefghijklmnopqrstuvwxyz"[: len(times)])
    return Hypothesis("clip", tokens, " ".join(tokens), -1.0, times, (0.5,) * len(times) * sure)


def laid_out(rows: list[tuple[int, int, str, float]]) -> list[Cue]:
    """Cues one after another, from gaps, lengths, glosses and confidences."""
    found, free = [], 0
    for gap, length, gloss, sure in rows:
        found.append(Cue(free + gap, free + gap + length, gloss, sure))
        free += gap + length
    return found


def test_a_cue_ends_at_the_next_gloss_after_a_second_or_with_the_clip() -> None:
    found = cues(spoken(0.04, 0.2, 2.0, 3.16), 3.4)
    assert [(cue.start, cue.end) for cue in found] == [(40, 200), (200, 1200), (2000, 3000), (3160, 3400)]
    assert [(cue.gloss, cue.confidence) for cue in found] == [("a", 0.5), ("b", 0.5), ("c", 0.5), ("d", 0.5)]
    assert [cue.confidence for cue in cues(spoken(0.1, sure=False), 1.0)] == [None]
    assert cues(spoken(), 3.4) == ()


def test_a_cue_of_a_gloss_whose_end_is_known_is_its_segment() -> None:
    """Also one of more than a second; one that is over at once lasts a millisecond."""
    found = cues(replace(spoken(0.04, 0.2, 2.0), ends=(0.12, 1.9, 2.0)), 3.4)
    assert [(cue.start, cue.end) for cue in found] == [(40, 120), (200, 1900), (2000, 2001)]
    assert [(cue.gloss, cue.confidence) for cue in found] == [("a", 0.5), ("b", 0.5), ("c", 0.5)]


def test_tokens_of_one_time_share_its_span() -> None:
    found = cues(spoken(0.1, 0.1, 0.1, 0.2, 0.2), 9.0)
    spans = [(cue.start, cue.end) for cue in found]
    assert spans == [(100, 133), (133, 166), (166, 200), (200, 1200), (1200, 2200)]


@given(st.lists(st.integers(0, 400), max_size=9), st.integers(0, 400))
def test_cues_never_overlap_and_keep_their_times(steps: list[int], rest: int) -> None:
    """Times of frames of 10 ms; the clip ends with the last frame or later."""
    frames = np.cumsum(steps) // 10 * 10
    seconds = (float(frames[-1]) if steps else 0) / 1000 + (rest + 10) / 1000
    found = cues(spoken(*(float(frame) / 1000 for frame in frames)), seconds)
    assert [cue.gloss for cue in found] == list("abcdefghi"[: len(steps)])
    assert all(1 <= cue.end - cue.start <= LONGEST for cue in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(cue.end <= round(1000 * seconds) for cue in found)
    assert {cue.start for cue in found} >= {*frames.tolist()}


def test_web_vtt() -> None:
    found = web_vtt([Cue(40, 1040, "A<B>&C", 0.5), Cue(3_723_004, 3_724_000, "-->", None)])
    assert found == (
        "WEBVTT\n\n1\n00:00:00.040 --> 00:00:01.040\nA&lt;B&gt;&amp;C\n\n"
        "2\n01:02:03.004 --> 01:02:04.000\n--&gt;\n"
    )
    assert web_vtt([]) == "WEBVTT\n"


@given(CUES)
def test_web_vtt_reads_back(rows: list[tuple[int, int, str, float]]) -> None:
    """Blocks are divided by empty lines alone, and an arrow is in the lines of times alone."""
    given = laid_out(rows)
    blocks = re.split(r"\n\n", web_vtt(given).removesuffix("\n"))
    assert blocks[0] == "WEBVTT"
    for number, (block, cue) in enumerate(zip(blocks[1:], given, strict=True), 1):
        name, times, text = block.split("\n")
        assert name == str(number) and "-->" not in text and not {"\0", "\r"} & {*text}
        start, end = (60_000 * int(t[:-10]) * 60 + 60_000 * int(t[-9:-7]) + round(1000 * float(t[-6:]))
                      for t in times.split(" --> "))  # fmt: skip
        assert (start, end) == (cue.start, cue.end)
        plain = re.sub("[\r\n]", " ", cue.gloss.replace("\0", "\ufffd"))
        assert re.fullmatch(r"(?:[^&<>]|&amp;|&lt;|&gt;)*", text)
        assert text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == plain


def test_srt() -> None:
    """Numbers, commas in times, and the ends of lines that televisions expect."""
    found = srt([Cue(40, 1040, "ÄPFEL A<B>&C", 0.5), Cue(3_723_004, 3_724_000, "a-->b\nc", None)])
    assert found == (
        "1\r\n00:00:00,040 --> 00:00:01,040\r\nÄPFEL A<B>&C\r\n\r\n"
        "2\r\n01:02:03,004 --> 01:02:04,000\r\na->b c\r\n\r\n"
    )
    assert srt([]) == ""


@given(CUES)
def test_srt_reads_back(rows: list[tuple[int, int, str, float]]) -> None:
    given = laid_out(rows)
    blocks = srt(given).split("\r\n\r\n")[:-1] if given else []
    for number, (block, cue) in enumerate(zip(blocks, given, strict=True), 1):
        name, times, *_ = block.split("\r\n")
        start, end = (
            3_600_000 * int(t[:-10]) + 60_000 * int(t[-9:-7]) + 1000 * int(t[-6:-4]) + int(t[-3:])
            for t in times.split(" --> ")
        )
        assert (name, start, end, block.count("-->")) == (str(number), cue.start, cue.end, 1)


CHILDREN = ("HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "CONSTRAINT")
"""Of the document, in this order (EAFv3.0.xsd)."""
ATTRIBUTES = {
    "ANNOTATION_DOCUMENT": {"AUTHOR", "DATE", "FORMAT", "VERSION"},
    "HEADER": {"MEDIA_FILE", "TIME_UNITS"},
    "MEDIA_DESCRIPTOR": {"MEDIA_URL", "MIME_TYPE", "RELATIVE_MEDIA_URL"},
    "PROPERTY": {"NAME"},
    "TIME_ORDER": set(),
    "TIME_SLOT": {"TIME_SLOT_ID", "TIME_VALUE"},
    "TIER": {"TIER_ID", "LINGUISTIC_TYPE_REF"},
    "ANNOTATION": set(),
    "ALIGNABLE_ANNOTATION": {"ANNOTATION_ID", "TIME_SLOT_REF1", "TIME_SLOT_REF2"},
    "REF_ANNOTATION": {"ANNOTATION_ID", "ANNOTATION_REF"},
    "ANNOTATION_VALUE": set(),
    "LINGUISTIC_TYPE": {"LINGUISTIC_TYPE_ID", "TIME_ALIGNABLE", "GRAPHIC_REFERENCES"},
    "CONSTRAINT": {"STEREOTYPE", "DESCRIPTION"},
}
"""All that the schema demands and that is written, beside those of one element in `MORE`."""
MORE = {"PARENT_REF", "CONSTRAINTS", "{http://www.w3.org/2001/XMLSchema-instance}noNamespaceSchemaLocation"}


def read_eaf(content: bytes) -> tuple[ElementTree.Element, list[tuple[int, int, str, str]]]:
    """A file by the rules of its schema: start, end, gloss and confidence of each annotation."""
    root = ElementTree.fromstring(content)
    assert root.tag == "ANNOTATION_DOCUMENT"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", root.attrib["DATE"])
    places = [CHILDREN.index(child.tag) for child in root]
    assert places == sorted(places) and places.count(0) == places.count(1) == 1
    for element in root.iter():
        assert ATTRIBUTES[element.tag] == set(element.attrib) - MORE, element.tag
    ids = [element.attrib[name] for element in root.iter() for name in ("TIME_SLOT_ID", "ANNOTATION_ID")
           if name in element.attrib]  # fmt: skip
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[a-z]+\d+", name) for name in ids)
    types = {each.attrib["LINGUISTIC_TYPE_ID"]: each.attrib for each in root.findall("LINGUISTIC_TYPE")}
    assert {each.get("CONSTRAINTS") for each in types.values()} - {None} <= {
        each.attrib["STEREOTYPE"] for each in root.findall("CONSTRAINT")
    }
    glosses, confidence = root.findall("TIER")
    assert (glosses.attrib["TIER_ID"], confidence.attrib["PARENT_REF"]) == ("glosses", "glosses")
    assert types[glosses.attrib["LINGUISTIC_TYPE_REF"]]["TIME_ALIGNABLE"] == "true"
    kind = types[confidence.attrib["LINGUISTIC_TYPE_REF"]]
    assert (kind["TIME_ALIGNABLE"], kind["CONSTRAINTS"]) == ("false", "Symbolic_Association")
    slots = {s.attrib["TIME_SLOT_ID"]: int(s.attrib["TIME_VALUE"]) for s in root.iter("TIME_SLOT")}
    sure = {r.attrib["ANNOTATION_REF"]: r[0].text or "" for r in confidence.iter("REF_ANNOTATION")}
    rows = [
        (
            slots[a.attrib["TIME_SLOT_REF1"]],
            slots[a.attrib["TIME_SLOT_REF2"]],
            a[0].text or "",
            sure.pop(a.attrib["ANNOTATION_ID"], ""),
        )
        for a in glosses.iter("ALIGNABLE_ANNOTATION")
    ]
    assert not sure
    numbers = [int(name[1:]) for name in ids if name.startswith("a")]
    assert root[0][-1].text == str(max(numbers, default=0))
    return root, rows


@given(CUES)
def test_elans_file_reads_back(rows: list[tuple[int, int, str, float]]) -> None:
    given = laid_out(rows)
    _, found = read_eaf(eaf(given, None, Path("out")))
    for row, cue in zip(found, given, strict=True):
        gloss = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", cue.gloss)
        assert row == (cue.start, cue.end, re.sub("\r\n?", "\n", gloss), f"{cue.confidence:.4f}")


def test_confidences_that_are_not_known_are_not_written() -> None:
    _, rows = read_eaf(eaf([Cue(0, 5, "A", None), Cue(5, 9, "B", 0.25)], None, Path("out")))
    assert rows == [(0, 5, "A", ""), (5, 9, "B", "0.2500")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a b.mp4", "video/mp4"),
        ("c.MOV", "video/quicktime"),
        ("d.mpeg", "video/mpeg"),
        ("ü&.mkv", "video/*"),
        ("\"a\" 'b'\n<\t.mkv", "video/*"),
    ],
)
def test_the_video_is_named_twice(tmp_path: Path, name: str, kind: str) -> None:
    """By the place where it is, and by the way from the file, which holds when both are moved."""
    video = tmp_path / "clips" / name
    root, _ = read_eaf(eaf([], video, tmp_path / "out" / "x"))
    assert root[0][0].attrib == {
        "MEDIA_URL": f"file://{video.as_posix()}",
        "RELATIVE_MEDIA_URL": f"../../clips/{name}",
        "MIME_TYPE": kind,
    }
    beside, _ = read_eaf(eaf([], video, tmp_path / "clips"))
    assert beside[0][0].attrib["RELATIVE_MEDIA_URL"] == f"./{name}"


def test_pympi_reads_elans_file(tmp_path: Path) -> None:
    pympi = pytest.importorskip("pympi", reason="pympi-ling is not installed")
    path = tmp_path / "a.eaf"
    path.write_bytes(
        eaf([Cue(40, 200, "HAUS", 0.75), Cue(200, 900, "<ÄPFEL>", 0.5)], tmp_path / "a.mp4", tmp_path)
    )
    file = pympi.Elan.Eaf(str(path))
    assert file.get_annotation_data_for_tier("glosses") == [(40, 200, "HAUS"), (200, 900, "<ÄPFEL>")]
    assert [row[:3] for row in file.get_ref_annotation_data_for_tier("confidence")] == [
        (40, 200, "0.7500"), (200, 900, "0.5000"),
    ]  # fmt: skip
    assert [each["RELATIVE_MEDIA_URL"] for each in file.get_linked_files()] == ["./a.mp4"]
    file.to_file(str(tmp_path / "b.eaf"))
    again = pympi.Elan.Eaf(str(tmp_path / "b.eaf"))
    assert again.get_annotation_data_for_tier("glosses") == file.get_annotation_data_for_tier("glosses")


def refusal(inputs: list[Input], outputs: Outputs) -> str:
    with pytest.raises(UserError) as failed:
        check_outputs(inputs, outputs)
    return str(failed.value)


def test_nothing_is_replaced_that_was_not_to_be(tmp_path: Path) -> None:
    clip = Input(tmp_path / "a.mp4", "a")
    clip.file.write_bytes(b"video")
    (tmp_path / "out").mkdir()
    captions = tmp_path / "out" / "a.vtt"
    outputs = Outputs(captions=tmp_path / "out", elan=tmp_path / "out")
    check_outputs([clip], outputs)
    captions.write_text("mine")
    assert refusal([clip], outputs) == f"{captions}: exists already; --force replaces it"
    check_outputs([clip], Outputs(captions=tmp_path / "out", force=True))
    burnt = Input(tmp_path / "a.glosses.mp4", "a")
    check_outputs([clip], Outputs(burn=tmp_path))  # it never has the name of the clip
    for force in (False, True):
        said = refusal([burnt], Outputs(burn=tmp_path, force=force))
        assert said == f"{burnt.file}: is an input; choose another folder"
    assert refusal([clip], Outputs(elan=clip.file)) == f"{clip.file}: is a file, not a folder"


def test_two_inputs_of_one_name(tmp_path: Path) -> None:
    one, other = Input(Path("x/a.mp4"), "a"), Input(Path("y/A.npz"), "A")
    said = refusal([one, other], Outputs(captions=tmp_path))
    where = f"would be written to the same file as x/a.mp4, {tmp_path / 'A.vtt'}"
    assert said == f"y/A.npz: {where}; name them in a --list by paths that differ"
    check_outputs([one, other], Outputs())


def test_segments_share_the_annotations_of_their_file_alone(tmp_path: Path) -> None:
    part = Numbers(None, 1.0, None)
    one, two = (Input(Path("x/a.mp4"), name, name, part, "a") for name in ("one", "two"))
    every = Outputs(captions=tmp_path, elan=tmp_path, burn=tmp_path)
    check_outputs([one, two], every)
    said = refusal([one, Input(Path("x/a.mp4"), "ONE", "ONE", part, "a")], every)
    where = f"would be written to the same file as x/a.mp4, {tmp_path / 'ONE.glosses.mp4'}"
    assert said == f"x/a.mp4: {where}; name them in a --list by paths that differ"
    other, whole = Input(Path("x/a.npz"), "three", "three", part, "a"), Input(Path("x/a.mp4"), "a", "a")
    for each in (other, whole):
        said = refusal([one, each], Outputs(elan=tmp_path))
        where = f"would be written to the same file as x/a.mp4, {tmp_path / 'a.eaf'}"
        assert said == f"{each.file}: {where}; name them in a --list by paths that differ"
    (tmp_path / "a.eaf").write_text("mine")
    assert refusal([one, two], Outputs(elan=tmp_path)).splitlines() == [
        f"{tmp_path / 'a.eaf'}: exists already; --force replaces it"
    ]


def test_cues_of_segments() -> None:
    """Later by the segment's beginning; where segments overlap one after the other."""
    early, late = [Cue(0, 500, "A", 0.5), Cue(500, 900, "B", None)], [Cue(0, 1000, "C", None)]
    assert moved(late, 1.2) == [Cue(1200, 2200, "C", None)]
    assert in_one_line([moved(late, 1.2), early]) == [*early, Cue(1200, 2200, "C", None)]
    assert in_one_line([early, moved(late, 0.6)]) == [
        Cue(0, 500, "A", 0.5), Cue(500, 600, "B", None), Cue(600, 1600, "C", None)
    ]  # fmt: skip
    assert in_one_line([early, early]) == [
        Cue(0, 1, "A", 0.5), Cue(1, 500, "A", 0.5), Cue(500, 501, "B", None), Cue(501, 900, "B", None)
    ]  # fmt: skip
    assert in_one_line([]) == []


@given(st.lists(CUES, max_size=4), st.integers(0, 3))
def test_cues_of_segments_never_overlap(rows: list[list[tuple[int, int, str, float]]], seconds: int) -> None:
    segments = [moved(laid_out(each), place * seconds) for place, each in enumerate(rows)]
    found = in_one_line(segments)
    assert sorted(cue.gloss for cue in found) == sorted(cue.gloss for cues in segments for cue in cues)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert all(cue.start < cue.end for cue in found)
    if len(segments) == 1:
        assert found == segments[0]


def test_captions_by_their_format(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text("mine")
    clip = Input(Path("x/a.mp4"), "a")
    check_outputs([clip], Outputs(captions=tmp_path))
    said = refusal([clip], Outputs(captions=tmp_path, captions_format="srt"))
    assert said == f"{tmp_path / 'a.srt'}: exists already; --force replaces it"


def test_ids_that_are_no_names_of_files(tmp_path: Path) -> None:
    for name in ("../a", "/a"):
        clip = Input(Path("x/a.mp4"), name, name)
        check_outputs([clip], Outputs())
        assert refusal([clip], Outputs(elan=tmp_path)) == f"{name}: is no name for a file; choose another id"


@pytest.mark.parametrize(
    ("outputs", "headings", "cells"),
    [
        ({"text": spoken(0.1)}, ["input", "text", "log score"], ["a.mp4", "a", "-1.00"]),
        (
            {"text": replace(spoken(0.1, 0.5), ends=(0.5, 1.25))},
            ["input", "text", "log score"],
            ["a.mp4", "a 0.10-0.50 s, b 0.50-1.25 s", "-1.00"],
        ),
        ({"sign": Label("TREE", 0.75)}, ["input", "sign", "confidence"], ["a.mp4", "TREE", "0.75"]),
        (
            {"sign": Label("A", 0.5, (("A", 0.5), ("B", 0.2), ("C", 0.1), ("D", 0.1), ("E", 0.1)))},
            ["input", "sign", "confidence", "next"],
            ["a.mp4", "A", "0.50", "B 0.20, C 0.10, D 0.10"],
        ),
        (
            {"text": spoken(0.1), "topic": Label("X", 0.5)},
            ["input", "text", "text log score", "topic", "topic confidence"],
            ["a.mp4", "a", "-1.00", "X", "0.50"],
        ),
    ],
)
def test_headings_tell_what_the_numbers_are(
    outputs: dict[str, Hypothesis | Label], headings: list[str], cells: list[str],
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    print_table([Prediction("a.mp4", outputs)], {})
    plain = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    lines = [re.split(r"\s*[┃│]\s*", line)[1:-1] for line in plain.splitlines()]
    assert [line for line in lines if line] == [headings, cells]
