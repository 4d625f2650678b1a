"""Work shared by processes: results in their order, whoever does them, and no process is left behind."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable

import pytest
from clips import wait_for_group

from signkit.errors import OperationalError, UserError, UserErrors
from signkit.runtime.pool import AHEAD, Event, run_tasks, watch_tasks


def slow_square(task: int) -> tuple[int, int]:
    """Early tasks take longest, so that later ones are done before them."""
    time.sleep(0.02 * (task % 4 == 0))
    return task * task, os.getpid()


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 17])
def test_results_in_the_order_of_the_tasks(workers: int, count: int) -> None:
    with run_tasks(slow_square, range(count), workers=workers) as results:
        found = list(results)
    assert [square for square, _ in found] == [task * task for task in range(count)]
    inside = workers == 1 or count < 2
    assert {process == os.getpid() for _, process in found} <= {inside}
    assert multiprocessing.active_children() == []


def test_the_function_need_not_be_picklable() -> None:
    """It is inherited; only tasks and results travel."""
    with run_tasks(lambda task: task + 1, range(5), workers=2) as results:
        assert list(results) == [1, 2, 3, 4, 5]


def test_no_further_ahead_than_said() -> None:
    begun = multiprocessing.get_context("fork").Value("i", 0)

    def count(task: int) -> int:
        with begun.get_lock():
            begun.value += 1
        return task

    with run_tasks(count, range(100), workers=2) as results:
        assert next(results) == 0
        time.sleep(0.3)
        assert begun.value <= 2 * AHEAD + 1
    assert multiprocessing.active_children() == []


def test_an_error_of_the_caller_leaves_no_process() -> None:
    with pytest.raises(ZeroDivisionError), run_tasks(slow_square, range(50), workers=2) as results:
        next(results)
        raise ZeroDivisionError
    assert multiprocessing.active_children() == []


def kill_at_three(task: int) -> int:
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def test_a_worker_that_is_killed() -> None:
    found = []
    with pytest.raises(OperationalError) as error, run_tasks(kill_at_three, range(9), workers=2) as results:
        found.extend(results)
    hint = "memory may have run out; take fewer --workers and run the same command again"
    assert str(error.value) == f"a worker process was killed (SIGKILL); {hint}"
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "wrong",
    [UserError("a.csv:3", "is wrong", "mend it"), UserErrors([UserError("a", "b")]), OSError(28, "full")],
)
def test_what_the_function_raises_is_raised_here(wrong: Exception) -> None:
    def fail(task: int) -> int:
        if task == 3:
            raise wrong
        return task

    found = []
    with pytest.raises(type(wrong)) as error, run_tasks(fail, range(9), workers=2) as results:
        found.extend(results)
    assert (str(error.value), repr(vars(error.value))) == (str(wrong), repr(vars(wrong)))
    assert "in fail" in str(error.value.__cause__)  # where, for those who look for a mistake in the program
    assert found == [0, 1, 2][: len(found)]
    assert multiprocessing.active_children() == []


class Half:
    """Tells of two halves of each task, and counts how many tasks its process has had."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, task: int, on_progress: Callable[[float], None]) -> tuple[int, int]:
        os.write(1, b"chatter")
        os.write(2, b"chatter")
        self.count += 1
        on_progress(0.5)
        if task == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        if task == 2:
            os._exit(3)
        on_progress(1.0)
        return task, self.count


@pytest.mark.parametrize("workers", [1, 3])
def test_events_and_processes_that_die(workers: int, capfd: pytest.CaptureFixture[str]) -> None:
    """A process that dies takes only its task with it, and none writes on the terminal."""
    events: dict[int, list[Event]] = {number: [] for number in range(6)}
    for number, event in watch_tasks(Half(), range(6), workers=workers):
        events[number].append(event)
    assert events[1] == [Event("begun"), Event("progress", 0.5), Event("died", "was killed (SIGKILL)")]
    assert events[2] == [Event("begun"), Event("progress", 0.5), Event("died", "broke off with status 3")]
    counts = []
    for number in (0, 3, 4, 5):
        assert events[number][:-1] == [Event("begun"), Event("progress", 0.5), Event("progress", 1.0)]
        last = events[number][-1]
        assert last.kind == "done" and last.value[0] == number
        counts.append(last.value[1])
    assert workers > 1 or counts == [1, 1, 2, 3]  # the function is the process's own
    assert multiprocessing.active_children() == []
    assert capfd.readouterr() == ("", "")


def test_events_that_nobody_waits_for() -> None:
    events = watch_tasks(Half(), [0], workers=1)
    assert next(events) == (0, Event("begun"))
    events.close()
    assert multiprocessing.active_children() == []


def _wait_forever(task: int) -> int:
    time.sleep(600)
    return task


def _leader() -> None:
    os.setpgrp()
    with run_tasks(_wait_forever, range(4), workers=3) as results:
        next(results)


def test_workers_end_with_the_process_that_began_them() -> None:
    process = multiprocessing.get_context("fork").Process(target=_leader)
    process.start()
    time.sleep(0.5)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    wait_for_group(process.pid)
