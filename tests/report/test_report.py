"""What a run shows: ids and glosses as they are, whatever characters they have."""

import json
from pathlib import Path

import numpy as np
import pytest

from signkit.report import Result, print_result, write_report
from signkit.text.vocabulary import Vocabulary
from signkit.train.setup import Prepared
from signkit.types import Corpus, Features, Hypothesis, Sample, Score

REFERENCE = ("$INDEX1", "[/b]", "$GEST-OFF^", "猫")


@pytest.fixture
def result() -> Result:
    found = Hypothesis("[bold]a", ("$INDEX1", "<i>", "猫"), "$INDEX1 <i> 猫", -1.0, (0.0, 0.1, 0.2))
    scores = (Score("wer", 0.5, "dev", "protocol:plain"), Score("wer", float("nan"), "test"))
    return Result("[red]mine", 3, scores, {"dev": {found.id: (found,)}}, {found.id: REFERENCE})


def test_the_terminal_shows_ids_and_glosses_as_they_are(
    result: Result, capsys: pytest.CaptureFixture[str]
) -> None:
    print_result(result)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "[red]mine, weights of step 3"
    assert lines[-4:] == [
        "Sentences of dev:",
        "  [bold]a",
        "  reference   $INDEX1 [/b] $GEST-OFF^ 猫",
        "  recognised  $INDEX1 ·    <i>        猫",
    ]


def test_picture_and_page_show_glosses_as_they_are(result: Result, tmp_path: Path) -> None:
    """Dollar signs are no formula, no tag is one, and a script that the font lacks is no fault."""
    sample = Sample(
        id="[bold]a",
        split="dev",
        reference=REFERENCE,
        frames=12,
        load=lambda: Features(np.ones((12, 3), dtype=np.float32)),
    )
    (tmp_path / "metrics.jsonl").write_text(json.dumps({"step": 1, "loss": 2.0}) + "\n", encoding="utf-8")
    vocabulary = Vocabulary.from_references([REFERENCE])
    prepared = Prepared(Corpus("mine", (sample,), "", 3), vocabulary, {}, None, ())
    shown = write_report(tmp_path, result, prepared)
    assert shown.picture == tmp_path / "picture.png"
    assert shown.picture.read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<td class=substitution>&lt;i&gt;</td>") == 1
    assert page.count("$GEST-OFF^") == 1
