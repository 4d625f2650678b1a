"""What is no transcript is refused whatever its name; compressed files and the standard input are read."""

import gzip
import io
import sys
from pathlib import Path

import pytest
from transcript_files import counts, put, refusal

from signkit.errors import UserError
from signkit.eval.formats import read, read_pair

AS_WHAT = "docs/scoring.md lists the formats that are read"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written into an empty working folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.txt", "<!DOCTYPE html>\n<html><body>RAIN</body></html>\n", "HTML"),
        ("a.txt", '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "a" "b">\n<html></html>\n', "HTML"),
        ("a.txt", "<html>\n<body>RAIN<br></body></html>\n", "HTML"),
        ("a.txt", "<div>RAIN<br>\nNORTH</div>\n", "HTML"),
        ("a.txt", "<p>RAIN NORTH</p>\n<p>SUN</p>\n", "mark-up (<p>…</p>)"),
        ("a.csv", '<?xml version="1.0"?>\n<tt>\n<p>RAIN</p></tt>\n', "XML (<tt>)"),
        ("a.txt", "<tt>\n<p>RAIN</p></tt>\n", "XML (<tt>)"),
        ("a.txt", '<?xml version="1.0" encoding="utf-16"?><tt>A</tt>'.encode("utf-16"), "XML (<tt>)"),
        ("a.txt", '<?xml version="1.0"?>\nRAIN\n', "XML"),
        ("a.txt", "<!-- made by hand -->\nRAIN\n", "mark-up"),
        ("a.txt", "<SAMI>\n<SYNC Start=40><P>RAIN\n</SAMI>\n", "mark-up (<sami>…</sami>)"),
        ("a.txt", "Scenarist_SCC V1.0\n", "captions in SCC"),
        ("a.txt", "SPEAKER w1 1 0.00 1.50 <NA> <NA> ann <NA> <NA>\n", "RTTM"),
        ("a.txt", "| id | gloss |\n|---|---|\n| w1 | RAIN |\n", "a table in Markdown"),
        ("a.txt", "id | gloss\n--- | :-:\nw1 | RAIN\n", "a table in Markdown"),
        ("a.txt", "```\nRAIN\n```\n", "Markdown"),
        ("a.txt", "[Script Info]\nTitle: A\n", "captions in SubStation Alpha"),
        ("a.txt", "0:00:00.040,0:00:00.360\nRAIN\n", "captions in SBV"),
        ("a.txt", "{0}{25}RAIN\n", "captions in MicroDVD"),
        ("a.txt", "[00:12.00]RAIN\n", "lyrics with times"),
        ("a.txt", '#!MLF!#\n"*/w1.lab"\nRAIN\n.\n', "a label file of HTK"),
        ("a.txt", "@UTF8\n@Begin\n", "a CHAT file"),
        ("a.txt", "\\documentclass{article}\n", "LaTeX"),
        ("a.txt", b"{\\rtf1 RAIN}\n", "a document in RTF"),
        ("a.txt", b"%PDF-1.4\n", "a PDF"),
        ("a.docx", b"PK\x03\x04\x14", "a Word document"),
        ("a.txt", b"PK\x03\x04\x14", "a ZIP archive"),
        ("a.txt.bz2", b"BZh91AY", "compressed by bzip2"),
        ("a.txt", b"\x89PNG\r\n", "a picture"),
        ("a.txt", b"\0\0\0\x20ftypisom", "a video"),
        ("a.txt", b"\x80\x04\x95\x05", "a Python pickle"),
        ("a.txt.gz", gzip.compress(b"%PDF-1.4\n", mtime=0), "a PDF"),
    ],
)
def test_no_transcript(name: str, content: str | bytes, what: str) -> None:
    message = f"{name}: is {what}, not a transcript; {AS_WHAT}"
    path, other = put(name, content), put("b.txt", "RAIN\n")
    assert refusal(path, other) == message
    assert refusal(other, path) == message


@pytest.mark.parametrize(
    ("name", "what"),
    [("a.md", "Markdown"), ("a.yaml", "YAML"), ("a.ipynb", "a notebook"), ("a.cha", "a CHAT file")],
)
def test_a_name_that_says_so(name: str, what: str) -> None:
    path = put(name, "RAIN\n")
    assert refusal(path, path) == (
        f"{name}: is {what} by its name, not a transcript; "
        "another ending, or `--format`, tells what else it is"
    )
    assert counts(path, path, format="lines") == "0 errors, 1 words, 1 sentences"


