"""Error rates of small corpora by hand, of a real one by a leaderboard, and what is refused."""

import csv
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import signkit
from signkit.errors import UserError
from signkit.eval.protocols import Protocol, load
from signkit.eval.scores import ErrorRate, error_rate, score, signature

REFERENCES = {"a": ("MY", "HOUSE"), "b": ("BOOK",), "c": ("YOU", "GO", "HOME")}
HYPOTHESES = {"b": ("BOOK",), "a": ("MY", "CAT", "BIG"), "c": ("YOU", "HOME")}
PLAIN = load("plain")


def values(*arguments: object) -> dict[str, float]:
    return {s.name: s.value for s in score(*arguments)}  # type: ignore[arg-type]


def test_edits_are_summed_over_the_corpus() -> None:
    found = error_rate(REFERENCES, HYPOTHESES)
    assert found == ErrorRate(substitutions=1, deletions=1, insertions=1, words=6, sentences=3, wrong=2)
    assert (found.errors, found.value) == (3, 0.5)


def test_characters_are_laid_end_to_end() -> None:
    found = error_rate({"a": ("AB", "CD")}, {"a": ("AB", "C")}, characters=True)
    assert (found.errors, found.words) == (1, 4)
    spelled = error_rate({"a": tuple("AB CD")}, {"a": tuple("ABCD")}, characters=True)
    assert (spelled.errors, spelled.words) == (1, 5)


def test_empty_reference_adds_insertions_and_no_words() -> None:
    found = error_rate({"a": (), "b": ("X",)}, {"a": ("X", "Y"), "b": ("X",)})
    assert (found.insertions, found.words, found.value, found.wrong) == (2, 1, 2.0, 1)


def test_no_words_have_no_error_rate() -> None:
    assert math.isnan(error_rate({"a": ()}, {"a": ("X",)}).value)
    by_name = {s.name: s for s in score({"a": ()}, {"a": ("X",)}, PLAIN, "test", ())}
    assert math.isnan(by_name["wer"].value)
    assert by_name["wer"].note == "undefined: 1 errors, 0 words, 1 sentences"
    assert by_name["wer_deletions"].note == "undefined: nothing to divide by"
    assert by_name["sentence_error"].value == 1.0


def test_no_samples_have_no_scores() -> None:
    assert all(math.isnan(value) for value in values({}, {}, PLAIN, "dev", ()).values())


def test_equally_composed_tokens_are_equal() -> None:
    assert error_rate({"a": ("BU\u0308RO",)}, {"a": ("B\u00dcRO",)}).errors == 0


@pytest.mark.parametrize(
    ("hypotheses", "message"),
    [
        ({"a": (), "b": ()}, "hypotheses: no hypothesis for the sample 'c'"),
        ({"c": ()}, "hypotheses: no hypothesis for the sample 'a' and 1 more"),
        (HYPOTHESES | {"d": ()}, "hypotheses: no reference for the sample 'd'"),
    ],
)
def test_ids_must_be_the_same(hypotheses: dict[str, tuple[str, ...]], message: str) -> None:
    for call in (error_rate, lambda r, h: score(r, h, PLAIN, "test")):
        with pytest.raises(UserError) as caught:
            call(REFERENCES, hypotheses)
        assert str(caught.value) == message


def test_scores_of_the_plain_protocol() -> None:
    assert values(REFERENCES, HYPOTHESES, PLAIN, "test", {"BOOK", "YOU GO HOME", "YOU"}) == {
        "wer": 0.5,
        "wer_substitutions": 1 / 6,
        "wer_deletions": 1 / 6,
        "wer_insertions": 1 / 6,
        "sentence_error": 2 / 3,
        "seen_share": 2 / 3,
        "wer_seen": 1 / 4,
        "wer_unseen": 1.0,
    }


def test_seen_scores_need_the_sentences_of_train() -> None:
    assert set(values(REFERENCES, HYPOTHESES, PLAIN, "dev", None)) == {
        "wer",
        "wer_substitutions",
        "wer_deletions",
        "wer_insertions",
        "sentence_error",
    }


def test_all_seen_leaves_the_unseen_undefined() -> None:
    found = {s.name: s for s in score({"a": ("X",)}, {"a": ("X",)}, PLAIN, "test", {"X"})}
    assert found["seen_share"].value == 1.0
    assert math.isnan(found["wer_unseen"].value)
    assert found["wer_unseen"].note == "undefined: 0 errors, 0 words, 0 sentences"


def test_a_protocol_of_characters() -> None:
    protocol = Protocol(name="letters", unit="character", metrics=("rate",))
    assert values({"a": ("AB",)}, {"a": ("AC",)}, protocol, "test") == {"cer": 0.5}


def test_signature_tells_how() -> None:
    expected = f"protocol:plain|unit:word|costs:s4i3d3|unicode:nfc|sentences:3|version:{signkit.__version__}"
    assert signature(PLAIN, 3) == expected
    assert {s.signature for s in score(REFERENCES, HYPOTHESES, PLAIN, "test")} == {expected}
    assert {s.split for s in score(REFERENCES, HYPOTHESES, PLAIN, "test")} == {"test"}


def test_protocol_of_a_file_and_its_faults(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("unit: character\ncosts: {substitution: 1, insertion: 1, deletion: 1}\n")
    found = load(str(path))
    assert (found.name, found.unit, found.costs.substitution) == ("mine", "character", 1)
    path.write_text("unit: words\nmetrics: [rate, edit]\ncosts: {deletion: 0}\n")
    with pytest.raises(UserError) as caught:
        load(str(path))
    assert str(caught.value).splitlines() == [
        f"{path}:1:7: `unit` cannot be `words`; did you mean `word`?",
        f"{path}:2:17: `metrics.1` cannot be `edit`; did you mean `edits`?",
        f"{path}:3:19: `costs.deletion` must be between 1 and 1000, not `0`",
    ]


def test_protocol_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load("plane")
    assert str(caught.value) == "plane: no built-in scoring protocol has this name; did you mean `plain`?"
    with pytest.raises(UserError) as caught:
        load(str(tmp_path / "none.yaml"))
    assert str(caught.value) == f"{tmp_path / 'none.yaml'}: there is no such file"


def test_scoring_does_not_import_torch() -> None:
    code = "import sys, signkit.eval.scores; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_leaderboard_figure_of_a_real_system(real_data: Callable[[str], Path]) -> None:
    """Isharah-2000, signer-independent dev: the leaderboard counts 333 errors in 4,554 words."""
    folder = real_data("isharah_text")
    rows = csv.DictReader((folder / "SI" / "dev.txt").read_text("utf-8").splitlines(), delimiter="|")
    references = {row["id"]: row["gloss"].split() for row in rows}
    rows = csv.DictReader((folder / "SI_dev_wer7.3123.csv").read_text("utf-8").splitlines())
    hypotheses = {row["id"]: row["gloss"].split() for row in rows}
    found = error_rate(references, hypotheses)
    assert (found.errors, found.words, round(100 * found.value, 4)) == (333, 4554, 7.3123)
