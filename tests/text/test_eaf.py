"""Annotation files of ELAN: times over references, and files that are refused."""

import pytest

from signkit.errors import UserError
from signkit.text.eaf import Annotation, Media, parse_eaf

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
WHOLE = """<ANNOTATION_DOCUMENT AUTHOR="" DATE="" FORMAT="3.0" VERSION="3.0">
<HEADER TIME_UNITS="milliseconds"><MEDIA_DESCRIPTOR MEDIA_URL="file:///a.mp4" MIME_TYPE="" TIME_ORIGIN="40"/>
</HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="900"/>
<TIME_SLOT TIME_SLOT_ID="t3"/></TIME_ORDER>
<TIER TIER_ID="sentence"><ANNOTATION>
<ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2">
<ANNOTATION_VALUE>a big tree</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="t2" TIME_SLOT_REF2="t3">
<ANNOTATION_VALUE/></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="gloss" PARENT_REF="sentence" PARTICIPANT="ann">
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a4" ANNOTATION_REF="a1" PREVIOUS_ANNOTATION="a3">
<ANNOTATION_VALUE>TREE</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a3" ANNOTATION_REF="a1">
<ANNOTATION_VALUE> BIG </ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>
<TIER TIER_ID="kind" PARENT_REF="gloss"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a5" ANNOTATION_REF="a4">
<ANNOTATION_VALUE>noun</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>
</ANNOTATION_DOCUMENT>"""
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>\n'
OUTSIDE = '<!DOCTYPE x SYSTEM "file:///etc/passwd">\n'


def test_tiers_and_the_times_they_refer_to() -> None:
    found = parse_eaf("a.eaf", (HEAD + WHOLE).encode())
    assert found.media == (Media("file:///a.mp4", "", 40),)
    assert {tier.name: tier.annotations for tier in found.tiers} == {
        "sentence": (Annotation("a1", "a big tree", 0, 900), Annotation("a2", "", 900, 900, timed=False)),
        "gloss": (Annotation("a3", "BIG TREE", 0, 900),),
        "kind": (Annotation("a5", "noun", 0, 900),),
    }
    assert [tier.participant for tier in found.tiers] == ["", "ann", ""]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            HEAD + BOMB + WHOLE.replace("a big tree", "&b;"),
            ":2: declares a document type, which no file of ELAN does",
        ),
        (HEAD + OUTSIDE + WHOLE, ":2: declares a document type, which no file of ELAN does"),
        (
            "<ANNOTATION_DOCUMENT>",
            ": is no XML: no element found: line 1, column 21; save it again with ELAN",
        ),
        ("", ": is no XML: no element found: line 1, column 0; save it again with ELAN"),
        ("<html/>", ": is XML, but of <html> and not of ELAN (<ANNOTATION_DOCUMENT>)"),
        (
            WHOLE.replace("milliseconds", "PAL-frames"),
            ": has times in PAL-frames; save it with a newer version of ELAN",
        ),
        (WHOLE.replace('"900"', '"0.9"'), ": the time slot '0.9' is no number of milliseconds"),
        (
            WHOLE.replace('TIME_SLOT_REF2="t2"', 'TIME_SLOT_REF2="t9"'),
            ": the annotation 'a1' refers to 't9', which is not there or refers back to it",
        ),
        (
            WHOLE.replace('PREVIOUS_ANNOTATION="a3"', 'PREVIOUS_ANNOTATION="a4"'),
            ": the annotation 'a4' refers to 'a4', which is not there or refers back to it",
        ),
        (
            WHOLE.replace('ANNOTATION_REF="a1"', 'ANNOTATION_REF="a9"'),
            ": the annotation 'a4' refers to 'a9', which is not there or refers back to it",
        ),
        (
            WHOLE.replace('ANNOTATION_REF="a1"', 'ANNOTATION_REF="a4"'),
            ": the annotation 'a4' refers to 'a4', which is not there or refers back to it",
        ),
    ],
)
def test_files_that_are_refused(content: str, expected: str) -> None:
    with pytest.raises(UserError) as error:
        parse_eaf("a.eaf", content.encode())
    assert str(error.value) == f"a.eaf{expected}"
