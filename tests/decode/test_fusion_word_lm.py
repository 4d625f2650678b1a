"""Words over characters: the model's own score of every sentence, and a misspelt word put right."""

from pathlib import Path

import numpy as np
import pytest
import torch
from fusion_laws import check_laws, message, no_text, total
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.decode import beam_search, constant_context_logits
from signkit.decode.external import word_lm
from signkit.decode.external.configs import WordsConfig
from signkit.decode.external.walk import StepwiseRescorer
from signkit.decode.external.word_lm import WordScorer, build, words_scorer
from signkit.decode.lattice import ForgetsStates
from signkit.decode.scorer import Fused
from signkit.errors import UserError
from signkit.lm import NGram, estimate, save
from signkit.lm.binary import archive_of
from signkit.text.vocabulary import Vocabulary

TEXT = [tuple(line.split()) for line in ("a cab", "ab a cab", "cab ab", "abba a ab", "ab cab ba", "ba a")]
LETTERS = Vocabulary.from_references([tuple("abc ")], "character")
MODEL = NGram.from_grams(estimate(TEXT, 3).grams)
WORDS = [word for word in MODEL.words if word not in ("<unk>", "<s>", "</s>")]


def scorer_of(back_off: float) -> WordScorer:
    return words_scorer(MODEL, WORDS, LETTERS, back_off)


def by_the_rule(text: str, back_off: float) -> float:
    words = text.split()
    outside = sum(len(word) for word in words if word not in WORDS)
    outside += text.count(" ") - max(len(words) - 1, 0)
    if outside and not back_off:
        return -np.inf
    return float(MODEL.score(words).sum()) - back_off * outside


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.one_of(st.text("abc ", max_size=12), st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)),
    st.sampled_from([0.0, 1.5]),
)
def test_a_sum_is_the_models_own_score(text, back_off):
    expected = by_the_rule(text, back_off)
    assert total(scorer_of(back_off), LETTERS.encode(text)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("back_off", [0.0, 2.0])
def test_laws(back_off):
    texts = ["", "a", "ab", "abca", "a b", "cab ab", "c ", " ", "bb  b", "ab a cab", "ba a cab"]
    check_laws(scorer_of(back_off), len(LETTERS), [LETTERS.encode(text) for text in texts])


def test_many_states_are_forgotten_between_searches(monkeypatch):
    scorer, sequences = scorer_of(1.5), [LETTERS.encode(text) for text in ("ab a cab", "", "bb  b")]
    assert isinstance(scorer, ForgetsStates)
    before = StepwiseRescorer(scorer).totals(sequences)
    size = len(scorer._pairs)
    scorer.forget()
    assert len(scorer._pairs) == size > 1
    monkeypatch.setattr(word_lm, "MAX_STATES", size - 1)
    scorer.forget()
    assert len(scorer._pairs) == 1
    assert StepwiseRescorer(scorer).totals(sequences).tolist() == before.tolist()


def test_states_are_dense_and_equal_after_equal_ends():
    scorer = words_scorer(NGram.from_grams(estimate(TEXT, 2).grams), WORDS, LETTERS, 1.0)

    def after(text: str) -> int:
        state = np.array([scorer.start])
        for token in LETTERS.encode(text):
            state = scorer.advance(state, np.array([token]))
        return int(state[0])

    found = [after(text) for text in ("a cab c", "ab cab c", "cab c", "a", "cc", "")]
    assert found[0] == found[1] == found[2]
    assert scorer.start == 0 and max(found) < 30


def test_what_is_given_ahead_is_the_best_word_below():
    scorer = scorer_of(0.0)
    unigram = dict(zip(MODEL.words, MODEL.rows([0])[0].tolist(), strict=True))
    row = scorer.rows(np.array([scorer.start]))[0]
    for letter in "abc":
        best = max(unigram[word] for word in WORDS if word[0] == letter)
        assert row[LETTERS.index[letter]] == pytest.approx(best, abs=1e-6)


def test_a_vocabulary_without_a_blank_spells_one_word():
    vocabulary = Vocabulary.from_references([tuple("abc")], "character")
    scorer = words_scorer(MODEL, WORDS, vocabulary, 0.0)
    expected = float(MODEL.score(["cab"]).sum())
    assert total(scorer, vocabulary.encode("cab")) == pytest.approx(expected, abs=1e-5)
    check_laws(scorer, len(vocabulary), [vocabulary.encode(word) for word in ("", "a", "ba", "cab")])


@pytest.mark.parametrize("back_off", [0.0, 2.0])
def test_a_misspelt_word_is_put_right(back_off):
    """The recogniser hears `a cbb`; the model knows `a cab`."""
    said, chunks = "a cbb", []
    for letter in said:
        chunks.append([4.0 if token == letter else 0.0 for token in LETTERS.tokens])
        chunks.append([4.0] + [0.0] * (len(LETTERS) - 1))
    acoustic = torch.tensor([chunks], dtype=torch.float64)
    acoustic[0, 6, LETTERS.index["a"]] = 3.0
    lengths = torch.tensor([len(chunks)])
    rows = constant_context_logits(torch.zeros(len(LETTERS), dtype=torch.float64))

    def best(*fusion: Fused) -> str:
        found = beam_search(acoustic, lengths, rows, beam=16, fusion=fusion)
        return "".join(LETTERS.decode(found[0][0].tokens))

    assert best() == said
    assert best(Fused(scorer_of(back_off), 1.0)) == "a cab"


def built(file: Path, vocabulary: Vocabulary = LETTERS) -> WordScorer:
    return build(WordsConfig(file=str(file)), vocabulary=vocabulary, model=None, text=no_text())


def test_a_model_of_a_file(tmp_path: Path):
    """Words that cannot be spelt are left out, so nothing leads to them."""
    save(tmp_path / "lm.arpa", estimate([*TEXT, ("zebra", "<")], 3).grams)
    scorer = built(tmp_path / "lm.arpa")
    expected = float(NGram.from_grams(estimate([*TEXT, ("zebra", "<")], 3).grams).score(("a", "cab")).sum())
    assert total(scorer, LETTERS.encode("a cab")) == pytest.approx(expected, abs=1e-5)
    row = scorer.rows(np.array([scorer.start]))[0]
    assert row[1] == row.min()


def test_models_that_do_not_fit(tmp_path: Path):
    save(tmp_path / "lm.arpa", estimate([("HAUS", "REGEN"), ("WIND",), ("BERG",)], 2).grams)
    assert message(lambda: built(tmp_path / "lm.arpa"), UserError) == (
        f"{tmp_path}/lm.arpa: has 0 of 4 words that the recogniser's characters can spell (0.0 %); "
        "it has `BERG`, `HAUS`, `REGEN`, …; the recogniser has `a`, `b`, `c`"
    )
    save(tmp_path / "chars.arpa", estimate([tuple("ab ba")], 2, unit="character").grams)
    for _ in range(2):
        assert message(lambda: built(tmp_path / "chars.arpa"), UserError) == (
            f"{tmp_path}/chars.arpa: is a model of characters, not of words; `name: ngram` takes one"
        )
        archive_of(tmp_path / "chars.arpa").unlink(missing_ok=True)
    glosses = Vocabulary.from_references([("A", "B")])
    assert message(lambda: built(tmp_path / "lm.arpa", glosses), UserError) == (
        "decode.fusion: `words` is for a recogniser of characters, and this one writes glosses; "
        "`name: ngram` takes a model of glosses"
    )
    assert message(lambda: built(tmp_path / "no.arpa"), UserError) == (
        f"{tmp_path}/no.arpa: there is no such file"
    )
