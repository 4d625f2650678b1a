"""Many clips tracked by processes, each with a MediaPipe of its own.

One that dies takes with it only the clip it was at.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from signkit.data.tracking.extract import Options, Summary, extract
from signkit.data.tracking.tracker import Tracker
from signkit.errors import OperationalError, UserError
from signkit.runtime.pool import Executor, watch_tasks


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


Event = tuple[Job, None | int | Summary | Failure]
"""A clip and what became of it: begun (None), so many more frames done, its summary, or its failure."""


def track_all(
    jobs: Sequence[Job], workers: int, executor: Executor = "local"
) -> Generator[Event, None, None]:
    """Track clips side by side; events come as they happen.

    Raises:
        OperationalError: a file cannot be written, or MediaPipe cannot be started.
    """
    with closing(watch_tasks(_Tracking(), jobs, executor=executor, workers=workers)) as events:
        for number, event in events:
            job = jobs[number]
            if event.kind == "died":
                why = (
                    f"the process that tracked it {event.value}; memory may have run out, try fewer --workers"
                )
                yield job, Failure(f"{job.source}: {why}", killed=True)
            else:
                yield job, event.value


class _Tracking:
    """Tracks a clip. It keeps its MediaPipe for the next one, unless that broke."""

    def __init__(self) -> None:
        self._tracker: Tracker | None = None

    def __call__(self, job: Job, on_progress: Callable[[int], None]) -> Summary | Failure:
        try:
            self._tracker = self._tracker or Tracker(job.options.model)
            return extract(self._tracker, job.source, job.output, job.options, on_progress)
        except UserError as error:
            return Failure(str(error))
        except OperationalError:
            raise
        except ImportError as error:
            raise OperationalError(f"MediaPipe cannot be loaded: {error}") from error
        except Exception as error:  # of MediaPipe, about this clip
            self._tracker = None  # its graph is broken
            return Failure(f"{job.source}: cannot be tracked: {type(error).__name__}: {error}")
