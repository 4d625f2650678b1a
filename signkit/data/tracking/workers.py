"""Processes that track clips, each with a MediaPipe of its own. What it prints is not shown, and one that
dies takes nothing with it but the clip it was at."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from signkit.data.tracking.extract import Found, Options, extract
from signkit.errors import OperationalError, UserError


@dataclass(frozen=True, slots=True)
class Job:
    """A clip and the file to write."""

    source: Path
    output: Path
    options: Options


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no file; `killed`: the process died, so the clip may be fine."""

    message: str
    killed: bool = False


Event = tuple[Job, None | int | Found | Failure]
"""A clip and what became of it: begun (None), so many more frames done, found, or failed."""


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    line: Connection
    job: Job


def track_all(jobs: Sequence[Job], workers: int) -> Generator[Event, None, None]:
    """Track clips side by side; events come as they happen.

    Raises:
        OperationalError: a file cannot be written, or MediaPipe cannot be started.
    """
    left = deque(jobs)
    running: dict[Connection, _Worker] = {}
    try:
        while left or running:
            while left and len(running) < workers:
                worker = _started(left.popleft())
                running[worker.line] = worker
                yield worker.job, None
            for line in wait(list(running)):
                yield from _heard(running, line, left)  # type: ignore[arg-type]
    finally:
        for worker in running.values():
            worker.process.kill()
            worker.process.join()


def _started(job: Job) -> _Worker:
    context = multiprocessing.get_context("spawn")  # a fork would inherit threads
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    ours.send(job)
    return _Worker(process, ours, job)


def _heard(running: dict[Connection, _Worker], line: Connection, left: deque[Job]) -> Iterator[Event]:
    """What a worker says. After a clip it gets the next one, or leaves."""
    worker = running[line]
    try:
        said = line.recv()
    except (EOFError, OSError):
        del running[line]
        worker.process.join()
        why = _death(worker.process.exitcode)
        yield worker.job, Failure(f"{worker.job.source}: {why}", killed=True)
        return
    if isinstance(said, str):
        raise OperationalError(said)
    yield worker.job, said
    if isinstance(said, int):
        return
    if not left:
        line.close()  # it reads the end of the line and leaves
        del running[line]
        worker.process.join()
        return
    worker.job = left.popleft()
    yield worker.job, None
    with suppress(OSError):  # where it has died, which is heard next
        line.send(worker.job)


def _death(status: int | None) -> str:
    if status is not None and status < 0:
        name = signal.Signals(-status).name
        return (
            f"the process that tracked it was killed ({name}); memory may have run out, try fewer --workers"
        )
    return f"the process that tracked it broke off with status {status}"


def _work(line: Connection) -> None:
    """The life of a worker: clips come over the line until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's affair
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # MediaPipe's log
    from signkit.data.tracking.tracker import Tracker

    tracker = None
    while True:
        try:
            job = line.recv()
        except EOFError:
            return
        try:
            tracker = tracker or Tracker(job.options.model)
            line.send(extract(tracker, job.source, job.output, job.options, line.send))
        except UserError as error:
            line.send(Failure(str(error)))
        except OperationalError as error:
            line.send(str(error))
        except ImportError as error:
            line.send(f"MediaPipe cannot be loaded: {error}")
        except BrokenPipeError:
            return  # the main process is gone
        except Exception as error:  # of MediaPipe, about this clip
            tracker = None  # its graph is broken
            line.send(Failure(f"{job.source}: cannot be tracked: {type(error).__name__}: {error}"))
