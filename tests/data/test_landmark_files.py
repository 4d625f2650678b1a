"""Files of landmarks that others wrote: the right points in the right places, and every damage named."""

import io
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import write_npz

from signkit.data.corpora import manifest
from signkit.data.corpora.configs import ManifestConfig
from signkit.data.landmark_files import is_landmarks, landmark_header, pose, read_landmarks
from signkit.data.layouts import layout
from signkit.data.npz import read_npz
from signkit.data.tracking.extract import Options, content
from signkit.data.tracking.tracker import Tracked
from signkit.errors import UserError
from signkit.types import Landmarks

HOLISTIC = layout("holistic")


def points_of(path: Path) -> np.ndarray:
    signal = read_landmarks(path)
    assert isinstance(signal, Landmarks)
    header = landmark_header(path)
    frames, _, width = signal.points.shape
    assert (header.frames, header.layout, header.width) == (frames, signal.layout, width)
    return signal.points


def refusal(path: Path) -> str:
    """The message without the path; the header's, where that is enough to see it."""
    with pytest.raises(UserError) as failed:
        read_landmarks(path)
    return str(failed.value).removeprefix(f"{path}: ")


def test_an_npz_is_read_as_ever(tmp_path: Path) -> None:
    points = np.arange(24.0).reshape(4, 3, 2)
    path = write_npz(tmp_path / "a.npz", points)
    assert np.array_equal(points_of(path), points)
    assert landmark_header(path).checksum != landmark_header(write_npz(path, points + 1)).checksum


