"""One clip: its frames tracked, mended if asked, and written."""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from signkit.data.landmark_files import pose
from signkit.data.layouts import layout
from signkit.data.tracking.fill import fill, marked
from signkit.data.tracking.frames import in_order
from signkit.data.tracking.tracker import Model, Tracked, Tracker
from signkit.data.video import open_clip
from signkit.data.video.folder import open_photo
from signkit.runtime.files import write_bytes

PARTS = {"body": "pose", "face": "face", "left_hand": "left hand", "right_hand": "right hand"}
"""What a part of a layout is called in reports."""
REPORTED = 8
"""Frames after which progress is reported."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the landmarks of a clip depend on, besides the clip.

    Attributes:
        fps: frames a second of a folder of pictures, None for what it tells; a video tells its own.
        photo: the clip may be a single picture.
    """

    model: Model = "holistic"
    format: Literal["npz", "pose"] = "npz"
    fill: Literal["none", "linear"] = "none"
    fps: float | None = None
    photo: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What there is of a clip: of each part the share of frames in which the tracker saw it."""

    frames: int
    fps: float
    shares: dict[str, float]


def extract(
    tracker: Tracker, source: Path, output: Path, options: Options, on_progress: Callable[[int], None]
) -> Summary:
    """Track a clip and write its file, whole or not at all.

    Args:
        on_progress: called now and then with the number of frames done since the last time.

    Raises:
        UserError: the clip cannot be read.
        OperationalError: the file cannot be written.
    """
    photo = open_photo(source) if options.photo else None
    clip = photo or open_clip(source, fps=options.fps)
    fps, times = clip.fps, getattr(clip, "seconds", None)
    tracked = tracker.track(_reporting(in_order(clip), on_progress))
    summary = Summary(len(tracked.points), fps, _shares(tracked, options.model))
    tracked = marked(tracked)
    if options.fill == "linear":
        tracked = fill(tracked, layout(options.model), fps)
    write_bytes(output, content(tracked, options, fps, times, relative_path(source, output.parent)))
    return summary


def relative_path(source: Path, folder: Path) -> str:
    """The path of a clip from a folder, with slashes; the whole path where it is on another drive."""
    try:
        return Path(os.path.relpath(source.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return source.resolve().as_posix()


def content(
    tracked: Tracked,
    options: Options,
    fps: float,
    times: npt.NDArray[np.float64] | None = None,
    video: str = "",
) -> bytes:
    """The content of a file; equal landmarks of a clip give equal bytes.

    Args:
        times: seconds at which each frame is shown, where the rate varies; a ``.pose`` file has no place for
            them.
        video: the path of the clip from the file's folder; nor for that.
    """
    points, confidence = tracked.points, tracked.confidence
    if options.format == "pose":
        return pose.content(points, confidence, options.model, fps, tracked.size)
    file = io.BytesIO()
    about: dict[str, Any] = {"layout": np.array(options.model), "fps": np.array(fps)}
    about |= {} if times is None else {"times": times}
    about |= {"video": np.array(video)} if video else {}
    np.savez(file, landmarks=points, confidence=confidence, **about)
    return file.getvalue()


def _reporting(
    frames: Iterator[npt.NDArray[np.uint8]], on_progress: Callable[[int], None]
) -> Iterator[npt.NDArray[np.uint8]]:
    for number, frame in enumerate(frames, 1):
        yield frame
        if number % REPORTED == 0:
            on_progress(REPORTED)


def _shares(tracked: Tracked, model: Model) -> dict[str, float]:
    seen: npt.NDArray[np.bool_] = tracked.confidence > 0
    return {
        PARTS[part]: float(seen[:, list(members)].any(1).mean())
        for part, members in layout(model).parts.items()
    }
