"""Forward-backward over a chain of positions: the likelihood of all paths and the posterior of each arc.

A position has two states: `label` (its symbol was emitted on the last chunk) and `held` (its symbol or a
blank was). A step of the forward recursion, and a step of the backward recursion for the probability of
reaching the end, computed in log space (this project, docs/c2st.md):

    label'(p) = label(p) stay(p) + held(p-1) enter(p)              held'(p)  = held(p) blank(p)  + label'(p)
    to_end_held'(p) = to_end_held(p) blank(p) + to_end_label(p+1) enter(p+1)
    to_end_label'(p) = to_end_label(p) stay(p) + to_end_held'(p)

With positions counted from the last to the first, the backward pair has the form of the forward one:

    first'(p)  = first(p) kept(p) + second(p-1) moved(p)            second'(p) = second(p) kept(p) + first'(p)

    forward:   first = label,         kept by STAY            second = held,          kept by BLANK
    backward:  first = to_end_held,   kept by BLANK           second = to_end_label,  kept by STAY

So one loop advances both directions at once, as flat vectors. They meet at the middle step, where the
likelihood is read off: half as many iterations, each twice as wide. The posteriors are the derivatives of the
log-likelihood by the arcs, found by running both halves in reverse. That pass multiplies conditional
probabilities, so it needs no logarithm and cannot overflow; what underflows is negligible.
"""

import math
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch
from torch import Tensor

STAY, ENTER, BLANK = range(3)
_BLOCK = 32  # steps laid out at once: enough to amortise the layout, few enough to stay in cache
_NOTHING = -80.0  # log of a negligible probability; much smaller ones are denormal in float32, hence slow


def idle(arcs: Tensor) -> Tensor:
    """Turn steps into no-ops, in place: BLANK costs nothing, STAY and ENTER are impossible.

    `arcs` [steps, 3, batch, positions]. Padding steps after the end of a sample must be no-ops.
    """
    arcs[:, :BLANK] = -torch.inf
    arcs[:, BLANK] = 0.0
    return arcs


