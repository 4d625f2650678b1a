"""Scoring a split in all processes of a run: each has its part of the batches, and all get all results."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

import torch.distributed as dist

from signkit.config.recipe import Recipe
from signkit.data.loader import Batch, Dataset, eval_batches
from signkit.errors import OperationalError

T = TypeVar("T")


def frames_at_most(recipe: Recipe) -> int:
    """Frames of a batch that is decoded, at most; 0 where there is no such limit, as of landmarks."""
    of_video = getattr(recipe.encoder, "reads", "") == "video"
    return recipe.decode.frames_per_batch if of_video else 0


def own_batches(dataset: Dataset, recipe: Recipe, *, shared: bool = True) -> Iterator[Batch]:
    """The batches of a split that this process computes, each every ``processes()``-th one.

    The batches are those of a single process, so that every number is too.

    Args:
        shared: whether processes share the split; otherwise all batches.
    """
    rank, world = (dist.get_rank(), processes()) if shared and processes() > 1 else (0, 1)
    workers, frames = recipe.train.workers, frames_at_most(recipe)
    return eval_batches(
        dataset, recipe.decode.batch_size, workers=workers, frames=frames, rank=rank, world=world
    )


def of_all(own: Mapping[str, T], dataset: Dataset) -> dict[str, T]:
    """The results of all processes by sample, in the order of the split; not of samples without one.

    Raises:
        OperationalError: another process has ended.
    """
    found = dict(own)
    if processes() > 1:
        parts: list[dict[str, T]] = [{}] * processes()
        try:
            dist.all_gather_object(parts, found)
        except RuntimeError as error:
            raise OperationalError(
                "another process of this run has ended while a split was scored"
            ) from error
        found = {name: each for part in parts for name, each in part.items()}
    return {sample.id: found[sample.id] for sample in dataset.samples if sample.id in found}


def processes() -> int:
    """The number of processes of this run."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1
