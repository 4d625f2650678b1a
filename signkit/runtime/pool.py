"""Work shared by processes: `run_tasks`. Results come in the order of the tasks, whoever does them."""

import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from multiprocessing.connection import wait
from typing import Any, Literal, TypeVar

from signkit.errors import OperationalError, UserError

Task = TypeVar("Task")
Result = TypeVar("Result")
Executor = Literal["local", "ray"]
AHEAD = 3
"""Tasks a worker that are begun before their turn: one long task must not leave the others idle."""


@contextmanager
def run_tasks(
    function: Callable[[Task], Result], tasks: Sequence[Task], *, executor: Executor = "local", workers: int
) -> Iterator[Iterator[Result]]:
    """The results of a function of each task, in order; `AHEAD` times ``workers`` are in the making at most.

    Args:
        function: given to each process once; what it holds need be picklable only off Linux and for ray.
        executor: ``local`` are processes of this machine, 1 none but this one; ``ray`` is a cluster, or
            what `ray.init` finds.
        workers: of the local machine; of ray's, tasks at a time.

    Raises:
        UserError: ray is not installed.
        OperationalError: a worker process has been killed, or ray has lost a task.
    """
    if executor == "ray":
        yield _by_ray(ray_module(), function, tasks, workers)
    elif workers == 1 or len(tasks) < 2:
        yield map(function, tasks)
    else:
        with _pool(function, min(workers, len(tasks))) as pool:

            def submit(task: Task) -> "Future[Result]":
                return pool.submit(_done, task)

            # The first ones now: a process is forked before the caller has threads, such as a bar's.
            waiting = deque(map(submit, tasks[:workers]))
            yield _in_turn(submit, waiting, islice(tasks, workers, None), AHEAD * workers)


def _in_turn(
    submit: Callable[[Task], "Future[Result]"],
    waiting: "deque[Future[Result]]",
    others: Iterator[Task],
    most: int,
) -> Iterator[Result]:
    try:
        while True:
            waiting.extend(map(submit, islice(others, most - len(waiting))))
            if not waiting:
                return
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        what = "a worker process was killed, perhaps for want of memory"
        raise OperationalError(f"{what}; take fewer --workers and run the same command again") from error


@contextmanager
def _pool(function: Callable[[Any], Any], workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes that know the function; however it is left, none of them stays."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(function,))
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.kill()  # they hold nothing that is worth waiting for
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_function: Callable[[Any], Any]
"""What a worker process does."""


def _begin(function: Callable[[Any], Any]) -> None:
    """Begin a worker: Ctrl-C is its parent's business, and without the parent it ends."""
    global _function
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ["OMP_NUM_THREADS"] = "1"  # the processes share the cores already
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _done(task: Any) -> Any:
    return _function(task)


def _called(function: Callable[[Task], Result], task: Task) -> Result:
    return function(task)


def ray_module() -> Any:
    """The package ray.

    Raises:
        UserError: it is not installed.
    """
    try:
        return import_module("ray")
    except ImportError as error:
        raise UserError("--executor ray", "needs the package ray", "pip install ray") from error


def _by_ray(
    ray: Any, function: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Iterator[Result]:
    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    shared, remote = ray.put(function), ray.remote(_called)
    others, waiting = iter(tasks), deque[Any]()
    while True:
        waiting.extend(remote.remote(shared, task) for task in islice(others, AHEAD * workers - len(waiting)))
        if not waiting:
            return
        try:
            yield ray.get(waiting.popleft())
        except ray.exceptions.RayError as error:
            raise OperationalError(f"ray: {str(error).strip().splitlines()[-1]}") from error
