"""Landmarks as HearAI's csv_to_array.py writes them: an npz file with arrays of two dimensions for each part.

A point has eight numbers: x, y and z in distances between the shoulders, 1 where it was not seen (and filled
from the frames around), the same of the point that it hangs on, and distance and angles to that one. Hands
have MediaPipe's 21 points, the pose its 33; of the face there are only the points of contours, which are not
used, as in their training.
Source: github.com/hearai/hearai, pose_estimation/code/csv_to_array.py.
"""

from pathlib import Path

import numpy as np

from signkit.data.layouts import layout
from signkit.data.npz import array_shapes, read_arrays
from signkit.errors import UserError
from signkit.types import Features, Landmarks, Signal

LAYOUT = "holistic"
PARTS = {"pose": "body", "left_hand": "left_hand", "right_hand": "right_hand"}
"""The arrays that are used, and the parts of the layout."""
NUMBERS = 8
"""Of a point."""


def width_of(file: Path, signal: str, last: int, row: str) -> int:
    """Coordinates a point, or numbers a frame.

    Args:
        signal: ``landmarks`` or ``features``.
        last: the last frame that is used.
        row: of the annotation file, for messages.

    Raises:
        UserError: there is no such file, it lacks an array, or it has too few frames or other points.
    """
    shapes = dict(zip(PARTS, array_shapes(file, [*PARTS]), strict=True))
    for name, (frames, width) in shapes.items():
        if frames <= last:
            raise UserError(str(file), f"`{name}` has {frames} frames", f"{row} ends at frame {last}")
        points = len(layout(LAYOUT).parts[PARTS[name]])
        if signal == "landmarks" and width != NUMBERS * points:
            what = f"`{name}` has {width} numbers a frame, not {NUMBERS} for each of {points} points"
            raise UserError(str(file), what, "`signal: features` takes any")
    return 3 if signal == "landmarks" else sum(width for _, width in shapes.values())


def load(file: Path, signal: str, first: int, last: int, fps: float) -> Signal:
    """Frames ``first`` to ``last``; as features all numbers of `PARTS`, 0 where missing."""
    arrays = dict(zip(PARTS, read_arrays(file, [*PARTS]), strict=True))
    cut = {name: array[first : last + 1] for name, array in arrays.items()}
    if signal == "features":
        vectors = np.concatenate([cut[name] for name in PARTS], axis=1)
        return Features(np.where(np.isnan(vectors), np.float32(0), vectors), fps)
    whole = layout(LAYOUT)
    points = np.full((last + 1 - first, len(whole.points), 3), np.nan, dtype=np.float32)
    for name, part in PARTS.items():
        values = cut[name].reshape(len(points), -1, NUMBERS)
        points[:, list(whole.parts[part])] = np.where(
            values[..., 3:4] == 1, np.float32(np.nan), values[..., :3]
        )
    return Landmarks(points, LAYOUT, fps)
