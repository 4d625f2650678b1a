"""The n-gram scorer: the model's own scores over the recogniser's tokens, and models that do not fit."""

from pathlib import Path

import numpy as np
import pytest
from fusion_laws import check_laws, message, no_text, total, train_text
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.decode.external.configs import NgramConfig
from signkit.decode.external.ngram import NgramScorer, build
from signkit.decode.external.walk import StepwiseRescorer
from signkit.errors import UserError
from signkit.eval.formats import read
from signkit.lm import NGram, estimate, save
from signkit.lm.binary import archive_of
from signkit.text.vocabulary import Vocabulary

TEXT = [tuple(line.split()) for line in ("A B A C", "B A", "A B A B C", "C C A", "B A C A B", "A", "C B B")]
VOCABULARY = Vocabulary.from_references([*TEXT, ("NEW", "Ä")])
LETTERS = Vocabulary.from_references([tuple("ab ")], "character")


def ngram(sentences=TEXT, order=3, unit="word") -> NGram:
    return NGram.from_grams(estimate(sentences, order, unit=unit).grams)


def built(vocabulary=VOCABULARY, text=None, **options) -> NgramScorer:
    return build(NgramConfig(**options), vocabulary=vocabulary, model=None, text=text or no_text())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(1, 5),
    st.lists(st.lists(st.sampled_from(["A", "B", "C", "NEW", "Ä"]), max_size=8), max_size=6),
)
def test_a_sum_is_the_models_own_score(order, sentences):
    model = ngram(order=order)
    scorer = NgramScorer(model, VOCABULARY)
    for sentence in sentences:
        expected = float(model.score(sentence).sum())
        assert total(scorer, VOCABULARY.encode(sentence)) == pytest.approx(expected, abs=1e-5)
    check_laws(scorer, len(VOCABULARY), [VOCABULARY.encode(sentence) for sentence in sentences])


def test_what_may_follow_sums_to_one():
    scorer = NgramScorer(ngram(), Vocabulary.from_references(TEXT))
    states = np.array([scorer.start])
    for token in (2, 3, 2, 4):
        chances = np.exp(scorer.rows(states)[0, 1:].astype(float)).sum() + np.exp(scorer.ends(states)[0])
        assert chances == pytest.approx(1, abs=1e-6)  # the blank's column aside; 1 is the unknown word
        states = scorer.advance(states, np.array([token]))


def test_equal_ends_of_histories_are_one_state():
    scorer = NgramScorer(ngram(order=2), VOCABULARY)
    after = scorer.advance(scorer.advance(np.array([scorer.start] * 2), np.array([2, 3])), np.array([4, 4]))
    assert after[0] == after[1]


@pytest.mark.parametrize("distinct", [False, True])
@pytest.mark.parametrize("extra", [False, True])
def test_a_model_of_the_train_references(distinct, extra):
    text = train_text([*TEXT, TEXT[0], ()], [("A", "NEW")])
    found = built(text=text, order=2, distinct=distinct, extra_text=extra)
    sentences = [*TEXT, *([] if distinct else [TEXT[0]]), *([("A", "NEW")] if extra else [])]
    expected = ngram(sentences, 2)
    said = ("A", "B", "NEW")
    assert total(found, VOCABULARY.encode(said)) == pytest.approx(float(expected.score(said).sum()), abs=1e-5)
    assert found.model.order == 2 and found.model.unit == "word"


def test_a_model_is_made_of_the_same_text_once(monkeypatch: pytest.MonkeyPatch):
    """A run asks for it before its training, for decoding and for the export."""
    text, less = train_text([("A", "ONCE"), ("B", "ONCE")]), train_text([("A", "ONCE")])
    made = []
    monkeypatch.setattr(
        "signkit.decode.external.ngram.estimate", lambda *a, **k: made.append(a[1]) or estimate(*a, **k)
    )
    assert built(text=text, order=2).model is built(text=text, order=2, weight=0.1).model
    assert built(text=text, order=1).model.order == 1
    assert built(text=less, order=2).model.words != built(text=text, order=2).model.words
    assert made == [2, 1, 2]


def test_a_model_of_characters_has_the_blank_as_a_word():
    text = train_text([tuple("ab ba"), tuple("ba b")])
    found = built(LETTERS, text, order=3)
    assert found.model.unit == "character"
    said = tuple("ab b")
    expected = float(ngram([tuple("ab ba"), tuple("ba b")], 3, "character").score(said).sum())
    assert total(found, LETTERS.encode(said)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["lm.arpa", "lm.arpa.gz", "lm.arpa.npz"])
def test_a_model_of_a_file(tmp_path: Path, name: str):
    save(tmp_path / name.removesuffix(".npz"), estimate(TEXT, 3).grams)
    found = built(file=str(tmp_path / name))
    expected = float(ngram().score(("A", "C", "NEW")).sum())
    assert total(found, VOCABULARY.encode(("A", "C", "NEW"))) == pytest.approx(expected, abs=1e-5)


