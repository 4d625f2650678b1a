"""The forward-backward recursion over a chain of positions, and what it tells: how often each arc is taken.

One step of the recursion, for the two states of a position (`label`: its symbol was emitted on the last chunk; `held`:
the position is held at all, after its symbol or after blanks), in log space:

    label'(p) = label(p) stay(p)  +  held(p-1) enter(p)
    held'(p)  = held(p) blank(p)  +  label'(p)

Read backwards from the end, the probability to finish obeys the same two lines with the roles of stay and blank
exchanged and positions counted from the far side:

    finish_held(p)  = finish_held(p) blank(p)   +  finish_label(p+1) enter(p+1)
    finish_label(p) = finish_label(p) stay(p)   +  finish_held(p)

so one loop carries both, stacked in one flat vector, with three operations a step (this project, docs/c2st.md).
"""

import math

import torch
from torch import Tensor

STAY, ENTER, BLANK = range(3)
_BLOCK = 32  # steps whose weights are laid out at once: bounds memory, far above the cost of a loop


def log_likelihood(arcs: Tensor, ends: Tensor) -> Tensor:
    """Log-probability of all paths from position 0 to each sample's end: float64 [batch].

    `arcs` [steps, 3, batch, positions] are log-weights by STAY, ENTER, BLANK. An ENTER arc is filed under the position
    it enters; position 0 has none (-inf). Steps after a sample's last one are marked by BLANK 0 and the others -inf.
    """
    history = _recursion(arcs, ends, directions=1)
    return _at_end(history, arcs, ends, directions=1)


def occupancies(arcs: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """As log_likelihood, and the posterior probability of each arc, written over `arcs`.

    A sample without any path has log-likelihood -inf and all its posteriors 0.
    """
    history = _recursion(arcs, ends, directions=2)
    total = _at_end(history, arcs, ends, directions=2)
    steps, _, batch, positions = arcs.shape
    shift = total.masked_fill(total == -torch.inf, 0.0)[:, None]
    least = 0.5 * math.log(torch.finfo(arcs.dtype).tiny)  # below: 0, as denormals would slow the products tenfold
    half, full = batch * positions, 2 * batch * positions
    size, row = (steps, batch, positions), 2 * full + 1
    before = {
        STAY: history.as_strided(size, (row, positions, 1), 1),
        ENTER: history.as_strided(size, (row, positions, 1), full),
        BLANK: history.as_strided(size, (row, positions, 1), full + 1),
    }
    finish_held = history.as_strided(size, (row, positions, 1), 1 + half)
    finish_label = history.as_strided(size, (row, positions, 1), 1 + full + half)
    for start in range(0, steps, _BLOCK):
        stop = min(start + _BLOCK, steps)
        label = finish_label[steps - stop : steps - start].flip(0, 2).sub_(shift)
        held = finish_held[steps - stop : steps - start].flip(0, 2).sub_(shift)
        for kind, after in ((STAY, label), (ENTER, label), (BLANK, held)):
            arc = arcs[start:stop, kind]
            log_posterior = (before[kind][start:stop] + after).add_(arc)
            arc.copy_(torch.nn.functional.threshold_(log_posterior, least, -torch.inf).exp_())
    return total, arcs


@torch.inference_mode()  # less bookkeeping in each of thousands of tiny operations
def _recursion(arcs: Tensor, ends: Tensor, directions: int) -> Tensor:
    """Run all steps; row t of the result is [one spare, first state, second state] after t steps.

    Forward rows hold label, then held; backward rows, positions reversed, finish_held, then finish_label.
    """
    steps, _, batch, positions = arcs.shape
    full = directions * batch * positions
    history = torch.empty(steps + 1, 2 * full + 1, dtype=torch.float64, device=arcs.device)
    history[0] = -torch.inf
    start = history[0, 1:].view(2, directions, batch, positions)
    start[1, 0, :, 0] = 0.0
    if directions == 2:
        start[:, 1].scatter_(2, (positions - 1 - ends).expand(2, -1)[..., None], 0.0)
    # [state, moved by one position or not]: row (1, 0) is the second state as the next position sees it
    sources = history.as_strided((steps + 1, 2, 2, full), (2 * full + 1, full, 1, 1))
    sums = torch.empty(2, 2, full, dtype=torch.float64, device=arcs.device)
    first_kept, entering, second_kept = sums[0, 1], sums[1, 0], sums[1, 1]
    weights = torch.zeros(
        min(_BLOCK, steps), 4, directions, batch, positions, dtype=torch.float64, device=arcs.device
    )
    weight_rows = weights.view(-1, 2, 2, full).unbind(0)
    for begin in range(0, steps, _BLOCK):
        stop = min(begin + _BLOCK, steps)
        _fill_weights(weights[: stop - begin], arcs, begin)
        rows = zip(
            sources[begin:stop].unbind(0),
            weight_rows,
            history[begin + 1 : stop + 1, 1 : full + 1].unbind(0),
            history[begin + 1 : stop + 1, full + 1 :].unbind(0),
            strict=False,
        )
        for source, weight, first, second in rows:
            torch.add(source, weight, out=sums)
            torch.logaddexp(first_kept, entering, out=first)
            torch.logaddexp(second_kept, first, out=second)
    return history


def _fill_weights(weights: Tensor, arcs: Tensor, begin: int) -> None:
    """Lay out the arcs from step `begin` on in the order of the recursion: [steps, 4, directions, batch, positions]."""
    count, _, directions, _, _ = weights.shape
    weights[:, 1:, 0] = arcs[begin : begin + count]
    if directions == 2:
        last = arcs.shape[0] - begin
        mirrored = arcs[last - count : last].flip(0, 1, 3)
        weights[:, 1:, 1] = mirrored
        weights[:, 2, 1, :, 1:] = mirrored[:, ENTER, :, :-1]
        weights[:, 2, 1, :, 0] = -torch.inf


def _at_end(history: Tensor, arcs: Tensor, ends: Tensor, directions: int) -> Tensor:
    _, _, batch, positions = arcs.shape
    held = history[-1, 1:].view(2, directions, batch, positions)[1, 0]
    return held.gather(1, ends[:, None])[:, 0]


def skew(arcs: Tensor) -> Tensor:
    """Lay a transducer's arcs [chunks, 3, batch, positions] along diagonals chunk + position, one symbol a step.

    There a label no longer stays on its chunk, and the recursion above is Graves' (2012). STAY arcs are dropped.
    """
    chunks, _, batch, positions = arcs.shape
    steps = arcs.new_full((chunks + positions - 1, 3, batch, positions), -torch.inf)
    steps[:, BLANK] = 0.0
    _diagonals(steps[:, ENTER, :, 1:], chunks).copy_(arcs[:, ENTER, :, 1:])
    _diagonals(steps[:, BLANK], chunks).copy_(arcs[:, BLANK])
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
