"""Laws of n-gram models."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.lm import NGram, estimate
from signkit.lm.arpa import arpa_text, parse_arpa

WORDS = ["a", "b", "c", "Ä", "d"]
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8), min_size=1, max_size=20)
PRUNE = st.lists(st.integers(0, 2), max_size=4).map(lambda cuts: [0, *sorted(cuts)])


@settings(max_examples=100, deadline=None, derandomize=True)
@given(TEXTS, st.integers(1, 6), PRUNE)
def test_after_every_history_the_probabilities_sum_to_one(
    texts: list[list[str]], order: int, prune: list[int]
) -> None:
    model = NGram.from_grams(estimate(texts, order, prune=prune[:order]).grams)
    said = [number for number, word in enumerate(model.words) if word != "<s>"]
    chances = np.exp(model.rows(np.arange(model.states))[:, said].astype(np.float64))
    assert chances.sum(axis=1) == pytest.approx(np.ones(model.states), abs=2e-6)
    assert (chances > 0).all()


def test_so_they_do_after_random_histories_of_a_pruned_model() -> None:
    random = np.random.default_rng(5)
    chances = 1 / np.arange(1, 61)
    texts = [
        [str(word) for word in random.choice(60, random.integers(1, 12), p=chances / chances.sum())]
        for _ in range(800)
    ]
    found = estimate(texts, 4, prune=(0, 0, 1))
    assert found.fallback == (1,)  # sixty words are too few, the other discounts are estimated
    assert found.grams.counts[2] < found.counted[2]
    model = NGram.from_grams(found.grams)
    states = np.full(500, model.start)
    for _ in range(6):
        rows = np.exp(model.rows(states).astype(np.float64))
        rows[:, model.index["<s>"]] = 0
        assert rows.sum(axis=1) == pytest.approx(np.ones(500), abs=5e-6)
        tokens = random.integers(3, len(model.words), 500)
        states = model.advance(states, tokens)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(TEXTS, st.integers(1, 5), PRUNE)
def test_an_arpa_file_is_the_model(texts: list[list[str]], order: int, prune: list[int]) -> None:
    grams = estimate(texts, order, prune=prune[:order]).grams
    text = arpa_text(grams)
    again, guessed = parse_arpa(text.encode(), "lm.arpa", "word")
    assert (again.words, again.unit, guessed) == (grams.words, "word", False)
    for before, after in zip(
        (*grams.tokens, *grams.log10, *grams.backoff),
        (*again.tokens, *again.log10, *again.backoff),
        strict=True,
    ):
        assert np.array_equal(before, after)
    assert arpa_text(again) == text


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TEXTS, st.integers(1, 5), st.lists(st.integers(0, 7), max_size=10))
def test_words_seen_before_the_longest_history_change_nothing(
    texts: list[list[str]], order: int, tokens: list[int]
) -> None:
    model = NGram.from_grams(estimate(texts, order).grams)
    long, short = [0], [0]
    for token in (each % len(model.words) for each in tokens):
        long = model.advance(long, [token])
    for token in (each % len(model.words) for each in tokens[max(0, len(tokens) - order + 1) :]):
        short = model.advance(short, [token])
    assert list(long) == list(short)
