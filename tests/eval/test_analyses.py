"""Analyses against counts made by hand, and laws that they keep."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_demo import aligned_one_by_one, encoded, word_error_rate

from signkit.eval.analyses import LengthBin, Part, analyse, by_length, by_seen, by_signer, seen
from signkit.eval.confusions import (
    Confusion,
    Counted,
    Grid,
    OutOfVocabulary,
    by_token,
    confusion_grid,
    confusions,
    most_deleted,
    most_inserted,
    out_of_vocabulary,
)
from signkit.eval.transcripts import Aligned, Pairs

REFERENCES = ["A B C", "A B", "D A", ""]
HYPOTHESES = ["A X C", "A X B B", "A", "B"]  # B X; X, B in; D out; B in


@pytest.fixture
def small() -> tuple[Pairs, Aligned]:
    return given_pairs(REFERENCES, HYPOTHESES)


def given_pairs(
    references: list[str], hypotheses: list[str], signers: tuple[str, ...] = ()
) -> tuple[Pairs, Aligned]:
    pairs = encoded([r.split() for r in references], [h.split() for h in hypotheses], signers=signers)
    return pairs, aligned_one_by_one(pairs)


def test_what_became_of_every_token(small: tuple[Pairs, Aligned]) -> None:
    counts = by_token(*small)
    assert counts.tokens == ("A", "B", "C", "D", "X")
    assert counts.references.tolist() == [3, 2, 1, 1, 0]
    assert counts.hypotheses.tolist() == [3, 3, 1, 0, 2]
    assert counts.correct.tolist() == [3, 1, 1, 0, 0]
    assert counts.deleted.tolist() == [0, 0, 0, 1, 0]
    assert counts.inserted.tolist() == [0, 2, 0, 0, 1]
    assert counts.substituted.tolist() == [0, 1, 0, 0, 0]
    np.testing.assert_array_equal(counts.recall, [1, 0.5, 1, 0, np.nan])
    np.testing.assert_array_equal(counts.precision, [1, 1 / 3, 1, np.nan, 0])


def test_most_deleted_and_inserted(small: tuple[Pairs, Aligned]) -> None:
    counts = by_token(*small)
    assert most_deleted(counts, 5) == (Counted("D", 1, 1),)
    assert most_inserted(counts, 5) == (Counted("B", 2, 3), Counted("X", 1, 2))
    assert most_inserted(counts, 1) == (Counted("B", 2, 3),)
    assert most_inserted(counts, 5)[1].share == 0.5


def test_confusions_come_by_count_then_by_their_words() -> None:
    pairs, aligned = given_pairs(["C", "C", "B", "B", "A", "A A"], ["D", "D", "Z", "P", "X", "A Q"])
    assert confusions(pairs, aligned, 4) == (
        Confusion("C", "D", 2, 2),
        Confusion("A", "Q", 1, 3),
        Confusion("A", "X", 1, 3),
        Confusion("B", "P", 1, 2),
    )


def test_the_grid_has_correct_tokens_on_its_diagonal() -> None:
    pairs, aligned = given_pairs(["C", "C", "D", "C", "E A"], ["D", "D", "C", "C", "A"])
    most = confusions(pairs, aligned, 9)
    assert confusion_grid(pairs, aligned, most, 9) == Grid(("C", "D"), ((1, 2), (1, 0)), (3, 1))
    assert confusion_grid(pairs, aligned, most, 1) == Grid(("C",), ((1,),), (3,))
    assert confusion_grid(pairs, aligned, (), 9) == Grid((), (), ())


def test_words_that_train_does_not_have(small: tuple[Pairs, Aligned]) -> None:
    found = out_of_vocabulary(by_token(*small), {"A", "C"}, 5)
    assert found == OutOfVocabulary(
        words=7, unknown_words=3, types=4, unknown_types=2, correct=1, substituted=1, deleted=1,
        hypothesised=5, most=(Counted("B", 1, 2), Counted("D", 0, 1)),
    )  # fmt: skip


def test_train_is_folded_as_the_tokens_are(small: tuple[Pairs, Aligned]) -> None:
    assert out_of_vocabulary(by_token(*small), {"a", "b", "c", "d"}, 5).unknown_words == 7
    assert out_of_vocabulary(by_token(*small), {"a", "b", "c", "d"}, 5, str.lower).unknown_words == 0
    assert seen(small[0], [("a", "b")]).tolist() == [False] * 4
    assert seen(small[0], [("a", "b")], str.lower).tolist() == [False, True, False, False]


def test_words_are_compared_in_composed_form() -> None:
    pairs, aligned = given_pairs(["Ü"], ["Ü"])
    assert out_of_vocabulary(by_token(pairs, aligned), {"U\N{COMBINING DIAERESIS}"}, 5).unknown_words == 0
    assert seen(pairs, [("U\N{COMBINING DIAERESIS}",)]).tolist() == [True]


def test_a_sentence_is_seen_as_a_whole(small: tuple[Pairs, Aligned]) -> None:
    assert seen(small[0], [("A", "B", "C"), ("A",), ()]).tolist() == [True, False, False, True]
    assert seen(small[0], []).tolist() == [False] * 4


def test_a_sentence_of_train_is_not_a_string(small: tuple[Pairs, Aligned]) -> None:
    with pytest.raises(TypeError, match=r"^a sentence of train is a string, not a sequence of tokens$"):
        seen(small[0], ["A B"])


def test_metrics_by_signer_and_of_seen_sentences(small: tuple[Pairs, Aligned]) -> None:
    aligned = small[1]
    measures = (word_error_rate(aligned),)
    assert by_signer(measures, aligned, ("y", "x", "y", "x")) == (
        Part("x", 2, 2, {"wer": 1.5}),
        Part("y", 2, 5, {"wer": 0.4}),
    )
    assert by_signer(measures, aligned, ()) == ()
    known = np.array([True, False, False, False])
    assert by_seen(measures, aligned, known) == (
        Part("seen", 1, 3, {"wer": 1 / 3}),
        Part("unseen", 3, 4, {"wer": 1.0}),
    )


def test_a_part_without_sentences_is_undefined(small: tuple[Pairs, Aligned]) -> None:
    part = by_seen((word_error_rate(small[1]),), small[1], np.zeros(4, dtype=np.bool_))[0]
    assert (part.sentences, part.words) == (0, 0)
    assert math.isnan(part.values["wer"])


def test_every_length_has_a_bin_when_they_are_few(small: tuple[Pairs, Aligned]) -> None:
    bins = by_length(small[1])
    assert [(b.first, b.last, b.sentences, b.words, b.errors) for b in bins] == [
        (0, 0, 1, 0, 1),
        (2, 2, 2, 4, 3),
        (3, 3, 1, 3, 1),
    ]
    assert [b.value for b in bins[1:]] == [0.75, 1 / 3]
    assert all(math.isnan(x) for x in (bins[0].value, bins[0].low, bins[2].low, bins[2].high))


def test_the_interval_of_a_bin_by_hand(small: tuple[Pairs, Aligned]) -> None:
    """Errors 2 and 1 of 2 words each: residuals 0.5 and -0.5, error sqrt(2 / 1 * 0.5) / 4 = 0.25."""
    both = by_length(small[1])[1]
    assert (both.low, both.high) == pytest.approx((0.75 - 1.959964 * 0.25, 0.75 + 1.959964 * 0.25), abs=1e-6)


def test_an_interval_does_not_go_below_zero() -> None:
    (found,) = by_length(given_pairs(["A", "A", "A"], ["A", "A", "B"])[1])
    assert (found.value, found.low) == (1 / 3, 0.0)


def test_bins_widen_and_the_last_takes_the_longer_ones() -> None:
    lengths = [*range(1, 101), 1000]
    sentences = [" ".join(["A"] * n) for n in lengths]
    bins = by_length(given_pairs(sentences, sentences)[1])
    assert [(b.first, b.last) for b in bins] == [*((i + 1, i + 10) for i in range(0, 90, 10)), (91, 1000)]
    assert [b.sentences for b in bins] == [10] * 9 + [11]
    assert bins[-1] == LengthBin(91, 1000, 11, 955 + 1000, 0, 0.0, 0.0, 0.0)


def test_very_long_references_have_few_bins() -> None:
    length = 9000
    found = by_length(given_pairs([" ".join(["A"] * length)], [" ".join(["A"] * length)])[1])
    assert [(b.first, b.last) for b in found] == [(8101, 9000)]


WORD = st.sampled_from("ABCD")
SENTENCES = st.lists(st.tuples(st.lists(WORD, max_size=9), st.lists(WORD, max_size=9)), max_size=12)


@settings(deadline=None)
@given(SENTENCES, st.integers(1, 12))
def test_all_analyses_add_up_to_the_alignments(
    sentences: list[tuple[list[str], list[str]]], bins: int
) -> None:
    pairs = encoded(
        [r for r, _ in sentences], [h for _, h in sentences], signers=tuple("xy" * 6)[: len(sentences)]
    )
    aligned = aligned_one_by_one(pairs)
    correct, substituted, deleted, inserted = aligned.counts.sum(axis=0).tolist()
    found = analyse(pairs, aligned, (word_error_rate(aligned),), [r for r, _ in sentences[::2]])
    counts = found.tokens
    assert (counts.correct.sum(), counts.substituted.sum()) == (correct, substituted)
    assert (counts.deleted.sum(), counts.inserted.sum()) == (deleted, inserted)
    assert sum(c.count for c in found.confusions) == substituted
    assert sum(c.count for c in found.deleted) == deleted
    assert sum(c.count for c in found.inserted) == inserted
    size = len(found.grid.tokens)
    off = np.array(found.grid.counts, dtype=int).reshape(size, size)
    assert off.sum() - np.trace(off) == substituted
    for parts in (found.signers, found.seen, by_length(aligned, bins)):
        assert sum(p.sentences for p in parts) == len(sentences)
        assert sum(p.words for p in parts) == aligned.words.sum()
    ends = [(b.first, b.last) for b in by_length(aligned, bins)]
    assert all(first <= last for first, last in ends)
    assert all(last < first for (_, last), (first, _) in zip(ends, ends[1:], strict=False))
    assert all(b.low <= b.value <= b.high for b in found.lengths if b.sentences > 1 and b.words)
    assert found.vocabulary is not None
    v = found.vocabulary
    assert v.correct + v.substituted + v.deleted == v.unknown_words <= v.words
    assert json.loads(json.dumps(found.to_json(), allow_nan=False)) == found.to_json()


def test_as_json(small: tuple[Pairs, Aligned]) -> None:
    found = analyse(*small, (word_error_rate(small[1]),), [("A", "B", "C")]).to_json()
    assert list(found) == [
        "confusions", "grid", "deleted", "inserted", "tokens", "lengths", "signers", "vocabulary", "seen",
    ]  # fmt: skip
    assert found["confusions"] == [{"reference": "B", "hypothesis": "X", "count": 1, "occurrences": 2}]
    assert found["grid"] == {"tokens": ["B", "X"], "counts": [[1, 1], [0, 0]], "occurrences": [2, 0]}
    assert found["deleted"] == [{"token": "D", "count": 1, "occurrences": 1, "share": 1.0}]
    assert [row["token"] for row in found["tokens"]] == ["A", "B", "C", "D", "X"]
    assert found["tokens"][4] == {
        "token": "X", "references": 0, "hypotheses": 2, "correct": 0, "substituted": 0, "deleted": 0,
        "inserted": 1, "recall": None, "precision": 0.0,
    }  # fmt: skip
    assert found["lengths"][0] == {
        "first": 0, "last": 0, "sentences": 1, "words": 0, "errors": 1,
        "value": None, "low": None, "high": None,
    }  # fmt: skip
    assert found["vocabulary"]["most"] == [{"token": "D", "count": 0, "occurrences": 1, "share": 0.0}]
    assert found["seen"][0] == {"name": "seen", "sentences": 1, "words": 3, "values": {"wer": 1 / 3}}


def test_without_train_nothing_is_said_of_it(small: tuple[Pairs, Aligned]) -> None:
    found = analyse(*small)
    assert (found.vocabulary, found.seen, found.signers) == (None, (), ())
    assert found.to_json()["vocabulary"] is None
