"""Splits scored by several processes, in batches that fit into memory (also tests/fault/test_torchrun.py)."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from signkit.commands import run
from signkit.config.recipe_file import load_recipe
from signkit.data.loader import eval_batches
from signkit.data.plan import batch_plan, within
from signkit.runtime.checkpoint import Progress
from signkit.runtime.exhausted import worker_killed
from signkit.runtime.progress import Watch
from signkit.runtime.run_folder import Clock
from signkit.runtime.signals import Interrupted, Stop
from signkit.train import sharing
from signkit.train.loop import Ended
from signkit.train.outcome import predicted_splits
from signkit.train.sharing import frames_at_most, of_all, own_batches
from signkit.types import Prediction, Sample

SIZES = (30, 10, 90, 20, 20, 40, 10)


class Numbers:
    """A dataset whose examples are their numbers, and whose batches are lists of them."""

    sizes = SIZES
    samples: tuple[Sample, ...] = ()

    def __len__(self) -> int:
        return len(SIZES)

    def example(self, index: int, epoch: int | None = None) -> Any:
        return index

    def collate(self, examples: Sequence[Any]) -> Any:
        return list(examples)


class Falls(Numbers):
    def example(self, index: int, epoch: int | None = None) -> Any:
        os.kill(os.getpid(), signal.SIGBUS)


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (0, [[1, 6, 3, 4], [0, 5, 2]]),
        (60, [[1, 6, 3], [4], [0], [5], [2]]),  # 3 x 20 frames fit, and 2 x 40 do not
        (80, [[1, 6, 3, 4], [0, 5], [2]]),
        (1, [[1], [6], [3], [4], [0], [5], [2]]),
    ],
)
def test_batches_within_a_number_of_frames(most: int, expected: list[list[int]]) -> None:
    """Padding counts; a clip that is longer is alone."""
    assert within(batch_plan(SIZES, 4, shuffle=False), SIZES, most) == expected
    assert list(eval_batches(Numbers(), 4, frames=most)) == expected


@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_processes_share_the_batches_of_one(world: int) -> None:
    whole = list(eval_batches(Numbers(), 4, frames=60))
    parts = [list(eval_batches(Numbers(), 4, frames=60, rank=rank, world=world)) for rank in range(world)]
    assert [parts[place % world][place // world] for place in range(len(whole))] == whole
    assert sum(map(len, parts)) == len(whole)


def test_results_come_back_in_the_order_of_the_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second of two processes has its part, and what the first one found."""
    recipe = load_recipe("quickstart", ["decode.batch_size=4"])
    split: Any = Numbers()
    split.samples = tuple(Sample(f"s{n}", "dev", (), size, load=Numbers) for n, size in enumerate(SIZES))
    assert list(own_batches(split, recipe)) == [[1, 6, 3, 4], [0, 5, 2]]
    assert list(of_all({"s2": "c", "s0": "a"}, split).items()) == [("s0", "a"), ("s2", "c")]

    def gather(parts: list[Any], own: Any) -> None:
        parts[:] = {f"s{n}": n for n in (1, 6, 3, 4)}, own

    monkeypatch.setattr(sharing, "processes", lambda: 2)
    monkeypatch.setattr(sharing.dist, "get_rank", lambda: 1)
    monkeypatch.setattr(sharing.dist, "all_gather_object", gather)
    assert list(own_batches(split, recipe)) == [[0, 5, 2]]
    assert len(list(own_batches(split, recipe, shared=False))) == 2
    assert list(of_all({f"s{n}": n for n in (0, 5, 2)}, split)) == [f"s{n}" for n in range(7)]


def test_a_sample_without_a_prediction_is_no_other_one(tmp_path: Path) -> None:
    """A family of another package may leave one out; the others would be scored as those before them."""
    split: Any = Numbers()
    split.samples = tuple(Sample(f"s{n}", "dev", (), size, load=Numbers) for n, size in enumerate(SIZES))
    task: Any = SimpleNamespace(predict=lambda *_, **__: [Prediction("s1", {}), Prediction("s0", {})])
    models: Any = [SimpleNamespace(recipe=load_recipe("quickstart"))]
    watch = Watch(tmp_path, main=False)
    with pytest.raises(KeyError, match="s2"):
        predicted_splits(task, models, {"dev": split}, ["dev"], lambda: split, watch)


def test_no_process_scores_where_another_is_asked_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for the part of the one that leaves."""
    monkeypatch.setattr(run, "_train", lambda *_: Ended("finished", Progress()))
    monkeypatch.setattr(run, "_results", lambda *_: pytest.fail("it went on"))
    stopped = torch.tensor(1.0)  # of the other one
    engine: Any = SimpleNamespace(device="cpu", num_processes=2, reduce=lambda own, _: own + stopped)
    ready: Any = SimpleNamespace(recipe=load_recipe("quickstart"), task=None)
    with pytest.raises(Interrupted):
        run._carried_out(ready, tmp_path, engine, Stop(), Watch(tmp_path, main=False), Clock(tmp_path))


def test_the_limit_is_of_video() -> None:
    """Frames of landmarks take a thousandth of the memory."""
    assert frames_at_most(load_recipe("c2st_phoenix", check_paths=False)) == 1600
    changed = load_recipe("c2st_phoenix", ["decode.frames_per_batch=0"], check_paths=False)
    assert frames_at_most(changed) == 0
    assert frames_at_most(load_recipe("quickstart")) == 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_bus_error_is_told_as_what_it_is() -> None:
    with pytest.raises(RuntimeError) as caught:
        list(eval_batches(Falls(), 4, workers=1))
    assert str(worker_killed(caught.value)) == (
        "a process that loads data ended with a bus error: the shared memory (/dev/shm) is full; "
        "take fewer train.workers, a smaller decode.frames_per_batch or train.batch_size, "
        "or a larger /dev/shm (`docker run --shm-size`)"
    )
    assert worker_killed(RuntimeError("another")) is None
