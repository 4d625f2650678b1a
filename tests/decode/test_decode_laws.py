"""Laws of both decoders on random inputs."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.decode import beam_search, greedy_search
from signkit.decode.select import largest

VOCAB = 6


def rows(labels, lengths):
    histories = [tuple(y[:n]) for y, n in zip(labels.tolist(), lengths.tolist(), strict=True)]
    normal = [np.random.default_rng([len(h), *h]).normal(size=VOCAB) for h in histories]
    return torch.from_numpy(np.stack(normal))


@st.composite
def batches(draw):
    """Logits on a grid of halves, so that equal scores are common, and lengths."""
    lengths = draw(st.lists(st.integers(0, 7), min_size=1, max_size=5))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = random.integers(-4, 5, size=(len(lengths), max(lengths), VOCAB)) / 2
    return torch.from_numpy(values), torch.tensor(lengths)


def beam(acoustic, lengths, topology):
    return beam_search(acoustic, lengths, rows, topology=topology, beam=4, nbest=4, max_symbols=2)


def greedy(acoustic, lengths, topology):
    return greedy_search(acoustic, lengths, rows, topology=topology, max_symbols=2)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    values=st.lists(st.sampled_from([-np.inf, -1.0, 0.0, 1.0]), min_size=1, max_size=12),
    count=st.integers(1, 13),
)
def test_largest_takes_the_first_of_equals(values, count):
    scores = np.array([values, values[::-1]])
    expected = np.sort(np.argsort(-scores, axis=1, kind="stable")[:, :count], axis=1)
    assert largest(scores, count).tolist() == expected.tolist()


DECODERS = pytest.mark.parametrize("decode", [beam, greedy])
TOPOLOGIES = pytest.mark.parametrize("topology", ["ctc", "monotonic", "rnnt"])


@DECODERS
@TOPOLOGIES
@settings(max_examples=15, deadline=None, derandomize=True)
@given(batch=batches(), data=st.data())
def test_a_permuted_batch_permutes_the_results(decode, topology, batch, data):
    acoustic, lengths = batch
    order = data.draw(st.permutations(range(len(lengths))))
    found = decode(acoustic, lengths, topology)
    assert decode(acoustic[order], lengths[order], topology) == [found[i] for i in order]


@DECODERS
@TOPOLOGIES
@settings(max_examples=15, deadline=None, derandomize=True)
@given(batch=batches())
def test_padding_and_company_never_matter(decode, topology, batch):
    acoustic, lengths = batch
    found = decode(acoustic, lengths, topology)
    padded = torch.full((len(lengths), acoustic.shape[1] + 2, VOCAB), float("nan"), dtype=acoustic.dtype)
    for row, length in enumerate(lengths.tolist()):
        padded[row, :length] = acoustic[row, :length]
        alone = decode(acoustic[row : row + 1, :length], lengths[row : row + 1], topology)
        assert alone == [found[row]]
    assert decode(padded, lengths, topology) == found


@TOPOLOGIES
@settings(max_examples=15, deadline=None, derandomize=True)
@given(batch=batches())
def test_candidates_are_distinct_sorted_and_timed(topology, batch):
    acoustic, lengths = batch
    for candidates, length in zip(beam(acoustic, lengths, topology), lengths.tolist(), strict=True):
        assert 1 <= len(candidates) <= 4
        assert len({c.tokens for c in candidates}) == len(candidates)
        assert all(a.score >= b.score for a, b in itertools.pairwise(candidates))
        for c in candidates:
            assert len(c.chunks) == len(c.tokens) and 0 not in c.tokens and c.score <= 1e-9
            assert list(c.chunks) == sorted(c.chunks) and all(0 <= chunk < length for chunk in c.chunks)
            if topology != "rnnt":
                assert len(set(c.chunks)) == len(c.chunks)


@TOPOLOGIES
@settings(max_examples=15, deadline=None, derandomize=True)
@given(batch=batches())
def test_a_beam_is_never_worse_than_the_greedy_path_it_holds(topology, batch):
    acoustic, lengths = batch
    wide = beam_search(acoustic, lengths, rows, topology=topology, beam=64, nbest=64, max_symbols=2)
    for candidates, path in zip(wide, greedy(acoustic, lengths, topology), strict=True):
        scores = {c.tokens: c.score for c in candidates}
        if path[0].tokens in scores:
            assert scores[path[0].tokens] >= path[0].score - 1e-9
