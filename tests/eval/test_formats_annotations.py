"""Captions and tiers of ELAN and Praat: what is read of them, and how two files of them match."""

from pathlib import Path

import pytest
from transcript_files import counts, put, refusal, scored

from signkit.eval.formats import read, read_pair
from signkit.report.clips.captions import web_vtt
from signkit.report.clips.cues import Cue
from signkit.report.clips.elan import eaf as elan

SRT = """\
1
00:00:00,040 --> 00:00:00,360
<i>RAIN</i>
{\\an8}NORTH

2
00:00:00,500 --> 00:00:01,000
SUN
"""
VTT = """\
WEBVTT - a title
Kind: captions

STYLE
::cue { color: red }

NOTE one --> two

an id
00:00.040 --> 00:00.360 align:start
<v Ann><c.loud>RAIN</c> <00:00:00.200>NORTH

00:00:00.500 --> 00:00:01.000
&lt;unk&gt; SUN
"""
LONG = '''\
File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.3
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "glosses"
        xmin = 0
        xmax = 2.3
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.5
            text = "RAIN ""LOUD"""
        intervals [2]:
            xmin = 0.5
            xmax = 1
            text = ""
        intervals [3]:
            xmin = 1
            xmax = 2.3
            text = "SUN 5 <exists>"
    item [2]:
        class = "TextTier"
        name = "points"
        xmin = 0
        xmax = 2.3
        points: size = 1
        points [1]:
            number = 1
            mark = ""
'''
SHORT = '''\
File type = "ooTextFile"
"TextGrid"
0
2.3
<exists>
1
"IntervalTier"
"glosses"
0
2.3
3
0
0.5
"RAIN ""LOUD"""
0.5
1
""
1
2.3
"SUN 5 <exists>"
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written into an empty working folder."""
    monkeypatch.chdir(tmp_path)


def pairs(path: Path, **options: str) -> dict[str, str]:
    found = read(path, **options)
    return dict(zip(found.ids, found.texts, strict=True))


def test_captions_without_their_mark_up() -> None:
    times = ("0.040-0.360", "0.500-1.000")
    assert pairs(put("a.srt", SRT)) == dict(zip(times, ("RAIN NORTH", "SUN"), strict=True))
    assert pairs(put("a.vtt", VTT)) == dict(zip(times, ("RAIN NORTH", "<unk> SUN"), strict=True))
    bare = SRT.replace("1\n00", "00").replace("2\n00", "00").replace("\n", "\r\n")
    assert pairs(put("bare.srt", bare)) == pairs(Path("a.srt"))
    assert pairs(put("wide.srt", SRT.encode("utf-16"))) == pairs(Path("a.srt"))
    assert list(read(Path("a.srt")).lines) == [2, 7]


def test_only_the_tags_of_webvtt_are_no_words() -> None:
    text = "<unk> <TAG> <c.loud>RAIN</c> <v Ann>SUN <00:00:00.200><i>X</i> <lang de>Y</lang> <B>"
    found = pairs(put("tags.vtt", f"WEBVTT\n\n00:00.000 --> 00:01.000\n{text}\n"))
    assert found == {"0.000-1.000": "<unk> <TAG> RAIN SUN X Y <B>"}


@pytest.mark.parametrize(("content", "format"), [(SRT, "srt"), (VTT, "vtt"), (LONG, "textgrid")])
def test_the_content_tells_the_format_where_the_name_does_not(content: str, format: str) -> None:
    assert read(put("a.txt", content)).format == format
    assert read(put("b", content)).format == format


def test_what_predict_writes_is_read() -> None:
    cues = (Cue(40, 360, "<unk>", 0.5), Cue(500, 900, "A & B", 0.25))
    put("a.vtt", web_vtt(cues))
    put("a.eaf", elan(cues, None, Path()))
    assert pairs(Path("a.vtt")) == pairs(Path("a.eaf")) == {"0.040-0.360": "<unk>", "0.500-0.900": "A & B"}
    assert list(pairs(Path("a.eaf"), column="confidence").values()) == ["0.5000", "0.2500"]


def test_annotations_of_the_same_times_are_compared_one_by_one() -> None:
    one = put("one.srt", SRT)
    assert counts(one, put("two.srt", SRT.replace("SUN", "SNOW"))) == "1 errors, 3 words, 2 sentences"
    assert counts(one, put("two.vtt", VTT)) == "1 errors, 3 words, 2 sentences"
    assert scored(one, Path("two.vtt")).notes == ()


def test_annotations_of_other_times_are_one_utterance() -> None:
    one = put("one.srt", SRT)
    two = put("two.srt", SRT.replace("00,040", "00,050").replace("SUN", "SNOW"))
    found = scored(one, two)
    assert found["wer"].note == "1 errors, 3 words, 1 sentences"
    assert found.notes == ("the times in one.srt and two.srt differ: all of a file is one utterance",)
    fewer = put("fewer.srt", "1\n00:00:00,040 --> 00:00:00,360\nRAIN\n")
    assert counts(one, fewer) == "2 errors, 3 words, 1 sentences"


def test_all_systems_are_compared_with_the_same_utterances() -> None:
    one = put("one.srt", SRT)
    other = put("other.srt", SRT.replace("00,040", "00,050"))
    reference, systems = read_pair(one, [one, other])
    assert [side.texts for side in (reference, *systems)] == [("RAIN NORTH SUN",)] * 3


def test_beside_other_files_the_name_of_the_file_is_the_id() -> None:
    caption = put("week.srt", SRT)
    assert counts(put("r.txt", "week|RAIN NORTH SUN\n"), caption) == "0 errors, 3 words, 1 sentences"
    assert refusal(put("r.txt", "day|RAIN NORTH SUN\n"), caption) == (
        "week.srt: none of its ids is in r.txt; 'week' here, 'day' there, for example"
    )
    assert refusal(put("r.txt", "RAIN NORTH\nSUN\n"), caption) == (
        "week.srt: none of its ids is in r.txt; "
        "r.txt was read as lines, which have no ids: `--reference-format` names another format"
    )


def test_captions_without_cues_are_missing_hypotheses() -> None:
    one, none = put("one.vtt", VTT), put("none.vtt", "WEBVTT\n")
    assert refusal(one, none) == (
        "none.vtt: no hypothesis for 2 of 2 sentences: '0.040-0.360', '0.500-1.000'; "
        "`--missing deletions` counts all their words as deleted"
    )
    assert counts(one, none, "deletions") == "4 errors, 4 words, 2 sentences"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.vtt", "RAIN\n", "a.vtt:1: does not begin with WEBVTT; `--format srt` reads SubRip"),
        ("a.srt", "RAIN\n", "a.srt:1: is no cue: it has no line with `-->`"),
        ("a.srt", "1\n0:0 --> 1\nA\n", "a.srt:2: the times are not like 00:01.000 --> 00:02.000"),
        ("a.srt", "00:02,000 --> 00:01,000\nA\n", "a.srt:1: the cue ends before it begins"),
    ],
)
def test_faults_of_captions(name: str, content: str, message: str) -> None:
    assert refusal(put(name, content), put("b.srt", SRT)) == message


def test_textgrids_in_both_forms_and_in_utf_16() -> None:
    wanted = {"0.000-0.500": 'RAIN "LOUD"', "1.000-2.300": "SUN 5 <exists>"}
    assert pairs(put("long.TextGrid", LONG)) == wanted
    assert pairs(put("short.TextGrid", SHORT)) == wanted
    assert pairs(put("wide.TextGrid", LONG.encode("utf-16"))) == wanted
    assert pairs(put("big.txt", b"\xfe\xff" + SHORT.encode("utf-16-be"))) == wanted


def test_an_empty_interval_is_an_empty_hypothesis() -> None:
    empty = put("h.TextGrid", LONG.replace("SUN 5 <exists>", ""))
    assert counts(put("r.TextGrid", LONG), empty) == "3 errors, 5 words, 2 sentences"


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (LONG.replace('mark = ""', 'mark = "A"'), {},
         "has several tiers: `glosses`, `points`; `--tier NAME` chooses one"),
        (LONG, {"column": "gloses"},
         "there is no tier `gloses` with annotations; there are `glosses`; did you mean `glosses`?"),
        (LONG[:400], {}, "ends where a number is expected; the file is not whole"),
        (LONG.replace('"TextGrid"', '"PitchTier"'), {},
         "is a file of Praat, but no TextGrid; save the annotations as a TextGrid"),
    ],
)  # fmt: skip
def test_faults_of_a_textgrid(content: str, options: dict[str, str], message: str) -> None:
    found = refusal(put("a.TextGrid", content), put("b.TextGrid", SHORT), **options)
    assert found == f"a.TextGrid: {message}"


# EAF


def slots(*times: int | None) -> str:
    """Time slots ts1, ts2, … with or without a value."""
    values = ("" if time is None else f' TIME_VALUE="{time}"' for time in times)
    return "".join(f'<TIME_SLOT TIME_SLOT_ID="ts{n}"{value}/>' for n, value in enumerate(values, 1))


def timed(number: int, first: int, last: int, text: str) -> str:
    """An annotation with times."""
    inside = f'ANNOTATION_ID="a{number}" TIME_SLOT_REF1="ts{first}" TIME_SLOT_REF2="ts{last}"'
    value = f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>"
    return f"<ANNOTATION><ALIGNABLE_ANNOTATION {inside}>{value}</ALIGNABLE_ANNOTATION></ANNOTATION>"


def linked(number: int, parent: int, text: str, previous: int = 0) -> str:
    """An annotation that refers to another, and perhaps to the one before it."""
    before = f' PREVIOUS_ANNOTATION="a{previous}"' if previous else ""
    inside = f'ANNOTATION_ID="a{number}" ANNOTATION_REF="a{parent}"{before}'
    value = f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE>"
    return f"<ANNOTATION><REF_ANNOTATION {inside}>{value}</REF_ANNOTATION></ANNOTATION>"


def document(times: str, **tiers: str) -> str:
    """An EAF with a tier for each name."""
    shown = (f'<TIER LINGUISTIC_TYPE_REF="x" TIER_ID="{name}">{body}</TIER>' for name, body in tiers.items())
    order = f"<TIME_ORDER>{times}</TIME_ORDER>"
    return f'<?xml version="1.0"?><ANNOTATION_DOCUMENT>{order}{"".join(shown)}</ANNOTATION_DOCUMENT>'


FOUR = slots(0, 1000, 1000, 3000)
SENTENCES = timed(1, 1, 2, "es regnet") + timed(2, 3, 4, "die Sonne")
GLOSSES = linked(11, 2, "SUN") + linked(13, 1, "NORTH", 12) + linked(12, 1, "RAIN")
BOTH = document(FOUR, translation=SENTENCES, gloss=GLOSSES)


def test_a_tier_of_elan() -> None:
    path = put("a.eaf", BOTH)
    assert pairs(path, column="translation") == {"0.000-1.000": "es regnet", "1.000-3.000": "die Sonne"}
    assert pairs(path, column="gloss") == {"0.000-1.000": "RAIN NORTH", "1.000-3.000": "SUN"}
    wide = BOTH.replace('"1.0"', '"1.0" encoding="UTF-16"', 1)
    assert pairs(put("b.xml", wide.encode("utf-16")), column="gloss") == pairs(path, column="gloss")
    unordered = document(FOUR, gloss=timed(2, 3, 4, "B") + timed(1, 1, 2, "A"), empty="")
    assert list(pairs(put("c.eaf", unordered)).values()) == ["A", "B"]
    open_slots = document(slots(0, None, 2000), gloss=timed(1, 1, 2, "A") + timed(2, 2, 3, "B"))
    assert list(pairs(put("d.eaf", open_slots)).values()) == ["A", "B"]


def test_a_tier_of_each_side() -> None:
    one, two = (
        put("r.eaf", BOTH),
        put("h.eaf", document(FOUR, found=timed(1, 1, 2, "RAIN") + timed(2, 3, 4, "SUN"))),
    )
    assert counts(one, two, reference_column="gloss") == "1 errors, 3 words, 2 sentences"
    assert counts(two, one, hyp_column="gloss") == "1 errors, 2 words, 2 sentences"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOTH, "has several tiers: `translation`, `gloss`; `--tier NAME` chooses one"),
        (document(FOUR, gloss=timed(1, 7, 8, "A")),
         "the annotation 'a1' refers to 'ts7', which is not there or refers back to it"),
        (document(FOUR, gloss=linked(1, 2, "A") + linked(2, 1, "B")),
         "the annotation 'a1' refers to 'a2', which is not there or refers back to it"),
        (document(FOUR, gloss=timed(9, 1, 2, "x") + linked(1, 9, "A", 2) + linked(2, 9, "B", 1)),
         "the annotation 'a1' refers to 'a2', which is not there or refers back to it"),
        (document(slots(0, 1).replace('"1"', '"x"'), gloss=timed(1, 1, 2, "A")),
         "the time slot 'x' is no number of milliseconds"),
        (document(FOUR, gloss=""), "has no utterances"),
        ('<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'
         "<ANNOTATION_DOCUMENT>&b;</ANNOTATION_DOCUMENT>",
         "is XML with a document type (d), which is not read; "
         "docs/scoring.md lists the formats that are read"),
    ],
)  # fmt: skip
def test_faults_of_an_eaf(content: str, message: str) -> None:
    assert refusal(put("a.eaf", content), put("b.eaf", document(FOUR, g=SENTENCES))) == f"a.eaf: {message}"


def test_an_eaf_that_is_cut_off() -> None:
    found = refusal(put("a.eaf", BOTH[:300]), put("b.eaf", BOTH), column="gloss")
    assert found.startswith("a.eaf: is no XML: ") and found.endswith("; save it again with ELAN")
