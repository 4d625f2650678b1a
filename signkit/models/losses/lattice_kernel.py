"""The recursions of `lattice` as one kernel of Triton: a program for each sample, all steps inside.

The torch loop of `lattice` starts some hundred kernels for a batch. Here the states of a step are written to
memory, where the next step finds its neighbours; the sums are taken in float64. This module imports Triton,
which comes with torch for CUDA; `TRITON_INTERPRET=1` runs it on a CPU.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor


@triton.jit
def _logaddexp(one, other):
    high, low = tl.maximum(one, other), tl.minimum(one, other)
    return tl.where(high == float("-inf"), high, high + tl.log(1.0 + tl.exp(low - high)))


@triton.jit
def _forward(arcs, states, steps, row, positions, sample, WIDTH: tl.constexpr):
    """The states before and after every step; returns `held` of the last one.

    arcs: [steps, 3, batch, positions], a row of which is ``row`` long. states: of the sample, [steps + 1, 2,
    positions], label and held.
    """
    place = tl.arange(0, WIDTH)
    there = place < positions
    label = tl.full((WIDTH,), float("-inf"), tl.float64)
    held = tl.where(place == 0, 0.0, float("-inf")).to(tl.float64)
    tl.store(states + place, label, there)
    tl.store(states + positions + place, held, there)
    for step in range(0, steps):
        tl.debug_barrier()  # all of the step before is written
        arc = arcs + 3 * step * row + sample * positions + place
        stay = tl.load(arc, there, float("-inf")).to(tl.float64)
        enter = tl.load(arc + row, there, float("-inf")).to(tl.float64)
        blank = tl.load(arc + 2 * row, there, float("-inf")).to(tl.float64)
        before = tl.load(states + (2 * step + 1) * positions + place - 1, there & (place > 0), float("-inf"))
        label = _logaddexp(label + stay, before + enter)
        held = _logaddexp(held + blank, label)
        after = states + 2 * (step + 1) * positions + place
        tl.store(after, label, there)
        tl.store(after + positions, held, there)
    return held


@triton.jit
def _posteriors(
    arcs, ends, states, through, total, steps, row, positions, backwards: tl.constexpr, WIDTH: tl.constexpr
):
    """Both recursions of a sample; the posteriors replace the arcs.

    through: [batch, 2, positions], for what a place gives to its neighbour.
    """
    sample = tl.program_id(0)
    place = tl.arange(0, WIDTH)
    there = place < positions
    end = tl.load(ends + sample)
    states += sample.to(tl.int64) * (steps + 1) * 2 * positions
    held = _forward(arcs, states, steps, row, positions, sample, WIDTH)
    likelihood = tl.max(tl.where(place == end, held, float("-inf")), 0)
    tl.store(total + sample, likelihood)
    if backwards:
        # Where there is no path everything below is -inf, and exp gives 0.
        likelihood = tl.where(likelihood == float("-inf"), 0.0, likelihood)
        through += sample * 2 * positions
        # log of the probability of the end, after this step: from `held` and from `label`
        end_held = tl.where(place == end, 0.0, float("-inf")).to(tl.float64)
        end_label = end_held
        for back in range(0, steps):
            step = steps - 1 - back
            arc = arcs + 3 * step * row + sample * positions + place
            stay = tl.load(arc, there, float("-inf")).to(tl.float64)
            enter = tl.load(arc + row, there, float("-inf")).to(tl.float64)
            blank = tl.load(arc + 2 * row, there, float("-inf")).to(tl.float64)
            state = states + 2 * step * positions + place
            label = tl.load(state, there, float("-inf"))
            held = tl.load(state + positions, there, float("-inf"))
            before = tl.load(state + positions - 1, there & (place > 0), float("-inf"))
            entered = enter + end_label
            tl.store(arc, tl.exp(label + stay + end_label - likelihood), there)
            tl.store(arc + row, tl.exp(before + entered - likelihood), there)
            tl.store(arc + 2 * row, tl.exp(held + blank + end_held - likelihood), there)
            # Two rows by turns: a slow thread may still read the one of the step before.
            mine = through + (back % 2) * positions + place
            tl.store(mine, entered, there)
            tl.debug_barrier()
            following = tl.load(mine + 1, place + 1 < positions, float("-inf"))
            end_held = _logaddexp(end_held + blank, following)
            end_label = _logaddexp(end_label + stay, end_held)


def log_likelihood(arcs: Tensor, ends: Tensor) -> Tensor:
    """As `signkit.models.losses.lattice.log_likelihood`, for any number of steps."""
    return _launched(arcs, ends, backwards=False)


def posteriors(arcs: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """As `signkit.models.losses.lattice.posteriors`, for any number of steps; overwrites `arcs`."""
    return _launched(arcs, ends, backwards=True), arcs


def _launched(arcs: Tensor, ends: Tensor, *, backwards: bool) -> Tensor:
    steps, _, batch, positions = arcs.shape
    states = arcs.new_empty(batch, steps + 1, 2, positions, dtype=torch.float64)
    through = arcs.new_empty(batch, 2, positions, dtype=torch.float64)
    total = arcs.new_empty(batch, dtype=torch.float64)
    width = max(16, triton.next_power_of_2(positions))
    kernel: Any = _posteriors[(batch,)]
    sizes = steps, batch * positions, positions
    options = {"WIDTH": width, "num_warps": max(1, min(8, width // 32))}
    with torch.cuda.device_of(arcs):
        kernel(arcs, ends, states, through, total, *sizes, backwards=backwards, **options)
    return total
