"""Which samples make which batch: by length, so that little is padding; other batches each epoch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from signkit.data.balance import Drawing
from signkit.errors import UserError

POOL = 32
"""Batches cut from one pool of samples sorted by length: more pad less but mix less."""
BLUR = 0.05
"""Lengths are sorted as if up to this share longer or shorter, so that small sets too are mixed well."""
AGAIN = 2**32
"""More than a run has epochs: what is added where a sample comes again in one, for each time before."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of training, as one process does it.

    Attributes:
        step: from 0, over the whole run.
        samples: of all processes together.
        parts: the indices of this process's samples, for each part the batch is computed in.
        epochs: for each of these the epoch that it is changed as in: the step's own, or, where a sample comes
            again in it, one of its own that no step has.
    """

    step: int
    epoch: int
    samples: int
    parts: tuple[tuple[int, ...], ...]
    epochs: tuple[tuple[int, ...], ...]


def batches_per_epoch(samples: int, batch_size: int, world: int = 1) -> int:
    """The number of batches that hold each sample once.

    Raises:
        UserError: a batch could not give each of the ``world`` processes a sample.
    """
    if batch_size < world:
        what = f"{batch_size} samples a step cannot be shared by {world} processes"
        raise UserError("train.batch_size", what, f"use at least {world}")
    if samples < world:
        what = f"the split has {samples} samples for {world} processes"
        raise UserError("data", what, "use fewer processes")
    return min(-(-samples // batch_size), samples // world)


def batch_plan(
    frames: Sequence[int],
    batch_size: int,
    seed: int = 0,
    epoch: int = 0,
    shuffle: bool = True,
    world: int = 1,
) -> list[list[int]]:
    """Batches of indices with each sample in exactly one; their sizes differ by one at most.

    Shuffled, the samples are drawn into pools, sorted by (blurred) length within a pool, cut into
    batches, and the batches shuffled: the same for a seed and an epoch. Otherwise all are sorted by
    length.

    Raises:
        UserError: a batch could not give each of the ``world`` processes a sample.
    """
    count = batches_per_epoch(len(frames), batch_size, world)
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(frames)) if shuffle else np.arange(len(frames))
    # Two pools of two batches, where a sample's length is its number:
    #     drawn    7 2 9 4 | 1 8 3 6     pool_of  0 0 0 0 | 1 1 1 1
    #     sorted   2 4 7 9 | 1 3 6 8     batches  2 4, 7 9, 1 3, 6 8
    sizes = np.array([len(part) for part in np.array_split(order, count)])
    pools = -(-count // POOL) if shuffle else 1
    pool_of = np.repeat(np.arange(count) * pools // count, sizes)
    length = np.asarray(frames)[order] * (1 + BLUR * rng.uniform(-1, 1, len(frames)) if shuffle else 1)
    order = order[np.lexsort((length, pool_of))]
    batches = [batch.tolist() for batch in np.split(order, np.cumsum(sizes)[:-1])]
    return [batches[i] for i in rng.permutation(count)] if shuffle else batches


def within(batches: Sequence[Sequence[int]], frames: Sequence[int], most: int) -> list[list[int]]:
    """Batches of the same samples in the same order, none with more than ``most`` frames, its padding among
    them, but of one sample alone; 0: as they are."""
    if not most:
        return [list(batch) for batch in batches]
    cut: list[list[int]] = []
    for batch in batches:
        part: list[int] = []
        for index in batch:
            if part and (len(part) + 1) * max(frames[each] for each in (*part, index)) > most:
                cut.append(part)
                part = []
            part.append(index)
        cut.append(part)
    return cut


def planned_steps(
    frames: Sequence[int],
    batch_size: int,
    seed: int,
    start_step: int = 0,
    rank: int = 0,
    world: int = 1,
    accumulate: int = 1,
    drawing: Drawing | None = None,
) -> Iterator[PlannedStep]:
    """The steps of a run from one of them on, without end: what an unbroken run has from there.

    Process ``rank`` takes every ``world``-th sample of a batch, so that all have like lengths, and
    computes them in ``accumulate`` parts (in fewer where a batch is too small), all the same number.

    Args:
        drawing: says which samples an epoch has; None: each of them once.
    """
    per_epoch = batches_per_epoch(drawing.samples if drawing else len(frames), batch_size, world)
    lengths, each = np.asarray(frames), np.arange(len(frames))
    step = start_step
    while True:
        epoch = step // per_epoch
        drawn, copies = drawing.epoch(epoch) if drawing else (each, np.zeros_like(each))
        changes = epoch + copies * AGAIN
        plan = batch_plan(lengths[drawn].tolist(), batch_size, seed, epoch, world=world)
        for batch in plan[step % per_epoch :]:
            parts = np.array_split(batch[rank::world], min(accumulate, len(batch) // world))
            indices = tuple(tuple(drawn[part].tolist()) for part in parts)
            epochs = tuple(tuple(changes[part].tolist()) for part in parts)
            yield PlannedStep(step, epoch, len(batch), indices, epochs)
            step += 1
