import math

import numpy as np
import pytest

from signkit.errors import UserError
from signkit.eval.comparison import compare
from signkit.eval.scores import Resampling

WORDS = [f"W{number}" for number in range(30)]


def corpus(errors: float, seed: int, size: int = 400) -> tuple[list[str], list[str]]:
    """The same references for every call, and hypotheses with a share of the words replaced."""
    rng = np.random.default_rng(99)
    references = [[WORDS[i] for i in rng.integers(0, 30, 8)] for _ in range(size)]
    rng = np.random.default_rng(seed)
    wrong = [[w if rng.random() >= errors else "WRONG" for w in sentence] for sentence in references]
    return [" ".join(s) for s in references], [" ".join(s) for s in wrong]


def test_a_clear_difference_is_found_by_both_tests() -> None:
    references, good = corpus(0.1, 1)
    _, bad = corpus(0.3, 2)
    found = compare(references, {"good": good, "bad": bad}, metrics=["wer"])
    assert list(found.systems) == ["good", "bad"]
    bootstrap, mapsswe = found.comparisons
    difference = found.systems["good"]["wer"].value - found.systems["bad"]["wer"].value
    assert (bootstrap.metric, bootstrap.test, bootstrap.better) == ("wer", "bootstrap", "good")
    assert bootstrap.difference == difference
    assert bootstrap.low < difference < bootstrap.high < 0
    assert bootstrap.p_value == pytest.approx(1 / 1001)
    assert (mapsswe.metric, mapsswe.test, mapsswe.better) == ("wer", "mapsswe", "good")
    assert mapsswe.p_value < 1e-9
    assert mapsswe.difference == difference
    assert math.isnan(mapsswe.low)


def test_equal_systems_do_not_differ() -> None:
    references, one = corpus(0.2, 1)
    found = compare(references, {"a": one, "b": one})
    assert {c.better for c in found.comparisons} == {""}
    assert {c.p_value for c in found.comparisons} == {1.0}


def test_swapping_the_systems_turns_the_signs() -> None:
    references, one = corpus(0.2, 1)
    _, other = corpus(0.21, 2)
    first = compare(references, {"a": one, "b": other}, metrics=["wer", "bleu"]).comparisons
    second = compare(references, {"b": other, "a": one}, metrics=["wer", "bleu"]).comparisons
    for left, right in zip(first, second, strict=True):
        assert left.difference == -right.difference
        assert left.p_value == right.p_value
        assert left.better == right.better


def test_more_is_better_for_some_metrics() -> None:
    references, good = corpus(0.1, 1)
    _, bad = corpus(0.4, 2)
    found = compare(references, {"bad": bad, "good": good}, metrics=["chrf"]).comparisons
    assert [(c.test, c.better) for c in found] == [("bootstrap", "good")]


def test_three_systems_are_corrected_by_holm() -> None:
    references, one = corpus(0.20, 1)
    _, two = corpus(0.22, 2)
    _, three = corpus(0.24, 3)
    found = compare(references, {"1": one, "2": two, "3": three}, metrics=["wer"]).comparisons
    for test in ("bootstrap", "mapsswe"):
        part = [c for c in found if c.test == test]
        assert [(c.first, c.second) for c in part] == [("1", "2"), ("1", "3"), ("2", "3")]
        smallest, middle, largest = sorted(part, key=lambda c: c.p_value)
        assert smallest.p_corrected == min(3 * smallest.p_value, 1)
        assert middle.p_corrected == min(max(2 * middle.p_value, smallest.p_corrected), 1)
        assert largest.p_corrected == min(max(largest.p_value, middle.p_corrected), 1)


def test_by_signer_whole_signers_are_drawn() -> None:
    references, one = corpus(0.1, 1, 60)
    _, other = corpus(0.3, 2, 60)
    drawn = Resampling(by_signer=True)
    signers = [f"s{i % 3}" for i in range(60)]
    found = compare(
        references, {"a": one, "b": other}, metrics=["wer"], signers=signers, resampling=drawn
    ).comparisons[0]
    alone = compare(references, {"a": one, "b": other}, metrics=["wer"]).comparisons[0]
    assert found.difference == alone.difference
    assert (found.low, found.high) != (alone.low, alone.high)


def test_one_system_cannot_be_compared() -> None:
    with pytest.raises(UserError) as caught:
        compare(["A"], {"only": ["A"]})
    assert str(caught.value) == "systems: two or more are needed to compare, not 1"
