"""Work shared by processes of this machine, or of a ray cluster.

`run_tasks` gives results in the order of the tasks; `watch_tasks` gives events as they happen, and goes on
when a process dies. Under both is `_Crew`: each process has a line to this one, and gets a task at a time.
Or `signkit.runtime.ray_pool`, on a ray cluster.
"""

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Literal, TypeVar

from signkit.errors import OperationalError
from signkit.runtime.events import AHEAD, Event
from signkit.runtime.ray_pool import ray_events

Task = TypeVar("Task")
Result = TypeVar("Result")
Executor = Literal["local", "ray"]
"""Processes of this machine, or of a ray cluster."""


def processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def run_tasks(
    function: Callable[[Task], Result], tasks: Sequence[Task], *, executor: Executor = "local", workers: int
) -> Iterator[Iterator[Result]]:
    """The results of a function of each task, in order; `AHEAD` times ``workers`` are in the making at most.

    >>> with run_tasks(abs, [-3, 2, -1], workers=2) as results:
    ...     print(*results)
    3 2 1

    Args:
        function: given to each process once; what it holds need be picklable only off Linux and for ray.
        executor: of processes of this machine, or of a ray cluster to which this process is `connected`.
        workers: processes, or tasks of ray at a time; 1 of this machine is this process itself; 0: as many
            as there are processors.

    Raises:
        OperationalError: a worker process has been killed, or ray has lost a task.
        Exception: what the function raises.
    """
    workers = workers or (processors() if executor == "local" else 0)
    if executor == "ray":
        with closing(ray_events(function, tasks, workers, AHEAD)) as events:
            yield _in_order(events)
    elif workers == 1 or len(tasks) < 2:
        yield map(function, tasks)
    else:
        workers = min(workers, len(tasks))
        crew = _Crew(function, tasks, "fork" if sys.platform == "linux" else "spawn", AHEAD * workers)
        try:
            crew.start(workers)  # at once: a process is forked before the caller has threads, such as a bar's
            yield _in_order(crew.events(workers))
        finally:
            crew.kill()


def watch_tasks(
    function: Callable[[Task, Callable[[Any], None]], Any],
    tasks: Sequence[Task],
    *,
    executor: Executor = "local",
    workers: int,
) -> Generator[tuple[int, Event], None, None]:
    """What happens to each task, as it happens: its number, and the event. Close it to end all processes.

    What the processes write to stdout and stderr is not shown: libraries in C++ are chatty.

    Args:
        function: of a task, and of a function that sends ``progress``; it must be picklable. Each process has
            one of its own, which may keep what is costly to make. In place of a process that has died a new
            one is started.
        executor: as of `run_tasks`; ray sends no ``progress``.
        workers: as of `run_tasks`.

    Raises:
        Exception: what the function raises.
    """
    if executor == "ray":
        with closing(ray_events(function, tasks, workers, watched=True)) as events:
            yield from events
        return
    crew = _Crew(function, tasks, "spawn", watched=True)  # a fork would inherit threads
    try:
        yield from crew.events(workers or processors())
    finally:
        crew.kill()


def _in_order(events: Iterator[tuple[int, Event]]) -> Iterator[Any]:
    early: dict[int, Any] = {}
    following = 0
    for number, event in events:
        if event.kind == "died":
            hint = "memory may have run out; take fewer --workers and run the same command again"
            raise OperationalError(f"a worker process {event.value}; {hint}")
        if event.kind == "done":
            early[number] = event.value
            while following in early:
                yield early.pop(following)
                following += 1


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    line: Connection
    task: int | None = None


class _Crew:
    """Processes, and the tasks for them: ``0 … first … next … len``; all before ``first`` are done, and from
    ``next`` on none is begun.

    Args:
        ahead: ``next - first`` at most; 0: as may be.
        watched: whether the function takes a second argument, which sends ``progress``; then what the
            processes write is not shown.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        tasks: Sequence[Any],
        method: str,
        ahead: int = 0,
        watched: bool = False,
    ) -> None:
        self._life, self._tasks = (function, watched), tasks
        self._ahead = ahead or len(tasks)
        self._context: Any = multiprocessing.get_context(method)
        self._workers: list[_Worker] = []
        self._first = self._next = 0
        self._done: set[int] = set()  # after `first`
        self._begun: deque[int] = deque()  # for which there was no event yet

    def start(self, most: int) -> None:
        """Begin processes up to a number, and give a task to each that has none."""
        while self._next < len(self._tasks) and len(self._workers) < most:
            ours, theirs = self._context.Pipe()
            process = self._context.Process(target=_work, args=(theirs, *self._life), daemon=True)
            process.start()
            theirs.close()
            self._workers.append(_Worker(process, ours))
            self._give(self._workers[-1])
        for worker in self._workers:
            self._give(worker)

    def events(self, most: int) -> Iterator[tuple[int, Event]]:
        """All events until everything is done, by a number of processes at most."""
        while self._first < len(self._tasks):
            self.start(most)
            while self._begun:
                yield self._begun.popleft(), Event("begun")
            lines = wait([worker.line for worker in self._workers])
            for worker in [worker for worker in self._workers if worker.line in lines]:
                yield from self._heard(worker)

    def kill(self) -> None:
        """End all processes: they hold nothing that is worth waiting for."""
        for worker in self._workers:
            worker.process.kill()
        for worker in self._workers:
            worker.process.join()
            worker.line.close()
        self._workers = []

    def _give(self, worker: _Worker) -> None:
        if worker.task is not None or self._next >= min(self._first + self._ahead, len(self._tasks)):
            return
        worker.task = self._next
        self._next += 1
        self._begun.append(worker.task)
        with suppress(OSError):  # where it has died, which is heard next
            worker.line.send(self._tasks[worker.task])

    def _heard(self, worker: _Worker) -> Iterator[tuple[int, Event]]:
        """What comes over a line, or that it has ended."""
        number = worker.task
        try:
            event = worker.line.recv()
        except (EOFError, OSError):
            worker.process.join()
            self._workers.remove(worker)
            event = Event("died", _death(worker.process.exitcode))
        if event.kind == "raised":
            error, trace = event.value
            raise error from RuntimeError(trace)
        if number is None:  # it died while it had nothing to do
            return
        if event.kind != "progress":
            worker.task = None
            self._done.add(number)
            while self._first in self._done:
                self._done.remove(self._first)
                self._first += 1
        yield number, event


def _death(status: int | None) -> str:
    if status is not None and status < 0:
        return f"was killed ({signal.Signals(-status).name})"
    return f"broke off with status {status}"


def _work(line: Connection, function: Callable[..., Any], watched: bool) -> None:
    """The life of a process: tasks come over the line until it is killed. Ctrl-C is its parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = "1"  # the processes share the cores already
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    if watched:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)

    def on_progress(value: Any) -> None:
        line.send(Event("progress", value))

    more = (on_progress,) if watched else ()
    while True:
        task = line.recv()
        try:
            line.send(Event("done", function(task, *more)))
        except Exception as error:
            line.send(Event("raised", (error, traceback.format_exc())))


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
