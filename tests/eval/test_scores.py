"""Scores of small corpora by hand, of a real one by a leaderboard, and what is refused."""

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import signkit
from signkit.errors import UserError
from signkit.eval import pairing
from signkit.eval.formats import read_pair
from signkit.eval.protocols import Protocol, load
from signkit.eval.scores import Resampling, error_rate, score
from signkit.eval.transcripts import Transcripts

REFERENCES = {"a": "MY HOUSE", "b": "BOOK", "c": "YOU GO HOME"}
HYPOTHESES = {"b": "BOOK", "a": "MY CAT BIG", "c": "YOU HOME"}
PLAIN = load("plain")
QUICK = Resampling(resamples=0)


def values(*arguments: object, **options: object) -> dict[str, float]:
    return {s.name: s.value for s in score(*arguments, resampling=QUICK, **options).scores}  # type: ignore[arg-type]


def test_scores_of_the_plain_protocol() -> None:
    train = {("BOOK",), ("YOU", "GO", "HOME"), ("YOU",)}
    assert values(REFERENCES, HYPOTHESES, PLAIN, train=train) == {
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
    assert set(values(REFERENCES, HYPOTHESES)) == {
        "wer", "wer_substitutions", "wer_deletions", "wer_insertions", "sentence_error",
    }  # fmt: skip


def test_all_seen_leaves_the_unseen_undefined() -> None:
    found = score({"a": "X"}, {"a": "X"}, train={("X",)})
    assert found["seen_share"].value == 1.0
    assert math.isnan(found["wer_unseen"].value)
    assert found["wer_unseen"].note == "undefined: 0 errors, 0 words, 0 sentences"


def test_an_empty_reference_adds_insertions_and_no_words() -> None:
    found = score({"a": "", "b": "X"}, {"a": "X Y", "b": "X"}, resampling=QUICK)
    assert found["wer"].value == 2.0
    assert found["wer"].note == "2 errors, 1 words, 2 sentences"


def test_no_words_have_no_error_rate() -> None:
    found = score({"a": ""}, {"a": "X"})
    assert math.isnan(found["wer"].value)
    assert found["wer"].note == "undefined: 1 errors, 0 words, 1 sentences"
    assert found["sentence_error"].value == 1.0


def test_no_sentences_have_no_scores() -> None:
    assert all(math.isnan(value) for value in values({}, {}).values())


@pytest.mark.parametrize(
    ("case", "errors"), [("ascii", 1), ("sensitive", 2), ("unicode", 0)], ids=lambda x: str(x)
)
def test_case_is_seen_as_the_protocol_says(case: str, errors: int) -> None:
    protocol = load("plain", [f"case={case}"])
    found = score({"a": "Haus ÜBER"}, {"a": "HAUS über"}, protocol, resampling=QUICK)
    assert found["wer"].value == errors / 2


def test_equally_composed_tokens_are_equal() -> None:
    composed, decomposed = "B\u00dcRO", "BU\u0308RO"
    assert values({"a": composed}, {"a": decomposed})["wer"] == 0
    letters = values({"a": composed}, {"a": decomposed}, metrics=["cer", "aslfr", "letter_accuracy"])
    assert letters == {"cer": 0, "aslfr": 1, "letter_accuracy": 1}
    assert error_rate({"a": (composed,)}, {"a": (decomposed,)}) == 0


def test_words_and_characters_side_by_side() -> None:
    found = values({"a": "AB CD"}, {"a": "AB C D"}, metrics=["wer", "cer", "aslfr"])
    assert found == {"wer": 1.0, "cer": 0.0, "aslfr": 1 - 1 / 5}


def test_letter_accuracy_is_aligned_at_the_costs_of_htk() -> None:
    """Two substitutions fewer cost HTK less than two deletions and two insertions; sclite takes three."""
    found = values({"a": "aab"}, {"a": "bcc"}, metrics=["letter_accuracy", "cer", "aslfr"])
    assert found == {"letter_accuracy": 1 - 4 / 3, "cer": 1.0, "aslfr": 0.0}


def test_a_metric_asked_for_twice_is_there_once() -> None:
    assert list(values(REFERENCES, HYPOTHESES, metrics=["wer", "cer", "wer"])) == ["wer", "cer"]


def test_words_of_sclites_formats_mean_what_they_mean_to_sclite() -> None:
    reference = Transcripts("r.trn", "trn", ("a", "b"), ("A;x B* @ C\\D", "E"), (1, 2))
    for format, errors in (("trn", 0), ("id", 2)):
        hypothesis = Transcripts("h", format, ("a", "b"), ("A B CD", "E*"), (1, 2))
        found = score(reference, hypothesis, resampling=QUICK)["wer"]
        assert found.note == f"{errors // 2} errors, 4 words, 2 sentences"


def test_rules_see_words_parted_by_single_blanks() -> None:
    protocol = load("phoenix2014")
    found = score({"a": "WIE-AUSSEHEN"}, {"a": "WIE   AUSSEHEN"}, protocol, resampling=QUICK)
    assert found["wer"].value == 0


def test_alternatives_are_counted_as_the_chosen_path(tmp_path: Path) -> None:
    (tmp_path / "r.trn").write_text("A { B C / D } E (a-1)\nF (a-2)\n{ G / @ } (a-3)\n")
    (tmp_path / "h.trn").write_text("X A D E (a-1)\nF H (a-2)\n(a-3)\n")
    references, (hypotheses,) = read_pair(tmp_path / "r.trn", [tmp_path / "h.trn"])
    found = score(references, hypotheses, resampling=QUICK)
    pairs, aligned = found.sentences.main
    assert aligned.counts.tolist() == [[3, 0, 0, 1], [1, 0, 0, 1], [0, 0, 0, 0]]
    assert aligned.offsets.tolist() == [0, 4, 6, 6]
    assert pairs.words(pairs.references[0]) == ("A", "D", "E")
    assert pairs.words(aligned.references[aligned.references >= 0]) == ("A", "D", "E", "F")
    assert pairs.words(aligned.hypotheses[aligned.hypotheses >= 0]) == ("X", "A", "D", "E", "F", "H")


def test_rules_see_each_alternative_by_itself() -> None:
    """Or equal neighbours would make one brace of two."""
    text = "{ { loc-AA / BB BB } / CC } DD __ON__ { __OFF__ / EE }"
    reference = Transcripts("r.trn", "trn", ("a",), (text,), (1,))
    expected = {"AA DD": 0, "BB DD EE": 0, "CC DD": 0, "XX DD": 1, "AA DD EE FF": 1}
    for hypothesis, errors in expected.items():
        other = Transcripts("h.txt", "id", ("a",), (hypothesis,), (1,))
        found = score(reference, other, "phoenix2014t", resampling=QUICK)
        assert found.sentences.main[1].errors.tolist() == [errors], hypothesis


def test_alternatives_too_long_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairing, "LARGEST", 5)
    reference = Transcripts("r.trn", "trn", ("a",), ("{ A / B } C",), (1,))
    with pytest.raises(UserError) as caught:
        score(reference, {"a": "A C"})
    assert str(caught.value) == "sentence 'a': alternatives too long to align: 3 words against 2; split it"


