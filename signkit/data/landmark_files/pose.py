"""Files of pose-format (`.pose`), versions 0.0, 0.1 and 0.2, of MediaPipe's holistic model or of OpenPose.

Read here and not by the package of that name, which takes a truncated file of version 0.1 for a shorter one
and reads all of a file to tell its length. Source: the specification in pose-format's documentation.
"""

import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.landmark_files.bodies import places_of_body
from signkit.data.landmark_files.people import one_signer, several_people
from signkit.data.landmarks import settled
from signkit.data.layouts import Layout, layout
from signkit.data.missing import Missing
from signkit.data.npz import NpzHeader
from signkit.errors import UserError
from signkit.runtime.files import read_bytes
from signkit.types import Landmarks

HOLISTIC = {
    "POSE_LANDMARKS": "body",
    "FACE_LANDMARKS": "face",
    "LEFT_HAND_LANDMARKS": "left_hand",
    "RIGHT_HAND_LANDMARKS": "right_hand",
}
OPENPOSE = {
    "pose_keypoints_2d": "body",
    "face_keypoints_2d": "face",
    "hand_left_keypoints_2d": "left_hand",
    "hand_right_keypoints_2d": "right_hand",
    "BODY_135": "body",
}
WORLD = "POSE_WORLD_LANDMARKS"
"""The body again, in metres from the hips: not read."""
IRISES = range(468, 478)
"""Points of a refined face that the layout has no place for."""
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the points: x, y, perhaps more, and a confidence of each, as `format` says ("XYZC")."""

    name: str
    format: str
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PoseFile:
    """A file's header, and the bytes after it.

    Attributes:
        first: of version 0.0, whose frames are of different sizes.
    """

    first: bool
    width: int
    components: tuple[Component, ...]
    fps: float
    frames: int
    people: int
    dimensions: int
    body: memoryview

    @property
    def points(self) -> int:
        """Of all components."""
        return sum(len(component.points) for component in self.components)


def read_header(path: Path, where: str) -> NpzHeader:
    """As `signkit.data.landmark_files.landmark_header`."""
    try:
        data = read_bytes(path)
    except UserError as error:
        raise UserError(where, error.what) from error
    file = _parsed(data, where)
    name, _, _ = _places(file.components, where)
    return NpzHeader(file.frames, name, min(3, file.dimensions), zlib.crc32(data), file.fps)


def read(path: Path, missing: Missing = "nan") -> Landmarks:
    """x, y and z in one unit: MediaPipe's z is a fraction of the picture's width, and some files have it so
    beside x and y in pixels (`in_one_unit`). Of several people one (`one_signer`)."""
    where = str(path)
    file = _parsed(read_bytes(path), where)
    name, columns, places = _places(file.components, where)
    whole = layout(name)
    data, sure = _numbers(file, where)
    seen = np.where((sure > 0)[..., None], data[..., :3], np.float32(np.nan))
    people = np.full((*data.shape[:2], len(whole.points), seen.shape[-1]), np.nan, np.float32)
    people[:, :, places] = seen[:, :, columns]
    signer, several = one_signer(people, whole)
    hint = f"its components: {', '.join(component.name for component in file.components)}"
    points, notes = settled(signer, whole, where, missing=missing, width=float(file.width), hint=hint)
    return Landmarks(points, name, file.fps, notes=(*several_people(several, file.frames), *notes))


def _numbers(file: PoseFile, where: str) -> tuple[Floats, Floats]:
    """Coordinates [frames, people, points, dimensions] and confidences [frames, people, points]."""
    if file.first:
        return _numbers_of_first(file)
    shape = (file.frames, file.people, file.points)
    numbers = np.frombuffer(file.body, "<f4")
    split = math.prod(shape) * file.dimensions
    return numbers[:split].reshape(*shape, file.dimensions), numbers[split:].reshape(shape)


def _numbers_of_first(file: PoseFile) -> tuple[Floats, Floats]:
    """Of version 0.0: a frame is the number of people, then of each an id and their points, each with its
    confidence at its end."""
    width = file.dimensions + 1
    size = 4 * file.points * width
    rows = np.zeros((file.frames, max(1, file.people), file.points, width), np.float32)
    at = 0
    for frame in range(file.frames):
        count = int.from_bytes(file.body[at : at + 2], "little")
        at += 2
        for person in range(count):
            rows[frame, person] = np.frombuffer(file.body[at + 2 : at + 2 + size], "<f4").reshape(-1, width)
            at += 2 + size
    return rows[..., :-1], rows[..., -1]


def content(points: Floats, confidence: Floats, name: str, fps: float, size: tuple[int, int]) -> bytes:
    """The bytes of a file, version 0.2, with the points of `holistic` or `hands` as pose-format has them.

    Args:
        points: in pixels [frames, points, 3], NaN where missing.
        confidence: [frames, points], 0 where missing.
        size: width and height of the picture.
    """
    whole = layout(name)
    width, height = size
    out = [struct.pack("<fHHHH", 0.2, width, height, width, len(whole.parts))]
    for component, part in HOLISTIC.items():
        if part in whole.parts:
            out.append(_component(component, whole, part))
    out.append(struct.pack("<fIH", fps, len(points), 1))
    scaled = np.nan_to_num(points / np.array([1, 1, width], np.float32), nan=0.0)
    return b"".join((*out, scaled.astype("<f4").tobytes(), confidence.astype("<f4").tobytes()))


def _component(name: str, whole: Layout, part: str) -> bytes:
    members = whole.parts[part]
    place = {point: number for number, point in enumerate(members)}
    edges = [(place[a], place[b]) for a, b in whole.edges if a in place]
    words = [name, "XYZC"]
    points = [_foreign(whole.points[point], part) for point in members]
    header = b"".join(_text(word) for word in words)
    header += struct.pack("<HHH", len(points), len(edges), len(edges))
    limbs = b"".join(struct.pack("<HH", *edge) for edge in edges)
    return header + b"".join(map(_text, points)) + limbs + struct.pack("<HHH", 0, 128, 255) * len(edges)


def _text(word: str) -> bytes:
    return struct.pack("<H", len(word)) + word.encode()


def _foreign(point: str, part: str) -> str:
    """pose-format's name of a point: NOSE, 17, INDEX_FINGER_TIP."""
    if part == "face":
        return point.removeprefix("face_")
    word = point.removeprefix(f"{part}_").upper()
    finger = part != "body" and word.partition("_")[0] in ("INDEX", "MIDDLE", "RING")
    return word.replace("_", "_FINGER_", 1) if finger else word


