"""Confidences of tokens: votes of a beam worked by hand, temperatures, calibration."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.decode import Candidate, beam_search, constant_context_logits, greedy_search
from signkit.decode.confidence import (
    COOLEST,
    HOTTEST,
    Votes,
    beam_votes,
    confidences,
    confident,
    fit_temperature,
    greedy_votes,
    log_loss,
    reliability,
    right_tokens,
)
from signkit.eval.alignment import align

INF = math.inf
FOUND = [
    [
        Candidate((5, 6, 7), math.log(0.5), (0, 1, 2)),
        Candidate((5, 7), math.log(0.3), (0, 2)),
        Candidate((8, 6, 7, 7), math.log(0.2), (0, 1, 2, 3)),
    ],
    [Candidate((), 0.0, ())],
    [Candidate((9,), math.log(0.6), (0,)), Candidate((), math.log(0.2), ())],
]


def test_a_token_has_the_share_of_those_who_say_it_and_as_many_lost_say_nothing():
    votes = beam_votes(FOUND)
    assert votes.agrees[:, :3].tolist() == [
        [True, True, False],
        [True, False, True],
        [True, True, True],
        [True, False, False],
    ]
    assert not votes.agrees[:, 3:].any()
    assert votes.scores[0].tolist() == [math.log(p) for p in (0.5, 0.3, 0.2, 0.2, 0.2, 0.2)]
    assert votes.scores[3].tolist() == [
        math.log(0.6),
        math.log(0.2),
        -INF,
        math.log(0.2),
        math.log(0.2),
        -INF,
    ]
    np.testing.assert_allclose(confidences(votes, 1.0), [0.8 / 1.6, 0.7 / 1.6, 1.0 / 1.6, 0.6 / 1.2])
    half = [math.sqrt(p) for p in (0.5, 0.3, 0.2)]
    np.testing.assert_allclose(confidences(votes, 2.0)[0], (half[0] + half[1]) / (sum(half) + 3 * half[2]))
    np.testing.assert_allclose(confidences(votes, 1e9), [2 / 6, 2 / 6, 3 / 6, 1 / 4])


def test_one_hypothesis_alone_is_sure():
    votes = beam_votes([[Candidate((4, 4), -3.0, (0, 2))], FOUND[0]])
    assert confidences(votes, 1.0)[:2].tolist() == [1.0, 1.0]
    assert confidences(beam_votes([]), 1.0).tolist() == []


def test_candidates_take_them_and_others_stay_as_they_are():
    found = confident(FOUND, 1.0)
    assert [[c.tokens for c in nbest] for nbest in found] == [[c.tokens for c in nbest] for nbest in FOUND]
    np.testing.assert_allclose(found[0][0].confidences, [0.5, 0.4375, 0.625])
    assert found[0][1:] == FOUND[0][1:] and found[1][0].confidences == ()
    np.testing.assert_allclose(found[2][0].confidences, [0.5])
    assert confident([], 1.0) == []


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    lists=st.lists(
        st.lists(st.lists(st.integers(1, 4), max_size=5).map(tuple), min_size=1, max_size=4), max_size=5
    ),
    temperature=st.floats(0.1, 10.0),
)
def test_votes_are_those_of_pairwise_alignments(lists, temperature):
    found = [[Candidate(y, -0.5 * i, tuple(range(len(y)))) for i, y in enumerate(nbest)] for nbest in lists]
    expected = []
    for nbest in found:
        weights = [math.exp(c.score / temperature) for c in nbest]
        agree = np.zeros((len(nbest), len(nbest[0].tokens)))
        for voter, c in enumerate(nbest):
            for i, j in align(nbest[0].tokens, c.tokens).pairs:
                if i is not None and j is not None and nbest[0].tokens[i] == c.tokens[j]:
                    agree[voter, i] = 1
        lost = len(weights) * weights[-1] if len(weights) > 1 else 0
        expected += (weights @ agree / (sum(weights) + lost)).tolist()
    np.testing.assert_allclose(confidences(beam_votes(found), temperature), expected, atol=1e-12)


@pytest.mark.parametrize("topology", ["ctc", "monotonic", "rnnt"])
def test_the_whole_beam_votes_whatever_nbest_is(topology):
    acoustic = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 6, 5)))
    lengths, rows = torch.tensor([6, 0, 4]), constant_context_logits(torch.zeros(5).double())
    options = dict(topology=topology, beam=8, max_symbols=2)
    whole = beam_search(acoustic, lengths, rows, nbest=8, **options)
    assert all(c.confidences == () for nbest in whole for c in nbest)
    one = beam_search(acoustic, lengths, rows, nbest=1, temperature=3.0, **options)
    assert one == [nbest[:1] for nbest in confident(whole, 3.0)]
    assert any(0 < p < 1 for p in one[0][0].confidences)


@pytest.mark.parametrize("topology", ["ctc", "monotonic", "rnnt"])
def test_greedy_tokens_have_the_probability_where_they_were_emitted(topology):
    acoustic = torch.from_numpy(np.random.default_rng(1).normal(size=(4, 9, 5)) * 3)
    found = greedy_search(
        acoustic,
        torch.tensor([9, 9, 0, 5]),
        constant_context_logits(torch.zeros(5).double()),
        topology=topology,
        max_symbols=1,
    )
    log_p = acoustic.log_softmax(2)
    for [c], each in zip(found, log_p, strict=True):
        assert len(c.confidences) == len(c.tokens)
        expected = [math.exp(each[chunk, token]) for chunk, token in zip(c.chunks, c.tokens, strict=True)]
        np.testing.assert_allclose(c.confidences, expected, atol=1e-12)
    votes = greedy_votes(found)
    sure = np.array([p for [c] in found for p in c.confidences])
    np.testing.assert_allclose(confidences(votes, 1.0), sure, atol=1e-12)
    np.testing.assert_allclose(
        confidences(votes, 2.0), sure**0.5 / (sure**0.5 + (1 - sure) ** 0.5), atol=1e-12
    )


def test_greedy_votes_of_a_certain_token():
    votes = greedy_votes([[Candidate((1, 2), 0.0, (0, 1), (1.0, 0.0))], [Candidate((), 0.0, ())]])
    assert confidences(votes, 3.0).tolist() == [1.0, 0.0]
    assert confidences(greedy_votes([]), 1.0).tolist() == []


def test_right_tokens():
    references = [(5, 7, 8), (1,), (9, 9)]
    assert right_tokens(FOUND, references).tolist() == [
        True,
        False,
        True,
        True,
    ]  # 7 with 7, not two substitutions
    assert right_tokens(FOUND, [(5, 1, 7), (), (2,)]).tolist() == [True, False, True, False]
    assert right_tokens([], []).tolist() == []


@pytest.mark.parametrize("truth", [0.5, 1.7, 20.0])
def test_the_temperature_that_made_the_labels_is_found(truth):
    random = np.random.default_rng(3)
    votes = Votes(np.tile([True, False], (40_000, 1)), random.normal(scale=3 * truth, size=(40_000, 2)))
    right = random.random(40_000) < confidences(votes, truth)
    fitted = fit_temperature(votes, right)
    assert math.isclose(fitted, truth, rel_tol=0.05)
    best = log_loss(confidences(votes, fitted), right)
    assert all(best <= log_loss(confidences(votes, fitted * by), right) for by in (0.8, 0.99, 1.01, 1.25))
    assert reliability(confidences(votes, fitted), right).error < 0.01
    assert reliability(confidences(votes, fitted / 4), right).error > 0.05


def test_temperatures_at_the_edges():
    sure = Votes(np.array([[True, False]]), np.array([[0.0, -1.0]]))
    assert math.isclose(fit_temperature(sure, np.array([True])), COOLEST, rel_tol=0.01)
    assert math.isclose(fit_temperature(sure, np.array([False])), HOTTEST, rel_tol=0.01)
    assert fit_temperature(Votes(np.zeros((0, 1), bool), np.zeros((0, 1))), np.zeros(0, bool)) == 1.0
    with pytest.raises(ValueError, match=r"^need a temperature above 0, not 0.0$"):
        confidences(sure, 0.0)


def test_log_loss():
    assert math.isclose(log_loss(np.array([0.5, 0.25]), np.array([True, False])), -math.log(0.375) / 2)
    assert math.isclose(log_loss(np.array([1.0]), np.array([False])), -math.log(1e-6))
    assert log_loss(np.zeros(0), np.zeros(0, bool)) == 0.0


def test_reliability_by_hand():
    table = reliability(
        np.array([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), np.array([True, False, False, True, True, False]), bins=4
    )
    assert table.counts.tolist() == [2, 1, 1, 2]
    np.testing.assert_allclose(table.confidence, [0.05, 0.25, 0.5, 0.95])
    np.testing.assert_allclose(table.accuracy, [0.5, 0.0, 1.0, 0.5])
    assert math.isclose(table.error, (2 * 0.45 + 0.25 + 0.5 + 2 * 0.45) / 6)
    empty = reliability(np.zeros(0), np.zeros(0, bool), bins=2)
    assert empty.error == 0.0 and np.isnan(empty.accuracy).all() and empty.counts.tolist() == [0, 0]
