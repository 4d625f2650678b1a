"""CTC's probability of a beginning, against the sum over all paths."""

import itertools
import math

import pytest
import torch

from signkit.decode.ctc_prefix import Prefixes

FRAMES, VOCAB = 5, 4


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(c for place, c in enumerate(path) if c and (place == 0 or path[place - 1] != c))


def texts(log_p: torch.Tensor) -> dict[tuple[int, ...], float]:
    """The probability of every text, by enumeration."""
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(log_p.shape[1]), repeat=len(log_p)):
        p = math.exp(sum(log_p[t, c].item() for t, c in enumerate(path)))
        found[collapsed(path)] = found.get(collapsed(path), 0.0) + p
    return found


def prefix(of: dict[tuple[int, ...], float], beginning: tuple[int, ...]) -> float:
    return sum(p for text, p in of.items() if text[: len(beginning)] == beginning)


def log_probs(*lengths: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return (2 * torch.randn(len(lengths), FRAMES, VOCAB, generator=generator).double()).log_softmax(2)


@pytest.mark.parametrize("length", [1, 3, FRAMES])
def test_every_beginning(length: int) -> None:
    log_p = log_probs(length)
    exact = texts(log_p[0, :length])
    for text in itertools.product(range(1, VOCAB), repeat=3):
        state = Prefixes.empty(log_p, torch.tensor([length]), 1)
        assert math.isclose(state.ended().exp().item(), exact[()], rel_tol=1e-9)
        for place, token in enumerate(text):
            beginning = text[: place + 1]
            found = state.extended()[0, 0, token].exp().item()
            assert math.isclose(found, prefix(exact, beginning), rel_tol=1e-9, abs_tol=1e-300)
            state = state.chosen(torch.tensor([[0]]), torch.tensor([[token]]))
            found = state.ended().exp().item()
            assert math.isclose(found, exact.get(beginning, 0.0), rel_tol=1e-9, abs_tol=1e-300)


def test_beginnings_of_a_batch_do_not_mix() -> None:
    log_p, lengths = log_probs(5, 4), torch.tensor([5, 4])
    state = Prefixes.empty(log_p, lengths, 2)
    state = state.chosen(torch.tensor([[0, 0], [0, 0]]), torch.tensor([[1, 2], [3, 3]]))
    state = state.chosen(torch.tensor([[1, 0], [1, 0]]), torch.tensor([[2, 3], [1, 3]]))
    wanted = [[(2, 2), (1, 3)], [(3, 1), (3, 3)]]
    for clip in range(2):
        exact = texts(log_p[clip, : lengths[clip]])
        for slot, text in enumerate(wanted[clip]):
            assert math.isclose(state.ended()[clip, slot].exp().item(), exact[text], rel_tol=1e-9)
            for token in range(1, VOCAB):
                found = state.extended()[clip, slot, token].exp().item()
                assert math.isclose(found, prefix(exact, (*text, token)), rel_tol=1e-9, abs_tol=1e-300)


def test_long_clips_lose_no_precision() -> None:
    # Improbable frames add up to logarithms of thousands. Whatever begins so ends there or goes on.
    generator = torch.Generator().manual_seed(1)
    log_p = (8 * torch.randn(1, 400, 3, generator=generator).double()).log_softmax(2)
    state, begins = Prefixes.empty(log_p, torch.tensor([400]), 1), 1.0
    for token in (1, 2, 1, 1):
        longer = state.extended().exp()[0, 0]
        assert math.isclose(state.ended().exp().item() + longer[1:].sum().item(), begins, rel_tol=1e-6)
        begins = longer[token].item()
        state = state.chosen(torch.tensor([[0]]), torch.tensor([[token]]))