def test_the_rate_of_files_that_do_not_say(tmp_path: Path, arrow: Any) -> None:
    points = np.ones((4, 3, 2), np.float32)
    np.savez(tmp_path / "silent.npz", landmarks=points, layout="boston104")
    parquet = save(arrow, tmp_path / "a.parquet", long_rows([1, 2]))
    silent = [tmp_path / "silent.npz", folder(tmp_path, [[person(100.0)]]), parquet]
    assert [read_landmarks(path, fps=50.0).fps for path in silent] == [50.0] * 3  # type: ignore[union-attr]
    assert [read_landmarks(path).fps for path in silent] == [25.0] * 3  # type: ignore[union-attr]
    np.savez(tmp_path / "says.npz", landmarks=points, layout="boston104", fps=12.5)
    assert read_landmarks(tmp_path / "says.npz", fps=50.0).fps == 12.5  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.npz", "there is no such file"),
        ("no.pose", "there is no such file"),
        ("no.parquet", "there is no such file"),
        ("no", "there is no such file"),
        ("a.txt", "is no npz, .pose, .parquet, nor a folder of OpenPose's JSON files"),
        ("folder.pose", "is a folder, not a file"),
        ("folder.parquet", "is a folder, not a file"),
        ("folder", "the folder has none of OpenPose's files (…_000000000000_keypoints.json)"),
    ],
)
def test_what_is_not_a_file_of_landmarks(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    for folder in ("folder", "folder.pose", "folder.parquet"):
        (tmp_path / folder).mkdir()
    assert refusal(tmp_path / name) == message
    with pytest.raises(UserError) as failed:
        landmark_header(tmp_path / name, "corpus.csv:3")
    assert str(failed.value) == f"corpus.csv:3: {message}"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.npz", True),
        ("A.POSE", True),
        ("a.parquet", True),
        ("a.parquet#12", True),
        ("a.mp4", False),
        ("a.mp4#a.parquet", True),
        ("openpose", True),
        ("frames", False),
        ("both", False),
        ("none", False),
    ],
)
def test_what_is_landmarks_and_what_video(path: str, expected: bool, tmp_path: Path) -> None:
    """A folder of frames may hold a JSON file of something else."""
    for name in ("openpose/clip_0_keypoints.json", "frames/1.png", "both/1.PNG", "both/camera.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert is_landmarks(tmp_path / path) is expected


def test_a_manifest_of_files_of_several_kinds(tmp_path: Path) -> None:
    points, sure = clip("hands")
    (tmp_path / "a.pose").write_bytes(pose.content(points, sure, "hands", 25.0, (320, 240)))
    np.savez(tmp_path / "b.npz", landmarks=points, layout=np.array("hands"))
    rows = ["id,path,gloss,split", "a,a.pose,A,train", "b,b.npz,B,test"]
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    corpus = manifest.read(ManifestConfig(root=str(tmp_path)))
    assert (corpus.layout, corpus.width, [s.frames for s in corpus.samples]) == ("hands", 3, [5, 5])
    one, two = (sample.load() for sample in corpus.samples)
    assert isinstance(one, Landmarks) and isinstance(two, Landmarks)
    np.testing.assert_allclose(one.points, two.points, rtol=1e-6)
    (tmp_path / "a.pose").write_bytes(b"")
    with pytest.raises(UserError) as failed:
        manifest.read(ManifestConfig(root=str(tmp_path)))
    where = f"{tmp_path / 'manifest.csv'}:2: a.pose"
    assert str(failed.value).startswith(f"{where}: not a readable .pose file; it may be truncated or damaged")


# --- .pose -----------------------------------------------------------------------------------------------


def clip(name: str = "holistic", frames: int = 5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    points = rng.uniform(20, 300, (frames, len(layout(name).points), 3)).astype(np.float32)
    sure = rng.uniform(0.1, 1, points.shape[:2]).astype(np.float32)
    missing = rng.random(points.shape[:2]) < 0.2
    points[missing], sure[missing] = np.nan, 0
    return points, sure


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 99), frames=st.integers(1, 4), name=st.sampled_from(["holistic", "hands"]))
def test_pose_there_and_back(
    seed: int, frames: int, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    points, sure = clip(name, frames, seed)
    path = tmp_path_factory.mktemp("pose") / "a.pose"
    path.write_bytes(pose.content(points, sure, name, 29.97, (320, 240)))
    signal = read_landmarks(path)
    assert isinstance(signal, Landmarks)
    assert (signal.layout, signal.fps) == (name, pytest.approx(29.97))
    np.testing.assert_allclose(signal.points, points, rtol=1e-6)
    assert np.array_equal(np.isnan(signal.points), np.isnan(points))


def test_pose_format_reads_what_is_written() -> None:
    package = pytest.importorskip("pose_format")
    points, sure = clip()
    found = package.Pose.read(pose.content(points, sure, "holistic", 25.0, (320, 240)))
    assert (found.body.fps, found.header.dimensions.width, found.header.dimensions.height) == (25, 320, 240)
    assert [c.name for c in found.header.components] == list(pose.HOLISTIC)
    assert found.header.components[0].points[:2] == ["NOSE", "LEFT_EYE_INNER"]
    assert found.header.components[1].points[467] == "467"
    assert found.header.components[2].points[5:10] == [
        "INDEX_FINGER_MCP",
        "INDEX_FINGER_PIP",
        "INDEX_FINGER_DIP",
        "INDEX_FINGER_TIP",
        "MIDDLE_FINGER_MCP",
    ]
    assert np.array_equal(found.body.confidence[:, 0], sure)
    expected = np.where(np.isnan(points), 0, points / np.float32([1, 1, 320]))
    assert np.array_equal(found.body.data.data[:, 0], expected.astype(np.float32))


@pytest.mark.parametrize(
    ("name", "shape", "fps", "seen"),
    [
        ("25October_2010_Monday_tagesschau-17", (86, 543, 3), 25.0, 0.9582),
        ("signer0_sample1000", (43, 543, 3), 30.0, 0.9973),
        ("sgg_essen", (73, 543, 3), 24.0, 0.3018),
    ],
)
def test_real_pose_files(
    name: str, shape: tuple[int, ...], fps: float, seen: float, real_data: Callable[[str], Path]
) -> None:
    """Every number of the file, by pose-format's own reading, at the point of its name."""
    package = pytest.importorskip("pose_format")
    path = real_data("pose_samples") / f"{name}.pose"
    signal = read_landmarks(path)
    assert isinstance(signal, Landmarks)
    assert (signal.points.shape, signal.fps, signal.layout) == (shape, fps, "holistic")
    assert points_of(path).shape == shape
    assert (~np.isnan(signal.points).any(-1)).mean() == pytest.approx(seen, abs=1e-4)
    theirs = package.Pose.read(path.read_bytes())
    data, sure = theirs.body.data.data[:, 0, :, :3], theirs.body.confidence[:, 0]
    column = 0
    for component, part in zip(theirs.header.components, pose.HOLISTIC.values(), strict=True):
        for point in component.points:
            ours = signal.points[:, HOLISTIC.points.index(our_name(point, part))]
            known = sure[:, column] > 0
            assert np.isnan(ours[~known]).all()
            expected = data[:, column] * [1, 1, theirs.header.dimensions.width]
            np.testing.assert_allclose(ours[known], expected[known], rtol=1e-5)
            column += 1


def our_name(point: str, part: str) -> str:
    word = point.lower().replace("_finger", "")
    return word if part == "body" else f"{part}_{word}"


def header(
    components: list[tuple[str, str, list[str]]], version: float = 0.2, people: int = 1, frames: int = 2,
    fps: float = 25.0,
) -> bytes:  # fmt: skip
    out = [struct.pack("<fHHHH", version, 100, 80, 100, len(components))]
    for name, form, points in components:
        out += [struct.pack("<H", len(word)) + word.encode() for word in (name, form)]
        out.append(struct.pack("<HHH", len(points), 0, 0))
        out += [struct.pack("<H", len(word)) + word.encode() for word in points]
    old = round(version, 1) == 0.1
    out.append(
        struct.pack("<HHH", int(fps), frames, people) if old else struct.pack("<fIH", fps, frames, people)
    )
    return b"".join(out)


HANDS = ("LEFT_HAND_LANDMARKS", "XYC", ["WRIST", "THUMB_TIP"])


def body(frames: int, people: int, points: int, dimensions: int, start: float = 20.0) -> bytes:
    count = frames * people * points
    numbers = np.arange(start, start + count * dimensions, dtype="<f4")
    return numbers.tobytes() + np.ones(count, "<f4").tobytes()


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "a.pose"
    path.write_bytes(content)
    return path


def test_a_file_of_one_hand_in_two_dimensions(tmp_path: Path) -> None:
    path = write(tmp_path, header([HANDS], version=0.1) + body(2, 1, 2, 2))
    points = points_of(path)
    hands = layout("hands")
    assert points.shape == (2, 42, 2)
    assert points[:, hands.points.index("left_hand_wrist")].tolist() == [[20, 21], [24, 25]]
    assert points[:, hands.points.index("left_hand_thumb_tip")].tolist() == [[22, 23], [26, 27]]
    assert (~np.isnan(points)).sum() == 8


def test_of_several_people_one_is_followed(tmp_path: Path) -> None:
    """Three frames, two people, two points: the smaller one, who has more points at first, is left."""
    small, large = [[10, 10], [12, 12]], [[60, 10], [90, 70]]
    numbers = np.array([[small, large], [large, small], [small, large]], "<f4")
    sure = np.array([[[1, 1], [1, 0]], [[1, 1], [1, 1]], [[1, 1], [1, 1]]], "<f4")
    path = write(tmp_path, header([HANDS], people=2, frames=3) + numbers.tobytes() + sure.tobytes())
    wrist = points_of(path)[:, layout("hands").points.index("left_hand_wrist")]
    assert wrist.tolist() == [[60, 10]] * 3
    note = "several people in 3 of 3 frames: one of them is followed, see docs/landmarks.md"
    assert read_landmarks(path).notes == (note,)  # type: ignore[union-attr]


def test_openpose_in_a_pose_file(tmp_path: Path) -> None:
    hand = ("hand_left_keypoints_2d", "XYC", [f"P{i}" for i in range(21)])
    path = write(tmp_path, header([hand]) + body(2, 1, 21, 2))
    points, openpose = points_of(path), layout("openpose")
    assert points.shape == (2, 137, 2)
    assert points[0, openpose.points.index("left_hand_pinky_tip")].tolist() == [60, 61]


@pytest.mark.parametrize("unit", [1.0, 0.01, 30.0])
@pytest.mark.parametrize(("factor", "shift"), [(0.01, 0.0), (1.0, 0.0), (0.01, 625.0)])
def test_depth_in_the_unit_of_x(factor: float, shift: float, unit: float, tmp_path: Path) -> None:
    """z as a fraction of the width of 100, as the file's x, and far from the signer; x in any unit."""
    hand = ("LEFT_HAND_LANDMARKS", "XYZC", ["WRIST", "THUMB_TIP", "PINKY_TIP"])
    numbers = unit * np.array([[20, 30, -4], [30, 20, 6], [40, 10, 1]], "<f4") * [1, 1, factor]
    numbers += unit * np.array([0, 0, shift])
    content = np.stack([numbers, numbers]).astype("<f4").tobytes() + np.ones(6, "<f4").tobytes()
    points = points_of(write(tmp_path, header([hand]) + content))[0]
    expected = unit * (np.array([-4, 6, 1]) - (1 if shift else 0))
    seen = points[~np.isnan(points).any(-1)]
    assert seen[:, 2] == pytest.approx(expected, rel=1e-5, abs=0.02 * unit)


def test_the_irises_and_the_world_are_left_out(tmp_path: Path) -> None:
    face = ("FACE_LANDMARKS", "XYC", ["1", "470"])
    world = ("POSE_WORLD_LANDMARKS", "XYC", ["NOSE"])
    points = points_of(write(tmp_path, header([HANDS, face, world]) + body(2, 1, 5, 2)))
    assert points.shape[1] == 543
    assert points[0, HOLISTIC.points.index("face_1")].tolist() == [24, 25]
    assert (~np.isnan(points[0])).sum() == 6


def first(components: list[tuple[str, str, list[str]]], frames: list[list[Any]], fps: int = 25) -> bytes:
    """A file of version 0.0: of each frame its people, of each the rows of all points."""
    out = [header(components, version=0.1)[:-6].replace(struct.pack("<f", 0.1), bytes(4), 1)]
    out.append(struct.pack("<HH", fps, len(frames)))
    for people in frames:
        out.append(struct.pack("<H", len(people)))
        out += [struct.pack("<h", -1) + np.array(rows, "<f4").tobytes() for rows in people]
    return b"".join(out)


def test_the_first_version_of_pose_files(tmp_path: Path) -> None:
    """Frames of nobody, of one and of two; a point with confidence 0 is missing."""
    one = [[20, 30, 1], [40, 60, 0.5]]
    other = [[1, 2, 0.5], [3, 5, 0]]
    path = write(tmp_path, first([HANDS], [[one], [], [other, one]], fps=24))
    points, hands = points_of(path), layout("hands")
    assert points[:, hands.points.index("left_hand_thumb_tip"), 0].tolist() == pytest.approx(
        [40, np.nan, 40], nan_ok=True
    )
    signal = read_landmarks(path)
    assert isinstance(signal, Landmarks)
    assert (signal.fps, len(signal.notes)) == (24.0, 1)


def test_pose_format_reads_the_first_version_alike(tmp_path: Path) -> None:
    package = pytest.importorskip("pose_format")
    content = first([HANDS], [[[[20, 30, 1], [40, 60, 0.5]]], [[[21, 31, 1], [41, 61, 0]]]])
    theirs = package.Pose.read(content).body.data.filled(np.nan)[:, 0]
    points, hands = points_of(write(tmp_path, content)), layout("hands")
    places = [hands.points.index(f"left_hand_{name}") for name in ("wrist", "thumb_tip")]
    assert np.array_equal(points[:, places], theirs.astype(np.float32), equal_nan=True)


GOOD = header([HANDS]) + body(2, 1, 2, 2)
FACE = "FACE_LANDMARKS"
ONE = body(2, 1, 1, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a readable .pose file; it may be truncated or damaged (unpack_from requires"),
        (GOOD[:40], "not a readable .pose file; it may be truncated or damaged (unpack_from requires"),
        (GOOD[:-1], "is truncated or damaged: 47 bytes for 2 frames of 24"),
        (GOOD + b"\0" * 24, "is truncated or damaged: 72 bytes for 2 frames of 24"),
        (header([HANDS], version=0.1) + body(1, 1, 2, 2), "is truncated or damaged: 24 bytes for 2 frames"),
        (header([HANDS], frames=0), "has no frames"),
        (header([HANDS], people=0), "no point is seen in any frame"),
        (header([HANDS], people=0, frames=2**31), "no point is seen in any frame"),  # not 700 GB of nothing
        (header([(*HANDS[:2], [])], frames=2**31), "no point is seen in any frame"),
        (header([HANDS], fps=0) + body(2, 1, 2, 2), "has 0 frames a second"),
        (header([HANDS], fps=float("nan")) + body(2, 1, 2, 2), "has nan frames a second"),
        (b"\x89PNG" + GOOD[4:], "is no .pose file of version 0.0, 0.1 or 0.2 but of 52816.5"),
        (header([HANDS], version=0.3), "is no .pose file of version 0.0, 0.1 or 0.2 but of 0.3; read"),
        (first([HANDS], [[]])[:-1], "is truncated or damaged: 1 bytes for 1 frames, not 2"),
        (first([HANDS], [[[[1, 2, 1]] * 2]])[:-1], "is truncated or damaged: 27 bytes for 1 frames, not 28"),
        (first([HANDS], []), "has no frames"),
        (first([HANDS], [[]], fps=0), "has 0 frames a second"),
        (first([HANDS, (FACE, "XYZC", ["1"])], [[]]), "its points are of the formats XYC, XYZC"),
        (header([]), "its points have no x and y"),
        (header([("X", "XYC", ["A"])]) + ONE, "has no component of MediaPipe's or OpenPose's; there are: X"),
        (header([HANDS, ("X", "XYC", ["A"])]) + body(2, 1, 3, 2), "component 'X' is not one of MediaPipe's"),
        (header([HANDS, HANDS]) + body(2, 1, 4, 2), "has a point twice"),
        (header([(FACE, "XYC", ["478"])]) + ONE, "FACE_LANDMARKS has a point '478', which MediaPipe has not"),
        (header([("pose_keypoints_2d", "XYC", ["Nose"])]) + ONE, "pose_keypoints_2d has 1 points, not 25"),
        (header([HANDS]).replace(b"WRIST", b"\xff" * 5), "not a readable .pose file; it may be truncated or"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)  # fmt: skip
def test_damaged_pose_files(content: bytes, message: str, tmp_path: Path) -> None:
    assert refusal(write(tmp_path, content)).startswith(message)


@settings(deadline=None)
@given(cut=st.integers(0, len(GOOD) - 1))
def test_a_pose_file_cut_anywhere_is_refused(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cut") / "a.pose"
    path.write_bytes(GOOD[:cut])
    with pytest.raises(UserError):
        landmark_header(path)


# --- OpenPose --------------------------------------------------------------------------------------------


def person(start: float, points: int = 137, body: int = 25) -> dict[str, Any]:
    """Points that go down a diagonal; only so many are seen."""
    numbers, first, found = [], 0, {}
    for place in range(137):
        numbers += [start + place, start + 2 * place, 0.5 if place < points else 0.0]
    for key, count in (("pose", body), ("face", 70), ("hand_left", 21), ("hand_right", 21)):
        found[f"{key}_keypoints_2d"] = numbers[3 * first : 3 * (first + count)]
        first += count
    return {"person_id": [-1], **found}


def folder(tmp_path: Path, frames: list[list[dict[str, Any]]], first: int = 0) -> Path:
    path = tmp_path / "clip"
    path.mkdir()
    for number, people in enumerate(frames, first):
        file = path / f"clip_{number:012}_keypoints.json"
        file.write_text(json.dumps({"version": 1.3, "people": people}))
    return path


def test_openpose_folders(tmp_path: Path) -> None:
    """In the order of the numbers; a frame without people is one in which nothing is seen."""
    path = folder(tmp_path, [[person(9.0)], [], [person(11.0)], [person(12.0, 120)]], first=8)
    points = points_of(path)
    assert points.shape == (4, 137, 2)
    assert points[0].tolist() == [[9 + i, 9 + 2 * i] for i in range(137)]
    assert np.isnan(points[1]).all()
    assert points[2, 0].tolist() == [11, 11]
    assert np.isnan(points[3, 120:]).all() and not np.isnan(points[3, :120]).any()


def test_the_signer_among_several_people(tmp_path: Path) -> None:
    """The one with more points and the taller, though somebody else has more points in one frame; where only
    somebody else is seen, nobody is."""
    small = {
        key: np.multiply(value, 0.1).tolist() for key, value in person(5.0).items() if key != "person_id"
    }
    frames = [[person(2.0, 50), small], [small, person(3.0)], [person(3.0), small], [small]]
    path = folder(tmp_path, frames)
    points = points_of(path)
    assert points[:3, 0].tolist() == [[2, 2], [3, 3], [3, 3]]
    assert np.isnan(points[0, 50:]).all() and np.isnan(points[3]).all()
    note = "several people in 3 of 4 frames: one of them is followed, see docs/landmarks.md"
    assert read_landmarks(path).notes == (note,)  # type: ignore[union-attr]


def test_missing_parts_of_openpose(tmp_path: Path) -> None:
    """OpenPose run without --face leaves its list empty."""
    one = person(9.0)
    one["face_keypoints_2d"] = []
    points, parts = points_of(folder(tmp_path, [[one]])), layout("openpose").parts
    assert np.isnan(points[0, list(parts["face"])]).all()
    assert points[0, parts["left_hand"][0]].tolist() == [9 + 95, 9 + 2 * 95]


def test_damaged_openpose_folders(tmp_path: Path) -> None:
    path = folder(tmp_path, [[person(1.0)] for _ in range(3)])
    files = sorted(path.iterdir())
    files[1].rename(path / "hidden")
    assert refusal(path) == "frame 1 is missing, after clip_000000000000_keypoints.json"
    (path / "hidden").rename(files[1])
    files[2].rename(path / "x_1_keypoints.json")
    twice = sorted([files[1].name, "x_1_keypoints.json"])
    assert refusal(path) == f"{twice[0]} and {twice[1]} are both frame 1"
    (path / "x_1_keypoints.json").unlink()
    for text, message in (
        ("", f"{files[1]}: is not a frame of OpenPose's; it may be damaged: Expecting value"),
        ("{}", f"{files[1]}: is not a frame of OpenPose's: it has no `people`; there are: none"),
        ('{"people": [3]}', f"{files[1]}: is not a frame of OpenPose's; it may be damaged"),
        ('{"people": [{"pose_keypoints_2d": ["a"]}]}', f"{files[1]}: is not a frame of OpenPose's; it may"),
    ):
        files[1].write_text(text)
        assert refusal(path).startswith(message)
    files[1].write_text(json.dumps({"people": [person(1.0, body=19)]}))
    assert refusal(path) == f"{files[1]}: pose_keypoints_2d has 19 points, not 25, 18, 15 or 135"


# --- parquet ---------------------------------------------------------------------------------------------


@pytest.fixture
def arrow() -> Iterator[Any]:
    pytest.importorskip("pyarrow")
    import pyarrow
    import pyarrow.parquet

    yield pyarrow


FAR = {"landmark_index": [500] * 543}
WORDS, INDEX = {"x_pose_12": ["a", "b"]}, "landmark_index"
LONG = "frame, type, landmark_index, x, y, z"


def long_rows(frames: list[int], skip: tuple[str, ...] = ()) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = {key: [] for key in ("frame", "type", "landmark_index", "x", "y", "z")}
    for frame in frames:
        for kind, count in (("face", 468), ("left_hand", 21), ("pose", 33), ("right_hand", 21)):
            for number in range(count):
                value = None if kind in skip else frame + number / 1000
                values = (frame, kind, number, value, value, value and number / 1000)
                for key, cell in zip(rows, values, strict=True):
                    rows[key].append(cell)
    return rows


def save(arrow: Any, path: Path, columns: dict[str, Any], **options: Any) -> Path:
    arrow.parquet.write_table(arrow.table(columns), path, **options)
    return path


def test_the_long_form(arrow: Any, tmp_path: Path) -> None:
    """Frames that are not there are empty; nulls are missing points."""
    path = save(arrow, tmp_path / "a.parquet", long_rows([19, 21], skip=("face",)))
    points = points_of(path)
    assert points.shape == (3, 543, 3)
    assert np.isnan(points[1]).all() and np.isnan(points[:, list(HOLISTIC.parts["face"])]).all()
    tip = points[2, HOLISTIC.points.index("right_hand_pinky_tip")]
    assert tip.tolist() == np.array([21.02, 21.02, 0.02], np.float32).tolist()
    assert points[0, HOLISTIC.points.index("left_shoulder"), 0] == np.float32(19.011)


def test_real_long_form(real_data: Callable[[str], Path], arrow: Any) -> None:
    """The files against a packed copy of the same sequences, which keeps part of the points in 16 bits."""
    base = real_data("isolated_asl_landmarks")
    packed = np.load(base / "landmarks.npz")["xyz"]
    index = dict(line.split(",", 1) for line in (base / "index.csv").read_text().splitlines())
    files = sorted((base / "parquet_samples").iterdir())
    assert len(files) == 6
    kept = [*HOLISTIC.parts["left_hand"], *HOLISTIC.parts["right_hand"], *HOLISTIC.parts["body"]]
    for file in files:
        points = points_of(file)
        _, _, offset, frames, *_ = index[file.stem].split(",")
        expected = packed[int(offset) : int(offset) + int(frames), : len(kept)]
        np.testing.assert_allclose(points[:, kept], expected, atol=2e-3, rtol=2e-3)


def wide(frames: int, start: float) -> dict[str, Any]:
    names = [
        (axis, kind, n) for axis in "xyz" for kind, n in (("right_hand", 0), ("pose", 12), ("face", 467))
    ]
    return {
        f"{axis}_{kind}_{n}": [start + frame + place / 10 for frame in range(frames)]
        for place, (axis, kind, n) in enumerate(names)
    }


def test_the_wide_form(arrow: Any, tmp_path: Path) -> None:
    """Two sequences in one file, across groups of rows."""
    first, second = wide(3, 100.0), wide(2, 200.0)
    columns = {key: first[key] + second[key] for key in first}
    columns |= {"frame": [0, 1, 2, 5, 6], "sequence_id": [7, 7, 7, 42, 42]}
    path = save(arrow, tmp_path / "a.parquet", columns, row_group_size=2)
    one, two = (points_of(path.with_name(f"a.parquet#{name}")) for name in (7, 42))
    wrist, shoulder = (HOLISTIC.points.index(name) for name in ("right_hand_wrist", "right_shoulder"))
    assert one.shape == (3, 543, 3) and two.shape == (2, 543, 3)
    np.testing.assert_allclose(one[:, wrist], [[100, 100.3, 100.6], [101, 101.3, 101.6], [102, 102.3, 102.6]])
    np.testing.assert_allclose(two[1, shoulder], [201.1, 201.4, 201.7])
    assert (~np.isnan(two[0])).sum() == 9
    checksums = {landmark_header(path.with_name(f"a.parquet#{name}")).checksum for name in (7, 42)}
    assert len(checksums) == 2
    hint = "name one as FILE.parquet#SEQUENCE, such as #42"
    assert refusal(path) == f"holds 2 sequences; {hint}"
    missing = path.with_name("a.parquet#8")
    assert refusal(missing) == "no sequence '8' in it; there are 2, such as 42"


def test_one_sequence_needs_no_name(arrow: Any, tmp_path: Path) -> None:
    path = save(arrow, tmp_path / "a.parquet", {**wide(2, 1.0), "frame": [0, 1], "sequence_id": [7, 7]})
    named = path.with_name("a.parquet#7")
    assert np.array_equal(points_of(path), points_of(named), equal_nan=True)


def test_ids_that_are_fractions_in_the_wide_form(arrow: Any, tmp_path: Path) -> None:
    rows = {**wide(5, 1.0), "frame": [0, 1, 0, 1, 2], "sequence_id": [7.0, 7.0, 42.0, 42.0, 42.0]}
    path = save(arrow, tmp_path / "a.parquet", rows, row_group_size=2)
    assert len(points_of(path.with_name("a.parquet#42"))) == 3
    message = "holds 2 sequences; name one as FILE.parquet#SEQUENCE, such as #42"
    assert refusal(path) == message


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1]}, f"lacks the columns {LONG}, or frame and x_right_hand_0, …; there are: a"),
        ({**wide(0, 0), "frame": []}, "has no frames"),
        ({**wide(2, 0), "frame": [0, None]}, "a row has no frame number"),
        ({**wide(2, 0), "frame": [0, 0.5]}, "a row has no frame number"),
        ({**wide(2, 0), "frame": [0, 1e300]}, "a row has no frame number"),
        ({**wide(2, 0), "frame": [-(2**62), 2**62 + 2**61]}, "a row has no frame number"),
        ({**wide(2, 0), "frame": ["a", "b"]}, "column 'frame' has no numbers but string"),
        ({**wide(2, 0), "frame": [0, 1], **WORDS}, "column 'x_pose_12' has no numbers but string"),
        ({**wide(2, 0), "frame": [3, 3]}, "has a frame twice"),
        ({**wide(2, 0), "frame": [0, 10**9]}, "its frames go from 0 to 1000000000"),
        ({**wide(2, 0), "frame": [0, 999_999]}, "its frames go from 0 to 999999"),
        ({**long_rows([0]), "x": ["a"] * 543}, "column 'x' has no numbers but string"),
        ({**long_rows([0]), "x": [[1.0]] * 543}, "column 'x' has no numbers but list<element: double>"),
        ({**long_rows([0]), INDEX: ["a"] * 543}, "column 'landmark_index' has no numbers but string"),
        ({**long_rows([0]), INDEX: [0.5] * 543}, "row 0 is point 0.5 of 'face', which MediaPipe has not"),
        ({**long_rows([0]), "type": ["foot"] * 543}, "row 0 is point 0 of 'foot', which MediaPipe has not"),
        ({**long_rows([0]), **FAR}, "row 0 is point 500 of 'face', which MediaPipe has not"),
        ({**long_rows([0, 0])}, "has a point twice in one frame"),
    ],
)  # fmt: skip
def test_damaged_parquet(columns: dict[str, Any], message: str, tmp_path: Path, arrow: Any) -> None:
    assert refusal(save(arrow, tmp_path / "a.parquet", columns)) == message


