"""BLEU and chrF against sacrebleu, ROUGE-L against its definition."""

import math
import typing
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU, CHRF

from signkit.eval.protocols import Tokenizer
from signkit.eval.text_metrics import bleu, chrf, rouge_l
from signkit.eval.transcripts import Pairs, Ragged

TOKENIZERS: tuple[Tokenizer, ...] = typing.get_args(Tokenizer)
# few words, so that they recur; what tokenisers split; Chinese; a letter of four bytes in UTF-8
WORDS = [
    "a",
    "b",
    "c",
    "d",
    "nun,",
    "3.5",
    "&amp;",
    "WETTER-MORGEN",
    "über",
    "天气",
    "好",
    "\U0001f91f",
    " ",
    "-\n",
]
LINES = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)
CORPORA = st.lists(st.tuples(LINES, LINES), min_size=1, max_size=5)


def pairs_of(references: list[str], hypotheses: list[str]) -> Pairs:
    numbers: dict[str, int] = {}
    sides = []
    for texts in (references, hypotheses):
        values = [numbers.setdefault(token, len(numbers)) for text in texts for token in text.split()]
        offsets = np.cumsum([0, *(len(text.split()) for text in texts)])
        sides.append(Ragged(np.array(values, dtype=np.int32), offsets))
    return Pairs(tuple(map(str, range(len(references)))), sides[0], sides[1], tuple(numbers))


@pytest.mark.parametrize("tokenize", TOKENIZERS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(corpus=CORPORA)
def test_bleu_is_that_of_sacrebleu(tokenize: Tokenizer, corpus: list[tuple[str, str]]) -> None:
    references, hypotheses = (list(side) for side in zip(*corpus, strict=True))
    for order, measure in enumerate(bleu(references, hypotheses, tokenize), start=1):
        scorer = BLEU(tokenize=tokenize, max_ngram_order=order)
        expected = scorer.corpus_score(hypotheses, [references])
        value = expected.score / 100 if expected.ref_len else math.nan
        assert measure.total() == pytest.approx(value, abs=1e-12, nan_ok=True)
        assert measure.signature == f"order:{order}|{scorer.get_signature()}"


@settings(max_examples=100, deadline=None, derandomize=True)
@given(corpus=CORPORA)
def test_chrf_is_that_of_sacrebleu(corpus: list[tuple[str, str]]) -> None:
    references, hypotheses = (list(side) for side in zip(*corpus, strict=True))
    scorer = CHRF()
    expected = scorer.corpus_score(hypotheses, [references]).score / 100
    value = expected if any(reference.split() for reference in references) else math.nan
    measure = chrf(references, hypotheses)
    assert measure.total() == pytest.approx(value, abs=1e-12, nan_ok=True)
    assert measure.signature == str(scorer.get_signature())


def test_bleu_by_hand() -> None:
    measures = bleu(["a b c d e"], ["a b c x"])
    brevity = math.exp(1 - 5 / 4)
    assert [measure.name for measure in measures] == ["bleu1", "bleu2", "bleu3", "bleu4"]
    assert [measure.total() for measure in measures] == pytest.approx(
        [
            brevity * 3 / 4,
            brevity * (3 / 4 * 2 / 3) ** (1 / 2),
            brevity * (3 / 4 * 2 / 3 * 1 / 2) ** (1 / 3),
            brevity
            * (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** (1 / 4),  # none of one 4-gram: smoothed to half of one
        ],
        abs=1e-15,
    )
    assert all(measure.higher_is_better for measure in measures)


def test_the_tokeniser_counts() -> None:
    assert bleu(["nun, ja"], ["nun , ja"])[0].total() == 1 / 3
    assert bleu(["nun, ja"], ["nun , ja"], "13a")[0].total() == 1.0
    assert "tok:13a" in bleu(["a"], ["a"], "13a")[3].signature


def test_a_perfect_and_a_wrong_text() -> None:
    text = ["eins zwei drei vier fünf"]
    assert [measure.total() for measure in (*bleu(text, text), chrf(text, text))] == pytest.approx([1.0] * 5)
    assert [measure.total() for measure in (*bleu(text, ["."]), chrf(text, ["."]))] == [0.0] * 5
    assert [measure.total() for measure in (*bleu(text, [""]), chrf(text, [""]))] == [0.0] * 5


def test_values_of_parts_are_those_of_their_corpora() -> None:
    references, hypotheses = ["a b c", "d e f g h", "x y z w"], ["a c", "d e f h", "x y w z"]
    chosen = np.array([True, False, True])
    parts = [[side[0], side[2]] for side in (references, hypotheses)]
    whole = [*bleu(references, hypotheses), chrf(references, hypotheses)]
    part = [*bleu(*parts), chrf(*parts)]
    assert [m.total(chosen) for m in whole] == [m.total() for m in part]


def test_as_many_hypotheses_as_references() -> None:
    with pytest.raises(ValueError, match="^1 hypotheses for 2 references$"):
        bleu(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="^1 hypotheses for 2 references$"):
        chrf(["a", "b"], ["a"])


def test_no_sentences_are_undefined() -> None:
    measures = (*bleu([], []), chrf([], []), rouge_l(pairs_of([], [])))
    assert all(math.isnan(measure.total()) for measure in measures)


def longest_common(left: list[str], right: list[str]) -> int:
    """The longest of all subsequences of one that is one of the other."""
    for size in range(min(len(left), len(right)), 0, -1):
        if set(combinations(left, size)) & set(combinations(right, size)):
            return size
    return 0


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.tuples(*[st.lists(st.sampled_from("abc"), max_size=6)] * 2), min_size=1, max_size=4))
def test_rouge_l_is_that_of_the_definition(corpus: list[tuple[list[str], list[str]]]) -> None:
    expected = []
    for reference, hypothesis in corpus:
        common = longest_common(reference, hypothesis)
        if common:
            precision, recall = common / len(hypothesis), common / len(reference)
            expected.append((1 + 1.2**2) * precision * recall / (recall + 1.2**2 * precision))
        else:
            expected.append(float(not reference and not hypothesis))
    references, hypotheses = ([" ".join(pair[side]) for pair in corpus] for side in (0, 1))
    found = rouge_l(pairs_of(references, hypotheses))
    assert found.total() == pytest.approx(sum(expected) / len(expected), abs=1e-12)


def test_rouge_l_by_hand() -> None:
    found = rouge_l(pairs_of(["a b c d", "a", "", ""], ["b x d", "b", "", "a"]))
    first = 2.44 * (2 / 3) * (2 / 4) / (2 / 4 + 1.44 * (2 / 3))
    assert found.total() == pytest.approx((first + 0 + 1 + 0) / 4, abs=1e-15)
    assert (found.name, found.signature) == ("rouge_l", "unit:word|beta:1.2|mean:sentences")
    assert found.higher_is_better
