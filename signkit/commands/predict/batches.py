"""Batches of input clips, grouped by length."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from signkit.commands.predict.inputs import Failures, Source
from signkit.data.landmarks import check_landmarks, layout, unseen, with_depth
from signkit.data.loader import Batch, Dataset
from signkit.data.plan import batch_plan, within
from signkit.data.video.times import bounds
from signkit.errors import SignkitError, UserError
from signkit.models.export import TrainedModel
from signkit.models.onnx.read import OnnxModel, as_stored
from signkit.train.sharing import frames_at_most
from signkit.train.task import Task, task_of
from signkit.types import Landmarks, Sample, Signal


def clip_batches(
    task: Task,
    trained: TrainedModel,
    sources: Sequence[Source],
    failures: Failures,
    seconds: dict[str, float],
) -> Iterator[Batch]:
    """Batches of the sources, without those that cannot be used; sample ids are the sources' keys.

    Args:
        failures: collects the sources that cannot be used.
        seconds: the duration of each clip is added here, by its key.

    Raises:
        SignkitError: a source cannot be used, and `failures` stops at the first.
    """
    if isinstance(trained.model, OnnxModel):
        trained = replace(trained, recipe=as_stored(trained.recipe))
        task = task_of(trained.recipe)
    dataset = _dataset(task, trained, sources)
    plan = batch_plan(dataset.sizes, trained.recipe.decode.batch_size, shuffle=False)
    for indices in within(plan, dataset.sizes, frames_at_most(trained.recipe)):
        good = []
        for index in indices:
            key = sources[index].key
            try:
                good.append(dataset.example(index))
            except SignkitError as error:
                failures.add(key, error)
            else:
                used = good[-1]
                # With `sampling` the frames a second are those of the frames that are used.
                frames = len(used.inputs) if used.times is None else sources[index].frames
                seconds[key] = float(bounds(frames, used.fps, used.times)[-1])
        if good:
            yield dataset.collate(good)


def _dataset(task: Task, trained: TrainedModel, sources: Sequence[Source]) -> Dataset:
    """The sources as a dataset without a cache in memory, since each is read once."""
    samples = [
        Sample(
            id=source.key,
            split="test",
            reference=(),
            frames=source.frames,
            load=partial(_with_hands, source.load, str(source.file)),
            source=str(source.file),
        )
        for source in sources
    ]
    dataset = task.dataset(samples, trained.spec)
    if hasattr(dataset, "cache_bytes"):
        dataset.cache_bytes = 0
    return dataset


def _with_hands(load: Callable[[], Signal], where: str) -> Signal:
    """A signal in which a hand is seen.

    Raises:
        UserError: it is not usable, or no hand is seen: there is nothing to recognise.
    """
    signal = load()
    if isinstance(signal, Landmarks):
        whole = layout(signal.layout, where)
        signal = replace(signal, points=with_depth(signal.points))
        check_landmarks(signal.points, whole, where)
        if what := unseen(signal.points, whole):
            reason = (note.partition("; ")[2] for note in signal.notes if note.startswith(what))
            raise UserError(where, what, next(reason, ""))
    return signal
