"""The code of docs/landmarks.md and docs/architecture.md that is about landmarks."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from reference import ROOT

from signkit.data.landmark_files import read_landmarks
from signkit.data.layouts import Layout, layout
from signkit.types import Landmarks


def example(document: str, name: str) -> dict[str, Any]:
    """What the marked code of a document defines."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    (code,) = re.findall(rf"<!-- example: {name} -->\n```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, document, "exec"), names)
    return names


def test_vectors_become_landmarks(tmp_path: Path) -> None:
    """A whole frame, and one in which the left hand was not detected."""
    vectors = np.random.default_rng(0).uniform(0.1, 0.9, (2, 1662))
    vectors[1, 132 + 3 * 468 : 132 + 3 * 489] = 0
    vectors[0, 7] = 0  # the visibility of the left eye's inner corner
    example("landmarks.md", "vectors")["save"](tmp_path / "a.npz", vectors, 640, 480, 30.0)
    signal, whole = read_landmarks(tmp_path / "a.npz"), layout("holistic")
    assert isinstance(signal, Landmarks) and signal.fps == 30.0 and signal.notes == ()
    np.testing.assert_allclose(signal.points[0, 0], vectors[0, :3] * [640, 480, 640], rtol=1e-5)
    last = whole.points.index("right_hand_pinky_tip")
    np.testing.assert_allclose(signal.points[1, last], vectors[1, -3:] * [640, 480, 640], rtol=1e-5)
    missing = np.isnan(signal.points).any(-1)
    assert missing[1].nonzero()[0].tolist() == list(whole.parts["left_hand"])
    assert missing[0].nonzero()[0].tolist() == [1]


def test_a_layout_of_a_package() -> None:
    glove = example("architecture.md", "layout")["GLOVE"]
    assert isinstance(glove, Layout) and glove.hands == ("left_hand", "right_hand")
