"""Videos for a model that reads landmarks: signers are tracked on the way, as by `signkit landmarks`."""

import importlib.util
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, cast

import numpy as np

from signkit.commands.predict.inputs import Failures, Source
from signkit.data.tracking.extract import Options
from signkit.data.tracking.jobs import Failure, Job, track_all
from signkit.errors import OperationalError, SignkitError, UserError, missing_extra
from signkit.runtime.pool import processors
from signkit.runtime.progress import Watch
from signkit.types import VIDEO, Landmarks


@contextmanager
def tracked(
    sources: Sequence[Source], layout: str, width: int, failures: Failures, watch: Watch
) -> Iterator[list[Source]]:
    """The same sources, videos with the landmarks in them, which are kept until the context is left.

    Args:
        layout: what the model reads; where that is no landmarks, all stays as it is.
        width: coordinates a point; the depth is left out where that is 2.

    Raises:
        UserError: MediaPipe is not installed; or a clip cannot be tracked, and that is to end everything.
        OperationalError: there is no room for the landmarks; or a process died, likewise.
    """
    clips = [source for source in sources if source.clip is not None]
    if not clips or layout in ("", VIDEO):
        yield [*sources]
        return
    if importlib.util.find_spec("mediapipe") is None:
        raise missing_extra("mediapipe", "landmarks", str(clips[0].file))
    model = cast(Literal["holistic", "hands"], layout)
    with tempfile.TemporaryDirectory(prefix="signkit-") as folder:
        jobs = {
            source.file: Job(source.file, Path(folder) / f"{number}.npz", Options(model=model))
            for number, source in enumerate(clips)
        }
        _track(clips, [*jobs.values()], failures, watch)
        found = []
        for source in sources:
            if source.clip is None:
                found.append(source)
            elif source.file not in failures.messages:
                made = jobs[source.file].output
                found.append(replace(source, load=partial(_landmarks, made, layout, width, source.clip.fps)))
        yield found


def _track(clips: Sequence[Source], jobs: Sequence[Job], failures: Failures, watch: Watch) -> None:
    frames = {source.file: source.frames for source in clips}
    done = dict.fromkeys(frames, 0)
    events = track_all(jobs, min(len(jobs), processors()))
    # Closed, so that no process goes on where one fault ends everything.
    with watch.bar("landmarks", sum(frames.values())) as bar, closing(events):
        for job, event in events:
            if isinstance(event, int):
                done[job.source] += event
            elif event is not None:
                done[job.source] = frames[job.source]
            if isinstance(event, Failure):
                failures.add(job.source, _error(job.source, event))
            bar.at(sum(done.values()))


def _error(file: Path, failure: Failure) -> SignkitError:
    if failure.killed:
        return OperationalError(failure.message)
    return UserError(str(file), failure.message.removeprefix(f"{file}: "))


def _landmarks(made: Path, layout: str, width: int, fps: float) -> Landmarks:
    """What a worker wrote; checked by whoever reads it, who knows the video's name."""
    with np.load(made, allow_pickle=False) as arrays:
        return Landmarks(arrays["landmarks"][..., :width], layout, fps)