def _places(components: Sequence[Component], where: str) -> tuple[str, list[int], list[int]]:
    """The layout, the columns of the file that are used, and the point of the layout that each is."""
    names = {component.name for component in components}
    known = OPENPOSE if names & OPENPOSE.keys() else HOLISTIC
    if not names & known.keys():
        there = ", ".join(sorted(names)) or "none"
        raise UserError(where, "has no component of MediaPipe's or OpenPose's", f"there are: {there}")
    hands = known is HOLISTIC and not names & {"POSE_LANDMARKS", "FACE_LANDMARKS"}
    whole = layout("openpose" if known is OPENPOSE else "hands" if hands else "holistic")
    columns, places, first = [], [], 0
    for component in components:
        if component.name in known:
            for number, place in _members(component, whole, known[component.name], where):
                columns.append(first + number)
                places.append(place)
        elif component.name != WORLD:
            raise UserError(where, f"component {component.name!r} is not one of MediaPipe's or OpenPose's")
        first += len(component.points)
    if len(set(places)) < len(places):
        raise UserError(where, "has a point twice")
    return whole.name, columns, places


def _members(component: Component, whole: Layout, part: str, where: str) -> list[tuple[int, int]]:
    """For each point of a component that the layout has: its number there, and its place in the layout."""
    members = whole.parts[part]
    if whole.name == "openpose":  # named otherwise, in OpenPose's order
        count = len(component.points)
        if part == "body" and (source := places_of_body(count)) is not None:
            return [(int(source[place]), int(place)) for place in np.flatnonzero(source >= 0)]
        if part == "body" or count != len(members):
            wanted = "25, 18, 15 or 135" if part == "body" else len(members)
            raise UserError(where, f"{component.name} has {count} points, not {wanted}")
        return list(enumerate(members))
    place = {_foreign(whole.points[point], part): point for point in members}
    if part == "face":
        place |= {str(iris): -1 for iris in IRISES}
    unknown = next((point for point in component.points if point not in place), None)
    if unknown is not None:
        raise UserError(where, f"{component.name} has a point {unknown!r}, which MediaPipe has not")
    pairs = ((number, place[point]) for number, point in enumerate(component.points))
    return [(number, point) for number, point in pairs if point >= 0]


