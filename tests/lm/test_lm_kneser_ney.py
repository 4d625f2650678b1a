"""Training against the definitions, and against figures of lmplz."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_ngram import as_dictionaries, slow_model

from signkit.errors import UserError
from signkit.lm import estimate
from signkit.lm.counts import count, pruned, words_of
from signkit.lm.kneser_ney import discounts
from signkit.lm.sentences import numbered, split

SMALL = [line.split() for line in ("a b a c", "b a", "a b a b c", "c c a")]
TEXTS = st.lists(st.text("abcd", min_size=1, max_size=7), min_size=1, max_size=25)
LMPLZ = """
-1.0413927 <unk> 0
0 <s> -0.30103
-0.74036264 </s> 0
-0.64345264 a -0.30103
-0.74036264 b -0.30103
-0.49732465 c -0.30103
-0.53624266 a_</s> 0
-0.46736142 c_</s> 0
-0.43933266 <s>_a -0.30103
-0.3497219 b_a -0.30103
-0.6222634 c_a -0.30103
-0.66572905 <s>_b -0.30103
-0.53624266 a_b -0.30103
-0.54654264 <s>_c -0.30103
-0.58654785 a_c -0.30103
-0.4871055 b_c -0.30103
-0.54654264 c_c -0.30103
-0.50567675 b_a_</s>
-0.19013436 c_a_</s>
-0.17363065 a_c_</s>
-0.17363065 b_c_</s>
-0.14057055 <s>_b_a
-0.2542866 a_b_a
-0.20808618 c_c_a
-0.19013436 <s>_a_b
-0.50567675 b_a_b
-0.52839714 b_a_c
-0.4820847 a_b_c
-0.19243424 <s>_c_c
"""
"""What lmplz (KenLM, commit 4cb443e) with -o 3 --discount_fallback gives for `SMALL`."""


def made_up(seed: int) -> list[list[str]]:
    """Sixty sentences from a congruential generator, with enough of everything to estimate discounts."""
    sentences, x = [], seed
    for _ in range(60):
        sentence: list[str] = []
        while True:
            x = (x * 1103515245 + 12345) % 2**31
            r = (x >> 16) % 11
            if r >= 9 and sentence:
                break
            sentence.append("abcdefghi"[min(r, 8) * ((x >> 20) % 3 + 1) // 3 % 9])
        sentences.append(sentence)
    return sentences


def test_figures_of_lmplz() -> None:
    figures, backoffs = as_dictionaries(estimate(SMALL, 3).grams)
    expected = [line.split() for line in LMPLZ.split("\n") if line]
    assert len(figures) == len(expected)
    for log10, words, *backoff in expected:
        gram = tuple(words.split("_"))
        assert figures[gram] == pytest.approx(float(log10), abs=2e-7)
        assert [backoffs[gram] for _ in backoff] == pytest.approx([float(each) for each in backoff], abs=2e-7)


def test_estimated_discounts_and_pruning_as_lmplz() -> None:
    found = estimate(made_up(7), 3, prune=(0, 0, 1))
    assert (found.counted, found.grams.counts, found.fallback) == ((12, 85, 254), (12, 85, 96), (1,))
    assert found.discounts[1:] == (
        pytest.approx((0.4, 1.04, 1.53333), abs=5e-6),
        pytest.approx((0.593985, 1.27402, 1.70403), abs=5e-6),
    )
    figures, backoffs = as_dictionaries(found.grams)
    seen = {
        "<unk>": -1.7947203,
        "e </s>": -0.7588128,
        "a e": -1.0545286,
        "c c a": -0.63041496,
        "d b b": -0.5295972,
    }
    for words, log10 in seen.items():
        assert figures[tuple(words.split())] == pytest.approx(log10, abs=2e-7)
    for words, log10 in {"<s>": -0.69274175, "<s> e": -0.30341962, "d e": 0.0, "g": -0.3372422}.items():
        assert backoffs[tuple(words.split())] == pytest.approx(log10, abs=2e-7)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(TEXTS, st.integers(1, 6), st.lists(st.integers(0, 3), max_size=4))
def test_training_is_the_definition(texts: list[str], order: int, cuts: list[int]) -> None:
    prune = [0, *sorted(cuts)][:order]
    figures, backoffs = as_dictionaries(estimate([*texts], order, prune=prune).grams)
    expected = slow_model([*texts], order, prune)
    assert figures == pytest.approx(expected[0], abs=1e-7)
    assert backoffs == pytest.approx(expected[1], abs=1e-7)


@pytest.mark.parametrize("order", [3, 4])
def test_the_definition_with_estimated_discounts(order: int) -> None:
    sentences = made_up(7)
    found = estimate(sentences, order)
    assert len(found.fallback) < order
    expected = slow_model(sentences, order)
    assert as_dictionaries(found.grams)[0] == pytest.approx(expected[0], abs=1e-7)
    assert as_dictionaries(found.grams)[1] == pytest.approx(expected[1], abs=1e-7)


def test_the_sequence_of_sentences_changes_nothing() -> None:
    forward, backward = (estimate(made_up(5)[::step], 4).grams for step in (1, -1))
    assert as_dictionaries(forward) == as_dictionaries(backward)


def test_discounts_by_hand() -> None:
    adjusted = np.repeat([1, 2, 3, 4, 9], [6, 3, 2, 1, 5])
    y = 6 / 12  # n1 / (n1 + 2 n2)
    assert discounts(adjusted) == pytest.approx((1 - 2 * y * 3 / 6, 2 - 3 * y * 2 / 3, 3 - 4 * y * 1 / 2))


@pytest.mark.parametrize("times", [(0, 5, 5, 5), (5, 0, 5, 5), (5, 5, 0, 5), (9, 3, 4, 0), (2, 2, 2, 0)])
def test_discounts_that_cannot_be_estimated(times: tuple[int, ...]) -> None:
    found = discounts(np.repeat([1, 2, 3, 4], times))
    assert found == (pytest.approx((1 / 3, 1.0, 3.0)) if times == (2, 2, 2, 0) else None)


def test_fixed_discounts_and_none() -> None:
    found = estimate(SMALL, 2, fallback=(0.25, 0.5, 0.75))
    assert (found.discounts, found.fallback) == (((0.25, 0.5, 0.75), (0.5, 1.0, 3.0)), (1,))
    with pytest.raises(UserError) as caught:
        estimate(SMALL, 2, fallback=None)
    assert str(caught.value) == (
        "text: the discounts of 1-grams cannot be estimated: the text is too small, or too regular; "
        "a lower order, more text, or fixed discounts (discount_fallback)"
    )


def test_counts() -> None:
    text, words = numbered([["b", "a"], ["a"]])
    assert words == ("<unk>", "<s>", "</s>", "a", "b")
    assert text.tolist() == [1, 4, 3, 2, 1, 3, 2]
    unigrams, bigrams = count(text, len(words), 2)
    assert unigrams.raw.tolist() == [0, 0, 2, 2, 1]
    assert unigrams.adjusted.tolist() == [0, 0, 1, 2, 1]  # `a` after <s> and after `b`
    assert words_of((unigrams, bigrams))[1].tolist() == [[1, 3], [1, 4], [3, 2], [4, 3]]
    assert bigrams.adjusted.tolist() == bigrams.raw.tolist() == [1, 1, 2, 1]
    assert [each.tolist() for each in pruned((unigrams, bigrams), (0, 1))] == [
        [False] * 5,
        [True, True, False, True],
    ]


def test_longer_than_any_sentence() -> None:
    assert estimate([["a"], ["b"]], 5).grams.counts == (5, 4, 2, 0, 0)


def test_texts_are_split_into_words_or_characters() -> None:
    assert split(" HOUSE  BIG\t", "word") == ["HOUSE", "BIG"]
    assert split(" ab  c\t", "character") == ["a", "b", " ", "c"]
    assert split("e\u0301", "character") == ["é"]


@pytest.mark.parametrize(
    ("sentences", "order", "prune"),
    [
        ([], 2, ()),
        ([["a"]], 0, ()),
        ([["a"]], 2, (0, 2, 1)),
        ([["a"]], 2, (1,)),
        ([["a", "<s>"]], 2, ()),
    ],
)
def test_what_no_model_can_be_made_of(sentences: list[list[str]], order: int, prune: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"sentences, order|is a mark of the model's"):
        estimate(sentences, order, prune=prune)
