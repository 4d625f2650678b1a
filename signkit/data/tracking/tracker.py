"""MediaPipe behind one function: frames in, points of a layout out. It prints from C++ and is best run in a
process of its own, see `signkit.data.tracking.jobs`."""

import contextlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from signkit.data.layouts import layout
from signkit.errors import UserError, missing_extra

Model = Literal["holistic", "hands"]
Pictures = Iterable[npt.NDArray[np.uint8]]
Floats = npt.NDArray[np.float32]
SIDES = ("Right", "Left")
"""MediaPipe's names of the signer's left and of the right hand: its legacy `hands` takes every picture for a
mirrored one. Its `holistic` does not."""


WITHOUT_WHEEL = (3, 13)
"""The first Python for which there is no wheel of MediaPipe with its models."""
WITHOUT_MODELS = (0, 10, 30)
"""The first MediaPipe without them."""
OLDER = "pip install 'signkit[landmarks]' with Python 3.12 or older for this step"


@dataclass(frozen=True, slots=True)
class Tracked:
    """The points of a clip.

    Attributes:
        points: in pixels, z too: [frames, points, 3], NaN where missing.
        confidence: how sure the tracker is of each, [frames, points], 0 where missing.
        size: width and height of the picture.
    """

    points: Floats
    confidence: Floats
    size: tuple[int, int]


def check_mediapipe(purpose: str) -> None:
    """Whether there is a MediaPipe that carries its models; it is not imported.

    Raises:
        UserError: there is none, or a newer one, which would have to download them.
    """
    if importlib.util.find_spec("mediapipe") is None:
        if sys.version_info < WITHOUT_WHEEL:
            raise missing_extra("mediapipe", "landmarks", purpose)
        version = ".".join(map(str, sys.version_info[:2]))
        what = f"needs MediaPipe 0.10.14, of which there is no wheel for Python {version}"
        raise UserError(purpose, what, f"{OLDER}; its files of landmarks can be used with any version")
    with contextlib.suppress(importlib.metadata.PackageNotFoundError, ValueError):
        installed = importlib.metadata.version("mediapipe")
        if tuple(map(int, installed.split(".")[:3])) >= WITHOUT_MODELS:
            raise UserError(purpose, f"MediaPipe {installed} does not carry its models", f"{OLDER}")


class Tracker:
    """MediaPipe with the models of its wheel (complexity 1). What it finds depends on the clip alone.

    Raises:
        ImportError: the extra `landmarks` is not installed.
    """

    def __init__(self, model: Model) -> None:
        from mediapipe import solutions  # type: ignore[import-not-found, import-untyped, unused-ignore]

        self.layout = model
        self._parts = [len(members) for members in layout(model).parts.values()]
        self._read = _holistic if model == "holistic" else _hands
        if model == "holistic":
            self._graph: Any = solutions.holistic.Holistic(model_complexity=1)
        else:
            self._graph = solutions.hands.Hands(model_complexity=1, max_num_hands=2)

    def track(self, frames: Pictures) -> Tracked:
        """The points of a clip; frames are RGB, uint8 [height, width, 3]."""
        self._graph.reset()  # what it has seen before has no influence
        points, sure, size = [], [], (0, 0)
        for frame in frames:
            size = (frame.shape[1], frame.shape[0])
            there, confidence = self.see(frame)
            points.append(there)
            sure.append(confidence)
        return Tracked(np.stack(points), np.stack(sure), size)

    def see(self, frame: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
        """The points of the next frame in pixels, [points, 3], NaN where missing, and the confidence of each.

        What was seen in the frames before helps to find them.
        """
        frame.flags.writeable = False  # so MediaPipe does not copy it
        height, width = frame.shape[:2]
        parts = [
            _part(landmarks, size)
            for landmarks, size in zip(self._read(self._graph, frame), self._parts, strict=True)
        ]
        scale = np.array([width, height, width], np.float32)  # z is counted in picture widths
        points = np.concatenate([part[:, :3] for part in parts]) * scale
        return points, np.concatenate([part[:, 3] for part in parts])


def _part(landmarks: Any, size: int) -> Floats:
    """x, y, z and confidence [points, 4] of a part. MediaPipe gives none of the face and the hands: 1."""
    if landmarks is None:
        return np.full((size, 4), (np.nan, np.nan, np.nan, 0), np.float32)
    rows = [
        (p.x, p.y, p.z, p.visibility if p.HasField("visibility") else 1.0) for p in landmarks.landmark[:size]
    ]
    return np.array(rows, np.float32)


def _holistic(graph: Any, frame: npt.NDArray[np.uint8]) -> tuple[Any, ...]:
    results = graph.process(frame)
    return (
        results.pose_landmarks,
        results.face_landmarks,
        results.left_hand_landmarks,
        results.right_hand_landmarks,
    )


def _hands(graph: Any, frame: npt.NDArray[np.uint8]) -> tuple[Any, ...]:
    """The left and the right hand. Of two hands that are called by one name, the surer one keeps it."""
    results = graph.process(frame)
    kinds = [kind.classification[0] for kind in results.multi_handedness or ()]
    hands = sorted(
        zip(kinds, results.multi_hand_landmarks or (), strict=True),
        key=lambda pair: pair[0].score,
        reverse=True,
    )
    sides: dict[str, Any] = {}
    for kind, points in hands[:2]:
        side = kind.label if kind.label not in sides else SIDES[1 - SIDES.index(kind.label)]
        sides[side] = points
    return tuple(sides.get(side) for side in SIDES)
