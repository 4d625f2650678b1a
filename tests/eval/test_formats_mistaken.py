"""Texts with ids, scores, lists, or other marks than blanks between words are refused; sentences are not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from transcript_files import counts, put, refusal, scored

PLAIN = "RAIN NORTH TODAY\nSUN SOUTH\n"
IDS = "w1|RAIN NORTH TODAY\nw2|SUN SOUTH\n"
RIGHT = "0 errors, 5 words, 2 sentences"
AS_LINES = "`--format lines` takes them as words"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written into an empty working folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "message"),
    [
        (PLAIN, "w1\tRAIN NORTH TODAY\nw2\tSUN SOUTH\n",
         f"h.txt: its lines begin with ids ('w1'), and those of r.txt do not; "
         f"`--hyp-format kaldi` reads `id words`; {AS_LINES}"),
        (PLAIN, "w1 RAIN\nw2 SUN\n",
         f"h.txt: its lines begin with ids ('w1'), and those of r.txt do not; "
         f"`--hyp-format kaldi` reads `id words`; {AS_LINES}"),
        (PLAIN, "ann RAIN NORTH TODAY\nben SUN SOUTH\n",
         f"h.txt: its lines begin with ids ('ann'), and those of r.txt do not; "
         f"`--hyp-format kaldi` reads `id words`; {AS_LINES}"),
        (PLAIN, "1. RAIN NORTH TODAY\n2. SUN SOUTH\n",
         f"h.txt: its lines begin with ids ('1.'), and those of r.txt do not; "
         f"`--hyp-format kaldi` reads `id words`; {AS_LINES}"),
        ("RAIN NORTH\n", "w1\tRAIN NORTH\n",
         f"h.txt: its lines begin with ids ('w1'), and those of r.txt do not; "
         f"`--hyp-format kaldi` reads `id words`; {AS_LINES}"),
        ("w1 RAIN NORTH TODAY\nw2 SUN SOUTH\n", PLAIN,
         f"r.txt: its lines begin with ids ('w1'), and those of h.txt do not; "
         f"`--reference-format kaldi` reads `id words`; {AS_LINES}"),
        ("w1\tRAIN NORTH\n", "w1\tRAIN NORTH\n",
         f"h.txt: its lines begin with ids ('w1'), as those of the reference; "
         f"`--format kaldi` reads `id words`; {AS_LINES}"),
        (PLAIN, "RAIN NORTH TODAY (w-1)\nSUN SOUTH (w-2)\n",
         f"h.txt: its lines end with ids ('(w-1)'); `--hyp-format trn` reads `words (id)`; {AS_LINES}"),
        ("w1 1 a 0.0 2.0 RAIN NORTH\nw2 1 a 0.0 2.0 SUN\n", PLAIN,
         f"r.txt: its lines begin with recording, channel, signer, begin and end; "
         f"`--reference-format stm` reads such lines; {AS_LINES}"),
        (PLAIN, "w1 1 0.1 0.2 RAIN\nw1 1 0.4 0.2 NORTH 0.9\n",
         f"h.txt: its lines begin with recording, channel, begin and duration; "
         f"`--hyp-format ctm` reads such lines; {AS_LINES}"),
        ("0.0\t1.5\tRAIN NORTH\n", "0.0\t1.5\tRAIN\n",
         "r.txt: its lines begin with times; an stm or a ctm has times; "
         "`--format lines` takes all of a line as words"),
        ("0 3600000 RAIN\n3600000 7200000 SUN\n", PLAIN,
         "r.txt: its lines begin with times; an stm or a ctm has times; "
         "`--format lines` takes all of a line as words"),
        ("w1,RAIN NORTH\nw2,SUN\n", "w1,SNOW NORTH\nw2,SUN\n",
         "h.txt: its lines begin with ids ('w1'), as those of the reference; a header names the columns, "
         "`id` and `gloss`; `--format lines` takes all of a line as words"),
        (PLAIN, "w1:RAIN NORTH TODAY\nw2:SUN\n",
         "h.txt: its lines begin with ids ('w1'), and those of r.txt do not; a header names the columns, "
         "`id` and `gloss`; `--format lines` takes all of a line as words"),
        (PLAIN, "w1\t0.93\tRAIN NORTH TODAY\nw2\t0.5\tSUN SOUTH\n",
         "h.txt: its lines have 3 fields between tabs, and no header; a header names the columns, `id` and "
         "`gloss`; `--format lines` takes all of a line as words"),
        (PLAIN, "- RAIN NORTH TODAY\n- SUN SOUTH\n",
         "h.txt: its lines begin with '-', and those of r.txt do not; "
         "`--format lines` takes all of a line as words"),
        (IDS, "w1\tRAIN NORTH TODAY\nw2\tSUN SOUTH\n",
         "h.txt: none of its ids is in r.txt; h.txt was read as lines, which have no ids: "
         "`--hyp-format kaldi` reads `id words`"),
    ],
)  # fmt: skip
def test_ids_are_no_words(reference: str, hypothesis: str, message: str) -> None:
    assert refusal(put("r.txt", reference), put("h.txt", hypothesis)) == message


def test_the_format_named_reads_them() -> None:
    reference = put("r.txt", IDS)
    kaldi, trn = (
        put("k.txt", "w1\tRAIN NORTH TODAY\nw2 SUN SOUTH\n"),
        put("t.txt", "SUN SOUTH (w2)\nX (w1)\n"),
    )
    assert counts(reference, kaldi, hyp_format="kaldi") == RIGHT
    assert counts(reference, trn, hyp_format="trn") == "3 errors, 5 words, 2 sentences"
    assert counts(kaldi, reference, reference_format="kaldi") == RIGHT
    words = put("w.txt", "w1 RAIN\nw2 SUN\n")
    assert counts(words, words, format="lines") == "0 errors, 4 words, 2 sentences"


@pytest.mark.parametrize(
    ("reference", "hypothesis", "wanted"),
    [
        (PLAIN, PLAIN, RIGHT),  # the first words of all lines differ, and are the same in both files
        ("RAIN\tNORTH\nSUN SOUTH\n", "RAIN NORTH\nSUN SOUTH\n", "0 errors, 4 words, 2 sentences"),
        ("RAIN (UH)\nSUN (EH)\n", "RAIN\nSUN\n", "2 errors, 4 words, 2 sentences"),
        ("loc-NORD RAIN\nloc-SUED SUN\n", "NORD RAIN\nSUED SUN\n", "2 errors, 4 words, 2 sentences"),
        ("loc-NORD RAIN\nloc-SUED SUN\n", "loc-NORD RAIN\nloc-SUED\n", "1 errors, 4 words, 2 sentences"),
        ("IX_1 GO\nIX_2 STAY\n", "IX_1 GO\nGO\n", "2 errors, 4 words, 2 sentences"),
    ],
)
def test_glosses_that_look_like_ids(reference: str, hypothesis: str, wanted: str) -> None:
    assert counts(put("r.txt", reference), put("h.txt", hypothesis)) == wanted


@pytest.mark.parametrize(
    ("hypothesis", "options", "message"),
    [
        ("w1|-3.2 RAIN NORTH TODAY\nw2|-1.5 SUN SOUTH\n", {}, "begins with a number ('-3.2')"),
        ("w1|RAIN NORTH TODAY 0.93\nw2|SUN SOUTH 1e-05\n", {}, "ends with a number ('0.93')"),
        ("w1\t0.93\tRAIN NORTH TODAY\nw2\t0.5\tSUN SOUTH\n", {"hyp_format": "kaldi"},
         "begins with a number ('0.93')"),
    ],
)  # fmt: skip
def test_scores_are_no_words(hypothesis: str, options: dict[str, str], message: str) -> None:
    assert refusal(put("r.txt", IDS), put("h.txt", hypothesis), **options) == (
        f"h.txt: each of its texts {message}, which looks like a score; "
        "leave it out: it would count as a word"
    )


def test_numbers_that_are_glosses() -> None:
    both = put("r.txt", "w1|3.5 MILLION\nw2|SUN\n")
    assert counts(both, put("h.txt", "w1|3.5\nw2|SUN\n")) == "1 errors, 3 words, 2 sentences"
    years = put("r.txt", "w1|1990 WAR\nw2|2000\n")
    assert counts(years, put("h.txt", "w1|1990\nw2|2000\n")) == "1 errors, 3 words, 2 sentences"


@pytest.mark.parametrize(
    "texts",
    [
        ("['RAIN', 'NORTH', 'TODAY']", "['SUN', 'SOUTH']"),
        ('["RAIN", "NORTH", "TODAY"]', '["SUN", "SOUTH"]'),
        ("('RAIN', 'NORTH', 'TODAY')", "('SUN',)"),
        ("['RAIN' 'NORTH' 'TODAY']", "['SUN' 'SOUTH']"),
        ("array(['RAIN', 'NORTH'], dtype='<U5')", "array(['SUN'])"),
        ("{'RAIN', 'NORTH'}", "{'SUN'}"),
        ("[RAIN, NORTH, TODAY]", "[SUN, SOUTH]"),
        ("['RAIN', 'NORTH', 'TODAY']", "[]"),
        ("tensor([12, 5])", "tensor([7])"),
    ],
)
def test_lists_written_as_text(texts: tuple[str, str]) -> None:
    lists = put("l.txt", f"w1|{texts[0]}\nw2|{texts[1]}\n")
    message = (
        f"l.txt:1: the text is a list written as text ({texts[0]}); "
        "write its words with blanks between them: RAIN NORTH"
    )
    plain = put("p.txt", IDS)
    assert refusal(lists, plain) == refusal(plain, lists) == message


def test_words_in_brackets() -> None:
    path = put("a.txt", "w1|[LACHT] RAIN (UH)\nw2|[EMPTY]\nw3|(ja, gut)\n")
    assert counts(path, path) == "0 errors, 6 words, 3 sentences"


HINT = "`--separator '{0}'` splits words there, `--separator ' '` does not"


@pytest.mark.parametrize("mark", [*",/;+_-&·、，；／"])
def test_marks_between_glosses(mark: str) -> None:
    marked, plain = put("m.txt", IDS.replace(" ", mark)), put("p.txt", IDS)
    message = f"m.txt: has `{mark}` between words (RAIN{mark}NORTH{mark}TODAY), where p.txt has blanks; "
    assert refusal(marked, plain) == refusal(plain, marked) == message + HINT.format(mark)
    assert counts(marked, plain, separator=mark) == counts(plain, marked, separator=mark) == RIGHT
    assert counts(marked, plain, separator=" ") == "5 errors, 2 words, 2 sentences"


@pytest.mark.parametrize(
    ("reference", "hypothesis", "mark"),
    [
        ("w1|RAIN, NORTH, TODAY\nw2|SUN, SOUTH\n", IDS, ","),
        ("w1|rain / north / today\nw2|sun / south / now\n", "w1|rain north today\nw2|sun south now\n", "/"),
        ("w1|GOOD MORNING,RAIN\nw2|SUN,SOUTH\n", "w1|GOOD MORNING RAIN\nw2|SUN SOUTH\n", ","),
        ("RAIN,NORTH\n", "RAIN NORTH\n", ","),
        ("w1|我/要/吃饭\nw2|你/好\n", "w1|我 要 吃饭\nw2|你 好\n", "/"),
    ],
)
def test_marks_with_blanks_and_in_one_line(reference: str, hypothesis: str, mark: str) -> None:
    message = refusal(put("r.txt", reference), put("h.txt", hypothesis))
    assert message.startswith(f"r.txt: has `{mark}` between words (")
    assert message.endswith(f", where h.txt has blanks; {HINT.format(mark)}")
    assert counts(Path("r.txt"), Path("h.txt"), separator=mark).startswith("0 errors")


@pytest.mark.parametrize(
    ("reference", "hypothesis"),
    [
        (
            "Heute, am Sonntag, regnet es im Norden.\nMorgen, ja.\n",
            "Heute am Sonntag regnet es.\nMorgen ja.\n",
        ),
        ("Heute, am Sonntag, regnet es.\n", "Heute am Sonntag regnet es.\n"),
        ("ja, gut\nnein, danke\n", "ja gut\nnein danke\n"),
        ("hello and/or bye\n", "hello and or bye\n"),
        ("w1|3,5 GRAD\nw2|1,5 GRAD\n", "w1|3 5 GRAD\nw2|1 5 GRAD\n"),
        ("w1|今天天气好，我要出去。\nw2|你好，我走。\n", "w1|今 天 天 气 好 我 出 去\nw2|你 好 我 走\n"),
        ("w1|loc-NORD RAIN\nw2|WIE-VIEL SUN\n", "w1|NORD RAIN\nw2|WIE VIEL SUN\n"),
        ("w1|THANK-YOU\nw2|GO\n", "w1|THANK YOU\nw2|GO\n"),
    ],
)
def test_sentences_have_commas_and_glosses_hyphens(reference: str, hypothesis: str) -> None:
    found = scored(put("r.txt", reference), put("h.txt", hypothesis))
    notes = tuple(note for note in found.notes if "Chinese" not in note)  # that is another note
    assert (found["wer"].value > 0, notes) == (True, ())


def test_marks_on_both_sides_are_noted() -> None:
    found = scored(put("r.txt", "w1|RAIN,NORTH\nw2|SUN,SOUTH\n"), put("h.txt", "w1|RAIN,NORTH\nw2|SUN,X\n"))
    assert found["wer"].note == "1 errors, 2 words, 2 sentences"
    assert found.notes == (
        "r.txt has `,` between words (RAIN,NORTH), but only blanks part words; " + HINT.format(","),
    )
    labels = scored(put("r.txt", "w1|eat/food\nw2|go\n"), put("h.txt", "w1|eat\nw2|go\n"))
    assert (labels["wer"].value, len(labels.notes)) == (0.5, 1)


def test_alternatives_of_an_stm_are_no_marks_between_words() -> None:
    reference = put("r.stm", "w1 1 a 0 1 { RAIN / NORTH }\n")
    hypothesis = put("h.txt", "w1|NORTH\n")
    for separator in ("", "/"):
        found = counts(reference, hypothesis, separator=separator)
        assert found == "0 errors, 1 words, 1 sentences"


def test_real_pairs_raise_no_alarm(real_data: Callable[[str], Path]) -> None:
    folder = real_data("phoenix14t_recognised")
    gloss, text = (
        put("r.txt", (folder / "dev.gloss").read_bytes()),
        put("t.txt", (folder / "dev.de").read_bytes()),
    )
    recognised = put("h.txt", (folder / "dev.recognised.gloss").read_bytes())
    blank = (
        "h.txt has 1 word with marks of a tokenizer or a model (<BLANK>), and r.txt none: "
        "they count as they are"
    )
    equal = "all hypotheses equal the references; is it the same file?"
    for one, two, note in ((gloss, recognised, blank), (text, text, equal)):
        found = scored(one, two)
        assert (found.notes, len(found.sentences.cleaned.ids)) == ((note,), 519)
