"""Videos for models that read landmarks: the signers are tracked first, as by `signkit landmarks`."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from signkit.commands.predict.inputs import ONE_HAND, Failures, Source
from signkit.data.landmarks import as_part, longest_seen
from signkit.data.segment import ClipSegment
from signkit.data.tracking.extract import Options
from signkit.data.tracking.jobs import Failure, Job, track_all
from signkit.data.tracking.tracker import check_mediapipe
from signkit.errors import OperationalError, SignkitError, UserError
from signkit.runtime.pool import processors
from signkit.runtime.progress import Watch
from signkit.types import VIDEO, Clip, Landmarks, Video


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
    one_hand = layout == ONE_HAND
    options = Options(model="hands" if layout in ("hands", ONE_HAND) else "holistic", photo=one_hand)
    with tempfile.TemporaryDirectory(prefix="signkit-") as folder:
        files = dict.fromkeys(source.file for source in clips)  # several segments may be of one
        jobs = {file: Job(file, Path(folder) / f"{number}.npz", options) for number, file in enumerate(files)}
        _track(clips, [*jobs.values()], failures, watch)
        ready = []
        for source in sources:
            if source.clip is None:
                ready.append(source)
            elif source.key not in failures.messages:
                landmarks = jobs[source.file].output
                ready.append(replace(source, load=partial(_landmarks, landmarks, layout, width, source.clip)))
        yield ready


def _track(clips: Sequence[Source], jobs: Sequence[Job], failures: Failures, watch: Watch) -> None:
    frames = {source.file: _whole(source.clip).frames for source in clips if source.clip is not None}
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
                for source in clips:
                    if source.file == job.source:
                        failures.add(source.key, _error(job.source, event))
            bar.at(sum(done.values()))


def _error(file: Path, failure: Failure) -> SignkitError:
    if failure.killed:
        return OperationalError(failure.message)
    return UserError(str(file), failure.message.removeprefix(f"{file}: "))


def _whole(clip: Clip) -> Clip:
    """The clip of which another is a part, which is what is tracked."""
    return clip.clip if isinstance(clip, ClipSegment) else clip


def _landmarks(file: Path, layout: str, width: int, clip: Clip) -> Landmarks:
    """Read the landmarks of a clip that a worker wrote. They are checked later, where errors can name the
    video."""
    first = clip.first if isinstance(clip, ClipSegment) else 0
    with np.load(file, allow_pickle=False) as arrays:
        points = arrays["landmarks"][first : first + clip.frames, :, :width]
        found = str(arrays["layout"])
    if layout == ONE_HAND:
        return Landmarks(longest_seen(points), layout, clip.fps, Video(clip).times)
    return as_part(Landmarks(points, found, clip.fps, Video(clip).times), layout)
