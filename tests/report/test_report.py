"""What a run shows: every metric with its interval; ids and glosses as they are, whatever they hold."""

import json
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from tiny import C2ST, write_corpus, write_recipe

from signkit.config.recipe_file import load_recipe
from signkit.models.spec import signal_to_text
from signkit.report.page import render, template, write_page
from signkit.report.scores import score_cards, score_table
from signkit.report.sections import Cell, Gallery, Lines, Pairs, Paragraph, Section, Shot, Table
from signkit.report.sentences import Line, Sentence, aligned
from signkit.report.terminal import print_sections
from signkit.text.vocabulary import Vocabulary
from signkit.train.outcome import print_outcome, write_report
from signkit.train.task import Outcome, task_of
from signkit.types import Features, Hypothesis, Prediction, Sample, Score

REFERENCE = ("$INDEX1", "[/b]", "$GEST-OFF^", "猫")
EVIL = "<script>alert('x')</script>\"&"


@pytest.fixture
def outcome(tmp_path: Path) -> Outcome:
    """Of a run with a name and glosses that look like markup."""
    recipe = load_recipe(str(write_recipe(tmp_path / "tiny.yaml", write_corpus(tmp_path / "corpus"), C2ST)))
    found = Hypothesis("[bold]a", ("$INDEX1", "<i>", "猫"), "$INDEX1 <i> 猫", -1.0, (0.0, 0.1, 0.2))
    sample = Sample(
        id=found.id,
        split="dev",
        reference=REFERENCE,
        frames=12,
        load=lambda: Features(np.ones((12, 3), dtype=np.float32)),
    )
    scores = (
        Score("wer", 0.5, "dev", "protocol:plain", "2 errors", 0.25, 0.75),
        Score("wer", nan, "test"),
        Score("calibration_error_raw", 0.125, "dev"),
        Score("calibration_error", 0.0625, "dev"),
    )
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "metrics.jsonl").write_text(json.dumps({"step": 1, "loss": 2.0}) + "\n", encoding="utf-8")
    return Outcome(
        recipe=replace(recipe, name="[red]mine"),
        spec=signal_to_text("", 3, Vocabulary.from_references([REFERENCE])),
        step=3,
        selected="wer",
        scores=scores,
        predictions={"dev": [Prediction(found.id, {"text": found})]},
        samples={"dev": (sample,)},
        calibration=None,
        run=folder,
        folder=folder,
    )


def test_the_terminal_shows_ids_and_glosses_as_they_are(
    outcome: Outcome, capsys: pytest.CaptureFixture[str]
) -> None:
    print_outcome(task_of(outcome.recipe), outcome, outcome.folder)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "[red]mine, weights of step 3"
    assert " ".join(lines[4].split()) == "word error rate ↓ 50.00 % (25.0–75.0)"
    assert lines[-7:] == [
        "↓ lower is better; in brackets: 95 % interval",
        "The weights were selected by the word error rate of dev (lower is better).",
        "Expected calibration error of the confidences: dev 12.5 %, calibrated 6.2 %",
        "Sentences of dev:",
        "  [bold]a",
        "  reference   $INDEX1 [/b] $GEST-OFF^ 猫",
        "  recognised  $INDEX1 ·    <i>        猫",
    ]


