"""`signkit landmarks` and `signkit data check` without the packages of the extra `train`."""

import importlib.metadata
import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny import write_corpus

from signkit.data.tracking import tracker
from signkit.data.tracking.tracker import check_mediapipe
from signkit.errors import UserError

BLOCK = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("jaxtyping", "torch", "transformers", "safetensors", "accelerate"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Block())
"""
CHECK = """
from signkit.cli.app import main
sys.argv = ["signkit", "data", "check", "manifest", "--root", "corpus"]
main()
"""
TRACK = """
from pathlib import Path
import numpy as np
from signkit.commands.landmarks.verb import landmarks
from signkit.data.landmark_files import read_landmarks
from signkit.data.tracking.extract import Options, extract
from signkit.data.tracking.tracker import Tracked

class Tracker:
    def track(self, frames):
        points = np.ones((len([*frames]), 42, 3), np.float32) * np.arange(42)[:, None]
        return Tracked(points, points[..., 0] + 1, (64, 48))

extract(Tracker(), Path("clip.mp4"), Path("clip.npz"), Options(model="hands"), lambda frames: None)
print(read_landmarks(Path("clip.npz")).points.shape)
"""


def run(folder: Path, code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", BLOCK + code], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def test_a_check_of_landmarks(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")
    assert "complete; " in run(tmp_path, CHECK)


def test_tracking(tmp_path: Path) -> None:
    pytest.importorskip("av", reason="av is not installed: the extra `video`")
    from media import moving, write_video

    write_video(tmp_path / "clip.mp4", moving(5, 48, 64))
    assert run(tmp_path, TRACK) == "(5, 42, 3)\n"


@pytest.mark.parametrize(
    ("python", "installed", "message"),
    [
        ((3, 12), None, "a.mp4: needs the package mediapipe; pip install 'signkit[landmarks]'"),
        (
            (3, 13),
            None,
            "a.mp4: needs MediaPipe 0.10.14, of which there is no wheel for Python 3.13; pip install "
            "'signkit[landmarks]' with Python 3.12 or older for this step; its files of landmarks can be "
            "used with any version",
        ),
        (
            (3, 13),
            "0.10.32",
            "a.mp4: MediaPipe 0.10.32 does not carry its models; pip install 'signkit[landmarks]' with "
            "Python 3.12 or older for this step",
        ),
        ((3, 12), "0.10.14", ""),
        ((3, 12), "0.10.14.dev", ""),
    ],
)
def test_which_mediapipe(
    python: tuple[int, int], installed: str | None, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: installed)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: installed)
    monkeypatch.setattr(tracker.sys, "version_info", python)
    if not message:
        return check_mediapipe("a.mp4")
    with pytest.raises(UserError) as failed:
        check_mediapipe("a.mp4")
    assert str(failed.value) == message


def test_shapes_are_checked_in_tests() -> None:
    """The modules that run without jaxtyping too are among those whose calls are checked here."""
    from jaxtyping import TypeCheckError

    from signkit.data.landmarks import check_landmarks
    from signkit.data.layouts import layout

    with pytest.raises(TypeCheckError):
        check_landmarks(np.zeros((3, 21), np.float32), layout("hand"), "a.npz")
