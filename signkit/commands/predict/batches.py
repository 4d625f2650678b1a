"""The inputs as batches for a model: clips of similar lengths together."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from signkit.commands.predict.inputs import Failures, Source
from signkit.data.loader import Batch, Dataset
from signkit.data.plan import batch_plan
from signkit.errors import SignkitError
from signkit.models.export import TrainedModel
from signkit.train.task import Task
from signkit.types import Sample


def clip_batches(
    task: Task,
    trained: TrainedModel,
    sources: Sequence[Source],
    failures: Failures,
    seconds: dict[Path, float],
) -> Iterator[Batch]:
    """Batches of the sources, without those that cannot be used; their ids are the files.

    Args:
        seconds: takes how long each clip is.

    Raises:
        SignkitError: a source cannot be used, and that is to end everything.
    """
    dataset = _dataset(task, trained, sources)
    for indices in batch_plan(dataset.sizes, trained.recipe.decode.batch_size, shuffle=False):
        good = []
        for index in indices:
            file = sources[index].file
            try:
                good.append(dataset.example(index))
            except SignkitError as error:
                failures.add(file, error)
            else:
                seconds[file] = sources[index].frames / good[-1].fps
        if good:
            yield dataset.collate(good)


def _dataset(task: Task, trained: TrainedModel, sources: Sequence[Source]) -> Dataset:
    """The sources as a split. None is kept in memory, for each is read once."""
    samples = [
        Sample(
            id=str(source.file),
            split="test",
            reference=(),
            frames=source.frames,
            load=source.load,
            source=str(source.file),
        )
        for source in sources
    ]
    dataset = task.dataset(samples, trained.spec)
    if hasattr(dataset, "cache_bytes"):
        dataset.cache_bytes = 0
    return dataset
