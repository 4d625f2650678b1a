"""Shared n-grams against a count by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.eval import ngrams as module
from signkit.eval.ngrams import ngrams, shared_ngrams
from signkit.eval.transcripts import Ragged

TEXTS = st.lists(st.tuples(st.text("abc", max_size=9), st.text("abc", max_size=9)), max_size=6)


def ragged(texts: list[str]) -> Ragged:
    values = [ord(character) for text in texts for character in text]
    return Ragged(np.array(values, dtype=np.int32), np.cumsum([0, *map(len, texts)]))


def by_definition(left: str, right: str, n: int) -> int:
    grams = [Counter(text[i : i + n] for i in range(len(text) - n + 1)) for text in (left, right)]
    return (grams[0] & grams[1]).total()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(TEXTS)
def test_shared_ngrams_are_those_of_the_definition(texts: list[tuple[str, str]]) -> None:
    left, right = ([pair[side] for pair in texts] for side in (0, 1))
    expected = [[by_definition(x, y, n) for n in (1, 2, 3, 4)] for x, y in texts]
    assert shared_ngrams(ragged(left), ragged(right), 4).tolist() == expected


def test_an_ngram_counts_as_often_as_in_the_poorer_text() -> None:
    assert shared_ngrams(ragged(["aaaa"]), ragged(["aabaa"]), 3).tolist() == [[4, 2, 0]]


def test_ngrams_do_not_cross_the_end_of_a_text() -> None:
    assert shared_ngrams(ragged(["ab", "cd"]), ragged(["bc", "da"]), 2).tolist() == [[1, 0], [1, 0]]
    assert ngrams(ragged(["abc", "", "a"]), 3).tolist() == [[3, 2, 1], [0, 0, 0], [1, 0, 0]]


def test_how_many_are_counted_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(4)
    sides = [
        ["".join(generator.choice(list("ab"), generator.integers(0, 9))) for _ in range(7)] for _ in "lr"
    ]
    whole = shared_ngrams(ragged(sides[0]), ragged(sides[1]), 4)
    monkeypatch.setattr(module, "AT_ONCE", 2)
    assert shared_ngrams(ragged(sides[0]), ragged(sides[1]), 4).tolist() == whole.tolist()


def test_no_texts() -> None:
    assert shared_ngrams(ragged([]), ragged([]), 3).shape == (0, 3)
