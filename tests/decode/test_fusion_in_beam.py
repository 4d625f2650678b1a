"""Scorers in beam search: what they are asked, what they forbid, what of theirs is refused."""

import math

import numpy as np
import pytest
import torch
from slow_search import INF, Bigram, RandomRows

from signkit.decode import Candidate, beam_search, constant_context_logits, fusion
from signkit.decode.scorer import Fused, Scorer

TOPOLOGIES = pytest.mark.parametrize("topology", ["ctc", "monotonic", "rnnt"])


def logits(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape) * 2)


def zeros(vocab):
    return constant_context_logits(torch.zeros(vocab).double())


def test_the_toy_is_a_scorer():
    assert isinstance(Bigram(3), Scorer)


@TOPOLOGIES
def test_each_state_is_asked_for_once_and_each_step_in_one_call(topology):
    scorer = Bigram(30)
    acoustic, lengths = logits(5, 9, 30), torch.tensor([9, 3, 7, 9, 1])
    options = dict(topology=topology, beam=6, max_symbols=1)
    beam_search(acoustic, lengths, zeros(30), fusion=[Fused(scorer, 0.5)], **options)
    asked = [state for call in scorer.asked for state in call]
    assert len(set(asked)) == len(asked) and scorer.asked[0] == [0]
    steps = 9 if topology != "rnnt" else 18
    assert len(scorer.asked) <= steps and len(scorer.advanced) <= steps
    assert sum(scorer.advanced) > len(asked), "some histories share a state"


@TOPOLOGIES
def test_rows_forgotten_for_want_of_room_are_asked_for_again(topology, monkeypatch):
    acoustic, lengths = logits(2, 9, 30), torch.tensor([9, 9])
    options = dict(topology=topology, beam=6, nbest=6)
    roomy, narrow = Bigram(30), Bigram(30)
    found = beam_search(acoustic, lengths, zeros(30), fusion=[Fused(roomy, 0.5)], **options)
    monkeypatch.setattr(fusion, "ROOM", 30 * 14)
    again = beam_search(acoustic, lengths, zeros(30), fusion=[Fused(narrow, 0.5)], **options)
    assert again == found
    assert sum(map(len, narrow.asked)) > sum(map(len, roomy.asked))


@TOPOLOGIES
@pytest.mark.parametrize("weight", [1.0, 0.0, -1.0])
def test_what_is_forbidden_stays_so_whatever_the_weight(topology, weight):
    scorer = Bigram(4, forbidden=[(0, 1), (2, 3), (3, 1), (3, 2)], no_end=[2])
    options = dict(topology=topology, beam=100, nbest=100, max_symbols=2)
    found = beam_search(
        logits(1, 3, 4), torch.tensor([3]), zeros(4), fusion=[Fused(scorer, weight)], **options
    )[0]
    tokens = [c.tokens for c in found]
    assert () in tokens and (3,) in tokens and (2, 1) in tokens
    for sequence in tokens:
        pairs = set(zip((0, *sequence), sequence, strict=False))
        assert not pairs & {(0, 1), (2, 3), (3, 1), (3, 2)} and sequence[-1:] != (2,)
    assert all(c.score > -INF for c in found)


def test_nothing_may_end():
    fused = [Fused(Bigram(4, no_end=range(4)), 1.0)]
    found = beam_search(logits(2, 3, 4), torch.tensor([3, 0]), zeros(4), fusion=fused, beam=3, nbest=3)
    assert found == [[Candidate((), -INF, ())]] * 2


def test_an_end_can_change_which_is_the_best():
    scorer = Bigram(3)
    scorer.table[:] = 0
    scorer.end[:] = [0.0, -2.0, 0.0]
    acoustic = torch.tensor([[[0.0, 5.0, 4.0]]]).double()
    plain = beam_search(acoustic, torch.tensor([1]), zeros(3), nbest=3)[0]
    assert [c.tokens for c in plain] == [(1,), (2,), ()]
    found = beam_search(acoustic, torch.tensor([1]), zeros(3), nbest=1, fusion=[Fused(scorer, 1.0)])[0]
    assert [c.tokens for c in found] == [(2,)]
    assert math.isclose(found[0].score, plain[1].score)


def test_the_empty_utterance_has_its_end():
    scorer = Bigram(3)
    found = beam_search(logits(1, 0, 3), torch.tensor([0]), zeros(3), fusion=[Fused(scorer, 0.5)])
    assert found == [[Candidate((), 0.5 * float(scorer.end[0]), ())]]


@pytest.mark.parametrize("value", [math.nan, INF])
def test_faulty_scores_are_named(value):
    good, bad, options = Bigram(4), Bigram(4), dict(top_k=3)
    bad.table[2, 1] = value
    with pytest.raises(ValueError) as error:
        beam_search(
            logits(2, 5, 4),
            torch.tensor([5, 5]),
            zeros(4),
            fusion=[Fused(good, 1.0), Fused(bad, 1.0)],
            **options,
        )
    assert str(error.value) == "scorer 1 (Bigram) gives NaN or +inf in its state 2"
    bad = Bigram(4)
    bad.end[0] = value
    with pytest.raises(ValueError) as error:
        beam_search(logits(1, 2, 4), torch.tensor([0]), RandomRows(4), fusion=[Fused(bad, 1.0)])
    assert str(error.value) == "scorer 0 (Bigram) gives NaN or +inf in its state 0"


def test_scores_of_another_shape_are_refused():
    with pytest.raises(ValueError) as error:
        beam_search(logits(1, 2, 5), torch.tensor([2]), zeros(5), fusion=[Fused(Bigram(4), 1.0)])
    assert str(error.value) == "scorer 0 (Bigram) gives the shape [1, 4], not [1, 5]"


@pytest.mark.parametrize("weight", [math.nan, INF])
def test_a_weight_is_finite(weight):
    with pytest.raises(ValueError) as error:
        beam_search(logits(1, 2, 4), torch.tensor([2]), zeros(4), fusion=[Fused(Bigram(4), weight)])
    assert str(error.value) == f"the weight of scorer 0 (Bigram) is {weight}"


@pytest.mark.parametrize("threshold", [-1.0, math.nan])
def test_a_threshold_is_not_negative(threshold):
    with pytest.raises(ValueError, match=rf"^need beam_threshold >= 0, not {threshold}$"):
        beam_search(logits(1, 2, 4), torch.tensor([2]), zeros(4), beam_threshold=threshold)
