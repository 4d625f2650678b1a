"""Protocol files: the built-in ones, what is refused in a user's and where, and the digest."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from signkit.config.assets import asset, names
from signkit.errors import UserError
from signkit.eval.alignment import SCLITE, UNIT, Costs, align
from signkit.eval.protocols import Protocol, load
from signkit.eval.rules import Rule


def faults(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        load(str(path))
    return str(caught.value).replace(f"{path}:", "").splitlines()


def test_built_in_protocols() -> None:
    assert names("eval") == (
        "aslfr",
        "boston104",
        "chicagofswild",
        "csl_daily",
        "csl_daily_characters",
        "csl_daily_text",
        "isharah",
        "phoenix2014",
        "phoenix2014t",
        "phoenix2014t_text",
        "plain",
        "text",
    )
    for name in names("eval"):
        first = asset("eval", name).read_text("utf-8").splitlines()[0]
        assert first.startswith("# ") and first.endswith("."), name
        assert load(name).name == name


def test_plain_is_the_default() -> None:
    assert load("plain") == Protocol(name="plain")
    assert Protocol(name="plain").metrics == ("wer", "edits", "sentence_error", "seen")


def test_costs_and_units() -> None:
    told = {name: (load(name).costs, load(name).unit, load(name).spaces) for name in names("eval")}
    assert told.pop("aslfr") == (UNIT, "character", True)
    assert told.pop("chicagofswild") == (Costs(10, 7, 7), "character", True)
    assert told.pop("csl_daily_characters") == (SCLITE, "character", False)
    assert told.pop("csl_daily_text") == (SCLITE, "character", False)
    assert set(told.values()) == {(SCLITE, "word", False)}


def test_sides_of_the_two_phoenix_protocols() -> None:
    assert {rule.to for rule in load("phoenix2014").rules} == {"hypothesis"}
    assert {rule.to for rule in load("phoenix2014t").rules} == {"both"}
    assert (load("phoenix2014").empty, load("phoenix2014t").empty) == ("[EMPTY]", "")


def test_digest_is_of_what_decides_a_score() -> None:
    rule = Rule(name="a", kind="delete", text="loc-")
    base = Protocol(name="x", rules=(rule,))
    assert len(base.digest) == 8 and int(base.digest, 16) >= 0
    same = (
        replace(base, name="y"),
        replace(base, metrics=("wer",)),
        replace(base, rules=(replace(rule, name="b"),)),
    )
    assert {protocol.digest for protocol in same} == {base.digest}
    others = (
        replace(base, case="sensitive"),
        replace(base, costs=UNIT),
        replace(base, empty="[EMPTY]"),
        replace(base, optional=True),
        replace(base, fragments=True),
        replace(base, rules=()),
        replace(base, rules=(replace(rule, to="reference"),)),
        replace(base, rules=(replace(rule, times=2),)),
        replace(base, unit="character", metrics=("cer",)),
        replace(base, unit="character", metrics=("cer",), spaces=True),
    )
    assert len({base.digest, *(protocol.digest for protocol in others)}) == len(others) + 1


def test_digest_of_equal_scoring_is_equal() -> None:
    assert load("isharah").digest == load("plain").digest == load("boston104").digest
    assert load("phoenix2014").digest != load("phoenix2014t").digest


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "unit: word\nspaces: true\n",
            "2:9: `spaces`: are characters, and the unit is `word`; write `unit: character`",
        ),
        ("empty: two words\n", "1:8: `empty`: must be one word"),
        ("metrics: []\n", "1:10: `metrics`: is empty, so there is nothing to score"),
        ("metrics: [wer, edits, wer]\n", "1:10: `metrics`: `wer` occurs twice"),
        (
            "rules:\n  - {name: a, kind: squeeze}\n  - {name: a, kind: squeeze}\n",
            "2:3: `rules`: `a` occurs twice",
        ),
    ],
)
def test_faults_of_a_protocol(tmp_path: Path, text: str, expected: str) -> None:
    assert faults(tmp_path, text) == [expected]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("{name: a b, kind: squeeze}", "2:12: `rules.0.name`: must be one word"),
        ("{name: a, kind: delete}", "2:5: `rules.0`: a rule of kind `delete` needs `text`"),
        ("{name: a, kind: replace, text: x}", "2:5: `rules.0`: a rule of kind `replace` needs `by`"),
        ('{name: a, kind: delete, text: "  "}', "2:35: `rules.0.text`: is blank"),
        ("{name: a, kind: drop, text: x y}", "2:33: `rules.0.text`: has a blank, so no word can hold it"),
        (
            "{name: a, kind: squeeze, text: x}",
            "2:36: `rules.0.text`: means nothing to a rule of kind `squeeze`; it takes no key of its own",
        ),
        (
            "{name: a, kind: delete, text: x, by: y}",
            "2:42: `rules.0.by`: means nothing to a rule of kind `delete`; it takes `text`",
        ),
        (
            "{name: a, kind: drop, text: x, letters: ascii}",
            "2:45: `rules.0.letters`: means nothing to a rule of kind `drop`",
        ),
        (
            "{name: a, kind: regex, pattern: 'a('}",
            "2:37: `rules.0.pattern`: is not a regular expression: "
            "missing ), unterminated subpattern at position 1",
        ),
        (
            "{name: a, kind: regex, pattern: '(a+)+b'}",
            "2:37: `rules.0.pattern`: repeats a group that holds a repeat, an option or alternatives; "
            "a search could take too long",
        ),
        (
            r"{name: a, kind: regex, pattern: 'a', by: '\2'}",
            "2:46: `rules.0.by`: does not fit the pattern: invalid group reference 2 at position 1",
        ),
        (
            "{name: a, kind: regex, pattern: a, with_word: '.*'}",
            "2:51: `rules.0.with_word`: has a repeat that can run over blanks; "
            "`[^ ]` is any character of a word; a search could take too long",
        ),
        (
            "{name: a, kind: merge_repeats, pattern: 'a|b'}",
            "2:45: `rules.0.pattern`: must be one class, perhaps repeated; for example [A-Z]+",
        ),
        (
            "{name: a, kind: deletes, text: x}",
            "2:21: `rules.0.kind` cannot be `deletes`; did you mean `delete`?",
        ),
        ("{name: a, kind: squeeze, times: 99}", "2:37: `rules.0.times` must be between 1 and 20, not `99`"),
    ],
)
def test_faults_of_a_rule(tmp_path: Path, rule: str, expected: str) -> None:
    assert faults(tmp_path, f"rules:\n  - {rule}\n") == [expected]


def test_all_faults_of_a_file_come_together(tmp_path: Path) -> None:
    text = "unit: words\nrules:\n  - {name: a, kind: drop}\n  - {name: b, kind: regex, pattern: '['}\n"
    assert faults(tmp_path, text) == [
        "1:7: `unit` cannot be `words`; did you mean `word`?",
        "3:5: `rules.0`: a rule of kind `drop` needs `text`",
        "4:37: `rules.1.pattern`: is not a regular expression: unterminated character set at position 0",
    ]


def test_a_protocol_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("case: unicode\nrules:\n  - {name: note, kind: delete, text: (x), to: reference}\n")
    assert load(str(path)) == Protocol(
        name="mine",
        case="unicode",
        rules=(Rule(name="note", kind="delete", text="(x)", to="reference"),),
    )


def test_isharah_as_the_leaderboard_counts(real_data: Callable[[str], Path]) -> None:
    folder = real_data("isharah_text")
    protocol = load("isharah")
    assert protocol.rules == ()

    def glosses(path: Path, mark: str) -> dict[str, list[str]]:
        rows = [line.split(mark, 1) for line in path.read_text("utf-8").splitlines()[1:]]
        return {name: text.split() for name, text in rows}

    references = glosses(folder / "SI" / "dev.txt", "|")
    hypotheses = glosses(folder / "SI_dev_wer7.3123.csv", ",")
    found = [align(references[name], hypotheses[name], protocol.costs).errors for name in references]
    assert (sum(found), sum(map(len, references.values()))) == (333, 4554)
