"""What a model makes of frame after frame, by the rules of the page's scripts (page/js/reader.js, symbols.js,
points.js), with the same numbers."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from signkit.data.landmarks import as_part, longest_seen
from signkit.types import Landmarks

Floats = npt.NDArray[np.float32]
Infer = Callable[[npt.NDArray[np.generic]], Floats]
"""From an input of the graph to log-probabilities, [symbols] or [chunks, symbols]."""

CLASSIFIED = 0.8
"""Seconds of a clip that a classifier names."""
RECOGNISED = 12.0
"""Seconds of a clip that a recogniser reads; then the next one begins."""
GONE = 0.3
"""Seconds without a hand after which the next one begins a new clip."""
SPELLED = 1.0
"""Seconds without a hand after which what was spelled is typed."""
PAUSE = 2.0
"""Seconds without a hand after which a word of single letters has ended."""
RELEASED = 0.25
"""Seconds that a symbol has to be gone to be typed again."""
SIGNED = 0.5
"""Seconds without a hand after which a sign has ended."""
LONGEST = 4.0
"""Seconds of a sign; then the next one begins."""
SHORTEST = 0.2
"""Seconds; less is a hand on its way through the picture."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known after a frame.

    Attributes:
        best: the likeliest symbol and its probability; None without a hand.
        typed: symbols to type now.
        partial: of a recogniser, what it has read so far.
        ended: whether a word has ended, with what is typed now or before.
    """

    best: tuple[str, float] | None = None
    typed: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    ended: bool = False


@dataclass(frozen=True, slots=True)
class LiveModel:
    """An exported model as the readers need it.

    Attributes:
        symbols: of its output.
        is_ctc: whether the output has chunks, with the blank as symbol 0.
        layout: of its points; "" of a model of images.
        width: coordinates of a point.
        fps: frames a second of the clips it was trained on.
        temperature: that its logarithms are divided by.
        letters: whether its symbols are letters, which are joined, and not words.
    """

    infer: Infer
    symbols: tuple[str, ...]
    is_ctc: bool = False
    layout: str = ""
    width: int = 3
    fps: float = 25.0
    temperature: float = 1.0
    letters: bool = True

    @property
    def signs(self) -> bool:
        """Whether it names signs of the hands, each a clip of its own."""
        return self.layout in ("hand", "hands") and not (self.is_ctc or self.letters)

    def best(self, logits: Floats) -> tuple[str, float]:
        """The likeliest symbol of logits [symbols], and its probability."""
        scaled = logits.astype(np.float64) / self.temperature
        weights = np.exp(scaled - scaled.max())
        place = int(weights.argmax())
        return self.symbols[place], float(weights[place] / weights.sum())


@dataclass(slots=True)
class Hold:
    """Types a symbol that has been the likeliest, above a threshold, for so many seconds; once, until it was
    gone for `RELEASED`."""

    threshold: float = 0.7
    seconds: float = 0.8
    _symbol: str | None = None
    _since: float = 0.0
    _seen: float = 0.0
    _typed: bool = False

    def update(self, best: tuple[str, float] | None, now: float) -> tuple[str, ...]:
        """The symbols to type now, one or none."""
        if best is None or best[1] < self.threshold:
            if now - self._seen > RELEASED:
                self._symbol = None
            return ()
        if best[0] != self._symbol:
            self._symbol, self._since, self._typed = best[0], now, False
        self._seen = now
        if self._typed or now - self._since < self.seconds:
            return ()
        self._typed = True
        return (best[0],)


@dataclass(slots=True)
class HandReader:
    """Reads frames of points of a tracker's layout.

    Args:
        layout: of the frames.
    """

    model: LiveModel
    hold: Hold
    layout: str
    _frames: deque[tuple[float, Floats]] = field(default_factory=deque)
    _seen: float = -np.inf
    _partial: tuple[str, ...] = ()
    _best: tuple[str, float] | None = None

    def read(self, now: float, points: Floats) -> Reading:
        """Read a frame: its time in seconds, and its points [points, 3], NaN where missing."""
        there = not np.isnan(points[:, 0]).all()
        gone = now - self._seen
        if there:
            self._seen = now
        if self.model.signs:
            return self._name(now, points, there, gone)
        return (self._recognise if self.model.is_ctc else self._classify)(now, points, there, gone)

    def end(self) -> Reading:
        """What is to be typed at the end."""
        if self.model.signs:
            return self._ended()
        typed, self._partial = self._partial, ()
        return Reading(typed=typed, ended=bool(typed))

    def _classify(self, now: float, points: Floats, there: bool, gone: float) -> Reading:
        if gone > GONE:
            self._frames.clear()
            if not there:
                return Reading(typed=self.hold.update(None, now), ended=gone > PAUSE)
        self._frames.append((now, points))
        while now - self._frames[0][0] > CLASSIFIED:
            self._frames.popleft()
        best = self.model.best(self._logits())
        return Reading(best, self.hold.update(best if there else None, now))

    def _name(self, now: float, points: Floats, there: bool, gone: float) -> Reading:
        """Name a sign, from the first frame with a hand to the last one; it is typed when it has ended."""
        is_full = bool(self._frames) and now - self._frames[0][0] > LONGEST
        found = self._ended() if is_full or (not there and gone > SIGNED) else Reading()
        if there or self._frames:
            self._frames.append((now, points))
        if there:
            self._best = self.model.best(self._logits())
        return Reading(found.best or self._best, found.typed)

    def _ended(self) -> Reading:
        """The sign that was made, if there is one."""
        long_enough = bool(self._frames) and self._seen - self._frames[0][0] >= SHORTEST
        best, self._best = self._best, None
        self._frames.clear()
        sure = best is not None and best[1] >= self.hold.threshold and long_enough
        return Reading(best, (best[0],) if best is not None and sure else ())

    def _recognise(self, now: float, points: Floats, there: bool, gone: float) -> Reading:
        ended = not there and gone > SPELLED
        is_full = bool(self._frames) and now - self._frames[0][0] > RECOGNISED
        typed = self._partial if ended or is_full else ()
        if ended or typed:
            self._partial = ()
            self._frames.clear()
        if ended:
            return Reading(typed=typed, ended=bool(typed))
        self._frames.append((now, points))
        logits = self._logits()
        self._partial = greedy(logits, self.model.symbols)
        return Reading(self.model.best(logits[-1]), typed, self._partial)

    def _logits(self) -> Floats:
        times, frames = zip(*self._frames, strict=True)
        model = self.model
        clip = clip_of(np.array(times), np.stack(frames), self.layout, model.layout, model.fps)
        return model.infer(clip[None, :, :, : model.width])


def greedy(logits: Floats, symbols: Sequence[str]) -> tuple[str, ...]:
    """The likeliest symbol of each chunk [chunks, symbols], repetitions merged, blanks (0) left out."""
    best = logits.argmax(-1)
    first = np.diff(best, prepend=-1) != 0
    return tuple(symbols[i] for i in best[first & (best != 0)])


def clip_of(times: npt.NDArray[np.float64], points: Floats, tracked: str, layout: str, fps: float) -> Floats:
    """Frames as a clip of the layout that a model reads, at the rate it was trained with.

    Args:
        times: in seconds, rising.
        points: [frames, points, 3] of the layout that was tracked, NaN where missing.

    Returns:
        [frames, points, 3], from the first time on to the last one. Between two frames a point is
        interpolated; where it is missing in one of them, it is that of the nearer one.
    """
    if layout == "hand":
        points = longest_seen(points)
    else:
        points = as_part(Landmarks(points, tracked, fps), layout).points
    count = int((times[-1] - times[0]) * fps + 1e-6) + 1
    at = times[0] + np.arange(count) / fps
    before = np.clip(np.searchsorted(times, at, side="right") - 1, 0, max(len(times) - 2, 0))
    after = np.minimum(before + 1, len(times) - 1)
    apart = np.maximum(times[after] - times[before], 1e-9)
    share = np.clip((at - times[before]) / apart, 0, 1).astype(np.float32)[:, None, None]
    a, b = points[before], points[after]
    between = a + (b - a) * share
    nearer: Floats = np.where(share < 0.5, a, b)
    return np.where(np.isnan(between), nearer, between)
