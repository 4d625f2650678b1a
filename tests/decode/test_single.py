"""Search for one token against enumeration of every path, in every topology; `decode.only: one`."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from slow_search import RandomRows, enumerate_paths

from signkit.decode import Candidate, constant_context_logits, single_search
from signkit.decode.configs import LatticeConfig
from signkit.decode.lattice import search_acoustic
from signkit.decode.scorer import Fused

TOPOLOGIES = ("ctc", "monotonic", "rnnt")


def logits(*shape, seed=0, scale=2.0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape) * scale)


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("scale", [1.0, 0.3, 0.0])
def test_every_token_has_the_probability_of_all_its_paths(topology, scale):
    rows, lengths, acoustic = RandomRows(4, seed=5), [4, 1, 3], logits(3, 4, 4, seed=1)
    found = single_search(acoustic, lengths, rows, topology=topology, nbest=9, context_scale=scale)
    for candidates, a, length in zip(found, acoustic, lengths, strict=True):
        exact = enumerate_paths(a[:length], rows.row, topology, 1, scale)
        assert sorted(c.tokens for c in candidates) == [(1,), (2,), (3,)]
        for c in candidates:
            assert math.isclose(c.score, exact[c.tokens], abs_tol=1e-9)
        assert [c.score for c in candidates] == sorted((c.score for c in candidates), reverse=True)


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_without_a_context(topology):
    acoustic, row = logits(1, 5, 4, seed=3), logits(4, seed=8)
    (found,) = single_search(acoustic, [5], constant_context_logits(row), topology=topology, nbest=3)
    exact = enumerate_paths(acoustic[0], lambda labels: row, topology, 1, 1.0)
    assert {c.tokens: round(c.score, 9) for c in found} == {(y,): round(exact[(y,)], 9) for y in (1, 2, 3)}
    (plain,) = single_search(acoustic + row, [5], topology=topology, nbest=3)
    assert [c.tokens for c in plain] == [c.tokens for c in found]


def test_the_chunk_is_that_of_the_likeliest_emission():
    peaked = torch.zeros(1, 5, 3)
    peaked[0, :, 0] = 4.0
    peaked[0, 3, 2] = 9.0
    ((best,),) = single_search(peaked, [5])
    assert (best.tokens, best.chunks) == ((2,), (3,))


def test_the_rest_of_a_batch_changes_nothing():
    rows, acoustic = RandomRows(5, seed=2), logits(4, 6, 5)
    lengths = [6, 3, 0, 1]
    together = single_search(acoustic, lengths, rows, nbest=4)
    for place, length in enumerate(lengths):
        alone = single_search(acoustic[place : place + 1, : max(length, 1)], [length], rows, nbest=4)[0]
        assert alone == together[place]
    assert together[2] == [Candidate((), -math.inf, ())]


@pytest.mark.parametrize("nbest", [1, 2, 7])
def test_so_many_and_the_lower_token_first(nbest):
    (found,) = single_search(torch.zeros(1, 2, 4), [2], nbest=nbest)
    assert [c.tokens for c in found] == [(1,), (2,), (3,)][:nbest]


def test_impossible_tokens():
    acoustic = torch.zeros(1, 2, 4)
    acoustic[0, :, 1] = -math.inf
    assert [c.tokens for c in single_search(acoustic, [2], nbest=3)[0]] == [(2,), (3,)]
    acoustic[0, 0, 1:] = acoustic[0, 1, 1:] = -math.inf
    assert single_search(acoustic, [2], nbest=3) == [[Candidate((), -math.inf, ())]]


class Prefers:
    """A scorer with a score for each first token, which forbids one and must not end after another."""

    start = 0

    def advance(self, states, tokens):
        return tokens

    def rows(self, states):
        return np.tile(np.array([0.0, -1.0, -np.inf, -3.0], dtype=np.float32), (len(states), 1))

    def ends(self, states):
        return np.where(states == 3, -np.inf, -0.5)


def test_scorers_and_the_reward_are_added():
    acoustic = logits(1, 3, 4, seed=4)
    (plain,) = single_search(acoustic, [3], nbest=3)
    score = {c.tokens: c.score for c in plain}
    (found,) = single_search(acoustic, [3], nbest=3, fusion=[Fused(Prefers(), 2.0)], length_reward=0.25)
    assert [c.tokens for c in found] == [(1,)]
    assert math.isclose(found[0].score, score[(1,)] + 2 * (-1.0 - 0.5) + 0.25, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nbest": 0}, "need nbest >= 1, not 0"),
        ({"lengths": [4]}, "row 0 of the batch has length 4, which is not from 0 to 3"),
        ({"topology": "ring"}, "unknown topology 'ring'; known: ctc, monotonic, rnnt"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError) as caught:
        single_search(logits(1, 3, 4), options.pop("lengths", [3]), **options)
    assert str(caught.value) == message


class Model:
    """The part of a recogniser that a search uses."""

    encoder = None
    topology, context_free = "ctc", False

    def __init__(self, rows):
        self.last_context_logits = rows

    def __call__(self, batch):
        raise NotImplementedError

    context_logits = __call__


class LastFirst:
    """A rescorer that prefers the highest token by far."""

    def totals(self, sequences):
        return np.array([100.0 * tokens[0] for tokens in sequences])


@pytest.mark.parametrize("beam", [1, 2])
def test_the_option_of_a_recipe(beam):
    """Exactly one token, whatever the beam; at least five candidates; rescoring sees all of them."""
    rows, acoustic = RandomRows(9, seed=1), logits(2, 4, 9)
    config = LatticeConfig(only="one", beam=beam, top_k=1, beam_threshold=0.001)
    bias, lengths = torch.zeros(9, dtype=torch.float64), torch.tensor([4, 2])
    found = search_acoustic(Model(rows), acoustic, lengths, bias, config)
    assert found == single_search(acoustic, lengths, rows, nbest=5, never=[1])
    first = search_acoustic(Model(rows), acoustic, lengths, bias, config, nbest=1)
    assert first == [each[:1] for each in found]
    if beam > 1:
        last = search_acoustic(Model(rows), acoustic, lengths, bias, config, rescorers=[(LastFirst(), 1.0)])
        assert [each[0].tokens for each in last] == [(8,), (8,)]
        assert [len(each) for each in last] == [5, 5]
    assert config.greedy().only == "one"
    assert replace(config, only="any").is_single is False


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_the_unknown_token_is_no_answer(topology):
    """Whatever its score; those of the others are still the sums over all their paths."""
    rows, acoustic = RandomRows(5, seed=3), logits(1, 3, 5, seed=2)
    acoustic[:, :, 1] += 20
    model = Model(rows)
    model.topology = topology
    bias = torch.zeros(5, dtype=torch.float64)
    (found,) = search_acoustic(model, acoustic, torch.tensor([3]), bias, LatticeConfig(only="one"))
    exact = enumerate_paths(acoustic[0], rows.row, topology, 1, 1.0)
    assert [c.tokens for c in found] == sorted(((2,), (3,), (4,)), key=lambda tokens: -exact[tokens])
    for c in found:
        assert math.isclose(c.score, exact[c.tokens], abs_tol=1e-9)


def test_nothing_is_found_where_only_the_unknown_token_is_possible():
    acoustic = torch.full((1, 2, 4), -math.inf)
    acoustic[:, :, :2] = 0
    bias = torch.zeros(4)
    context = constant_context_logits(bias)
    (found,) = search_acoustic(Model(context), acoustic, torch.tensor([2]), bias, LatticeConfig(only="one"))
    assert found == [Candidate((), -math.inf, ())]