@pytest.mark.parametrize(
    "text",
    ["<unk> RAIN\n<unk> SUN\n", "<unk>\n", "[LACHT] A\n", "{UH} A\n", "A | B\n1|-\n", "@ A\n", "# A\n"],
)
def test_glosses_in_brackets_are_words(text: str) -> None:
    path = put("a.txt", text)
    assert counts(path, path).startswith("0 errors")


def test_compressed_files_are_read_by_the_name_without_gz() -> None:
    path = put("a.TRN.GZ", gzip.compress(b"RAIN (w-1)\n"))
    found = read(path)
    assert (found.format, found.ids, found.source) == ("trn", ("w-1",), "a.TRN.GZ")
    assert read(put("b", path.read_bytes()), "trn").ids == ("w-1",)
    assert refusal(put("c.gz", path.read_bytes()[:20]), path).startswith(
        "c.gz: is compressed by gzip and damaged: "
    )


def test_a_dash_is_the_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def given(content: bytes) -> Path:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return Path("-")

    reference = put("r.txt", "w1|RAIN NORTH\n")
    assert counts(reference, given(b"w1|RAIN\n")) == "1 errors, 2 words, 1 sentences"
    assert counts(given(gzip.compress(b"w1|RAIN\n")), reference) == "1 errors, 1 words, 1 sentences"
    assert refusal(reference, given(b"w2|RAIN\n")).startswith("stdin: none of its ids is in r.txt")
    with pytest.raises(UserError) as caught:
        read_pair(Path("-"), [Path("-")])
    assert str(caught.value) == (
        "-: stands for the standard input, which can be read once; give a file for the other"
    )


REFERENCE = "w1 1 a 0 1 RAIN NORTH\nw2 1 a 0 2 SUN\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("h.txt", ""), ("h.txt", " \n\n"), ("h.txt", ";; nothing\n"), ("h.ctm", ""), ("h.ctm", "; nothing\n"),
        ("h.csv", ""), ("h.csv", "id,gloss\n"), ("h.trn", ";; nothing\n"), ("h.stm", ";; nothing\n"),
        ("h.jsonl", ""), ("h.json", "{}"), ("h.json", "[]\n"), ("h.vtt", "WEBVTT\n"), ("h.srt", ""),
        ("h.txt.gz", gzip.compress(b"", mtime=0)),
    ],
)  # fmt: skip
def test_a_system_that_said_nothing(name: str, content: str | bytes) -> None:
    reference, hypothesis = put("r.stm", REFERENCE), put(name, content)
    assert refusal(reference, hypothesis) == (
        f"{name}: no hypothesis for 2 of 2 sentences: 'w1', 'w2'; "
        "`--missing deletions` counts all their words as deleted"
    )
    assert counts(reference, hypothesis, "deletions") == "3 errors, 3 words, 2 sentences"


def test_lines_without_words_are_lines_beside_lines() -> None:
    reference, hypothesis = put("r.txt", "RAIN\nSUN\n"), put("h.txt", "\n\n")
    assert counts(reference, hypothesis) == "2 errors, 2 words, 2 sentences"
    assert counts(reference, put("h.txt", ""), "deletions") == "2 errors, 2 words, 2 sentences"


def test_references_must_have_utterances() -> None:
    hypothesis = put("h.txt", "w1|A\n")
    assert refusal(put("r.txt", ""), hypothesis) == "r.txt: is empty"
    assert refusal(put("r.ctm", ";\n"), hypothesis) == "r.ctm: has no words"
    assert refusal(put("r.csv", "id,gloss\n"), hypothesis) == "r.csv: has no rows below its header"


AS_IDS = "write a file of `id|words` lines for each side"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("w-1:\tref=['RAIN', 'SUN']\nw-1:\thyp=['RAIN']\n",
         f"is a result of icefall (`id: ref=[…]`), not a transcript; {AS_IDS}"),
        ("S-0\tx\nT-0\tRAIN\nH-0\t-0.3\tRAIN\nD-0\t-0.3\tRAIN\nP-0\t-0.3 -0.2\n",
         f"is the output of fairseq, not a transcript; {AS_IDS}: lines of `T-` are references, those of `D-` "
         "(or `H-`), without their score, hypotheses"),
    ],
)  # fmt: skip
def test_logs_of_recognisers(content: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(put("recogs-test.txt", content))
    assert str(caught.value) == f"recogs-test.txt: {message}"