def test_a_metric_that_is_none() -> None:
    with pytest.raises(UserError) as caught:
        score(REFERENCES, HYPOTHESES, metrics=["wer", "werr"])
    assert str(caught.value) == "metrics: there is no metric 'werr'; did you mean `wer`?"
    with pytest.raises(UserError) as caught:
        score(REFERENCES, HYPOTHESES, metrics=["WER"])
    assert str(caught.value) == "metrics: there is no metric 'WER'; did you mean `wer`?"


def test_words_that_may_be_left_out_are_correct_without_a_partner() -> None:
    protocol = load("plain", ["optional=true"])
    found = score({"a": "A (UH) B"}, {"a": "A B"}, protocol, resampling=QUICK)
    _, aligned = found.sentences.main
    assert aligned.counts.tolist() == [[3, 0, 0, 0]]
    assert aligned.hypotheses.tolist().count(-1) == 1
    parts = load("plain", ["fragments=true"])
    assert score({"a": "AB- C"}, {"a": "ABCD C"}, parts, resampling=QUICK)["wer"].value == 0


def test_spaces_are_characters_if_the_protocol_says_so() -> None:
    protocol = Protocol(name="letters", unit="character", spaces=True, metrics=("cer", "edits"))
    found = values({"a": " AB  CD "}, {"a": "ABCD"}, protocol)
    assert found == {"cer": 1 / 5, "cer_substitutions": 0, "cer_deletions": 1 / 5, "cer_insertions": 0}
    assert values({"a": "AB CD"}, {"a": "ABCD"}, Protocol(name="", unit="character", metrics=("cer",))) == {
        "cer": 0
    }


def test_sentences_may_be_lists_of_words_or_come_without_ids() -> None:
    assert values([["A", "B"], "C"], ["A B", "D"])["wer"] == 1 / 3


def test_signature_tells_how() -> None:
    found = score(REFERENCES, HYPOTHESES, "plain", split="test")
    digest = PLAIN.digest
    expected = (
        f"protocol:plain|rules:{digest}|case:ascii|unicode:nfc|sentences:3|"
        f"bootstrap:1000/sentence/0.95/seed0|version:{signkit.__version__}"
    )
    assert found.signature == expected
    assert found["wer"].signature == f"{expected}|unit:word|costs:s4i3d3"
    assert {s.split for s in found.scores} == {"test"}


def test_missing_hypotheses_are_counted_as_deletions_only_when_asked() -> None:
    with pytest.raises(UserError) as caught:
        score(REFERENCES, {"a": "MY HOUSE"})
    assert str(caught.value) == (
        "hypotheses: no hypothesis for 2 of 3 sentences: 'b', 'c'; "
        '`missing="deletions"` counts all their words as deleted'
    )
    found = score(REFERENCES, {"a": "MY HOUSE"}, missing="deletions", resampling=QUICK)
    assert found["wer_deletions"].value == found["wer"].value == 4 / 6
    assert found.sentences.cleaned.missing == ("b", "c")
    assert "|missing:2|" in found.signature


