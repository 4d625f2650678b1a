"""Files with the texts of both sides: each side reads its own column."""

import json
from pathlib import Path

import pytest
from transcript_files import counts, put, refusal, scored

from signkit.eval.formats.columns import kind_of

NAMES = [
    ("label", "prediction"), ("text", "pred_text"), ("gloss", "Prediction"), ("text", "hypothesis"),
    ("sentence", "predicted_sentence"), ("Label", "Predicted"), ("reference", "hyp"), ("ref", "recognised"),
    ("ground_truth", "predictedText"), ("target", "decoded"),
]  # fmt: skip
WRONG = "1 errors, 3 words, 2 sentences"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are written into an empty working folder."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("true", "predicted"), NAMES)
@pytest.mark.parametrize("ending", ["csv", "tsv", "txt", "jsonl", "json"])
def test_each_side_reads_its_own_column(true: str, predicted: str, ending: str) -> None:
    rows = [("w1", "RAIN NORTH", "RAIN SOUTH"), ("w2", "SUN", "SUN")]
    if ending.startswith("json"):
        records = [dict(zip(("id", true, predicted), row, strict=True)) for row in rows]
        lines = "\n".join(map(json.dumps, records))
        both = put(f"b.{ending}", lines if ending == "jsonl" else json.dumps(records))
    else:
        mark = "\t" if ending == "tsv" else ","
        table = [("id", true, predicted), *rows]
        both = put(f"b.{ending}", "\n".join(map(mark.join, table)) + "\n")
    where = "b.json: item 1" if ending == "json" else f"b.{ending}:1"
    found = scored(both, both)
    assert found["wer"].note == WRONG
    assert found.notes == (
        f"{where}: the column `{true}` was read as the reference, and not `{predicted}`; "
        "`--reference-column` names another",
        f"{where}: the column `{predicted}` was read as the hypothesis, and not `{true}`; "
        "`--hyp-column` names another",
    )
    assert counts(put("r.csv", "id,gloss\nw1,RAIN NORTH\nw2,SUN\n"), both) == WRONG


def test_columns_that_do_not_decide() -> None:
    two = put("two.csv", "id,gloss,prediction,hyp\nw1,RAIN,RAIN,SUN\n")
    one = put("one.csv", "id,gloss\nw1,RAIN\n")
    assert refusal(one, two) == (
        "two.csv:1: there are several columns of text: `prediction`, `hyp`; "
        "`--hyp-column` names that of the hypothesis"
    )
    assert counts(one, two, hyp_column="hyp") == "1 errors, 1 words, 1 sentences"
    both = put("both.csv", "id,gloss,text,prediction\nw1,RAIN,rainy,rainy\n")
    assert refusal(both, both) == (
        "both.csv:1: there are several columns of text: `gloss`, `text`; "
        "`--reference-column` names that of the reference"
    )
    named = put("named.csv", "id,gloss,text,predicted_text\nw1,RAIN,sunny,rainy\n")
    assert counts(named, named, hyp_column="predicted_text") == "1 errors, 1 words, 1 sentences"


def test_columns_of_one_side_are_read_without_a_note() -> None:
    corpus = put("a.corpus.csv", "name|video|orth|translation\nw1|v|RAIN|es regnet\n")
    assert scored(corpus, put("h.csv", "id,pred\nw1,RAIN\n")).notes == ()
    assert scored(corpus, put("h.jsonl", '{"id": "w1", "text": "RAIN", "tokens": ["RAIN"]}\n')).notes == ()


@pytest.mark.parametrize("name", ["pred_score", "hyp_id", "prediction_time", "gloss", "reference_id", "id"])
def test_what_holds_no_text_of_a_side(name: str) -> None:
    assert kind_of(name) is None


def test_kaldi_ids_that_differ_in_case() -> None:
    message = refusal(put("r.txt", "W1 RAIN\nW2 SUN\n"), put("h.txt", "w1 RAIN\nw2 SUN\n"))
    assert message.startswith("h.txt: its lines begin with ids ('w1'), as those of the reference")
