"""Several readings of a source: the probabilities of a text are summed over them."""

import math

import numpy as np
import pytest
import torch

from signkit.decode.configs import AttentionSearchConfig
from signkit.decode.readings import by_sample
from signkit.decode.state import Candidate
from signkit.errors import UserError

IDS = ("a", "a", "b")
CHUNKS = torch.tensor([3, 2, 4])
LOGS = torch.tensor([-1.0, -2.0, 0.0], dtype=torch.float64)
LISTS = [
    [Candidate((2,), math.log(0.6), (1,)), Candidate((3, 4), math.log(0.3), (0, 2))],
    [Candidate((3, 4), math.log(0.8), (1, 1))],
    [Candidate((5,), math.log(0.5), (3,))],
]


def config(**changes: float) -> AttentionSearchConfig:
    return AttentionSearchConfig(**{"beam": 8, "readings": 2, "length_norm": 0.0, **changes})  # type: ignore[arg-type]


def shares(weight: float) -> list[float]:
    first = 1 / (1 + math.exp(-weight))
    return [first, 1 - first]


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 3.0])
def test_probabilities_are_summed(weight: float) -> None:
    a, b = by_sample(IDS, LISTS, LOGS, CHUNKS, config(source_weight=weight))
    one, two = shares(weight)
    expected = {(2,): 0.6 * one, (3, 4): 0.3 * one + 0.8 * two}
    assert {each.tokens: math.exp(each.score) for each in a.candidates} == pytest.approx(expected)
    assert [each.tokens for each in a.candidates] == sorted(expected, key=lambda text: -expected[text])
    assert (b.id, b.rows, [each.tokens for each in b.candidates]) == ("b", range(2, 3), [(5,)])
    assert b.candidates[0].score == pytest.approx(math.log(0.5))


def test_chunks_are_those_of_the_likeliest_reading() -> None:
    found = {each.tokens: each for each in by_sample(IDS, LISTS, LOGS, CHUNKS, config())[0].candidates}
    one, two = shares(1.0)
    assert (0.3 * one > 0.8 * two) == (found[3, 4].reading == 0)
    assert found[3, 4].chunks == ((0, 2) if found[3, 4].reading == 0 else (4, 4))
    equal = {
        each.tokens: each
        for each in by_sample(IDS, LISTS, LOGS, CHUNKS, config(source_weight=0))[0].candidates
    }
    assert (equal[3, 4].reading, equal[3, 4].chunks) == (1, (4, 4))  # behind the 3 chunks of the first


def test_scores_are_divided_by_length_as_in_the_search() -> None:
    """Equal readings change nothing, whatever the lengths are divided by."""
    options = config(length_norm=1.0)
    lists = [LISTS[0], LISTS[0]]
    found = by_sample(("a", "a"), lists, torch.zeros(2, dtype=torch.float64), CHUNKS[:2], options)[0]
    assert [each.tokens for each in found.candidates] == [each.tokens for each in LISTS[0]]
    assert np.allclose([each.score for each in found.candidates], [each.score for each in LISTS[0]])


def test_a_row_a_sample() -> None:
    found = by_sample(("a", "b", "c"), LISTS, None, CHUNKS, config(readings=1))
    assert [(each.id, each.candidates, each.rows) for each in found] == [
        (name, texts, range(row, row + 1)) for row, (name, texts) in enumerate(zip("abc", LISTS, strict=True))
    ]


def test_the_beam_bounds_the_list() -> None:
    (found, _) = by_sample(IDS, LISTS, LOGS, CHUNKS, config(beam=1))
    assert len(found.candidates) == 1


def test_doubt_is_of_recordings() -> None:
    with pytest.raises(
        UserError, match="^doubt: is of recordings, and `readings` of written sources; one of"
    ):
        AttentionSearchConfig(doubt=0.5, readings=2)
    assert "source_weight" in AttentionSearchConfig().idle(ctc=True)
    assert "source_weight" not in AttentionSearchConfig(readings=2).idle(ctc=True)
