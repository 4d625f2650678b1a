"""Greedy search against a path followed symbol by symbol."""

import itertools

import numpy as np
import pytest
import torch

from signkit.decode import Candidate, constant_context_logits, greedy_search

TOPOLOGIES = ("ctc", "monotonic", "rnnt")


def logits(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape) * 2)


def row_of(history, vocab):
    return torch.from_numpy(np.random.default_rng([len(history), *history]).normal(size=vocab) * 2)


def rows(labels, lengths):
    histories = [tuple(y[:n]) for y, n in zip(labels.tolist(), lengths.tolist(), strict=True)]
    return torch.stack([row_of(history, 4) for history in histories])


def follow(acoustic, topology, max_symbols, scale):
    """The greedy path of one utterance, written as one would explain it."""
    tokens, chunks, standing, score = [], [], None, 0.0
    for chunk, logit in enumerate(acoustic):
        for symbols in itertools.count():
            log_p = (logit + scale * row_of(tuple(tokens), 4)).log_softmax(0)
            symbol = int(log_p.argmax())
            if topology == "rnnt" and symbols == max_symbols:
                symbol = 0
            score += float(log_p[symbol])
            if symbol and not (topology == "ctc" and symbol == standing):
                tokens.append(symbol)
                chunks.append(chunk)
            standing = symbol
            if topology != "rnnt" or not symbol:
                break
    return tuple(tokens), tuple(chunks), score


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize(("max_symbols", "scale"), [(1, 1.0), (3, 1.0), (3, 0.4), (3, 0.0)])
def test_greedy_follows_the_best_symbol(topology, max_symbols, scale):
    acoustic, lengths = logits(8, 10, 4, seed=3), torch.tensor([10, 10, 9, 1, 0, 5, 7, 10])
    found = greedy_search(
        acoustic, lengths, rows, topology=topology, max_symbols=max_symbols, context_scale=scale
    )
    for candidates, a, length in zip(found, acoustic, lengths.tolist(), strict=True):
        tokens, chunks, score = follow(a[:length], topology, max_symbols, scale)
        assert len(candidates) == 1
        assert (candidates[0].tokens, candidates[0].chunks) == (tokens, chunks)
        assert abs(candidates[0].score - score) < 1e-9


def test_constant_row_is_best_path_of_ctc():
    acoustic, row = logits(20, 15, 4, seed=1), logits(4, seed=8)
    found = greedy_search(acoustic, torch.full((20,), 15), constant_context_logits(row))
    for candidates, best in zip(found, (acoustic + row).argmax(2).tolist(), strict=True):
        assert candidates[0].tokens == tuple(v for v, _ in itertools.groupby(best) if v)


def test_ties_go_to_the_lower_symbol():
    acoustic = torch.zeros(1, 2, 4)
    zeros = constant_context_logits(torch.zeros(4))
    assert greedy_search(acoustic, torch.tensor([2]), zeros)[0][0].tokens == ()
    acoustic[..., 0] = -1
    assert greedy_search(acoustic, torch.tensor([2]), zeros)[0][0].tokens == (1,)
    assert greedy_search(acoustic, torch.tensor([2]), zeros, topology="monotonic")[0][0].tokens == (1, 1)


def test_nothing_is_possible():
    inf = float("inf")
    found = greedy_search(
        torch.tensor([[[0.0, -inf]]]), torch.tensor([1]), constant_context_logits(torch.tensor([-inf, 0.0]))
    )
    assert found == [[Candidate((), -inf, ())]]


def test_one_call_of_rows_a_chunk():
    calls = []

    def counted(labels, lengths):
        calls.append(len(labels))
        return rows(labels, lengths)

    greedy_search(logits(6, 9, 4), torch.full((6,), 9), counted)
    assert len(calls) <= 9 and calls[0] == 1


def test_faults_are_those_of_beam_search():
    acoustic = logits(2, 3, 4)
    acoustic[1, 2, 0] = float("nan")
    with pytest.raises(
        ValueError, match=r"^row 1 of the batch has NaN or \+inf in chunk 2, or no possible label$"
    ):
        greedy_search(acoustic, torch.tensor([3, 3]), rows)
    with pytest.raises(ValueError, match=r"^unknown topology 'x'; known: ctc, monotonic, rnnt$"):
        greedy_search(acoustic, torch.tensor([3, 2]), rows, topology="x")