def test_picture_and_page_show_glosses_as_they_are(outcome: Outcome) -> None:
    """Dollar signs are no formula, no tag is one, and a script that the font lacks is no fault."""
    write_report(task_of(outcome.recipe), outcome)
    assert {path.name for path in outcome.folder.iterdir()} == {"metrics.jsonl", "picture.png", "report.html"}
    assert (outcome.folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    assert page.count('<span class="S"><b>$GEST-OFF^</b><b>&lt;i&gt;</b><i>S</i></span>') == 1
    assert page.count('<span class="D"><b>[/b]</b><b>***</b><i>D</i></span>') == 1
    assert page.count('src="data:image/png;base64,') == 1
    assert '<td class="n" data-v="0.5" title="2 errors">50.00 % <small>(25.0–75.0)</small></td>' in page
    assert '<p class="large">50.00<small>%</small></p>' in page
    assert "<pre>dev: protocol:plain</pre>" in page
    assert "The weights were selected by the word error rate of dev (lower is better)." in page


def test_a_table_of_scores_has_every_metric() -> None:
    """In the order of the scores, in their own units and directions, the calibration's left out."""
    scores = (
        Score("wer", 0.0731, "dev", low=0.069, high=0.078),
        Score("letter_accuracy", 0.9, "dev"),
        Score("bleu4", 0.234, "dev", low=0.2, high=0.25),
        Score("perplexity", 12.345, "dev", low=11.0, high=13.25),
        Score("seen_share", 0.25, "dev"),
        Score("wer_greedy", nan, "dev"),
        Score("calibration_error", 0.1, "dev"),
        Score("wer", 0.5, "train"),
        Score("wer", 0.08, "test", low=0.07, high=0.09),
    )
    table = score_table(scores, ("dev", "test"), "mine", selected="letter_accuracy")
    assert (table.title, table.columns) == ("mine", ("metric", "dev", "test"))
    cells = [[(cell.text, cell.detail) for cell in row] for row in table.cells()]
    assert [row[0][0] for row in cells] == [
        "word error rate ↓", "letter accuracy ↑", "BLEU-4 ↑", "perplexity ↓", "sentences seen in train",
        "word error rate, greedy ↓",
    ]  # fmt: skip
    assert [row[1] for row in cells] == [
        ("7.31 %", "(6.9–7.8)"), ("90.00 %", ""), ("23.40", "(20.0–25.0)"), ("12.35", "(11.0–13.2)"),
        ("25.00 %", ""), ("-", ""),
    ]  # fmt: skip
    assert [row[2] for row in cells] == [("8.00 %", "(7.0–9.0)")] + [("", "")] * 5
    assert table.notes == (
        "↓ lower is better, ↑ higher is better; in brackets: 95 % interval",
        "The weights were selected by the letter accuracy of dev (higher is better).",
    )


def test_scores_without_intervals_have_no_brackets() -> None:
    table = score_table((Score("accuracy", 0.5, "dev"),), ("dev",))
    assert [cell.detail for cell in table.cells()[0]] == [None, None]
    assert table.notes == ("↑ higher is better",)
    assert score_table((), ("dev",)).rows == []


def test_large_numbers_in_their_unit() -> None:
    scores = [Score("wer", 0.5, "dev"), Score("perplexity", 30.0, "dev"), Score("wer", 0.25, "test")]
    wer, perplexity = score_cards(scores, ("dev", "test"), ("wer", "absent", "perplexity")).cards
    assert [(f.of, f.text, f.unit) for f in wer.figures] == [("dev", "50.00", "%"), ("test", "25.00", "%")]
    assert (wer.better, wer.end, wer.figures[0].interval.top) == ("lower is better", "50\u202f%", 0.5)
    assert (perplexity.figures[0].text, perplexity.figures[0].unit, perplexity.end) == ("30.00", "", "50")


def test_every_kind_of_section_can_be_drawn() -> None:
    """Each has a macro of its name."""
    macros = template("sections.html").module
    assert [kind.__name__ for kind in get_args(Section) if not hasattr(macros, kind.__name__)] == []


def test_no_text_of_a_section_runs() -> None:
    steps = aligned([EVIL, "A"], ["A", EVIL])
    table = Table(
        (EVIL, EVIL), [[EVIL, Cell(EVIL, 1.0, EVIL, EVIL, find=EVIL)]], EVIL, EVIL, (EVIL,), folded=EVIL
    )
    page = render(
        EVIL,
        [
            Paragraph(EVIL, EVIL, EVIL), Lines((EVIL, EVIL), EVIL), table,
            Gallery((Shot(b"", EVIL, EVIL, EVIL),), EVIL),
            Pairs((Sentence(EVIL, (Line(steps, EVIL),), EVIL),), EVIL, note=EVIL, unit=EVIL),
        ],
    )  # fmt: skip
    assert page.count("<script") == 1 and "alert('x')" not in page
    assert page.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&#34;&amp;") > 30


def test_a_page_is_one_file(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", "one", [Paragraph("a\x00b"), Paragraph("only", "Title")])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert "<p>a�b</p>" in page and "<nav" not in page
    assert '<h2 id="part-1">Title</h2>' in page


def test_a_terminal_shows_tables_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """Texts end below each other where details are of several lengths; remarks are on the left."""
    rows = [
        ["[b]a", Cell("1.00 %", 0.01, "(0.5–1.5)"), "first"],
        [":cat:", Cell("10.00 %", 0.1, "(9.5–10.5)"), "2nd"],
        ["c", Cell("-", nan, ""), ""],
    ]
    print_sections([Table(("what", "dev", "of"), rows, "[red]title", notes=("note [x]",), remarks=1)])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "[red]title",
        "",
        "  what                   dev   of",
        " ────────────────────────────────────",
        "  [b]a     1.00 % (0.5–1.5)    first",
        "  :cat:   10.00 % (9.5–10.5)   2nd",
        "  c             -",
        "",
        "note [x]",
    ]


def test_aligned_steps_and_their_counts() -> None:
    line = Line(aligned(("A", "B", "C"), ("A", "X", "C", "D")))
    assert line.steps == (("C", "A", "A"), ("S", "B", "X"), ("C", "C", "C"), ("I", "", "D"))
    assert (line.errors, line.length) == (2, 3)
    assert line.tally("word") == "S\u202f1 I\u202f1 · 66.67\u202f% of 3 words"
    empty = Sentence("x", (Line(aligned((), ("A",))), Line(())))
    assert (empty.errors, empty.rate, empty.apart) == (1, 1.0, 1)