@pytest.mark.parametrize("kind", [int, float, str])
@pytest.mark.parametrize("name", ["42", "42.0"])
def test_the_long_form_with_several_sequences(kind: type, name: str, arrow: Any, tmp_path: Path) -> None:
    """Their ids may be numbers, or have become fractions in a table with gaps."""
    columns = {
        "sequence_id": [kind(number) for number in (7, 42, 7, 42)],
        "frame": [0, 0, 1, 2], "type": ["left_hand"] * 4,
        "landmark_index": [0, 0, 1, 1], "x": [1.0, 2.0, 3.0, 4.0], "y": [0.0] * 4, "z": [0.0] * 4,
    }  # fmt: skip
    save(arrow, tmp_path / "a.parquet", columns)
    points = points_of(tmp_path / f"a.parquet#{name}")
    wrist, thumb = (HOLISTIC.points.index(f"left_hand_{name}") for name in ("wrist", "thumb_cmc"))
    assert len(points) == 3 and (~np.isnan(points).any(-1)).sum() == 2
    assert (points[0, wrist, 0], points[2, thumb, 0]) == (2, 4)


def test_a_column_that_is_there_twice(arrow: Any, tmp_path: Path) -> None:
    table = arrow.Table.from_arrays([arrow.array([0]), arrow.array([0])], names=["frame", "frame"])
    arrow.parquet.write_table(table, tmp_path / "a.parquet")
    assert refusal(tmp_path / "a.parquet") == "column 'frame' is there twice"


