"""Landmarks as the bytes of a file."""

import io
from typing import Literal

import numpy as np
import numpy.typing as npt

from signkit.data.landmark_files import pose

Floats = npt.NDArray[np.float32]


def content(
    points: Floats,
    confidence: Floats,
    *,
    layout: Literal["holistic", "hands"],
    fps: float,
    size: tuple[int, int],
    format: Literal["npz", "pose"],
) -> bytes:
    """The content of a file; equal landmarks give equal bytes.

    Args:
        points: in pixels [frames, points, 3], NaN where missing.
        confidence: [frames, points], 0 where missing.
        size: width and height of the picture.
    """
    if format == "pose":
        return pose.content(points, confidence, layout, fps, size)
    file = io.BytesIO()
    np.savez(file, landmarks=points, confidence=confidence, layout=np.array(layout), fps=np.array(fps))
    return file.getvalue()
