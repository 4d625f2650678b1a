"""Batches: an endless, resumable stream for training, one pass for evaluation.

What a batch holds depends on the seed, the epoch and the indices only, never on the number of
processes that load, or on where a stream was taken up again.
"""

import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import torch
from torch.utils.data import DataLoader, get_worker_info
from torch.utils.data import Dataset as TorchDataset

from signkit.data.balance import Drawing
from signkit.data.plan import PlannedStep, batch_plan, batches_per_epoch, planned_steps, within
from signkit.errors import OperationalError, SignkitError, UserError
from signkit.types import Sample

Batch: TypeAlias = Any
"""What a dataset's `collate` gives: padded tensors with ``ids``, which `to` moves to a device."""

Request = tuple[tuple[int, ...], tuple[int, ...] | None]
"""Indices of a batch, and the epoch that each sample is changed as in; None: without changes."""


@runtime_checkable
class Dataset(Protocol):
    """The samples of a split, whatever a task makes of them.

    Attributes:
        samples: in a fixed order.
        sizes: of each, by which batches are formed: frames, or tokens.
    """

    @property
    def samples(self) -> tuple[Sample, ...]: ...

    @property
    def sizes(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def example(self, index: int, epoch: int | None = None) -> Any:
        """One sample, changed for training as in an epoch; None: as it is.

        Raises:
            UserError: the sample cannot be used; its source is named.
        """
        ...

    def collate(self, examples: Sequence[Any]) -> Batch:
        """Examples as one batch, in the order given."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """The data of one step for one process.

    Attributes:
        step: from 0, over the whole run.
        samples: of all processes together.
        parts: the batches to be accumulated; the same number in every process.
    """

    step: int
    epoch: int
    samples: int
    parts: tuple[Batch, ...]


def train_steps(
    examples: Dataset,
    batch_size: int,
    seed: int,
    *,
    start_step: int = 0,
    rank: int = 0,
    world: int = 1,
    accumulate: int = 1,
    workers: int = 0,
    drawing: Drawing | None = None,
) -> Iterator[Step]:
    """The steps of a run from ``start_step`` on, without end; see `signkit.data.plan.planned_steps`.

    Args:
        batch_size: samples a step, of all processes and parts together.
        drawing: says which samples an epoch has; None: each of them once.
        workers: processes that load; 0 loads in this one.

    Raises:
        UserError: too few samples for the processes, or, while it runs, a sample that cannot be used.
    """
    batches_per_epoch(drawing.samples if drawing else len(examples), batch_size, world)

    def plan() -> Iterator[PlannedStep]:
        return planned_steps(examples.sizes, batch_size, seed, start_step, rank, world, accumulate, drawing)

    requests = (each for planned in plan() for each in zip(planned.parts, planned.epochs, strict=True))
    return _steps(plan(), _batches(examples, requests, workers))


class Ahead(Iterator[Step]):
    """Steps, of which the next can be fetched before it is asked for: while a GPU computes."""

    def __init__(self, steps: Iterator[Step]) -> None:
        self._steps = steps
        self._fetched = list[Step | Exception]()

    def fetch(self) -> None:
        """Make the next step's batches now. What fails is raised when they are asked for, so that the step
        before comes to its end and may be saved."""
        if not self._fetched:
            try:
                self._fetched.append(next(self._steps))
            except Exception as error:
                self._fetched.append(error)

    def __next__(self) -> Step:
        self.fetch()
        step = self._fetched.pop()
        if isinstance(step, Exception):
            raise step
        return step


def eval_batches(
    examples: Dataset, batch_size: int, *, workers: int = 0, frames: int = 0, rank: int = 0, world: int = 1
) -> Iterator[Batch]:
    """Every sample once, unchanged, sorted by length.

    Args:
        frames: of a batch at most, with its padding; 0: any number.
        rank: of ``world`` processes, each of which has its own part of the batches.

    Raises:
        UserError: while it runs, a sample that cannot be used.
    """
    plan = within(batch_plan(examples.sizes, batch_size, shuffle=False), examples.sizes, frames)[rank::world]
    return _batches(examples, ((tuple(batch), None) for batch in plan), workers)


def _steps(plan: Iterator[PlannedStep], batches: Iterator[Batch]) -> Iterator[Step]:
    for planned in plan:
        parts = tuple(next(batches) for _ in planned.parts)
        yield Step(planned.step, planned.epoch, planned.samples, parts)


def _batches(examples: Dataset, requests: Iterator[Request], workers: int) -> Iterator[Batch]:
    source, gpu = _Source(examples), torch.cuda.is_available()
    loaded = _in_workers(source, requests, workers, gpu) if workers else map(source.__getitem__, requests)
    try:
        for batch in loaded:
            if isinstance(batch, _Failure):
                raise batch.error()
            yield batch.pin_memory() if gpu and not workers and hasattr(batch, "pin_memory") else batch
    finally:
        del loaded  # and its processes, which the error's traceback would keep


def _in_workers(
    source: "_Source", requests: Iterator[Request], workers: int, gpu: bool
) -> Iterator["Batch | _Failure"]:
    with warnings.catch_warnings():  # a recipe's workers may be more than this machine's processors
        warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)
        loader = DataLoader(
            source,
            batch_size=None,
            sampler=requests,
            collate_fn=_as_it_is,
            num_workers=workers,
            pin_memory=gpu,
            worker_init_fn=_start_worker,
            multiprocessing_context="fork" if sys.platform == "linux" else None,
            # Its own generator: a loader must not move the random numbers of the training.
            generator=torch.Generator(),
        )
        return iter(loader)


@dataclass(frozen=True, slots=True)
class _Failure:
    """An error on its way from a worker: torch would wrap it into a traceback."""

    where: str
    what: str
    hint: str
    users: bool

    def error(self) -> SignkitError:
        return UserError(self.where, self.what, self.hint) if self.users else OperationalError(self.what)


class _Source(TorchDataset["Batch | _Failure"]):
    """Batches by request; what a worker runs."""

    def __init__(self, examples: Dataset) -> None:
        self.examples = examples

    def __getitem__(self, request: Request) -> "Batch | _Failure":
        indices, epochs = request
        pairs = zip(indices, epochs or [None] * len(indices), strict=True)
        try:
            return self.examples.collate([self.examples.example(index, epoch) for index, epoch in pairs])
        except UserError as error:
            return _Failure(error.where, error.what, error.hint, users=True)
        except OperationalError as error:
            return _Failure("", str(error), "", users=False)


def _as_it_is(batch: object) -> object:
    return batch


def _start_worker(_: int) -> None:
    """Leave Ctrl-C to the training process, which finishes its step first; share the memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker = get_worker_info()
    examples = worker.dataset.examples  # type: ignore[union-attr]
    if hasattr(examples, "cache_bytes"):
        examples.cache_bytes //= worker.num_workers  # type: ignore[union-attr]
