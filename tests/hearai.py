"""A tiny folder in the form of HearAI's collections."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from official import lines, pictures

CLASSES = "0 1 2 3 4 5 6 7 8"
GLOSSES = ("name start end gloss", "a 0 2 007", "b 0 3 12", "b 4 5 7")
HAMNOSYS = (
    f"a 0 2 {CLASSES}",
    "b 4 5 8 11 3 5 17 7 4 36",
    "",
    "b 0 3 1 2 1 NaN 2 3 1 9",
    "c 3 4 1 2 1 0 2 3 1 9",
)
FRAMES = {"a": 3, "b": 6, "c": 5}


def write_hearai(root: Path, *, size: tuple[int, int] = (3, 2)) -> Path:
    """Four clips in three folders: two of one, one with a rate, one without a gloss."""
    for name, frames in FRAMES.items():
        pictures(root / name, frames, name + "_{}.jpg", size)
    (root / "a/a_properties.json").write_text(json.dumps({"FPS": 29.97, "Width": 2, "Height": 3}))
    lines(root / "test_gloss.txt", GLOSSES)
    lines(root / "test_hamnosys.txt", HAMNOSYS)
    return root


def write_points(root: Path) -> dict[str, dict[str, npt.NDArray[np.float32]]]:
    """Landmarks as their tool writes them, eight numbers a point; of `b` one point was filled in."""
    rng, written = np.random.default_rng(0), {}
    for name, frames in FRAMES.items():
        arrays = {}
        for part, points in (("face", 5), ("pose", 33), ("left_hand", 21), ("right_hand", 21)):
            values = rng.normal(size=(frames, points, 8)).astype(np.float32)
            values[..., 3] = 0
            arrays[part] = values.reshape(frames, -1)
        arrays["right_hand"][-2, 3 * 8 + 3] = 1
        np.savez(root / name / f"{name}.npz", **arrays)
        written[name] = arrays
    return written
