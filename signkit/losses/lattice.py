"""The recursion over a chain of positions: the likelihood of all paths, and how often each arc is taken.

A position has two states: `label`, its symbol was emitted on the last chunk, and `held`, its symbol or a blank was.
One step forward, and one step backward for the probability to finish, in log space (this project, docs/c2st.md):

    label'(p) = label(p) stay(p) + held(p-1) enter(p)              held'(p)  = held(p) blank(p)  + label'(p)
    to_end_held'(p) = to_end_held(p) blank(p) + to_end_label(p+1) enter(p+1)
    to_end_label'(p) = to_end_label(p) stay(p) + to_end_held'(p)

Counted from the far side the second pair has the form of the first. So one loop carries both as a `first` and a
`second` state in flat vectors; they meet in the middle, where the likelihood is read off. The posteriors are its
derivatives by the arcs, by running both halves in reverse; the shares that takes are probabilities, so no logarithm
is needed there, nothing can overflow, and what underflows is nothing.
"""

from typing import NamedTuple

import torch
from torch import Tensor

STAY, ENTER, BLANK = range(3)
_BLOCK = 32  # steps laid out at once: enough that the loop dominates, few enough to stay in cache


def idle_arcs(steps: int, batch: int, positions: int, like: Tensor) -> Tensor:
    """Log-weights [steps, 3, batch, positions] that change nothing, for STAY, ENTER and BLANK; their number is odd.

    An ENTER arc is filed under the position it enters. A sample's steps after its last one must stay as they are here.
    """
    arcs = like.new_full((steps | 1, 3, batch, positions), -torch.inf)
    arcs[:, BLANK] = 0.0
    return arcs


@torch.inference_mode()  # less bookkeeping in each of thousands of tiny operations
def log_likelihood(arcs: Tensor, ends: Tensor) -> Tensor:
    """Log-probability of all paths from position 0 to each sample's end, in float64: [batch]; -inf if there is none."""
    ring = _make_ring(arcs, ends)
    for begin in range(0, arcs.shape[0] // 2, _BLOCK):
        _run_forward(ring, arcs, begin)
    return _meet(ring, arcs)[0]


@torch.inference_mode()
def posteriors(arcs: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """As log_likelihood, and the posterior probability of each arc, written over `arcs`; 0 if there is no path."""
    half, positions = arcs.shape[0] // 2, arcs.shape[3]
    ring = _make_ring(arcs, ends)
    kept = arcs.new_empty(half, 2, ring.adjoints.shape[1])
    for begin in range(0, half, _BLOCK):
        count = _run_forward(ring, arcs, begin)
        states = ring.states[: count + 1, 1:].unflatten(1, (2, -1))
        before, after = ring.weights[:count, :, 1], states[1:].clamp(min=torch.finfo(torch.float64).min)
        kept[begin : begin + count] = (before - after).exp_()
    total, middle = _meet(ring, arcs)
    arcs[half] = middle
    adjoints = ring.adjoints.view(2, 2, -1, positions)
    adjoints[0, 0], adjoints[1, 0] = middle[STAY], middle[BLANK]
    adjoints[1, 0, :, :-1] += middle[ENTER, :, 1:]
    adjoints[0, 1], adjoints[1, 1] = middle[BLANK].flip(1), (middle[STAY] + middle[ENTER]).flip(1)
    for begin in reversed(range(0, half, _BLOCK)):
        _run_reverse(ring, kept[begin : begin + _BLOCK])
        _read_back(ring, arcs, begin)
    return total, arcs


class _Ring(NamedTuple):
    """Room for a block of steps, used over and over, and the views of each step, made once.

    A row of `states` is [spare, first, second], each with the forward direction before the backward one. A row of
    `weights` is [state, moved or kept]: what enters the first state comes from the second, moved by one position.
    """

    states: Tensor
    weights: Tensor
    adjoints: Tensor
    sources: tuple[Tensor, ...]
    firsts: tuple[Tensor, ...]
    seconds: tuple[Tensor, ...]
    rows: tuple[Tensor, ...]
    first_kept: tuple[Tensor, ...]
    entering: tuple[Tensor, ...]
    second_kept: tuple[Tensor, ...]


def _make_ring(arcs: Tensor, ends: Tensor) -> _Ring:
    steps, _, batch, positions = arcs.shape
    block, width = min(_BLOCK, steps // 2), 2 * batch * positions
    states = arcs.new_zeros(block + 1, 2 * width + 1, dtype=torch.float64)
    states[0] = -torch.inf
    start = states[0, 1:].view(2, 2, batch, positions)
    start[1, 0, :, 0] = 0.0
    start[:, 1].scatter_(2, (positions - 1 - ends).expand(2, -1)[..., None], 0.0)
    weights = arcs.new_zeros(block, 2, 2, width, dtype=torch.float64)
    return _Ring(
        states,
        weights,
        arcs.new_empty(2, width, dtype=torch.float64),
        states[:-1].as_strided((block, 2, 2, width), (2 * width + 1, width, 1, 1)).unbind(0),
        states[1:, 1 : width + 1].unbind(0),
        states[1:, width + 1 :].unbind(0),
        weights.unbind(0),
        weights[:, 0, 1].unbind(0),
        weights[:, 1, 0].unbind(0),
        weights[:, 1, 1].unbind(0),
    )


def _run_forward(ring: _Ring, arcs: Tensor, begin: int) -> int:
    """Run the steps from `begin` on that fit the ring, from its last state; returns their number."""
    count = min(len(ring.rows), arcs.shape[0] // 2 - begin)
    if begin:
        ring.states[0] = ring.states[-1]
    _lay_out(ring.weights[:count], arcs, begin)
    for step in range(count):
        torch.add(ring.rows[step], ring.sources[step], out=ring.rows[step])
        torch.logaddexp(ring.first_kept[step], ring.entering[step], out=ring.firsts[step])
        torch.logaddexp(ring.second_kept[step], ring.firsts[step], out=ring.seconds[step])
    return count
