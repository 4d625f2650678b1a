"""Videos for models that read landmarks: the signers are tracked first, as by `signkit landmarks`."""

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
from signkit.data.tracking.tracker import check_mediapipe
from signkit.errors import OperationalError, SignkitError, UserError
from signkit.runtime.pool import processors
from signkit.runtime.progress import Watch
from signkit.types import VIDEO, Landmarks


@contextmanager
def tracked(
    sources: Sequence[Source], layout: str, width: int, failures: Failures, watch: Watch
) -> Iterator[list[Source]]:
    """The sources with landmarks in place of videos. The landmarks are temporary files, deleted after the
    block.

    Args:
        layout: what the model reads; if it does not read landmarks, the sources are returned unchanged.
        width: coordinates of a point; with 2, the depth is left out.
        failures: collects the clips that cannot be tracked.
        watch: receives the progress.

    Raises:
        UserError: MediaPipe is not installed, or a clip cannot be tracked and `failures` stops at the first.
        OperationalError: the landmarks cannot be written, or a worker process died.
    """
    clips = [source for source in sources if source.clip is not None]
    if not clips or layout in ("", VIDEO):
        yield [*sources]
        return
    check_mediapipe(str(clips[0].file))
    model = cast(Literal["holistic", "hands"], layout)
    with tempfile.TemporaryDirectory(prefix="signkit-") as folder:
        jobs = {
            source.file: Job(source.file, Path(folder) / f"{number}.npz", Options(model=model))
            for number, source in enumerate(clips)
        }
        _track(clips, [*jobs.values()], failures, watch)
        ready = []
        for source in sources:
            if source.clip is None:
                ready.append(source)
            elif source.file not in failures.messages:
                landmarks = jobs[source.file].output
                ready.append(
                    replace(source, load=partial(_landmarks, landmarks, layout, width, source.clip.fps))
                )
        yield ready


def _track(clips: Sequence[Source], jobs: Sequence[Job], failures: Failures, watch: Watch) -> None:
    frames = {source.file: source.frames for source in clips}
    done = dict.fromkeys(frames, 0)
    events = track_all(jobs, min(len(jobs), processors()))
    # Closing the generator stops the worker processes if an error ends the command.
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


def _landmarks(file: Path, layout: str, width: int, fps: float) -> Landmarks:
    """Read the landmarks that a worker wrote. They are checked later, where errors can name the video."""
    with np.load(file, allow_pickle=False) as arrays:
        return Landmarks(arrays["landmarks"][..., :width], layout, fps)
