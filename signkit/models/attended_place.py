"""Where in its frames a clip is attended to, for iterative attention (Shi et al. 2019, ICCV).

In each frame the two places of most attention are candidates, each the centre of a window of 0.8 of the map's
height and width. The path through the frames is the one with the greatest sum of the attention inside its
windows and, by a small weight, of the overlap of those that follow each other (a Viterbi search, as of tubes
in action detection). What is given is the mean of the path: one place of the whole clip.

As github.com/chevalierNoir/asl-iter-attn has it, but for two things: a place is the middle of its cell of the
map and not the corner, so that a window has as many cells on either side of it; and frames that are not
attended to at all take no part.
"""

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int

CANDIDATES = 2
WINDOW = 0.8
SMOOTHING = 0.01
"""The weight of the overlap."""
LEAST_OVERLAP, APART = 0.1, -1000.0
"""Windows that overlap less count as so much instead."""


def attended_place(attention: Float[np.ndarray, "frames height width"]) -> tuple[float, float]:
    """The place that a clip's attention stays at, x and y from 0 to 1; the middle if there is no attention.

    >>> looking = np.zeros((5, 4, 10))
    >>> looking[:, 1, 8] = 1
    >>> attended_place(looking)
    (0.85, 0.375)
    """
    attention = attention[attention.any((1, 2))].astype(np.float64)
    if not len(attention):
        return 0.5, 0.5
    frames, height, width = attention.shape
    best = np.argsort(attention.reshape(frames, -1), axis=1)[:, -CANDIDATES:]
    y, x = np.divmod(best, width)
    path = _best_path(_inside(attention, x, y), _overlaps(x / width, y / height))
    rows = np.arange(frames)
    return float((x[rows, path] + 0.5).mean() / width), float((y[rows, path] + 0.5).mean() / height)


def _inside(
    attention: Float[np.ndarray, "frames height width"],
    x: Int[np.ndarray, "frames candidates"],
    y: Int[np.ndarray, "frames candidates"],
) -> Float[np.ndarray, "frames candidates"]:
    """The sum of the attention in each candidate's window, by the window's area."""
    _, height, width = attention.shape
    sums = np.pad(attention.cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    left, right = _ends(x, width)
    top, bottom = _ends(y, height)
    rows = np.arange(len(x))[:, None]
    inside = sums[rows, bottom, right] - sums[rows, top, right] - sums[rows, bottom, left]
    found: Float[np.ndarray, "frames candidates"] = (inside + sums[rows, top, left]) / (
        WINDOW**2 * height * width
    )
    return found


def _ends(centre: npt.NDArray[np.int64], length: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Where windows begin and end, the end exclusive: a window has the cells whose middles are in it."""
    aside = int(WINDOW / 2 * length)
    return np.maximum(centre - aside, 0), np.minimum(centre + aside + 1, length)


def _overlaps(
    x: Float[np.ndarray, "frames candidates"], y: Float[np.ndarray, "frames candidates"]
) -> Float[np.ndarray, "next_frames candidates candidates"]:
    """The intersection of each window with each of the frame before, by their union: [.., before, now]."""
    wide, high = (np.maximum(0, WINDOW - np.abs(each[:-1, :, None] - each[1:, None])) for each in (x, y))
    inside = wide * high
    overlap: Float[np.ndarray, "next_frames candidates candidates"] = inside / (2 * WINDOW**2 - inside)
    return overlap


def _best_path(
    inside: Float[np.ndarray, "frames candidates"],
    overlaps: Float[np.ndarray, "next_frames candidates candidates"],
) -> Int[np.ndarray, " frames"]:
    """The candidate of each frame on the path of the greatest sum."""
    steps = SMOOTHING * np.where(overlaps > LEAST_OVERLAP, overlaps, APART)
    total, before = inside[0], np.zeros(inside.shape, np.int64)
    # Frame by frame: the best way to a candidate depends on the best ways to those of the frame before. There
    # are two candidates a frame, so this takes little next to the network that gave the attention.
    for frame, step in enumerate(steps, start=1):
        ways = total[:, None] + step
        before[frame] = ways.argmax(0)
        total = ways.max(0) + inside[frame]
    path = np.full(len(inside), total.argmax())
    for frame in range(len(inside) - 1, 0, -1):
        path[frame - 1] = before[frame, path[frame]]
    return path
