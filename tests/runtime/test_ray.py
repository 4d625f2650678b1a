"""Work shared by a real ray cluster of two nodes of this machine, of which one is killed."""

import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import clips
import numpy as np
import numpy.typing as npt
import pytest
from clips import DrawnClip, digests, video_corpus
from test_shards import prepare

from signkit.errors import OperationalError, UserError
from signkit.runtime import ray_pool
from signkit.runtime.pool import run_tasks, watch_tasks
from signkit.runtime.ray_pool import connected
from signkit.runtime.signals import Interrupted, stop_on_signals
from signkit.types import Signal, Video

ray = pytest.importorskip("ray", reason="ray is not installed (signkit[cluster])")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """The head, with a processor; this process is connected to it."""
    from ray.cluster_utils import Cluster

    for module in (clips, sys.modules[__name__]):  # the nodes do not have it
        ray.cloudpickle.register_pickle_by_value(module)
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    with connected("ray", found.address):
        yield found
    found.shutdown()


@dataclass(frozen=True)
class Trap:
    """A node that is killed once it has begun a task; none of its tasks comes to its end."""

    node: str
    begun: Path

    def enter(self) -> None:
        """Called by a task; those of other nodes wait until it has shut."""
        if ray.get_runtime_context().get_node_id() == self.node:
            self.begun.touch()
            time.sleep(600)
        self.wait()

    def wait(self) -> None:
        """Until it has a task."""
        for _ in range(3000):
            if self.begun.exists():
                return
            time.sleep(0.01)

    def shut(self, cluster: Any, node: Any) -> None:
        """Kill the node in the midst of its task."""
        self.wait()
        cluster.remove_node(node, allow_graceful=False)


@pytest.fixture
def trap(cluster: Any, tmp_path: Path) -> Iterator[Trap]:
    """The other node, with a processor: it will be killed."""
    node = cluster.add_node(num_cpus=1)
    found = Trap(node.node_id, tmp_path / "begun")
    killer = threading.Thread(target=found.shut, args=(cluster, node))
    killer.start()
    yield found
    killer.join()


@dataclass(frozen=True, slots=True)
class TrappedClip(DrawnClip):
    """A clip that is read by one node only."""

    trap: Trap

    def read(
        self, places: npt.NDArray[np.int64], size: tuple[int, int] | None = None
    ) -> npt.NDArray[np.uint8]:
        self.trap.enter()
        return DrawnClip.read(self, places, size)


def trapped(load: Callable[[], Signal], trap: Trap) -> Video:
    signal = load()
    assert isinstance(signal, Video) and isinstance(signal.clip, DrawnClip)
    return Video(TrappedClip(signal.clip.seed, signal.clip.frames, signal.clip.fps, trap))


def test_a_corpus_is_prepared_though_a_node_is_killed(trap: Trap, tmp_path: Path) -> None:
    """To the last bit as by this machine's processes."""
    sound = video_corpus()
    samples = tuple(replace(s, load=partial(trapped, s.load, trap)) for s in sound.samples)
    options = {"shard_size": "30KB"}
    folder = prepare(replace(sound, samples=samples), tmp_path / "ray", executor="ray", workers=0, **options)
    assert trap.begun.exists()
    assert digests(folder) == digests(prepare(sound, tmp_path / "local", **options))


@dataclass
class Noted:
    """Writes a file for each task, as the tracking of landmarks does, and counts those of its process."""

    trap: Trap
    folder: Path
    count: int = 0

    def __call__(self, task: int, on_progress: Callable[[int], None]) -> int:
        on_progress(1)
        self.trap.enter()
        self.count += 1
        (self.folder / f"{task}").write_text(str(task))
        return self.count


def test_each_task_ends_once_though_a_node_is_killed(trap: Trap, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    heard = [*watch_tasks(Noted(trap, tmp_path / "out"), range(8), executor="ray", workers=3)]
    assert trap.begun.exists()
    ends = {number: event.value for number, event in heard if event.kind == "done"}
    assert sorted(number for number, event in heard if event.kind == "begun") == [*range(8)]
    assert len(heard) == 16
    assert sorted(ends) == [*range(8)]
    assert sorted(ends.values()) == [*range(1, 9)]  # a process keeps what it was given
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [*map(str, range(8))]


def refuse_three(task: int) -> int:
    if task == 3:
        raise UserError("a.csv:3", "is wrong", "mend it")
    return task


def test_what_the_function_raises_is_raised_here(cluster: Any) -> None:
    found = []
    with (
        pytest.raises(UserError) as error,
        run_tasks(refuse_three, range(6), executor="ray", workers=1) as results,
    ):
        found.extend(results)
    assert (str(error.value), found) == ("a.csv:3: is wrong; mend it", [0, 1, 2])
    assert "in refuse_three" in str(error.value.__cause__)


def exit_at_once(task: int) -> int:
    os._exit(3)


def test_a_task_that_no_process_survives(cluster: Any) -> None:
    with (
        pytest.raises(
            OperationalError, match=r"^a worker process was lost, with 3 more that took its place \(r"
        ),
        run_tasks(exit_at_once, range(1), executor="ray", workers=1) as results,
    ):
        list(results)


def test_a_node_with_another_release(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = ray_pool.releases()
    monkeypatch.setattr(ray_pool, "releases", lambda: {**here, "numpy": "1.0"})
    with (
        pytest.raises(OperationalError) as error,
        run_tasks(abs, [1], executor="ray", workers=1) as results,
    ):
        list(results)
    has = f"{platform.node()} has numpy {here['numpy']}"
    assert str(error.value) == f"ray: {has}, and this machine numpy 1.0"


def test_a_signal_is_what_it_is_without_ray(cluster: Any) -> None:
    """Ray raises an exception of its own."""
    kill = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    with (
        stop_on_signals() as stop,
        pytest.raises(Interrupted),
        run_tasks(time.sleep, [60], executor="ray", workers=1) as results,
    ):
        kill.start()
        list(results)
    assert stop.exit_code == 143


def test_an_address_at_which_no_cluster_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    alone = "leave --address out for a cluster of this machine alone"
    with pytest.raises(UserError) as error, connected("ray", "127.0.0.1:9"):
        pass
    what = "no ray cluster answers there (Connection refused)"
    assert str(error.value) == f"--address 127.0.0.1:9: {what}; {alone}"
    monkeypatch.setenv("RAY_ADDRESS", "ray head")
    with pytest.raises(UserError) as error, connected("ray"):
        pass
    what = "cannot be connected to (Invalid address format: ray head)"
    hint = "where a cluster has a token, set RAY_AUTH_MODE=token here too"
    assert str(error.value) == f"RAY_ADDRESS=ray head: {what}; {hint}"
