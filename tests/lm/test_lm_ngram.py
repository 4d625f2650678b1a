"""Asking a model: against the rule of backing off, word by word, and against KenLM."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_ngram import as_dictionaries, slow_log10

from signkit.lm import NGram, estimate, next_words, perplexity, save
from signkit.lm.arpa import parse_arpa
from signkit.lm.trie import NEVER

TEXT = ["a b a c", "b a", "a b a b c", "c c a", "b a c a b", "a", "c b b"]
SENTENCES = [line.split() for line in TEXT]
QUESTIONS = [["a", "b", "x", "a"], [], ["x"], ["c", "c", "c", "c"], ["b", "a", "c"]]
HOLES = """\\data\\
ngram 1=5
ngram 2=2
ngram 3=2

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.5
-0.7\t</s>
-0.4\ta\t-0.2
-0.6\tb\t-0.3

\\2-grams:
-0.2\t<s> a\t-0.1
-0.3\tb b\t0.25

\\3-grams:
-0.05\t<s> a b
-0.15\tb b a

\\end\\
"""
"""A model of another kind: `a b` and `b a` are not there, though longer n-grams end with them."""


def model_of(order: int, prune: tuple[int, ...] = ()) -> tuple[NGram, tuple]:
    grams = estimate(SENTENCES, order, prune=prune).grams
    return NGram.from_grams(grams), as_dictionaries(grams)


def by_definition(known: tuple, order: int, sentence: list[str]) -> list[float]:
    said = ("<s>", *sentence, "</s>")
    return [
        math.log(10) * slow_log10(known, said[max(0, i - order + 1) : i], said[i])
        for i in range(1, len(said))
    ]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(1, 5), st.sampled_from([(), (0, 1)]), st.lists(st.text("abcx", max_size=8), max_size=6))
def test_scores_are_those_of_the_rule(order: int, prune: tuple[int, ...], texts: list[str]) -> None:
    model, known = model_of(order, prune[:order])
    for text, found in zip(texts, model.scores([[*text] for text in texts]), strict=True):
        assert found.tolist() == pytest.approx(by_definition(known, order, [*text]), abs=2e-6)


def test_scores_with_holes() -> None:
    grams, _ = parse_arpa(HOLES.encode(), "holes.arpa")
    model = NGram.from_grams(grams)
    for sentence in ("a b a b b a a", "b b b b a", "a a b", "x b b a"):
        expected = by_definition(as_dictionaries(grams), 3, sentence.split())
        assert model.score(sentence.split()).tolist() == pytest.approx(expected, abs=1e-6)
    row = model.rows([model.start])[0]
    states = model.advance([model.start], [model.index["a"]])
    assert row[model.index["a"]] == pytest.approx(-0.2 * math.log(10), abs=1e-6)
    assert model.rows(states)[0, model.index["b"]] == pytest.approx(-0.05 * math.log(10), abs=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_rows_and_states_give_the_scores(order: int) -> None:
    model, _ = model_of(order)
    for sentence in QUESTIONS:
        state, found = np.array([model.start]), []
        for token in [*model.encode(sentence).tolist(), model.end]:
            found.append(float(model.rows(state)[0, token]))
            state = model.advance(state, [token])
        assert found == pytest.approx(model.score(sentence).tolist(), abs=1e-5)


def test_few_rows_at_a_time_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = model_of(4)
    whole = model.rows(np.arange(model.states))
    monkeypatch.setattr(next_words, "DENSE", 5 * len(model.words))
    monkeypatch.setattr(next_words, "AT_ONCE", 2 * len(model.words))
    few = NGram.from_grams(estimate(SENTENCES, 4).grams)
    order = np.random.default_rng(1).integers(0, model.states, 200)
    for start in range(0, 200, 3):
        wanted = order[start : start + 3]
        assert few.rows(wanted).tolist() == whole[wanted].tolist()
    assert few.rows(order).tolist() == whole[order].tolist()  # more than are kept
    assert few.rows(order[:0]).shape == (0, len(model.words))


def test_the_mark_of_the_beginning_is_never_said() -> None:
    model, _ = model_of(3)
    begin = model.rows(np.arange(model.states))[:, model.index["<s>"]]
    assert (np.isfinite(begin) & (begin <= NEVER * math.log(10) * 0.999)).all()


def test_what_only_looks_like_a_mark_is_unknown() -> None:
    model, _ = model_of(2)
    assert model.encode(["<s>", "a", "</s>", "<unk>", "e\u0301"]).tolist() == [0, 3, 0, 0, 0]
    assert (model.unknown, model.index["a"], model.end) == (0, 3, 2)
    assert model.words == ("<unk>", "<s>", "</s>", "a", "b", "c")


def test_states_that_nothing_tells_apart_are_one() -> None:
    grams, _ = parse_arpa(HOLES.encode(), "holes.arpa")
    model = NGram.from_grams(grams)
    assert model.states == 6  # nothing, <s>, a, b, `<s> a`, `b b`
    assert model.advance([0, model.start], [model.unknown] * 2).tolist() == [0, 0]
    assert model.advance([model.start], [model.index["a"]]).tolist() == [4]
    assert model.advance([4], [model.index["b"]]).tolist() == [3]


def test_no_sentences() -> None:
    model, _ = model_of(2)
    assert model.scores([]) == []
    assert model.scores([[]])[0].shape == (1,)


def test_perplexity_by_hand() -> None:
    model, _ = model_of(3)
    logs = np.concatenate(model.scores(QUESTIONS))
    known = [p for q in QUESTIONS for p, w in zip(model.score(q), [*q, "</s>"], strict=True) if w != "x"]
    found = perplexity(model, QUESTIONS)
    assert (found.words, found.unknown, found.sentences) == (12, 2, 5)
    assert found.perplexity == pytest.approx(math.exp(-logs.sum() / 17))
    assert found.perplexity_known == pytest.approx(math.exp(-sum(known) / 15))
    assert found.log10 == pytest.approx(logs.sum() / math.log(10))


def test_a_perplexity_without_a_figure() -> None:
    grams, _ = parse_arpa(HOLES.replace("-0.7\t</s>", "-1e300\t</s>").encode(), "holes.arpa")
    assert perplexity(NGram.from_grams(grams), [["a"]]).perplexity == math.exp(700)


@pytest.mark.parametrize("prune", [(), (0, 0, 1)])
def test_probabilities_of_kenlm(prune: tuple[int, ...], tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm", reason="the package kenlm is not installed")
    random = np.random.default_rng(3)
    texts = [random.choice([*"abcdefgh"], random.integers(1, 12), p=random.dirichlet(np.ones(8))).tolist()
             for _ in range(300)]  # fmt: skip
    path = tmp_path / "lm.arpa"
    model = save(path, estimate(texts, 4, prune=prune).grams)
    theirs = kenlm.Model(str(path))
    asked = [random.choice([*"abcdefghx"], random.integers(0, 15)).tolist() for _ in range(200)]
    total, words = 0.0, 0
    for sentence, found in zip(asked, model.scores(asked), strict=True):
        expected = [*theirs.full_scores(" ".join(sentence))]
        assert (found / math.log(10)).tolist() == pytest.approx([each[0] for each in expected], abs=1e-5)
        unknown = [*(model.encode(sentence) == model.unknown).tolist(), False]
        assert [each[2] for each in expected] == unknown
        total, words = total + sum(each[0] for each in expected), words + len(expected)
    assert perplexity(model, asked).perplexity == pytest.approx(10 ** (-total / words), rel=1e-5)
