"""Words of a recogniser that is streamed: continuous signing, with the search of its run."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.commands.live.reader import SPELLED, Reading
from signkit.commands.predict.options import PredictOptions
from signkit.commands.predict.search import load_model
from signkit.commands.predict.streamed import opened_stream
from signkit.data.landmarks import as_part, layout
from signkit.data.tracking.follow import Source, followed, timed_frames
from signkit.data.tracking.tracker import Model, check_mediapipe
from signkit.errors import UserError
from signkit.models.export import TrainedModel
from signkit.train.reopen import with_ensemble
from signkit.train.streams import GivesStream, Stream, StreamOptions
from signkit.train.task import task_of
from signkit.types import USUAL_FPS, VIDEO, Landmarks

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class LiveStream:
    """A stream as the terminal needs it.

    Attributes:
        layout: of the points it reads, `VIDEO` of a model of video.
        width: coordinates of a point.
        fps: frames a second of the clips it was trained on.
        letters: whether its tokens are letters, which are joined.
    """

    stream: Stream
    layout: str
    width: int
    fps: float
    letters: bool


def live_stream(run: Path, stable_after: int) -> LiveStream | None:
    """The stream of a finished run; None of a model that reads whole clips without a search, for which the
    terminal has another way.

    Raises:
        UserError: a model whose texts have to be searched cannot be streamed.
        OperationalError: the run is damaged.
    """
    trained = load_model(run, PredictOptions())
    if not isinstance(task_of(trained.recipe), GivesStream):
        return None
    fps = float(getattr(trained.recipe.data, "fps", 0.0) or USUAL_FPS)
    try:
        stream = opened_stream(run, with_ensemble(trained), StreamOptions(fps, stable_after))
    except UserError:
        if searched(trained):
            raise
        return None
    signal, letters = trained.spec.signal, trained.spec.vocabulary.unit == "character"
    return LiveStream(stream, signal.layout, signal.width, fps, letters)


def searched(trained: TrainedModel) -> bool:
    """Whether a recogniser has a context, with which texts have to be searched."""
    model: Any = trained.model
    return not model.context_free


@dataclass(slots=True)
class StreamReader:
    """Gives a stream the frames of any times at its own rate, and types words that no longer change.

    Args:
        there: whether a frame shows anyone: a second without ends a text.
    """

    live: LiveStream
    there: Callable[[Array], bool] = lambda frame: True
    _last: tuple[float, Array] | None = None
    _first: float = 0.0  # when the text began
    _frames: int = 0  # given to the stream since
    _seen: float = -np.inf
    _typed: int = 0
    _partial: tuple[str, ...] = ()

    def read(self, seconds: float, frame: Array) -> Reading:
        """Read a frame."""
        if self.there(frame):
            self._seen = seconds
        elif seconds - self._seen > SPELLED:
            return self.end()
        if self._last is None:
            self._last, self._first = (seconds, frame), seconds
        due = int((seconds - self._first) * self.live.fps + 1e-6) + 1 - self._frames
        if due <= 0:
            self._last = seconds, frame
            return Reading(partial=self._partial)
        at = self._first + (self._frames + np.arange(due)) / self.live.fps
        frames = _between(self._last, (seconds, frame), at)
        self._last, self._frames = (seconds, frame), self._frames + due
        tokens = self.live.stream.push(frames).tokens
        settled = self.live.stream.settled
        typed, self._typed = tokens[self._typed : settled], max(self._typed, settled)
        self._partial = tokens[self._typed :]
        return Reading(typed=typed, partial=self._partial)

    def end(self) -> Reading:
        """What is to be typed at the end of a text."""
        if self._last is None:
            return Reading()
        typed = self.live.stream.finish().tokens[self._typed :]
        some = bool(typed) or self._typed > 0
        self._last, self._frames, self._typed, self._partial = None, 0, 0, ()
        return Reading(typed=typed, ended=some)


def _between(before: tuple[float, Array], after: tuple[float, Array], at: npt.NDArray[np.float64]) -> Array:
    """Frames at some times between two others: points interpolated, where one of them is missing that of the
    nearer frame; of pixels the frame before."""
    (start, first), (end, last) = before, after
    share = np.clip((at - start) / max(end - start, 1e-9), 0, 1).astype(np.float32)
    share = share.reshape(-1, *[1] * first.ndim)
    if first.dtype == np.uint8:
        return np.where(share < 1, first[None], last[None])
    mixed = first + (last - first) * share
    return np.where(np.isnan(mixed), np.where(share < 0.5, first[None], last[None]), mixed)


def stream_readings(
    live: LiveStream, source: Source, where: str, tracker_for: Callable[[str, str], Model]
) -> Iterator[tuple[float, Reading]]:
    """The time of each frame in seconds, and what is known after it.

    Raises:
        UserError: the source cannot be read, MediaPipe is not installed, or tracks no such points.
        OperationalError: the camera was lost.
    """
    last = 0.0
    if live.layout == VIDEO:
        reader = StreamReader(live)
        for last, frame in timed_frames(source):
            yield last, reader.read(last, frame)
        yield last, reader.end()
        return
    if not live.layout or live.layout == "hand":
        what = "the model reads feature vectors" if not live.layout else "which hand signs is found in a clip"
        raise UserError(where, what, "models of video or of points that are tracked can be used")
    tracker = tracker_for(live.layout, where)
    check_mediapipe(where)
    whole = layout(live.layout)
    hands = [point for hand in whole.hands for point in whole.parts[hand]] or [*range(len(whole.points))]
    reader = StreamReader(live, lambda points: not np.isnan(points[hands, 0]).all())
    with closing(followed(source, tracker)) as frames:
        for last, points in frames:
            tracked = Landmarks(points[None], tracker, live.fps)
            yield last, reader.read(last, as_part(tracked, live.layout).points[0, :, : live.width])
    yield last, reader.end()