def test_hypotheses_that_nothing_refers_to_are_refused() -> None:
    with pytest.raises(UserError) as caught:
        score(REFERENCES, HYPOTHESES | {"d": "X", "e": ""})
    assert str(caught.value) == "hypotheses:4: references has no sentence with the id 'd', 'e'"
    with pytest.raises(UserError) as caught:
        score(REFERENCES, {"x": "X"})
    assert str(caught.value) == (
        "hypotheses: none of its ids is in references; 'x' here, 'a' there, for example"
    )
    with pytest.raises(UserError) as caught:
        score(["A", "B"], ["A"])
    assert str(caught.value) == (
        "hypotheses: 1 lines against the 2 of references; without ids, line by line is compared"
    )


def test_intervals_hold_the_value_and_come_again_with_the_seed() -> None:
    rng = np.random.default_rng(1)
    references = [" ".join(map(str, rng.integers(0, 9, 8))) for _ in range(200)]
    hypotheses = [" ".join(map(str, rng.integers(0, 9, 8))) for _ in range(200)]
    first = score(references, hypotheses)["wer"]
    assert first.low < first.value < first.high
    assert score(references, hypotheses)["wer"] == first
    other = score(references, hypotheses, resampling=Resampling(seed=1))["wer"]
    assert (other.value, other.low == first.low) == (first.value, False)
    wider = score(references, hypotheses, resampling=Resampling(confidence=0.99))["wer"]
    assert wider.low < first.low
    assert wider.high > first.high


def test_intervals_by_signer() -> None:
    references, hypotheses = ["A B"] * 40, ["A B"] * 20 + ["X Y"] * 20
    signers = ["s1"] * 20 + ["s2"] * 20
    drawn = Resampling(by_signer=True)
    found = score(references, hypotheses, signers=signers, resampling=drawn, train={("A", "B")})
    assert (found["wer"].low, found["wer"].value, found["wer"].high) == (0.0, 0.5, 1.0)
    assert (found["wer_seen"].low, found["wer_seen"].high) == (0.0, 1.0)
    assert "|bootstrap:1000/signer/" in found.signature
    with pytest.raises(UserError) as caught:
        score(references, hypotheses, resampling=drawn)
    assert str(caught.value) == "references: name no signers, so no intervals by signer can be found"
    with pytest.raises(UserError) as caught:
        score(references, hypotheses, signers=["", *signers[1:]], resampling=drawn)
    message = "references: name no signer for 1 sentences, so no intervals by signer can be found"
    assert str(caught.value) == message


def test_a_score_that_is_not_there() -> None:
    with pytest.raises(KeyError, match="bleu4"):
        score(REFERENCES, HYPOTHESES)["bleu4"]


def test_a_nul_character_is_refused() -> None:
    for metrics in (["wer"], ["cer"]):
        with pytest.raises(UserError) as caught:
            score({"a": "A \0 B"}, {"a": "A"}, metrics=metrics)
        assert str(caught.value) == "text: a sentence holds a NUL character"


def test_the_error_rate_of_tokens_takes_them_as_they_are() -> None:
    assert error_rate({"a": ("A B", "C")}, {"a": ("A B", "c")}) == 0.5
    assert math.isnan(error_rate({"a": ()}, {"a": ("X",)}))
    for references, hypotheses, message in (
        ({"a": ()}, {}, "error_rate: the reference 'a' has no hypothesis"),
        ({}, {"a": ()}, "error_rate: the hypothesis 'a' has no reference"),
    ):
        with pytest.raises(UserError) as caught:
            error_rate(references, hypotheses)  # type: ignore[arg-type]
        assert str(caught.value) == message


def test_scoring_imports_neither_torch_nor_sacrebleu() -> None:
    code = "import sys, signkit.commands.score, signkit.eval.comparison\n"
    code += "print([m for m in ('torch', 'sacrebleu', 'scipy', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_leaderboard_figure_of_a_real_system(real_data: Callable[[str], Path]) -> None:
    """Isharah-2000, signer-independent dev: the leaderboard counts 333 errors in 4,554 words."""
    folder = real_data("isharah_text")
    references, (hypotheses,) = read_pair(folder / "SI" / "dev.txt", [folder / "SI_dev_wer7.3123.csv"])
    found = score(references, hypotheses, "isharah", resampling=QUICK)["wer"]
    assert found.note == "333 errors, 4554 words, 949 sentences"
    assert round(100 * found.value, 4) == 7.3123


@pytest.mark.parametrize(
    ("there", "here"), [("w1", "w1.mp4"), ("dev/w1.npz", "w1"), ("dev/w1", "clips/w1.mov"), ("w1", "d\\w1")]
)
def test_ids_that_differ_in_folders_or_the_ending(there: str, here: str) -> None:
    with pytest.raises(UserError) as caught:
        score({"v": "A", there: "A"}, {here: "A"})
    assert str(caught.value) == (
        f"hypotheses: none of its ids is in references; {here!r} here, {there!r} there: "
        "they differ in folders or the ending only"
    )
