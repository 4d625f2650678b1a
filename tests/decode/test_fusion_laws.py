"""Laws of beam search with scorers, against enumeration of every path and against plain beams."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_search import (
    INF,
    Bigram,
    RandomRows,
    enumerate_paths,
    fused,
    plain_beam,
    plain_transducer_beam,
    weighted,
)

from signkit.decode import beam_search, constant_context_logits
from signkit.decode.scorer import Fused

TOPOLOGIES = pytest.mark.parametrize("topology", ["ctc", "monotonic", "rnnt"])
CONTEXT = pytest.mark.parametrize("context", [True, False], ids=["context", "constant"])
SEEDS = st.integers(0, 2**32 - 1)
LAW = settings(max_examples=15, deadline=None, derandomize=True)


def logits(*shape, seed=0, scale=2.0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape) * scale)


def scorers(vocab, seed, weights=(0.7, -0.4)):
    """Two toys, one subtracted, both with forbidden pairs and ends."""
    first = Bigram(vocab, seed, [(1, 2), (0, 3)], [2])
    second = Bigram(vocab, seed + 1, [(3, 3)], [vocab - 1])
    return tuple(Fused(part, weight) for part, weight in zip((first, second), weights, strict=True))


def rows_of(vocab, context, seed=0):
    """Rows for the search, and the row of one history for what it is compared with."""
    rows = RandomRows(vocab, seed)
    if context:
        return rows, rows.row
    row = rows.row(())
    return constant_context_logits(row), lambda history: row


def frames(acoustic, row):
    """For each chunk a function from a history to log P."""

    def log_p(logits):
        known = {}

        def of(history):
            if history not in known:
                known[history] = (logits + row(history)).log_softmax(0).tolist()
            return known[history]

        return of

    return [log_p(chunk) for chunk in acoustic]


@TOPOLOGIES
@CONTEXT
@LAW
@given(seed=SEEDS, reward=st.sampled_from([0.0, 0.8]))
def test_wide_beam_equals_enumeration_with_scorers(topology, context, seed, reward):
    vocab, chunks = 4, 2 if topology == "rnnt" else 4
    rows, row = rows_of(vocab, context, seed)
    acoustic, lengths = logits(3, chunks, vocab, seed=seed), torch.tensor([chunks, chunks - 1, chunks])
    fusion = scorers(vocab, seed)
    options = dict(topology=topology, beam=300, nbest=300, top_k=vocab, max_symbols=2, length_reward=reward)
    found = beam_search(acoustic, lengths, rows, fusion=fusion, **options)
    for candidates, a, length in zip(found, acoustic, lengths.tolist(), strict=True):
        exact = {
            tokens: score + fused(fusion, tokens, reward)
            for tokens, score in enumerate_paths(a[:length], row, topology, 2).items()
        }
        assert {c.tokens for c in candidates} == {tokens for tokens, score in exact.items() if score > -INF}
        for c in candidates:
            assert math.isclose(c.score, exact[c.tokens], abs_tol=1e-9)
        assert [c.score for c in candidates] == sorted((c.score for c in candidates), reverse=True)


@TOPOLOGIES
@CONTEXT
@pytest.mark.parametrize(("beam", "top_k", "threshold"), [(16, 6, 0.0), (16, 3, 0.0), (5, 6, 4.0)])
@settings(max_examples=6, deadline=None, derandomize=True)
@given(seed=SEEDS)
def test_a_plain_beam_finds_the_same(topology, context, beam, top_k, threshold, seed):
    vocab, chunks = 7, 6 if topology == "rnnt" else 12
    rows, row = rows_of(vocab, context, seed)
    acoustic, lengths = logits(2, chunks, vocab, seed=seed), torch.tensor([chunks, chunks - 3])
    fusion = scorers(vocab, seed)
    options = dict(topology=topology, beam=beam, nbest=beam, top_k=top_k, max_symbols=2)
    found = beam_search(acoustic, lengths, rows, fusion=fusion, beam_threshold=threshold, **options)

    def bonus(history, token):
        before = history[-1] if history else 0
        return sum(weighted(float(p.scorer.table[before, token]), p.weight) for p in fusion)

    def end(history):
        return sum(weighted(float(p.scorer.end[history[-1] if history else 0]), p.weight) for p in fusion)

    told = dict(top_k=top_k, bonus=bonus, end=end, threshold=threshold)
    for candidates, a, length in zip(found, acoustic, lengths.tolist(), strict=True):
        log_p = frames(a[:length], row)
        if topology == "rnnt":
            expected = plain_transducer_beam(log_p, beam, max_symbols=2, **told)
        else:
            expected = plain_beam(log_p, beam, stays=topology == "ctc", shared=not context, **told)
        expected = expected or [((), -INF)]  # all that the beam held must not end
        assert [c.tokens for c in candidates] == [tokens for tokens, _ in expected]
        np.testing.assert_allclose([c.score for c in candidates], [s for _, s in expected], rtol=0, atol=1e-9)


@TOPOLOGIES
@CONTEXT
@LAW
@given(seed=SEEDS)
def test_no_fusion_and_weight_zero_change_nothing_to_the_bit(topology, context, seed):
    rows, _ = rows_of(6, context, seed)
    acoustic, lengths = logits(3, 8, 6, seed=seed), torch.tensor([8, 5, 0])
    options = dict(topology=topology, beam=4, nbest=4, max_symbols=2, length_reward=0.3)
    plain = beam_search(acoustic, lengths, rows, **options)
    assert beam_search(acoustic, lengths, rows, fusion=(), **options) == plain
    assert beam_search(acoustic, lengths, rows, fusion=(Fused(Bigram(6), 0.0),), **options) == plain
    assert beam_search(acoustic, lengths, rows, beam_threshold=1e9, **options) == plain
    assert beam_search(acoustic, lengths, rows, beam_threshold=INF, **options) == plain


@TOPOLOGIES
@CONTEXT
@LAW
@given(seed=SEEDS, lengths=st.lists(st.integers(0, 7), min_size=1, max_size=5), data=st.data())
def test_company_order_and_padding_never_matter(topology, context, seed, lengths, data):
    rows, _ = rows_of(6, context, seed)
    acoustic, lengths = logits(len(lengths), max(lengths), 6, seed=seed), torch.tensor(lengths)
    fusion = scorers(6, 3)

    def decode(acoustic, lengths):
        options = dict(topology=topology, beam=4, nbest=3, max_symbols=2, fusion=fusion, temperature=2.0)
        return beam_search(acoustic, lengths, rows, **options)

    found = decode(acoustic, lengths)
    order = data.draw(st.permutations(range(len(lengths))))
    assert decode(acoustic[order], lengths[order]) == [found[i] for i in order]
    padded = torch.full((len(lengths), acoustic.shape[1] + 2, 6), float("nan"), dtype=acoustic.dtype)
    for row, length in enumerate(lengths.tolist()):
        padded[row, :length] = acoustic[row, :length]
        assert decode(acoustic[row : row + 1, :length], lengths[row : row + 1]) == [found[row]]
    assert decode(padded, lengths) == found


@TOPOLOGIES
@LAW
@given(seed=SEEDS, threshold=st.floats(0.1, 5.0))
def test_a_threshold_holds_histories_back(topology, seed, threshold):
    acoustic, lengths = logits(2, 8, 6, seed=seed), torch.tensor([8, 8])
    options = dict(topology=topology, beam=8, nbest=8, max_symbols=2, beam_threshold=threshold)
    for candidates in beam_search(
        acoustic, lengths, constant_context_logits(torch.zeros(6).double()), **options
    ):
        assert all(c.score >= candidates[0].score - threshold for c in candidates)
        assert all(a.score >= b.score for a, b in itertools.pairwise(candidates))
