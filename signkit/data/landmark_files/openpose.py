"""Folders of OpenPose's output: a JSON file a frame, ``NAME_000000000012_keypoints.json``, with BODY_25, face
and hands of everyone in the picture. They do not say how many frames a second there were."""

import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.landmarks import check_landmarks
from signkit.data.layouts import layout
from signkit.data.npz import NpzHeader
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_text
from signkit.types import USUAL_FPS, Landmarks

KEYS = {
    "body": "pose_keypoints_2d",
    "face": "face_keypoints_2d",
    "left_hand": "hand_left_keypoints_2d",
    "right_hand": "hand_right_keypoints_2d",
}
FRAME = re.compile(r"(?:^|_)(\d+)(?:_keypoints)?\.json$")
Floats = npt.NDArray[np.float32]


def read_header(path: Path, where: str) -> NpzHeader:
    """As `signkit.data.landmark_files.landmark_header`; the checksum is of the files' names and sizes."""
    files = _frames(path, where)
    with plainly(path, "read"):
        sizes = [(file.name, file.stat().st_size) for file in files]
    return NpzHeader(len(files), "openpose", 2, zlib.crc32(repr(sizes).encode()))


def read(path: Path, fps: float = USUAL_FPS) -> Landmarks:
    """The signer of each frame: of several people the one with the most points seen, of those with as many
    the tallest in the picture. x and y are as OpenPose wrote them, in pixels unless it was set otherwise."""
    points = np.stack([_signer(_people(file)) for file in _frames(path, str(path))])
    check_landmarks(points, layout("openpose"), str(path))
    return Landmarks(points, "openpose", fps)


def _frames(path: Path, where: str) -> list[Path]:
    """The files of a folder by their numbers."""
    with plainly(path, "read"):
        numbered = [(FRAME.search(file.name), file) for file in path.iterdir()]
    frames = sorted((int(match[1]), file) for match, file in numbered if match)
    if not frames:
        raise UserError(where, "the folder has none of OpenPose's files (…_000000000000_keypoints.json)")
    for (number, file), (following, other) in zip(frames, frames[1:], strict=False):
        if following == number:
            raise UserError(where, f"{file.name} and {other.name} are both frame {number}")
        if following > number + 1:
            raise UserError(where, f"frame {number + 1} is missing, after {file.name}")
    return [file for _, file in frames]


def _people(file: Path) -> list[Floats]:
    """Everyone in a frame: points [137, 2], NaN where not seen."""
    try:
        people = json.loads(read_text(file))["people"]
        return [_person({**person}, str(file)) for person in people]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(
            str(file), "is not a frame of OpenPose's", f"it may be damaged ({error!r})"
        ) from error


def _person(person: dict[str, Any], where: str) -> Floats:
    parts = []
    for part, members in layout("openpose").parts.items():
        numbers = np.array(person.get(KEYS[part]) or [0.0] * 3 * len(members), dtype=np.float32)
        if numbers.shape != (3 * len(members),):
            what = f"{KEYS[part]} has {numbers.size / 3:g} points, not {len(members)}"
            raise UserError(where, what, "run OpenPose with the model BODY_25" if part == "body" else "")
        parts.append(numbers.reshape(-1, 3))
    rows = np.concatenate(parts)
    return np.where(rows[:, 2:] > 0, rows[:, :2], np.float32(np.nan))


def _signer(people: list[Floats]) -> Floats:
    if not people:
        return np.full((len(layout("openpose").points), 2), np.nan, np.float32)
    return max(people, key=_prominence)


def _prominence(person: Floats) -> tuple[int, float]:
    y = person[~np.isnan(person[:, 1]), 1]
    return len(y), float(np.ptp(y)) if len(y) else 0.0