def _parsed(data: bytes, where: str) -> PoseFile:
    """The header; the bytes after it must be as many as it says."""
    try:
        return _header(_Bytes(data), where)
    except (struct.error, UnicodeDecodeError) as error:
        hint = f"it may be truncated or damaged ({error})"
        raise UserError(where, "not a readable .pose file", hint) from error


def _header(file: "_Bytes", where: str) -> PoseFile:
    version, width, _, _, parts = file.numbers("<fHHHH")
    if round(version, 3) not in (0.0, 0.1, 0.2):
        hint = "read it with pose-format and write it again"
        raise UserError(where, f"is no .pose file of version 0.0, 0.1 or 0.2 but of {version:g}", hint)
    components = tuple(file.component() for _ in range(parts))
    if round(version, 3) == 0.0:
        return _first_header(file, width, components, where)
    first = round(version, 3) == 0.1
    fps, declared, people = file.numbers("<HHH" if first else "<fIH")
    dimensions = max((len(component.format) for component in components), default=0) - 1
    if dimensions < 2:
        raise UserError(where, "its points have no x and y")
    body = memoryview(file.data)[file.place :]
    points = sum(len(component.points) for component in components)
    frame = people * points * (dimensions + 1) * 4
    frames = len(body) // frame if first and frame else declared  # 0.1 counts them in 16 bits
    if frames % 65536 != declared % 65536 or frames * frame != len(body):
        what = f"is truncated or damaged: {len(body)} bytes for {declared} frames of {frame}"
        raise UserError(where, what)
    if not frames:
        raise UserError(where, "has no frames")
    if not frame:  # no people or no points: the file's size says nothing about its frames
        raise UserError(where, "no point is seen in any frame")
    if not 0 < fps < math.inf:
        raise UserError(where, f"has {fps:g} frames a second")
    return PoseFile(False, width, components, float(fps), frames, people, dimensions, body)


def _first_header(file: "_Bytes", width: int, components: tuple[Component, ...], where: str) -> PoseFile:
    """Of version 0.0, whose frames are walked through: each tells how many people are in it."""
    fps, frames = file.numbers("<HH")
    formats = {component.format for component in components}
    dimensions = len(next(iter(formats), "")) - 1
    if len(formats) > 1 or dimensions < 2:
        raise UserError(where, f"its points are of the formats {', '.join(sorted(formats)) or 'none'}")
    if not frames:
        raise UserError(where, "has no frames")
    if not fps:
        raise UserError(where, f"has {fps} frames a second")
    body = memoryview(file.data)[file.place :]
    person = 2 + 4 * (dimensions + 1) * sum(len(component.points) for component in components)
    most = at = 0
    for _ in range(frames):
        count = int.from_bytes(body[at : at + 2], "little")
        most, at = max(most, count), at + 2 + count * person
    if at != len(body):
        what = f"is truncated or damaged: {len(body)} bytes for {frames} frames, not {at}"
        raise UserError(where, what)
    return PoseFile(True, width, components, float(fps), frames, most, dimensions, body)


class _Bytes:
    """Bytes read from front to back."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def numbers(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(form, self.data, self.place)
        self.place += struct.calcsize(form)
        return values

    def text(self) -> str:
        (length,) = self.numbers("<H")
        return str(self.numbers(f"<{length}s")[0], "utf-8")

    def component(self) -> Component:
        name, form = self.text(), self.text()
        points, limbs, colours = self.numbers("<HHH")
        names = tuple(self.text() for _ in range(points))
        self.numbers(f"<{2 * limbs + 3 * colours}H")
        return Component(name, form, names)