def test_a_file_that_does_not_say_its_unit(tmp_path: Path):
    """Glosses of one letter look like characters, on both sides."""
    path = tmp_path / "lm.arpa"
    save(path, estimate(TEXT, 2).grams)
    archive_of(path).unlink()
    assert built(file=str(path)).model.unit == "word"
    words = Vocabulary.from_references([("HOUSE", "READ", "A", "B")])
    assert message(lambda: built(words, file=str(path)), UserError) == (
        f"{path}: is a model of characters, but the recogniser writes glosses"
    )


def test_a_model_of_the_other_unit(tmp_path: Path):
    save(tmp_path / "chars.arpa", estimate([tuple("ab ba")], 2, unit="character").grams)
    save(tmp_path / "words.arpa", estimate([("ab", "ba")], 2).grams)
    assert message(lambda: built(file=str(tmp_path / "chars.arpa")), UserError) == (
        f"{tmp_path}/chars.arpa: is a model of characters, but the recogniser writes glosses"
    )
    archive_of(tmp_path / "words.arpa").unlink()
    assert message(lambda: built(LETTERS, file=str(tmp_path / "words.arpa")), UserError) == (
        f"{tmp_path}/words.arpa: is a model of words, but the recogniser writes characters; "
        "`name: words` takes one of words"
    )


def test_a_model_that_knows_next_to_nothing(tmp_path: Path):
    path = tmp_path / "lm.arpa"
    save(path, estimate([("haus", "regen", "wind", "berg", "G0")], 1).grams)
    glosses = Vocabulary.from_references([tuple(f"G{n}" for n in range(1080))])
    assert message(lambda: built(glosses, file=str(path)), UserError) == (
        f"{path}: knows 1 of 1,080 glosses of the recogniser (0.1 %); "
        "it has `G0`, `berg`, `haus`, …; the recogniser has `G0`, `G1`, `G10`, …"
    )
    tenth = Vocabulary.from_references([tuple(f"G{n}" for n in range(10))])
    assert built(tenth, file=str(path)).model.order == 1
    none = Vocabulary.from_references([("X",)])
    assert message(lambda: built(none, file=str(path)), UserError) == (
        f"{path}: knows 0 of 1 glosses of the recogniser (0.0 %); "
        "it has `G0`, `berg`, `haus`, …; the recogniser has `X`"
    )


def test_a_damaged_file_is_named_with_its_line(tmp_path: Path):
    path = tmp_path / "lm.arpa"
    save(path, estimate(TEXT, 2).grams)
    archive_of(path).unlink()
    path.write_text(path.read_text().replace("ngram 1=6", "ngram 1=7"))
    assert message(lambda: built(file=str(path)), UserError).startswith(f"{path}:")


def test_train_references_that_cannot_be_learnt_from():
    assert message(lambda: built(text=train_text([()])), UserError) == (
        "decode.fusion: the train references have no words to make an n-gram model of"
    )
    assert message(lambda: built(text=train_text([("A", "<s>")])), UserError) == (
        "decode.fusion: the train references hold `<s>`, a mark of n-gram models; "
        "rename it there, or give a model by `file`"
    )


def test_a_gloss_in_another_form_of_unicode_is_the_same(tmp_path: Path):
    path = tmp_path / "lm.arpa"
    save(path, estimate([("Ä", "HAUS")], 2).grams)
    path.write_text(path.read_text().replace("Ä", "A\u0308"))
    found = built(file=str(path))
    assert found.model.encode(["Ä"])[0] != found.model.unknown
    rows = found.rows(np.array([found.start]))[0]
    assert rows[VOCABULARY.index["Ä"]] > rows[VOCABULARY.index["NEW"]]


def test_a_model_of_characters_without_a_blank(tmp_path: Path):
    path = tmp_path / "lm.arpa"
    save(path, estimate([tuple("abba")], 2, unit="character").grams)
    assert message(lambda: built(LETTERS, file=str(path)), UserError) == (
        f"{path}: knows no blank between words, and the recogniser writes one; "
        "train it on text with blanks, or by `signkit lm train` with data.unit=character"
    )
    single = Vocabulary.from_references([tuple("ab")], "character")
    assert built(single, file=str(path)).model.unit == "character"


def test_real_sentences_are_scored_as_the_model_scores_them(real_data):
    """PHOENIX-2014T's dev by a trigram of its train, glosses that train does not have among them."""
    folder = real_data("gloss_text") / "phoenix2014-T"
    train, dev = (
        [tuple(t.split()) for t in read(folder / f"{s}.stm", "", "").texts] for s in ("train", "dev")
    )
    vocabulary = Vocabulary.from_references(train)
    scorer = built(vocabulary, train_text(train), order=3)
    totals = StepwiseRescorer(scorer).totals([vocabulary.encode(sentence) for sentence in dev])
    expected = [float(score.sum()) for score in scorer.model.scores(dev)]
    assert len(dev) == 519 and sum(word not in vocabulary for words in dev for word in words) > 0
    assert totals == pytest.approx(expected, abs=1e-4)
