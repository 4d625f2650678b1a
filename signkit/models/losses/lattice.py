"""The recursion over a chain of positions: the likelihood of all paths, and how often each arc is taken.

A position has two states: `label`, its symbol was emitted on the last chunk, and `held`, its symbol or a
blank was. One step forward, and one step backward for the probability to finish, in log space (this project,
docs/c2st.md):

    label'(p) = label(p) stay(p) + held(p-1) enter(p)              held'(p)  = held(p) blank(p)  + label'(p)
    to_end_held'(p) = to_end_held(p) blank(p) + to_end_label(p+1) enter(p+1)
    to_end_label'(p) = to_end_label(p) stay(p) + to_end_held'(p)

Counted from the far side the second pair has the form of the first. So one loop carries both as a `first` and
a `second` state in flat vectors; they meet in the middle, where the likelihood is read off. The posteriors
are its derivatives by the arcs, by running both halves in reverse; the shares that takes are probabilities,
so no logarithm is needed there, nothing can overflow, and what underflows is nothing.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

STAY, ENTER, BLANK = range(3)
_BLOCK = 32  # steps laid out at once: enough that the loop dominates, few enough to stay in cache
_NOTHING = -80.0  # log of a probability as good as 0; much less is a denormal float32, and slow


def idle(arcs: Tensor) -> Tensor:
    """Make steps that change nothing: what a sample's steps after its last one must be."""
    arcs[:, :BLANK] = -torch.inf
    arcs[:, BLANK] = 0.0
    return arcs


