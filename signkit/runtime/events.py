"""What happens to tasks that are shared by processes, of this machine or of others."""

from typing import Any, Literal, NamedTuple

AHEAD = 3
"""Tasks a worker that are begun before their turn: one long task must not leave the others idle."""


class Event(NamedTuple):
    """What happens to a task.

    Attributes:
        kind: ``begun``; ``progress``, with what the function sent; ``done``, with its result; ``raised``,
            with its exception and traceback; or ``died``: the process did, and the value says how; the task
            may be fine.
    """

    kind: Literal["begun", "progress", "done", "died", "raised"]
    value: Any = None
