"""Work shared over a ray cluster: the other executor of `signkit.runtime.pool`.

Ray gives a task that was lost with its node to another node. So a task may be done twice, and its result is
given once.
"""

import os
import platform
import re
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from uuid import uuid4

from signkit.config.registry import extra_for
from signkit.errors import OperationalError, UserError, first_line
from signkit.runtime.events import Event
from signkit.runtime.signals import Interrupted

RETRIES = 3
"""How often a task is given to another process when its own, or the node, has died."""
PATIENCE = 5.0
"""Seconds that an address has to answer in; ray itself would take two minutes."""
PACKAGES = ("signkit", "numpy", "torch", "av", "pillow", "mediapipe")
"""Whose releases decide about the results: they are the same on all nodes."""
ALONE = "leave --address out for a cluster of this machine alone"


@contextmanager
def connected(executor: str, address: str = "") -> Iterator[None]:
    """Connect to an executor for the block; with ray, what is printed to stdout goes to stderr meanwhile.

    Args:
        executor: ``local``, for which nothing is done, or ``ray``.
        address: of a ray cluster, as `ray.init` takes it. "": that of the environment variable RAY_ADDRESS;
            or of a cluster that runs on this machine; or a new one of this machine alone is started, and
            ended after the block. A connection that is there already is used.

    Raises:
        UserError: there is no such executor, ray is not installed, or no cluster answers.
    """
    if executor not in ("local", "ray"):
        raise UserError("--executor", f"{executor!r} is none of local, ray")
    if executor == "local":
        if address:
            raise UserError("--address", "is that of a ray cluster", "add --executor ray")
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # ray would report to its makers
    with extra_for("--executor ray"):
        import ray
    if ray.is_initialized():
        yield
        return
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM)
    with redirect_stdout(sys.stderr):  # ray's threads print about nodes on stdout, where results belong
        _connect(ray, address)
        try:
            yield
        finally:
            ray.shutdown()
            if main:
                signal.signal(signal.SIGTERM, handler)  # which ray has replaced


def _connect(ray: Any, address: str) -> None:
    where = f"--address {address}" if address else f"RAY_ADDRESS={os.environ.get('RAY_ADDRESS', '')}"
    wanted = address or os.environ.get("RAY_ADDRESS", "")
    if match := re.fullmatch(r"(?:ray://)?\[?(.+?)\]?:([0-9]{1,5})", wanted):
        try:
            socket.create_connection((match[1], int(match[2])), PATIENCE).close()
        except (OSError, OverflowError) as error:
            raise UserError(where, f"no ray cluster answers there ({_reason(error)})", ALONE) from error
    try:
        ray.init(address=wanted or None, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (Exception, SystemExit) as error:
        if not wanted:
            raise OperationalError(f"ray cannot be started: {first_line(error)}") from error  # type: ignore[arg-type]
        hint = "where a cluster has a token, set RAY_AUTH_MODE=token here too"
        raise UserError(where, f"cannot be connected to ({_reason(error)})", hint) from error


def _reason(error: BaseException) -> str:
    if isinstance(error, SystemExit):  # by which ray gives up
        return "it does not speak as one"
    return getattr(error, "strerror", None) or first_line(error)  # type: ignore[arg-type]


def ray_events(
    function: Callable[..., Any], tasks: Sequence[Any], workers: int, ahead: int = 0, watched: bool = False
) -> Generator[tuple[int, Event], None, None]:
    """What happens to each task, as it happens: its number, and the event. Closed, it ends the tasks.

    Args:
        function: given to each process once; it may keep there what is costly to make.
        workers: tasks at a time; 0: as many as the cluster has processors, now and when it has grown.
        ahead: how many tasks a worker may be begun before the first that is not done; 0: as many as may be.
        watched: whether the function takes a second argument; what it sends there is not passed on.

    Raises:
        OperationalError: a node cannot do such tasks, as it lacks signkit, or has another release of it.
        Exception: what the function raises.
    """
    import ray

    remote = ray.remote(max_retries=RETRIES)(_called)
    # In a list, since ray would give each task a copy of what is put in an argument by itself.
    shared = (uuid4().hex, [ray.put((function, os.getcwd(), releases()))], watched)
    pending: dict[Any, int] = {}
    first, following, done = 0, 0, set[int]()
    try:
        while first < len(tasks):
            most = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
            until = min(len(tasks), first + ahead * most if ahead else len(tasks))
            while len(pending) < most and following < until:
                pending[remote.remote(*shared, tasks[following])] = following
                yield following, Event("begun")
                following += 1
            (ended,), _ = ray.wait([*pending])
            number = pending.pop(ended)
            event = _event(ray, ended)
            done.add(number)
            while first in done:
                done.remove(first)
                first += 1
            yield number, event
    except KeyboardInterrupt as error:  # by which ray replaces the exception of a signal's handler
        raise Interrupted from error
    finally:
        for reference in pending:
            with suppress(Exception):  # of a cluster that has gone
                ray.cancel(reference, force=True)


def _event(ray: Any, ended: Any) -> Event:
    """What has become of a task."""
    try:
        event: Event = ray.get(ended)
    except ray.exceptions.RayTaskError as error:  # not of the function, whose errors are given as events
        raise OperationalError(f"ray: {str(error).strip().splitlines()[-1]}") from error
    except ray.exceptions.RayError as error:
        return Event("died", f"was lost, with {RETRIES} more that took its place (ray: {first_line(error)})")
    if event.kind == "raised":
        raised, trace = event.value
        raise raised from RuntimeError(trace)
    return event


def releases() -> dict[str, str]:
    """The release of each of `PACKAGES` here, "" where it is not installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name).partition("+")[0]  # torch for a GPU has another word after the +
        except PackageNotFoundError:
            found[name] = ""
    return found


_functions: dict[str, Callable[..., Any]] = {}
"""In a process of ray: the function of the tasks that it does now."""


def _called(key: str, held: list[Any], watched: bool, task: Any) -> Event:
    """A task, in a process of ray."""
    try:
        if key not in _functions:
            _functions.clear()
            _functions[key] = _received(held)
        more = (_unheard,) if watched else ()
        return Event("done", _functions[key](task, *more))
    except Exception as error:
        return Event("raised", (error, traceback.format_exc()))


def _received(held: list[Any]) -> Callable[..., Any]:
    """The function, when this node can do with it what the machine that sent it would."""
    import ray

    try:
        function, folder, wanted = ray.get(held[0])
    except Exception as error:  # of a package that it lacks
        raise OperationalError(f"ray: {platform.node()} cannot do it: {first_line(error)}") from error
    for name, ours in releases().items():
        if ours != wanted[name]:
            has, not_that = (f"{name} {each}" if each else f"no {name}" for each in (ours, wanted[name]))
            raise OperationalError(f"ray: {platform.node()} has {has}, and this machine {not_that}")
    try:
        os.chdir(folder)  # relative paths mean the same
    except OSError as error:
        raise OperationalError(
            f"ray: {platform.node()} has no folder {folder}; data must be at the same paths on all nodes"
        ) from error
    return function  # type: ignore[no-any-return]


def _unheard(value: Any) -> None:
    """In place of what sends progress."""
