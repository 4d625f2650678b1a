"""Intervals and paired tests: exact small cases, laws, and coverage on simulated data."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.eval import bootstrap
from signkit.eval.bootstrap import PairedBootstrap, interval, paired
from signkit.eval.measure import Measure, identity, ratio, summed

COUNTS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), min_size=2, max_size=30)
PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 4)), min_size=2, max_size=25)


def rate(counts: list[tuple[int, int]]) -> Measure:
    return Measure.of("wer", np.array(counts).reshape(-1, 2), ratio, "")


def simulated(seed: int, sentences: int, share: float = 0.2) -> Measure:
    generator = np.random.default_rng(seed)
    words = generator.integers(5, 12, sentences)
    return rate(list(zip(generator.binomial(words, share).tolist(), words.tolist(), strict=True)))


def rows_of(sentences: np.ndarray, row: np.ndarray) -> Measure:
    return Measure("sum", sentences, row, ratio, "")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(COUNTS, st.randoms(use_true_random=False))
def test_an_interval_is_of_values_of_sentences_and_not_of_their_order(counts, random) -> None:  # type: ignore[no-untyped-def]
    low, high = interval(rate(counts), resamples=200)
    shares = [errors / words for errors, words in counts]
    assert min(shares) <= low <= high <= max(shares)
    assert interval(rate(random.sample(counts, len(counts))), resamples=200) == (low, high)


def test_the_seed_makes_the_numbers() -> None:
    measure = simulated(1, 60)
    assert interval(measure, seed=3) == interval(measure, seed=3)
    assert interval(measure, seed=3) != interval(measure, seed=4)


def test_two_sentences_by_hand() -> None:
    """Both the first (1/4), one of each (1/2) or both the second (1/4)."""
    measure = rate([(0, 1), (1, 1)])
    assert interval(measure) == (0.0, 1.0)
    assert interval(measure, confidence=0.4) == (0.5, 0.5)


def test_equal_sentences_have_no_width() -> None:
    assert interval(rate([(1, 4)] * 9)) == (0.25, 0.25)


def test_the_interval_holds_the_value_and_narrows_with_sentences_and_confidence() -> None:
    width = {}
    for sentences in (50, 5000):
        measure = simulated(2, sentences)
        low, high = interval(measure)
        assert low < measure.total() < high
        width[sentences] = high - low
        inner = interval(measure, confidence=0.5)
        assert low < inner[0] < measure.total() < inner[1] < high
    assert 0.07 < width[5000] / width[50] < 0.14  # one to the square root of 100


def test_the_interval_is_the_normal_one_where_sentences_are_many() -> None:
    measure = rate([(0, 1)] * 7000 + [(1, 1)] * 3000)
    half = 1.959964 * math.sqrt(0.3 * 0.7 / 10000)
    assert interval(measure, resamples=20000) == pytest.approx((0.3 - half, 0.3 + half), abs=3e-4)


@pytest.mark.parametrize("by_signer", [False, True])
def test_the_coverage_is_what_is_said(by_signer: bool) -> None:
    """Of 300 corpora, about 95 % of the intervals hold the true rate; so do those by signer, of 30 signers
    who differ, where the ones by sentence hold it far too seldom."""
    held = held_by_sentence = 0
    for seed in range(300):
        generator = np.random.default_rng([seed, 7])
        signer = np.repeat(np.arange(30), 8)
        share = np.clip(generator.normal(0.3, 0.1 if by_signer else 0.0, 30), 0, 1)[signer]
        words = np.full(240, 10)
        measure = Measure.of("wer", np.stack([generator.binomial(words, share), words], 1), ratio, "")
        low, high = interval(measure, resamples=300, groups=signer if by_signer else None)
        held += low <= 0.3 <= high
        low, high = interval(measure, resamples=300)
        held_by_sentence += low <= 0.3 <= high
    assert 0.91 < held / 300 < 0.98
    assert (held_by_sentence / 300 < 0.75) == by_signer


def test_many_and_few_rows_are_drawn_by_the_same_law(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = {}
    for counts in ((30, 10), (3, 1)):  # drawn as counts; drawn sentence by sentence
        drawn = np.concatenate(list(bootstrap._draw(np.array(counts), 20000, 1)))
        assert (drawn.sum(axis=1) == sum(counts)).all()
        sums[counts] = drawn[:, 0].mean() / sum(counts), drawn[:, 0].var() / sum(counts)
    assert sums[30, 10] == pytest.approx((0.75, 0.75 * 0.25), abs=0.01)
    assert sums[3, 1] == pytest.approx((0.75, 0.75 * 0.25), abs=0.01)
    monkeypatch.setattr(bootstrap, "CELLS", 50)
    assert [len(part) for part in bootstrap._draw(np.array([30, 10]), 60, 1)] == [25, 25, 10]
    assert [len(part) for part in bootstrap._draw(np.array([3, 1]), 30, 1)] == [12, 12, 6]


def test_undefined_resamples_are_left_out() -> None:
    assert interval(rate([(0, 0), (1, 2)])) == (0.5, 0.5)
    assert all(math.isnan(end) for end in interval(rate([(1, 0), (2, 0)])))
    result = paired(rate([(0, 0), (1, 2)]), rate([(0, 0), (0, 2)]))
    assert (result.difference, result.low, result.high) == (0.5, 0.5, 0.5)
    assert 700 < result.resamples < 800  # three of four have the second sentence
    assert result.p_value == 1 / (result.resamples + 1)


@pytest.mark.parametrize("counts", [[], [(1, 2)]])
def test_fewer_than_two_sentences_have_no_interval(counts: list[tuple[int, int]]) -> None:
    assert all(math.isnan(end) for end in interval(rate(counts)))
    result = paired(rate(counts), rate(counts))
    assert all(math.isnan(value) for value in (result.low, result.high, result.p_value))
    assert result.resamples == 0


def test_signers_are_drawn_whole() -> None:
    """One signer all wrong, one all right: the rates can be 0, 1/2 and 1 only."""
    measure = rate([(1, 1)] * 10 + [(0, 1)] * 10)
    signers = np.repeat([7, 3], 10)
    assert interval(measure, groups=signers) == (0.0, 1.0)
    assert interval(measure, groups=signers, confidence=0.4) == (0.5, 0.5)
    assert 0.2 < interval(measure)[0] < interval(measure)[1] < 0.8
    assert all(math.isnan(end) for end in interval(measure, groups=np.zeros(20, dtype=int)))


def test_neither_the_names_nor_the_order_of_signers_matter() -> None:
    generator = np.random.default_rng(8)
    measure, signers = simulated(3, 80), generator.integers(0, 6, 80)
    expected = interval(measure, groups=signers)
    assert interval(measure, groups=10 - signers) == expected
    order = generator.permutation(80)
    other = Measure("wer", measure.rows, measure.row[order], ratio, "")
    assert interval(other, groups=signers[order]) == expected
    assert paired(other, other, groups=signers[order]).resamples == 1000


def test_a_difference_by_hand() -> None:
    """100 sentences of one word, 20 of them wrong in a only: the normal interval of 0.2."""
    a, b = rate([(1, 1)] * 20 + [(0, 1)] * 80), rate([(0, 1)] * 100)
    found = paired(a, b, resamples=20000)
    half = 1.959964 * math.sqrt(0.2 * 0.8 / 100)
    assert found.difference == 0.2
    assert (found.low, found.high) == pytest.approx((0.2 - half, 0.2 + half), abs=0.011)
    assert (found.p_value, found.resamples) == (1 / 20001, 20000)


def test_sentences_that_vary_alike_make_a_narrow_difference() -> None:
    a = simulated(4, 300)
    rows = a.rows + np.array([1.0, 0.0])  # one more error a sentence
    b = Measure("wer", rows, a.row, ratio, "")
    found = paired(b, a)
    assert found.low < found.difference < found.high
    assert found.high - found.low < 0.3 * (interval(a)[1] - interval(a)[0])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(PAIRS)
def test_swapping_the_systems_changes_the_signs_only(counts: list[tuple[int, int, int]]) -> None:
    a, b = (rate([(row[side], row[2]) for row in counts]) for side in (0, 1))
    one, other = paired(a, b, resamples=100), paired(b, a, resamples=100)
    assert 0 < one.p_value <= 1
    assert (other.difference, other.p_value) == (-one.difference, one.p_value)
    if one.difference:
        assert (other.low, other.high) == (-one.high, -one.low)
    else:
        assert one.p_value == 1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_sentences_does_not_matter_to_a_pair(counts, random) -> None:  # type: ignore[no-untyped-def]
    results = []
    for ordered in (counts, random.sample(counts, len(counts))):
        a, b = (rate([(row[side], row[2]) for row in ordered]) for side in (0, 1))
        results.append(paired(a, b, resamples=100))
    assert results[0] == results[1]


def test_a_pair_by_signer() -> None:
    generator = np.random.default_rng(9)
    signers = generator.integers(0, 5, 60)
    a, b = simulated(5, 60, 0.3), simulated(6, 60, 0.25)
    found, turned = paired(a, b, groups=signers), paired(b, a, groups=signers)
    assert turned == PairedBootstrap(
        -found.difference, -found.high, -found.low, found.p_value, found.resamples
    )
    assert found.low < found.difference < found.high
    assert found != paired(a, b)


def test_the_p_value_is_uniform_where_both_are_equally_good() -> None:
    """Of 400 pairs of one skill, about one in twenty has p below 0.05, and half have one below 0.5."""
    p = np.array(
        [paired(simulated(2 * s, 80), simulated(2 * s + 1, 80), resamples=300).p_value for s in range(400)]
    )
    assert 0.02 < (p < 0.05).mean() < 0.09
    assert 0.42 < (p < 0.5).mean() < 0.58


def test_two_measures_of_different_statistics() -> None:
    a = rate([(1, 4), (0, 3), (2, 5), (1, 1)])
    b = Measure("f", np.array([[0.5], [1.0]]), np.array([0, 1, 0, 1]), lambda sums: sums[..., 0] / 10, "")
    found = paired(b, a, resamples=50)
    assert found.difference == pytest.approx(3 / 10 - 4 / 13)
    assert found.resamples == 50


@pytest.mark.parametrize("size", [0, 1, 2, 5])
def test_identity_takes_no_product(size: int) -> None:
    rows = identity(size)
    assert rows.tolist() == np.eye(size).tolist()
    times = np.arange(2 * size).reshape(2, size)
    assert summed(times, rows).tolist() == times.tolist()
    assert (times[:1].astype(float) @ rows).tolist() == times[:1].tolist()
    if size > 1:
        assert rows.base is not None and not rows.flags.owndata


def test_rows_are_summed_as_often_as_drawn() -> None:
    assert summed(np.array([[2, 1]]), np.array([[1.0, 2.0, 0.5], [3.0, 4.0, 0.0]])).tolist() == [
        [5.0, 8.0, 1.0]
    ]
    assert summed(np.array([[3]]), np.array([[5.0]])[::-1]).tolist() == [
        [15.0]
    ]  # one row, strides as identity's


def test_identity_rows_give_the_intervals_of_the_rows_they_stand_for() -> None:
    measure = simulated(7, 40)
    same = Measure("wer", identity(len(measure.rows)), measure.row, lambda t: ratio(t @ measure.rows), "")
    signers = np.arange(40) % 4
    assert interval(same) == pytest.approx(interval(measure), rel=1e-12)
    assert interval(same, groups=np.arange(40)) == pytest.approx(interval(same, groups=np.arange(40)))
    other = simulated(8, 40)
    found, expected = paired(same, other), paired(measure, other)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)
    assert paired(same, other, groups=signers).difference == pytest.approx(expected.difference)


def test_what_is_refused() -> None:
    measure = simulated(9, 5)
    for confidence in (0.0, 1.0, 95.0):
        with pytest.raises(ValueError, match="^a confidence lies between 0 and 1, exclusive: "):
            interval(measure, confidence=confidence)
    with pytest.raises(ValueError, match="^at least one resample is needed: 0$"):
        paired(measure, measure, resamples=0)
    with pytest.raises(ValueError, match="^4 signers for 5 sentences$"):
        interval(measure, groups=np.zeros(4, dtype=int))
    with pytest.raises(ValueError, match="^5 sentences against 6: a pair measures the same sentences$"):
        paired(measure, simulated(9, 6))
