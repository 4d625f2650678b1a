"""Accuracy and F1 of labels against counts by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.eval.bootstrap import interval
from signkit.eval.labels import accuracy, as_tokens, by_class, labels, macro_f1
from signkit.eval.transcripts import Pairs, Ragged

# a: 2 of 3 right, 3 predicted; b: 1 of 2, 1 predicted; c is in the hypotheses only
REFERENCES = ["a", "a", "a", "b", "b"]
HYPOTHESES = ["a", "a", "c", "b", "a"]
LABELS = st.lists(st.tuples(*[st.sampled_from(["a", "b", "c", "d", "", "a b"])] * 2), min_size=1, max_size=12)


def pairs_of(references: list[str], hypotheses: list[str]) -> Pairs:
    numbers = {"unused": 0}
    sides = []
    for texts in (references, hypotheses):
        values = [numbers.setdefault(token, len(numbers)) for text in texts for token in text.split()]
        offsets = np.cumsum([0, *(len(text.split()) for text in texts)])
        sides.append(Ragged(np.array(values, dtype=np.int32), offsets))
    return Pairs(tuple(map(str, range(len(references)))), sides[0], sides[1], tuple(numbers))


def test_the_table_by_hand() -> None:
    table = by_class(labels(pairs_of(REFERENCES, HYPOTHESES)))
    assert table.names == ("a", "b", "c")
    assert table.support.tolist() == [3, 2, 0]
    assert table.predicted.tolist() == [3, 1, 1]
    assert table.correct.tolist() == [2, 1, 0]
    assert table.precision.tolist() == [2 / 3, 1.0, 0.0]
    assert table.recall.tolist()[:2] == [2 / 3, 1 / 2]
    assert math.isnan(table.recall[2])
    assert table.f1.tolist() == [2 / 3, 2 / 3, 0.0]


def test_the_measures_by_hand() -> None:
    found = labels(pairs_of(REFERENCES, HYPOTHESES))
    right, mean = accuracy(found), macro_f1(found)
    assert (right.name, right.total(), right.note) == ("accuracy", 3 / 5, "3 of 5 sentences")
    assert (mean.name, mean.note) == ("macro_f1", "2 classes, 1 more in hypotheses only")
    assert mean.total() == pytest.approx(2 / 3, abs=1e-15)
    assert (right.signature, mean.signature) == ("unit:label", "unit:label|classes:reference")
    assert right.higher_is_better and mean.higher_is_better


def test_a_class_never_predicted_has_no_precision_and_no_f1() -> None:
    table = by_class(labels(pairs_of(["a", "b"], ["b", "b"])))
    assert math.isnan(table.precision[0])
    assert (table.recall[0], table.f1[0]) == (0.0, 0.0)


def test_a_class_of_the_hypotheses_only_is_no_member_of_the_mean() -> None:
    first = macro_f1(labels(pairs_of(["a", "a", "b"], ["a", "b", "b"]))).total()
    assert first == pytest.approx(2 / 3)  # both classes: one right, three in sum
    other = macro_f1(labels(pairs_of(["a", "a", "b"], ["a", "x", "b"]))).total()
    assert other == pytest.approx((2 / 3 + 1) / 2)


def test_more_and_fewer_tokens_than_one_are_labels_of_their_own() -> None:
    found = labels(pairs_of(["a b", "a", "", "", "b"], ["a b", "a b", "", "a", "b a"]))
    assert found.names == ("", "a", "a b", "b", "b a")
    assert found.references.tolist() == [2, 1, 0, 0, 3]
    assert found.hypotheses.tolist() == [2, 2, 0, 1, 4]
    assert accuracy(found).note == "2 of 5 sentences; not one token: 3 references, 4 hypotheses"
    assert macro_f1(found).note == (
        "4 classes, 1 more in hypotheses only; not one token: 3 references, 4 hypotheses"
    )


def test_the_part_of_a_signer_has_its_own_classes() -> None:
    mean = macro_f1(labels(pairs_of(REFERENCES, HYPOTHESES)))
    assert mean.total(np.array([False, False, True, True, True])) == pytest.approx((0 + 2 / 3) / 2)
    assert math.isnan(mean.total(np.zeros(5, dtype=np.bool_)))


def test_no_sentences() -> None:
    found = labels(pairs_of([], []))
    assert (found.names, found.odd, by_class(found).names) == ((), (0, 0), ())
    assert math.isnan(accuracy(found).total())
    assert math.isnan(macro_f1(found).total())


def one_class(pairs: list[tuple[str, str]], name: str) -> float:
    right = sum(r == h == name for r, h in pairs)
    return 2 * right / sum((r == name) + (h == name) for r, h in pairs)


def test_labels_as_tokens() -> None:
    """Equal labels have one number, and no token is none."""
    found = as_tokens(pairs_of(["not know", "a", "", "not know"], ["know", "a", "b", ""]))
    assert found.tokens == ("", "a", "b", "know", "not know")
    assert [found.words(found.references[place]) for place in range(4)] == [
        ("not know",),
        ("a",),
        (),
        ("not know",),
    ]
    assert [found.words(found.hypotheses[place]) for place in range(4)] == [("know",), ("a",), ("b",), ()]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(LABELS)
def test_the_measures_are_those_of_the_definition(pairs: list[tuple[str, str]]) -> None:
    found = labels(pairs_of([r for r, _ in pairs], [h for _, h in pairs]))
    classes = {r for r, _ in pairs}
    expected = sum(one_class(pairs, name) for name in classes) / len(classes)
    assert macro_f1(found).total() == pytest.approx(expected, abs=1e-12)
    assert accuracy(found).total() == sum(r == h for r, h in pairs) / len(pairs)
    table = by_class(found)
    assert table.f1[table.support > 0].mean() == pytest.approx(expected, abs=1e-12)
    assert (table.support.sum(), table.predicted.sum()) == (len(pairs), len(pairs))


def test_the_bootstrap_of_macro_f1_draws_sentences() -> None:
    """Against resamples of the sentences themselves: the same law, so nearly the same ends."""
    generator = np.random.default_rng(5)
    references = generator.choice(list("abcd"), 400)
    hypotheses = np.where(generator.random(400) < 0.7, references, generator.choice(list("abcd"), 400))
    low, high = interval(macro_f1(labels(pairs_of(references.tolist(), hypotheses.tolist()))), resamples=4000)
    values = []
    for _ in range(600):
        drawn = generator.integers(0, 400, 400)
        texts = pairs_of(references[drawn].tolist(), hypotheses[drawn].tolist())
        values.append(macro_f1(labels(texts)).total())
    assert (low, high) == pytest.approx(np.quantile(values, [0.025, 0.975]).tolist(), abs=0.012)
