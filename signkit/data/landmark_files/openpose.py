"""Folders of OpenPose's output: a JSON file a frame, ``NAME_000000000012_keypoints.json``, with body, face
and hands of everyone in the picture. They do not say how many frames a second there were."""

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.landmark_files.bodies import places_of_body
from signkit.data.landmark_files.people import one_signer, several_people
from signkit.data.landmarks import settled
from signkit.data.layouts import layout
from signkit.data.missing import Missing
from signkit.data.npz import NpzHeader
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_text
from signkit.types import USUAL_FPS, Landmarks

PARTS = {"pose": "body", "body": "body", "face": "face", "hand_left": "left_hand", "hand_right": "right_hand"}
KINDS = {"_2d": 2, "_3d": 3, "": 2}
"""What follows ``PART_keypoints``, in the order in which it is taken, and the coordinates of a point:
OpenPose with ``--3d`` writes both, version 1.0 wrote no ending."""
FRAME = re.compile(r"(?:^|_)(\d+)(?:_keypoints)?\.json$")
Floats = npt.NDArray[np.float32]
People = list[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a folder that are read, and their parts; the coordinates of a point."""

    parts: Mapping[str, str]
    coordinates: int


def read_header(path: Path, where: str) -> NpzHeader:
    """As `signkit.data.landmark_files.landmark_header`; the checksum is of the files' names and sizes.

    Files are read until one has somebody in it.
    """
    files = _frames(path, where)
    with plainly(path, "read"):
        sizes = [(file.name, file.stat().st_size) for file in files]
    keys = _keys(((file, people) for file in files if (people := _people(file))), where)
    return NpzHeader(len(files), "openpose", keys.coordinates, zlib.crc32(repr(sizes).encode()))


def read(path: Path, fps: float = USUAL_FPS, missing: Missing = "nan") -> Landmarks:
    """The signer of a clip, of several people one (`one_signer`). x and y are as OpenPose wrote them, in
    pixels unless it was set otherwise."""
    where = str(path)
    files = _frames(path, where)
    crowd = [_people(file) for file in files]
    keys = _keys(((file, people) for file, people in zip(files, crowd, strict=True) if people), where)
    whole = layout("openpose")
    most = max(1, *map(len, crowd))
    crowded = np.full((len(files), most, len(whole.points), keys.coordinates), np.nan, np.float32)
    for frame, (file, people) in enumerate(zip(files, crowd, strict=True)):
        for number, person in enumerate(people):
            crowded[frame, number] = _person(person, keys, str(file))
    signer, several = one_signer(crowded, whole)
    points, notes = settled(signer, whole, where, missing=missing, hint=_hint(keys, any(crowd)))
    return Landmarks(points, "openpose", fps, notes=(*several_people(several, len(files)), *notes))


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


def _people(file: Path) -> People:
    """Everyone in a frame, as the file has them."""
    try:
        content = json.loads(read_text(file))
        if isinstance(content, dict) and "people" not in content:
            what = "is not a frame of OpenPose's: it has no `people`"
            raise UserError(str(file), what, _listed(content))
        people: People = [{**person} for person in content["people"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(file, error) from error
    return people


def _damaged(file: Path | str, error: Exception) -> UserError:
    why = f"it may be damaged: {error}" if isinstance(error, ValueError) else "it may be damaged"
    return UserError(str(file), "is not a frame of OpenPose's", why)


def _keys(crowd: Iterator[tuple[Path, People]], where: str) -> Keys:
    """The keys that are read, of the first kind that has any numbers in the first frame with somebody in it;
    those of 2 coordinates where nobody is ever seen.

    Args:
        crowd: the frames with somebody in them.
    """
    there: dict[str, None] = {}
    for file, people in crowd:
        there |= {key: None for person in people for key in person}
        for ending, coordinates in KINDS.items():
            parts = {f"{name}_keypoints{ending}": part for name, part in PARTS.items()}
            known = {key: part for key, part in parts.items() if any(person.get(key) for person in people)}
            if known:
                return Keys({key: part for key, part in parts.items() if key in there}, coordinates)
        if not any(f"{name}_keypoints{ending}" in there for name in PARTS for ending in KINDS):
            what = f"{file.name} has none of OpenPose's keys, such as pose_keypoints_2d"
            raise UserError(where, what, _listed(there))
    return Keys({f"{name}_keypoints_2d": part for name, part in PARTS.items()}, 2)


def _listed(keys: Sequence[str] | Mapping[str, Any]) -> str:
    return f"there are: {', '.join(keys) or 'none'}"


def _hint(keys: Keys, somebody: bool) -> str:
    """The message where there is no hand: the program tracks them only when it is told to."""
    if not somebody:
        return "`people` is empty in every frame: OpenPose found nobody"
    return f"keys that were read: {', '.join(keys.parts)}; OpenPose writes hands with --hand"


def _person(person: Mapping[str, Any], keys: Keys, where: str) -> Floats:
    """Somebody's points [137, coordinates], NaN where not seen."""
    whole = layout("openpose")
    points = np.full((len(whole.points), keys.coordinates), np.nan, np.float32)
    for key, part in keys.parts.items():
        try:
            with np.errstate(over="ignore"):  # infinity is refused later
                numbers = np.array(person.get(key) or [], dtype=np.float32)
        except (ValueError, TypeError, OverflowError) as error:
            raise _damaged(where, error) from error
        if numbers.size == 0:
            continue
        members = list(whole.parts[part])
        count = numbers.size / (keys.coordinates + 1)
        places = places_of_body(int(count)) if part == "body" and count == int(count) else None
        if places is None and (part == "body" or count != len(members)):
            what = (
                f"{key} has {count:g} points, not {'25, 18, 15 or 135' if part == 'body' else len(members)}"
            )
            raise UserError(where, what)
        rows = numbers.reshape(-1, keys.coordinates + 1)
        seen = np.where(rows[:, -1:] > 0, rows[:, :-1], np.float32(np.nan))
        if places is None:
            points[members] = seen
        else:
            points[places >= 0] = seen[places[places >= 0]]
    return points