@torch.inference_mode()  # saves autograd's bookkeeping in thousands of tiny operations
def log_likelihood(arcs: Tensor, ends: Tensor) -> Tensor:
    """Log-probability of all paths from position 0 to each sample's last position.

    Args:
        arcs: log-weights of the STAY, ENTER and BLANK arcs, [steps, 3, batch, positions]; the number of steps
            must be odd. An ENTER arc is stored at the position it enters. Position 0 has neither STAY nor
            ENTER: both must be -inf there.
        ends: last position of each sample, [batch].

    Returns:
        float64 [batch]; -inf where no path exists.
    """
    if kernel := _kernel(arcs):
        total: Tensor = kernel.log_likelihood(arcs, ends)
        return total
    ring = _make_ring(arcs, ends)
    for begin in range(0, arcs.shape[0] // 2, _BLOCK):
        _run_forward(ring, arcs, begin)
    return _meet(ring, arcs)[0]


@torch.inference_mode()
def posteriors(arcs: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """Log-likelihood as in `log_likelihood`, and the posterior probability of each arc.

    The posteriors overwrite `arcs` and are returned, [steps, 3, batch, positions]; 0 where no path exists.
    """
    if kernel := _kernel(arcs):
        both: tuple[Tensor, Tensor] = kernel.posteriors(arcs, ends)
        return both
    half, positions = arcs.shape[0] // 2, arcs.shape[3]
    ring = _make_ring(arcs, ends)
    # For each step and new state, the share that the same state contributed (by its STAY or BLANK arc). The
    # rest came from the other state, so the reverse pass needs nothing else; the states are not saved.
    shares = arcs.new_empty(half, 2, ring.adjoints.shape[1])
    for begin in range(0, half, _BLOCK):
        count = _run_forward(ring, arcs, begin)
        after = ring.states[1 : count + 1, 1:].unflatten(1, (2, -1))
        share = torch.sub(ring.weights[:count, :, 1], after, out=shares[begin : begin + count])
        share.nan_to_num_(_NOTHING).clamp_(min=_NOTHING).exp_()  # NaN: -inf - -inf, an unreachable state
    total, middle = _meet(ring, arcs)
    arcs[half] = middle
    # The mass of the middle step, given to the states it came from (forward) and goes to (backward).
    # [first or second, direction, batch, positions]; the backward direction counts positions from the last.
    adjoints = ring.adjoints.view(2, 2, -1, positions)
    adjoints[0, 0], adjoints[1, 0] = middle[STAY], middle[BLANK]
    adjoints[1, 0, :, :-1] += middle[ENTER, :, 1:]
    adjoints[0, 1], adjoints[1, 1] = middle[BLANK].flip(1), (middle[STAY] + middle[ENTER]).flip(1)
    for begin in reversed(range(0, half, _BLOCK)):
        block = shares[begin : begin + _BLOCK]
        _run_reverse(ring, block)
        _read_back(ring.weights[: block.shape[0]], arcs, begin)
    return total, arcs


def _kernel(arcs: Tensor) -> Any:
    """The module of the kernel, which takes the place of the loops on a GPU where Triton is."""
    if not arcs.is_cuda or find_spec("triton") is None:
        return None
    from signkit.models.losses import lattice_kernel

    return lattice_kernel


class _Ring(NamedTuple):
    """Buffers for a block of steps, reused by every block, and views of each step, created once.

    A vector of `width` W holds both directions: [forward, backward] x batch x positions, flattened. Rows are

        states[t]   = [ spare | first: W | second: W ]                       2 W + 1 numbers
        weights[t]  = [ moved | kept | moved | kept ]                        4 W numbers
                        `-- first --'  `-- second --'

    Going forward, a pair belongs to the state that a term comes from: `kept` is what the state passes on to
    itself, `moved` what it passes on to the other state of the next position. Only the second state does
    that, by ENTER arcs. The second state also receives the new first state, but without a weight, so the
    first state's `moved` is unused.

    In reverse, a pair belongs to the state that a share arrives at: `kept` came from the state itself,
    `moved` from the other one. For the first state that is by an ENTER arc, for the second state it is the
    share of the new first state.
    """

    states: Tensor  # float64 [block + 1, 2 W + 1]; row t is the state before step t of the block
    weights: Tensor  # float64 [block, 2, 2, W]: log weights, then sums; in reverse, arc posteriors
    adjoints: Tensor  # float64 [2, W]: posterior mass of the first and second states, in reverse
    # one view for each step of the block
    sources: tuple[Tensor, ...]  # [2, 2, W]: the state that each weight applies to
    firsts: tuple[Tensor, ...]  # [W]: first state after the step
    seconds: tuple[Tensor, ...]  # [W]: second state after the step
    rows: tuple[Tensor, ...]  # [2, 2, W]: all weights of the step
    first_kept: tuple[Tensor, ...]  # [W]
    entering: tuple[Tensor, ...]  # [W]: second moved; going forward, the ENTER arcs into each position
    second_kept: tuple[Tensor, ...]  # [W]
    entered: tuple[Tensor, ...]  # [W]: in reverse, the ENTER arcs that leave each position


def _make_ring(arcs: Tensor, ends: Tensor) -> _Ring:
    steps, _, batch, positions = arcs.shape
    block, width = max(1, min(_BLOCK, steps // 2)), 2 * batch * positions
    states = arcs.new_zeros(block + 1, 2 * width + 1, dtype=torch.float64)
    states[0] = -torch.inf
    start = states[0, 1:].view(2, 2, batch, positions)  # [first or second, direction, batch, positions]
    start[1, 0, :, 0] = 0.0  # forward: held at position 0, with probability one
    # backward: either state of the last position may end; it is counted from the far side
    start[:, 1].scatter_(2, (positions - 1 - ends).expand(2, -1)[..., None], 0.0)
    weights = arcs.new_zeros(block, 2, 2, width, dtype=torch.float64)
    # Two overlapping windows on the states of each step: [t, s, k, j] shows states[t, s W + k + j].
    #
    #     states[t]     spare f0 f1 f2 s0 s1 s2            (W = 3)
    #     s = 0, k = 0  spare f0 f1                        unused: nothing moves from a first state
    #     s = 0, k = 1        f0 f1 f2                     first, kept
    #     s = 1, k = 0           .. f2 s0 s1               second of the position before, moving on
    #     s = 1, k = 1                 s0 s1 s2            second, kept
    #
    # So one addition applies all weights of a step. Where a window reads across the border between two
    # samples or directions (f2 above), the ENTER weight is -inf, since nothing enters a position 0.
    sources = states[:-1].as_strided((block, 2, 2, width), (2 * width + 1, width, 1, 1))
    # The first state's `moved` weights, read one place later: [t, j] shows weights[t, 0, 0, j + 1], the arc
    # that leaves position j. The last place shows the STAY arc of a position 0, whose posterior is 0.
    entered = weights.as_strided((block, width), (4 * width, 1), 1)
    return _Ring(
        states,
        weights,
        arcs.new_empty(2, width, dtype=torch.float64),
        sources.unbind(0),
        states[1:, 1 : width + 1].unbind(0),
        states[1:, width + 1 :].unbind(0),
        weights.unbind(0),
        weights[:, 0, 1].unbind(0),
        weights[:, 1, 0].unbind(0),
        weights[:, 1, 1].unbind(0),
        entered.unbind(0),
    )


def _run_forward(ring: _Ring, arcs: Tensor, begin: int) -> int:
    """Run a block of forward steps, from step `begin` on; returns how many.

    Afterwards `ring.states` holds the states of the block, `ring.weights` the terms each was summed from.
    """
    count = min(len(ring.rows), arcs.shape[0] // 2 - begin)
    if begin:  # go on from the last state of the block before
        ring.states[0] = ring.states[-1]
    _lay_out(ring.weights[:count], arcs, begin)
    for step in range(count):
        torch.add(ring.rows[step], ring.sources[step], out=ring.rows[step])
        torch.logaddexp(ring.first_kept[step], ring.entering[step], out=ring.firsts[step])
        torch.logaddexp(ring.second_kept[step], ring.firsts[step], out=ring.seconds[step])
    return count


def _run_reverse(ring: _Ring, shares: Tensor) -> None:
    """Differentiate a block of steps, last to first: `ring.weights` becomes the posteriors of its arcs.

    `shares` [steps, 2, width] is the share of each state that it received from itself; the rest came from the
    other state.
    """
    count = shares.shape[0]
    ring.weights[:count, :, 1] = shares
    torch.sub(1.0, ring.weights[:count, :, 1], out=ring.weights[:count, :, 0])
    first, second = ring.adjoints.unbind(0)
    both = ring.adjoints[:, None]
    # the second state's `moved`, see _Ring: ENTER arcs going forward, now the share of the new first state
    from_first = ring.entering
    pending = first
    for step in reversed(range(count)):
        # first: what flows on by its own arcs, and its share of the second state; then all four products with
        # the shares at once; then second: what it kept, and what left it to enter the next position
        torch.addcmul(pending, second, from_first[step], out=first)
        torch.mul(both, ring.rows[step], out=ring.rows[step])
        torch.add(ring.second_kept[step], ring.entered[step], out=second)
        pending = ring.first_kept[step]
    first.copy_(pending)


def _lay_out(weights: Tensor, arcs: Tensor, begin: int) -> None:
    """Write the arcs of a block into `weights`: those from `begin` on, and the mirrored ones from the end.

    weights[t] as [slot, direction, batch, positions], slots in the order first moved, first kept, second
    moved, second kept. The ENTER arcs, which lead from second to first, take the slot `second moved`, where
    the addition in _run_forward meets them with the second state.

        slot        0        1       2       3
        forward     unused   STAY    ENTER   BLANK
        backward    unused   BLANK   ENTER   STAY       steps and positions from the last to the first
    """
    (forward, backward), count = _by_direction(weights, arcs), weights.shape[0]
    last = arcs.shape[0] - begin
    forward[:, 1:] = arcs[begin : begin + count]
    mirrored = arcs[last - count : last].flip(0, 1, 3)  # flipping the kinds exchanges STAY and BLANK
    backward[:, 1:] = mirrored
    # An ENTER arc is stored at the position it leads to. Walked backward it leads to the position it left,
    # which comes next in mirrored order.
    backward[:, 2, :, 1:] = mirrored[:, ENTER, :, :-1]
    backward[:, 2, :, 0] = -torch.inf


def _read_back(weights: Tensor, arcs: Tensor, begin: int) -> None:
    """The inverse of _lay_out, for posteriors: _run_reverse leaves those of ENTER in slot 0."""
    taken = weights.to(arcs.dtype, copy=True)
    torch.threshold_(taken, math.exp(_NOTHING / 2), 0.0)  # so that no product of two of them is denormal
    (forward, backward), count = _by_direction(taken, arcs), taken.shape[0]
    last = arcs.shape[0] - begin
    early, late = arcs[begin : begin + count], arcs[last - count : last]
    early[:, STAY], early[:, ENTER], early[:, BLANK] = forward[:, 1], forward[:, 0], forward[:, 3]
    mirrored = backward.flip(0, 3)
    late[:, STAY], late[:, BLANK] = mirrored[:, 3], mirrored[:, 1]
    late[:, ENTER, :, 1:] = mirrored[:, 0, :, :-1]
    late[:, ENTER, :, 0] = 0.0


def _by_direction(weights: Tensor, arcs: Tensor) -> tuple[Tensor, ...]:
    """Weights of the two directions, each [steps, 4 slots, batch, positions]."""
    return weights.view(-1, 4, 2, *arcs.shape[2:]).unbind(2)


def _meet(ring: _Ring, arcs: Tensor) -> tuple[Tensor, Tensor]:
    """Log-likelihood [batch], and posteriors of the middle step [3, batch, positions]."""
    half, positions = arcs.shape[0] // 2, arcs.shape[3]
    reached = (half - 1) % _BLOCK + 1 if half else 0  # row of the ring with the state after the last step
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

    On a diagonal each step emits one symbol, a label or a blank, and the recursion above becomes that of
    Graves (2012). STAY arcs are dropped. The BLANK arcs (chunk, position) of one sample:

        arcs          0   1   2             steps           0   1   2
        chunk 0      0,0 0,1 0,2            step 0         0,0  .   .
        chunk 1      1,0 1,1 1,2            step 1         1,0 0,1  .
                                            step 2          .  1,1 0,2         . : a no-op
                                            step 3          .   .  1,2

    An ENTER arc leaves the position before the one it is stored at, so it lies one step earlier.
    """
    steps = idle(arcs.new_empty((chunks + arcs.shape[3] - 1) | 1, *arcs.shape[1:]))
    _diagonals(steps[:, ENTER, :, 1:], chunks).copy_(arcs[:chunks, ENTER, :, 1:])
    _diagonals(steps[:, BLANK], chunks).copy_(arcs[:chunks, BLANK])
    return steps


def unskew(steps: Tensor, chunks: int) -> Tensor:
    """The inverse of `skew`, for the posteriors of the arcs: [chunks, 3, batch, positions], STAY 0."""
    arcs = steps.new_zeros(chunks, *steps.shape[1:])
    arcs[:, ENTER, :, 1:] = _diagonals(steps[:, ENTER, :, 1:], chunks)
    arcs[:, BLANK] = _diagonals(steps[:, BLANK], chunks)
    return arcs


def _diagonals(steps: Tensor, chunks: int) -> Tensor:
    """View of `steps` [steps, batch, positions] that shows [chunk + i, batch, i] at [chunk, batch, i]."""
    along, across, inner = steps.stride()  # one position further is also one step further
    size = (chunks, *steps.shape[1:])
    return steps.as_strided(size, (along, across, inner + along), steps.storage_offset())
