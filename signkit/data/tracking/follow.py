"""Frames as they come, and the points of the signer in each: of a camera, which has no end, or of a video."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from signkit.data.tracking.frames import in_order
from signkit.data.tracking.tracker import Floats, Model, Tracker
from signkit.data.video import open_clip
from signkit.errors import OperationalError, UserError, missing_extra
from signkit.runtime.pool import watch_tasks
from signkit.types import Video

Source = Path | int
"""A video file or folder of frames, or the number of a camera."""


class Seen(NamedTuple):
    """A frame: its time in seconds from the beginning, and the points of its layout in pixels, [points, 3],
    NaN where missing."""

    seconds: float
    points: Floats


def timed_frames(source: Source) -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
    """Frames with their times in seconds from the beginning, RGB: uint8 [height, width, 3].

    Raises:
        UserError: there is no such video or camera, or a frame cannot be decoded.
        OperationalError: the camera was lost.
    """
    if isinstance(source, int):
        yield from _of_camera(source)
        return
    clip = open_clip(source)
    times = Video(clip).times
    seconds = np.arange(clip.frames) / clip.fps if times is None else times
    yield from zip(seconds.tolist(), in_order(clip), strict=True)


def _of_camera(number: int) -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
    where = f"--camera {number}"
    try:
        import cv2  # MediaPipe needs it, and brings it
    except ImportError:
        raise missing_extra("mediapipe", "landmarks", where) from None
    camera: Any = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            raise UserError(where, "there is no such camera, or another program uses it")
        begin = time.monotonic()
        while True:
            there, frame = camera.read()
            if not there:
                raise OperationalError(f"{where}: the camera was lost")
            yield time.monotonic() - begin, np.ascontiguousarray(frame[:, :, ::-1])
    finally:
        camera.release()


def followed(source: Source, model: Model) -> Generator[Seen, None, None]:
    """The points of frame after frame, tracked in a process of its own. Close it to end that.

    Raises:
        UserError, OperationalError: as `timed_frames`; or the process has died.
    """
    with closing(watch_tasks(_Following(model), [source], workers=1)) as events:
        for _, event in events:
            if event.kind == "progress":
                yield Seen(*event.value)
            elif event.kind == "died":
                raise OperationalError(f"the process that tracked the signer {event.value}")


class _Following:
    """Tracks frame after frame and sends what it sees."""

    def __init__(self, model: Model) -> None:
        self._model: Model = model

    def __call__(self, source: Source, on_progress: Callable[[tuple[float, Floats]], None]) -> None:
        tracker = Tracker(self._model)
        for seconds, frame in timed_frames(source):
            on_progress((seconds, tracker.see(frame)[0]))