@torch.inference_mode()  # less bookkeeping in each of thousands of tiny operations
def log_likelihood(arcs: Tensor, ends: Tensor) -> Tensor:
    """Log-probability of all paths from position 0 to each sample's end: float64 [batch]; -inf for none.

    `arcs` are log-weights [steps, 3, batch, positions] of STAY, ENTER and BLANK, an odd number of steps. An
    ENTER arc is filed under the position it enters; position 0 has neither STAY nor ENTER (-inf).
    """
    ring = _make_ring(arcs, ends)
    for begin in range(0, arcs.shape[0] // 2, _BLOCK):
        _run_forward(ring, arcs, begin)
    return _meet(ring, arcs)[0]


@torch.inference_mode()
def posteriors(arcs: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """As log_likelihood, and the posterior probability of each arc, written over `arcs`; 0 without a path."""
    half, positions = arcs.shape[0] // 2, arcs.shape[3]
    ring = _make_ring(arcs, ends)
    kept = arcs.new_empty(half, 2, ring.adjoints.shape[1])
    for begin in range(0, half, _BLOCK):
        count = _run_forward(ring, arcs, begin)
        after = ring.states[1 : count + 1, 1:].unflatten(1, (2, -1))
        share = torch.sub(ring.weights[:count, :, 1], after, out=kept[begin : begin + count])
        share.nan_to_num_(_NOTHING).clamp_(min=_NOTHING).exp_()  # NaN: a state that nothing has reached
    total, middle = _meet(ring, arcs)
    arcs[half] = middle
    adjoints = ring.adjoints.view(2, 2, -1, positions)
    adjoints[0, 0], adjoints[1, 0] = middle[STAY], middle[BLANK]
    adjoints[1, 0, :, :-1] += middle[ENTER, :, 1:]
    adjoints[0, 1], adjoints[1, 1] = middle[BLANK].flip(1), (middle[STAY] + middle[ENTER]).flip(1)
    for begin in reversed(range(0, half, _BLOCK)):
        shares = kept[begin : begin + _BLOCK]
        _run_reverse(ring, shares)
        _read_back(ring.weights[: shares.shape[0]], arcs, begin)
    return total, arcs


class _Ring(NamedTuple):
    """Room for a block of steps, used over and over, and the views of each step, made once.

    A row of `states` is [spare, first, second], each with the forward direction before the backward one. A
    row of `weights` is [state, moved or kept]: what enters the first state comes from the second, moved by
    one position.
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
    entered: tuple[Tensor, ...]


def _make_ring(arcs: Tensor, ends: Tensor) -> _Ring:
    steps, _, batch, positions = arcs.shape
    block, width = max(1, min(_BLOCK, steps // 2)), 2 * batch * positions
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
        weights.as_strided((block, width), (4 * width, 1), 1).unbind(0),
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


def _run_reverse(ring: _Ring, kept: Tensor) -> None:
    """Differentiate a block of steps, last to first: `ring.weights` becomes the posteriors of its arcs.

    `kept` [steps, 2, width] is the share of each state that was in it before; the rest came from the other
    state.
    """
    count = kept.shape[0]
    ring.weights[:count, :, 1] = kept
    torch.sub(1.0, ring.weights[:count, :, 1], out=ring.weights[:count, :, 0])
    first, second = ring.adjoints.unbind(0)
    both = ring.adjoints[:, None]
    from_first = ring.entering
    pending = first
    for step in reversed(range(count)):
        torch.addcmul(pending, second, from_first[step], out=first)
        torch.mul(both, ring.rows[step], out=ring.rows[step])
        torch.add(ring.second_kept[step], ring.entered[step], out=second)
        pending = ring.first_kept[step]
    first.copy_(pending)


def _lay_out(weights: Tensor, arcs: Tensor, begin: int) -> None:
    """File the arcs of forward steps from `begin` on, and the backward ones, as the recursion adds them."""
    (forward, backward), count = _by_direction(weights, arcs), weights.shape[0]
    last = arcs.shape[0] - begin
    forward[:, 1:] = arcs[begin : begin + count]
    mirrored = arcs[last - count : last].flip(0, 1, 3)  # backward, stay and blank exchange their places
    backward[:, 1:] = mirrored
    backward[:, 2, :, 1:] = mirrored[:, ENTER, :, :-1]
    backward[:, 2, :, 0] = -torch.inf


def _read_back(weights: Tensor, arcs: Tensor, begin: int) -> None:
    """The inverse of _lay_out, from the rows as _run_reverse leaves them."""
    taken = weights.to(arcs.dtype, copy=True)
    torch.threshold_(taken, math.exp(_NOTHING / 2), 0.0)  # so that no product of two is denormal
    (forward, backward), count = _by_direction(taken, arcs), taken.shape[0]
    last = arcs.shape[0] - begin
    early, late = arcs[begin : begin + count], arcs[last - count : last]
    early[:, STAY], early[:, ENTER], early[:, BLANK] = forward[:, 1], forward[:, 0], forward[:, 3]
    mirrored = backward.flip(0, 3)
    late[:, STAY], late[:, BLANK] = mirrored[:, 3], mirrored[:, 1]
    late[:, ENTER, :, 1:] = mirrored[:, 0, :, :-1]
    late[:, ENTER, :, 0] = 0.0


def _by_direction(weights: Tensor, arcs: Tensor) -> tuple[Tensor, ...]:
    return weights.view(-1, 4, 2, *arcs.shape[2:]).unbind(2)


def _meet(ring: _Ring, arcs: Tensor) -> tuple[Tensor, Tensor]:
    """Log-likelihood [batch], and posteriors of the middle step [3, batch, positions]."""
    half, positions = arcs.shape[0] // 2, arcs.shape[3]
    reached = (half - 1) % _BLOCK + 1 if half else 0
    (label, to_end_held), (held, to_end_label) = ring.states[reached, 1:].view(2, 2, -1, positions)
    to_end_held, to_end_label = to_end_held.flip(1), to_end_label.flip(1)
    sums = arcs[half].double()
    sums[STAY] += label + to_end_label
    sums[BLANK] += held + to_end_held
    sums[ENTER, :, 1:] += held[:, :-1] + to_end_label[:, 1:]
    total = sums.logsumexp((0, 2))
    return total, (sums - total.masked_fill(total == -torch.inf, 0.0)[:, None]).exp_()


def skew(arcs: Tensor, chunks: int) -> Tensor:
    """Lay a transducer's arcs [chunks or more, 3, batch, positions] along diagonals chunk + position.

    There each step emits one symbol, a label moves on like a blank does, and the recursion above is that of
    Graves (2012). STAY arcs are dropped.
    """
    steps = idle(arcs.new_empty((chunks + arcs.shape[3] - 1) | 1, *arcs.shape[1:]))
    _diagonals(steps[:, ENTER, :, 1:], chunks).copy_(arcs[:chunks, ENTER, :, 1:])
    _diagonals(steps[:, BLANK], chunks).copy_(arcs[:chunks, BLANK])
    return steps


def unskew(steps: Tensor, chunks: int) -> Tensor:
    """The inverse of skew, for arcs' posteriors."""
    arcs = steps.new_zeros(chunks, *steps.shape[1:])
    arcs[:, ENTER, :, 1:] = _diagonals(steps[:, ENTER, :, 1:], chunks)
    arcs[:, BLANK] = _diagonals(steps[:, BLANK], chunks)
    return arcs


def _diagonals(steps: Tensor, chunks: int) -> Tensor:
    """View of element [chunk + i, batch, i] at [chunk, batch, i]."""
    along, across, inner = steps.stride()
    size = (chunks, *steps.shape[1:])
    return steps.as_strided(size, (along, across, inner + along), steps.storage_offset())
