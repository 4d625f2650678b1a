"""Error rates of a corpus worked by hand."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.eval.alignment import SCLITE, UNIT, Costs, align
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.measure import Measure
from signkit.eval.rates import (
    HTK,
    aslfr,
    edit_rates,
    error_rate,
    letter_accuracy,
    sentence_error,
    space_accuracy,
)
from signkit.eval.transcripts import Pairs, Ragged

# by hand: S of c, D of e, I of z; then nothing wrong; then an insertion without words
REFERENCES = ["a b c d e", "x y", ""]
HYPOTHESES = ["a b q d", "x y", "z"]
TEXTS = st.lists(st.tuples(st.text("abc ", max_size=7), st.text("abc ", max_size=7)), min_size=1, max_size=6)


def pairs_of(references: list[str], hypotheses: list[str], *, characters: bool = False) -> Pairs:
    numbers: dict[str, int] = {}
    sides = []
    for texts in (references, hypotheses):
        tokens = [list(text) if characters else text.split() for text in texts]
        values = [numbers.setdefault(token, len(numbers)) for text in tokens for token in text]
        offsets = np.cumsum([0, *(len(text) for text in tokens)])
        sides.append(Ragged(np.array(values, dtype=np.int32), offsets))
    return Pairs(tuple(map(str, range(len(references)))), sides[0], sides[1], tuple(numbers))


def hand(costs: Costs = SCLITE) -> list[Measure]:
    aligned = align_pairs(pairs_of(REFERENCES, HYPOTHESES), costs)
    return [error_rate(aligned), *edit_rates(aligned), sentence_error(aligned)]


def test_rates_by_hand() -> None:
    assert {measure.name: measure.total() for measure in hand()} == {
        "wer": 3 / 7,
        "wer_substitutions": 1 / 7,
        "wer_deletions": 1 / 7,
        "wer_insertions": 1 / 7,
        "sentence_error": 2 / 3,
    }


def test_notes_and_signatures() -> None:
    assert [(measure.note, measure.signature) for measure in hand()] == [
        ("3 errors, 7 words, 3 sentences", "unit:word|costs:s4i3d3"),
        ("1 substitutions", "unit:word|costs:s4i3d3"),
        ("1 deletions", "unit:word|costs:s4i3d3"),
        ("1 insertions", "unit:word|costs:s4i3d3"),
        ("2 of 3 sentences", "unit:word"),
    ]
    assert not any(measure.higher_is_better for measure in hand())


def test_the_name_the_unit_and_the_costs_can_be_others() -> None:
    costs = Costs(5, 1, 4)
    aligned = align_pairs(pairs_of(["ab"], ["ac"], characters=True), costs)
    rate = error_rate(aligned, costs, name="cer", unit="character")
    assert (rate.name, rate.signature) == ("cer", "unit:character|costs:s5i1d4")
    assert rate.note == "1 errors, 2 characters, 1 sentences"
    edits = edit_rates(aligned, costs, name="cer", unit="character")
    assert [edit.name for edit in edits] == ["cer_substitutions", "cer_deletions", "cer_insertions"]
    assert sentence_error(aligned, unit="character").signature == "unit:character"


def test_a_part_of_the_corpus() -> None:
    rate = hand()[0]
    assert rate.total(np.array([True, False, False])) == 2 / 5
    assert math.isnan(rate.total(np.array([False, False, True])))


def test_no_words_and_no_sentences_are_undefined() -> None:
    for references, hypotheses in ((["", ""], ["a", ""]), ([], [])):
        aligned = align_pairs(pairs_of(references, hypotheses))
        measures = [error_rate(aligned), *edit_rates(aligned), letter_accuracy(aligned), aslfr(aligned)]
        assert all(math.isnan(measure.total()) for measure in measures)
    assert math.isnan(sentence_error(aligned).total())
    assert error_rate(aligned).note == "0 errors, 0 words, 0 sentences"


def test_letter_accuracy_is_of_htk_costs() -> None:
    pairs = pairs_of(["abxyz"], ["zpqab"], characters=True)
    assert letter_accuracy(align_pairs(pairs, HTK)).total() == 1 - 6 / 5  # a, b right, 3 D and 3 I
    found = aslfr(align_pairs(pairs, UNIT))
    assert found.total() == 0.0  # five substitutions
    assert (found.name, found.signature) == ("aslfr", "unit:character|costs:s1i1d1")
    assert found.note == "5 errors, 5 characters, 1 sentences"


def test_aslfr_is_of_all_characters_together_and_can_be_negative() -> None:
    """N is 7 + 7 + 1 and D 0 + 1 + 3: not the mean of 1, 6/7 and -2."""
    pairs = pairs_of(["go home", "go home", "a"], ["go home", "gohome", "bcd"], characters=True)
    assert aslfr(align_pairs(pairs, UNIT)).total() == pytest.approx(11 / 15)
    alone = pairs_of(["a"], ["bcd"], characters=True)
    assert aslfr(align_pairs(alone, UNIT)).total() == -2


@pytest.mark.parametrize(
    ("reference", "hypothesis", "right", "spaces"),
    [
        ("go home", "go home", 1, 1),
        ("go home", "gohome", 0, 1),
        ("a b c", "a bc", 1, 2),
        ("a b c", "a  b  c", 2, 2),  # spaces too many do not count
        ("a b", "axb", 0, 1),  # an x in its place
        ("ab", "a b", 0, 0),
    ],
)
def test_space_accuracy_by_hand(reference: str, hypothesis: str, right: int, spaces: int) -> None:
    pairs = pairs_of(["a b", reference], ["ab", hypothesis], characters=True)
    found = space_accuracy(pairs, align_pairs(pairs, HTK), HTK)
    assert found.total() == right / (1 + spaces)
    assert found.note == f"{right} of {1 + spaces} spaces"
    alone = found.total(np.array([False, True]))
    assert alone == pytest.approx(right / spaces if spaces else math.nan, nan_ok=True)


def test_space_accuracy_says_what_it_is() -> None:
    pairs = pairs_of(["ab"], ["ab"], characters=True)
    found = space_accuracy(pairs, align_pairs(pairs, UNIT), UNIT)
    assert (found.name, found.signature) == ("space_accuracy", "unit:character|costs:s1i1d1")
    assert math.isnan(found.total()) and found.higher_is_better


def test_letter_accuracy_says_what_it_is() -> None:
    found = letter_accuracy(align_pairs(pairs_of(["hello"], ["helo"], characters=True), HTK))
    assert (found.name, found.signature) == ("letter_accuracy", "unit:letter|costs:s10i7d7")
    assert (found.total(), found.note) == (0.8, "1 errors, 5 letters, 1 sentences")
    assert found.higher_is_better


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TEXTS)
def test_rates_add_up_the_sentences(texts: list[tuple[str, str]]) -> None:
    references, hypotheses = (list(side) for side in zip(*texts, strict=True))
    length = sum(map(len, references))
    pairs = pairs_of(references, hypotheses, characters=True)
    errors = {costs: sum(align(r, h, costs).errors for r, h in texts) for costs in (SCLITE, HTK)} | {
        UNIT: sum(align(r, h, UNIT).errors for r, h in texts)
    }
    found = {
        SCLITE: error_rate(align_pairs(pairs)).total(),
        HTK: 1 - letter_accuracy(align_pairs(pairs, HTK)).total(),
        UNIT: 1 - aslfr(align_pairs(pairs, UNIT)).total(),
    }
    for costs, total in found.items():
        assert total == pytest.approx(errors[costs] / length if length else math.nan, abs=1e-12, nan_ok=True)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(TEXTS, st.randoms(use_true_random=False))
def test_the_edits_add_up_and_the_order_does_not_matter(texts, random) -> None:  # type: ignore[no-untyped-def]
    aligned, other = (
        align_pairs(pairs_of([r for r, _ in ordered], [h for _, h in ordered], characters=True))
        for ordered in (texts, random.sample(texts, len(texts)))
    )
    total = error_rate(aligned).total()
    assert error_rate(other).total() == pytest.approx(total, nan_ok=True, rel=0)
    assert sum(edit.total() for edit in edit_rates(aligned)) == pytest.approx(total, nan_ok=True)


def test_a_leaderboard_figure_of_a_real_system(real_data: Callable[[str], Path]) -> None:
    """Isharah-2000, signer-independent dev: the leaderboard counts 333 errors in 4,554 words."""
    folder = real_data("isharah_text")
    texts = [
        {
            row["id"]: row["gloss"]
            for row in csv.DictReader(path.read_text("utf-8").splitlines(), delimiter=by)
        }
        for path, by in ((folder / "SI" / "dev.txt", "|"), (folder / "SI_dev_wer7.3123.csv", ","))
    ]
    references, hypotheses = list(texts[0].values()), [texts[1][name] for name in texts[0]]
    found = error_rate(align_pairs(pairs_of(references, hypotheses)))
    assert (found.note, found.total()) == ("333 errors, 4554 words, 949 sentences", 333 / 4554)