def test_a_parquet_file_cut_short(tmp_path: Path, arrow: Any) -> None:
    path = save(arrow, tmp_path / "a.parquet", {**wide(2, 1.0), "frame": [0, 1]})
    path.write_bytes(path.read_bytes()[:-20])
    assert refusal(path).startswith("not a readable parquet file; it may be truncated or damaged (")
    (tmp_path / "b.parquet").write_bytes(b"")
    assert refusal(tmp_path / "b.parquet").startswith("not a readable parquet file; it may be truncated")
    named = tmp_path / "a.parquet#3"
    path.write_bytes(save(arrow, tmp_path / "c.parquet", {**wide(2, 1.0), "frame": [0, 1]}).read_bytes())
    assert refusal(named) == "the file has no column sequence_id; leave out the part after #"


def test_an_npz_holds_what_a_pose_file_holds(tmp_path: Path) -> None:
    """Extracted landmarks, in either format."""
    points, sure = clip()
    signals = []
    for form in ("npz", "pose"):
        path = tmp_path / f"a.{form}"
        path.write_bytes(content(Tracked(points, sure, (320, 240)), Options(format=form), 30.0))  # type: ignore[arg-type]
        signals.append(read_landmarks(path))
    npz, posed = signals
    assert isinstance(npz, Landmarks) and isinstance(posed, Landmarks)
    assert (npz.layout, npz.fps) == (posed.layout, posed.fps) == ("holistic", 30.0)
    np.testing.assert_allclose(npz.points, posed.points, rtol=1e-6)
    confidence = np.load(io.BytesIO((tmp_path / "a.npz").read_bytes()))["confidence"]
    assert np.array_equal(confidence, sure)
    assert read_npz(tmp_path / "a.npz") is not None
