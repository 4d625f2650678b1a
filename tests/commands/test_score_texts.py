"""`signkit score` of translations: the protocols of texts, and the retrieval floor next to a system."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from signkit.cli.app import main

Command = Callable[..., tuple[int, str, str]]

FILES = {
    "test.de": "heute regnet es im norden .\nmorgen scheint die sonne .\n",
    "system.de": "heute regnet es im süden\nmorgen scheint die sonne\n",
    "test.gloss": "HEUTE NORD REGEN\nMORGEN SONNE\n",
    "train.de": "heute regnet es .\nmorgen scheint die sonne .\nguten abend .\n",
    "train.gloss": "HEUTE REGEN\nMORGEN SONNE\nABEND\n",
    "short.gloss": "HEUTE NORD REGEN\n",
    "empty.de": "",
    "blank.de": "\n\n",
}
FLOOR = ("--train", "train.de", "--train-source", "train.gloss", "--source", "test.gloss")


@pytest.fixture
def score(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Run `signkit score` in this process, in a folder with small files, without intervals."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")

    def call(*args: str) -> tuple[int, str, str]:
        protocol = ("--protocol", "phoenix2014t_text", "--resamples", "0")
        monkeypatch.setattr(sys, "argv", ["signkit", "score", *args, *protocol])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = capsys.readouterr()
        return leaving.value.code or 0, captured.out, captured.err  # type: ignore[return-value]

    return call


def test_the_table_has_both_conventions_and_their_signatures(score: Command) -> None:
    status, out, _ = score("test.de", "system.de")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert status == 0
    assert "BLEU-1 90.91" in lines and "BLEU-1, no period 88.89" in lines
    signatures = [line for line in lines if line.startswith("signature: ")]
    assert ["final-period:added" in line for line in signatures] == [True, False]
    assert ["final-period:removed" in line for line in signatures] == [False, True]


def test_the_floor_is_a_system_that_is_compared(score: Command) -> None:
    document = json.loads(score("test.de", "system.de", *FLOOR, "--json")[1])
    (floor,) = document["systems"]
    assert floor["system"] == "retrieval floor"
    texts = [" ".join(each["hypothesis"]) for each in floor["sentences"]]
    assert texts == ["heute regnet es .", "morgen scheint die sonne ."]
    seen = {each["name"]: each["note"] for each in floor["metrics"]}["seen_share"]
    assert seen == "1 of 2 sentences"
    compared = ("--metric", "bleu", "--resamples", "100")
    _, out, _ = score("test.de", "system.de", *FLOOR, *compared)
    assert "retrieval floor against test.de: 2 sentences, protocol phoenix2014t_text" in out


def test_the_sources_may_have_a_column_of_their_own(score: Command) -> None:
    for name, rows in (
        ("r.jsonl", [("a", "MORGEN SONNE", "morgen scheint die sonne")]),
        ("t.jsonl", [("x", "HEUTE REGEN", "heute regnet es"), ("y", "MORGEN SONNE", "morgen sonne satt")]),
    ):
        text = "".join(json.dumps({"id": i, "gloss": g, "text": t}) + "\n" for i, g, t in rows)
        Path(name).write_text(text, encoding="utf-8")
    Path("h.txt").write_text("a|morgen sonne\n", encoding="utf-8")
    sides = ("--train", "t.jsonl", "--train-source", "t.jsonl", "--source", "r.jsonl")
    columns = ("--reference-column", "text", "--source-column", "gloss")
    document = json.loads(score("r.jsonl", "h.txt", *sides, *columns, "--json")[1])
    assert document["systems"][0]["sentences"][0]["hypothesis"] == ["morgen", "sonne", "satt", "."]


def test_show_cleaning_shows_the_period(score: Command) -> None:
    _, out, err = score("test.de", "system.de", "--show-cleaning")
    assert out.splitlines()[:3] == [
        "system.de:1: 1  [final-period]",
        "  - heute regnet es im süden",
        "  + heute regnet es im süden .",
    ]
    assert err.splitlines()[-1] == "  final-period: 2 in system.de"


def test_empty_translations_are_noted(score: Command) -> None:
    Path("half.de").write_text("\nmorgen scheint die sonne\n", encoding="utf-8")
    assert "note: half.de: 1 text is empty, of 2\n" in score("test.de", "half.de")[1]
    assert "note: blank.de: 2 texts are empty, of 2\n" in score("test.de", "blank.de")[1]
    assert "note: blank.de: 2 texts are empty, of 2\n" in score("blank.de", "system.de")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["test.de", "train.de"],
            "train.de: 3 lines against the 2 of test.de; without ids, line by line is compared",
        ),
        (["empty.de", "system.de"], "empty.de: is empty"),
        (
            ["test.de", "system.de", "--source", "test.gloss", "--train", "train.de"],
            "--source: needs --train-source; the retrieval floor is of --source, --train-source and --train",
        ),
        (
            ["test.de", "system.de", "--train-source", "train.gloss"],
            "--train-source: needs --source; the retrieval floor is of --source, --train-source and --train",
        ),
        (
            ["test.de", "system.de", *FLOOR[:-1], "short.gloss"],
            "short.gloss: 1 lines against the 2 of test.de; line n is the source of line n",
        ),
        (
            ["test.de", "system.de", *FLOOR[:-3], "test.gloss", *FLOOR[-2:]],
            "test.gloss: 2 lines against the 3 of train.de; line n is the source of line n",
        ),
        (
            ["test.de", "system.de", *FLOOR, "--source-column", "gloss"],
            "--source-column: a file of the format lines has no columns; leave the option out",
        ),
        (
            ["test.de", "retrieval floor.de", *FLOOR],
            "--source: a system has the name 'retrieval floor' already; rename its file",
        ),
        (
            ["test.de", "system.de", *FLOOR, "--report", "train.gloss"],
            "--report: train.gloss is a file that is read here",
        ),
    ],
)
def test_what_is_refused(score: Command, arguments: list[str], message: str) -> None:
    Path("retrieval floor.de").write_text(FILES["system.de"], encoding="utf-8")
    assert score(*arguments) == (2, "", f"error: {message}\n")
