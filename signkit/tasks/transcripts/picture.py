"""The picture of a run: training curves, frames of a clip, and the times of recognised glosses."""

from pathlib import Path
from typing import Any

import numpy as np

from signkit.data.layouts import Layout, layout
from signkit.data.video.times import bounds
from signkit.eval.figures import Metric, metric
from signkit.report.plots import INK, RECOGNISED, SIGN, saved, training_curves
from signkit.tasks.transcripts.result import Result
from signkit.types import USUAL_FPS, Clip, Features, Landmarks, Sample, Signal, Text, Video

FRAMES, SENTENCES = 6, 3


def draw(folder: Path, result: Result, run: Path, judged: Metric | None = None) -> Path:
    """Draw ``picture.png`` into a folder; the training curves are read from the folder of the run.

    Args:
        judged: by which dev was judged during the training; None: the main metric, of greedy search.
    """
    return saved(folder / "picture.png", lambda: _figure(run, result, judged))


def _figure(run: Path, result: Result, judged: Metric | None) -> Any:
    from matplotlib import pyplot

    split = result.splits[0] if result.hypotheses else ""
    shown = [sentence.id for sentence in result.examples(split, SENTENCES)] if split else []
    signals = {name: result.samples[name].load() for name in shown}
    shown = [name for name, signal in signals.items() if not isinstance(signal, Text)]
    figure = pyplot.figure(figsize=(11, 3.2 + 2.1 * bool(shown) + 1.1 * len(shown)), layout="constrained")
    heights = [2.6] + [2.0] * bool(shown) + [1.0] * len(shown)
    grid = figure.add_gridspec(len(heights), FRAMES, height_ratios=heights)
    how = "" if judged else "greedy"
    judged = judged or metric(result.selected or result.main)
    training_curves(figure.add_subplot(grid[0, :]), run, result.recipe, judged, how=how)
    if shown:
        _clip([figure.add_subplot(grid[1, i]) for i in range(FRAMES)], result.samples[shown[0]])
    for row, name in enumerate(shown, start=2):
        _times(figure.add_subplot(grid[row, :]), result, split, result.samples[name])
    return figure


def _clip(axes: list[Any], sample: Sample) -> None:
    """Draw a few frames of a clip, as images or as skeletons; features are drawn as one image."""
    signal = sample.load()
    if isinstance(signal, Features):
        for place, chunk in zip(axes, np.array_split(signal.vectors, len(axes)), strict=True):
            place.imshow(chunk.T, aspect="auto")
            place.set_axis_off()
        return
    shown = np.linspace(0, sample.frames - 1, len(axes)).astype(np.int64)
    if isinstance(signal, Video):
        _frames(axes, signal.clip, shown)
    elif isinstance(signal, Landmarks):
        _skeletons(axes, signal, shown)
    for place, frame in zip(axes, shown, strict=True):
        place.set_axis_off()
        place.set_title(f"{_bounds(signal, sample.frames)[frame]:.2f} s", fontsize=8, color=INK)
    axes[0].set_title(f"{sample.id}, {axes[0].get_title()}", fontsize=8, color=INK)


def _bounds(signal: Signal, frames: int) -> np.ndarray:
    """When each frame begins, and when the last one ends [frames + 1]."""
    if isinstance(signal, Landmarks | Video):
        return bounds(frames, signal.clip.fps if isinstance(signal, Video) else signal.fps, signal.times)
    return bounds(frames, USUAL_FPS, None)


def _frames(axes: list[Any], clip: Clip, shown: np.ndarray) -> None:
    for place, pixels in zip(axes, clip.read(shown), strict=True):
        place.imshow(pixels)


def _skeletons(axes: list[Any], signal: Landmarks, shown: np.ndarray) -> None:
    points, whole = signal.points, layout(signal.layout)
    seen = points[np.isfinite(points).all(-1)][:, :2]
    for place, frame in zip(axes, shown, strict=True):
        _skeleton(place, points[frame], whole)
        place.set_aspect("equal")
        if len(seen):  # a clip in which nothing was seen has empty places
            (left, top), (right, bottom) = seen.min(0), seen.max(0)
            place.set_xlim(*_apart(left, right))
            place.set_ylim(*_apart(top, bottom)[::-1])


def _apart(low: float, high: float) -> tuple[float, float]:
    """Limits of an axis, which must differ."""
    return (low, high) if low < high else (low - 1, high + 1)


def _skeleton(axes: Any, points: np.ndarray, whole: Layout) -> None:
    for start, end in whole.edges:
        axes.plot(points[[start, end], 0], points[[start, end], 1], color=SIGN, linewidth=1)
    size = 2 if len(points) > 10 else 30
    axes.scatter(points[:, 0], points[:, 1], s=size, color=INK, linewidths=0)


def _times(axes: Any, result: Result, split: str, sample: Sample) -> None:
    """Draw the reference, with its segments if the corpus has them, above the times of recognised glosses."""
    seconds = _bounds(sample.load(), sample.frames)
    for segment in sample.segments:
        axes.axvspan(seconds[segment.start], seconds[segment.end], 0.55, 0.95, fc=SIGN, ec="white")
        axes.text(
            (seconds[segment.start] + seconds[segment.end]) / 2,
            0.75,
            segment.gloss,
            ha="center",
            va="center",
            fontsize=7,
        )
    if not sample.segments:
        axes.text(0, 0.75, " ".join(sample.reference), fontsize=7, va="center")
    best = result.hypotheses[split][sample.id]
    for time, end in zip(best.times, best.ends, strict=False):
        axes.axvspan(time, end, 0.05, 0.45, color=RECOGNISED, alpha=0.2, linewidth=0)
    for token, time in zip(best.tokens, best.times, strict=True):
        axes.axvline(time, 0.05, 0.5, color=RECOGNISED)
        axes.text(time, 0.25, f" {token}", fontsize=7, va="center", color=RECOGNISED)
    axes.set_xlim(0, seconds[-1])
    axes.set_ylim(0, 1)
    axes.set_yticks([0.25, 0.75], ["recognised", "reference"])
    axes.set_title(f"{sample.id} (seconds)", loc="left", fontsize=8)
