"""Landmarks as people write them: zeros for missing hands, bare arrays, other keys of OpenPose, crowds."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signkit.commands.data.check import Options, check_corpus
from signkit.data.corpora import manifest
from signkit.data.corpora.configs import ManifestConfig
from signkit.data.depth import in_one_unit
from signkit.data.landmark_files import landmark_header, read_landmarks
from signkit.data.landmark_files.people import one_signer
from signkit.data.layouts import layout
from signkit.data.missing import as_missing
from signkit.errors import UserError
from signkit.types import Landmarks

HANDS, OPENPOSE = layout("hands"), layout("openpose")
PAGE = 'docs/landmarks.md, "Arrays of your own", shows how'


def read(path: Path, **options: Any) -> Landmarks:
    signal = read_landmarks(path, **options)
    assert isinstance(signal, Landmarks)
    assert (landmark_header(path).layout, landmark_header(path).width) == (
        signal.layout,
        signal.points.shape[-1],
    )
    return signal


def two_hands(frames: int = 6) -> np.ndarray:
    return np.random.default_rng(3).uniform(0.2, 0.8, (frames, 42, 3)).astype(np.float32)


def corpus(folder: Path, **arrays: np.ndarray) -> Path:
    """A manifest of clips of hands."""
    rows = "".join(f"{name},{name}.npz,HOUSE,train\n" for name in arrays)
    (folder / "manifest.csv").write_text("id,path,gloss,split\n" + rows)
    for name, points in arrays.items():
        np.savez(folder / f"{name}.npz", landmarks=points, layout="hands", fps=25.0)
    return folder


def notices(capsys: pytest.CaptureFixture[str], root: Path, *overrides: str) -> list[str]:
    assert check_corpus("manifest", Options(root=root, overrides=overrides, as_json=True)) == 0
    found: list[str] = json.loads(capsys.readouterr().out)["notices"]
    return found


def test_zeros_for_a_missing_hand_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other, whole = two_hands(), two_hands(), two_hands()
    one[2:5, 21:] = 0
    other[0, :] = 0
    root = corpus(tmp_path, whole=whole, one=one, other=other)
    hint = "a manifest reads them as not seen with `--set data.missing=zero`"
    zeros, table = "hand: all points are exactly 0 in", root / "manifest.csv"
    assert notices(capsys, root) == [
        f"right {zeros} 4 frames of 2 of 3 clips, first {table}:3; {hint}",
        f"left {zeros} 1 frames of 1 of 3 clips, first {table}:4; {hint}",
    ]
    assert notices(capsys, root, "data.missing=zero") == []
    read_as = manifest.read(ManifestConfig(root=str(root), missing="zero")).samples[1].load().points  # type: ignore[union-attr]
    assert np.isnan(read_as[2:5, 21:]).all() and np.array_equal(read_as[:, :21], one[:, :21])
    check_corpus("manifest", Options(root=root))
    assert "to look at in the landmarks:" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["minus one", "moved", "moved in each frame"])
def test_a_part_at_one_place_is_named(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-1 for missing, and zeros that a normalisation has moved."""
    points = two_hands()
    moved = np.arange(6, dtype=np.float32)[:, None, None] if place == "moved in each frame" else 0.25
    points[1:3, :21] = -1 if place == "minus one" else 0
    if place != "minus one":
        points -= moved
    root = corpus(tmp_path, one=points)
    hint = "a manifest reads them as not seen with `--set data.missing=one_place`"
    where = f"in 2 frames of 1 of 1 clips, first {root}/manifest.csv:2"
    assert notices(capsys, root) == [f"left hand: all points lie at one place {where}; {hint}"]
    assert notices(capsys, root, "data.missing=one_place") == []
    read_as = read(root / "one.npz", missing="one_place").points
    assert np.isnan(read_as[1:3, :21]).all() and not np.isnan(np.delete(read_as, [1, 2], 0)).any()


def test_single_zeros_are_missing_but_not_an_origin() -> None:
    """The wrist of hands that are given from the wrist is 0 in every frame, and was seen."""
    points = two_hands()
    points[:, 0] = 0
    points[3, :21] = 0
    points[0, 25] = 0
    points[0, 26, 0] = 0  # only x
    gone = np.isnan(as_missing(points, HANDS, "zero")).all(-1)
    expected = np.zeros((6, 42), bool)
    expected[3, :21] = expected[0, 25] = True
    assert np.array_equal(gone, expected)
    assert np.array_equal(as_missing(points, HANDS, "nan"), points)


def test_missing_hands_of_other_files(tmp_path: Path) -> None:
    """Zeros with a confidence; no part of nothing but zeros is left, of a clip of them alone nothing."""
    frames = [[body_person({"pose": 25, "hand_left": 21, "hand_right": 21})] for _ in range(3)]
    frames[1][0]["hand_left_keypoints_2d"] = [0, 0, 1] * 21
    points = read(openpose(tmp_path, frames), missing="zero").points
    assert np.isnan(points[1, list(OPENPOSE.parts["left_hand"])]).all()
    assert not np.isnan(points[0, list(OPENPOSE.parts["left_hand"])]).any()
    np.savez(tmp_path / "z.npz", landmarks=np.zeros((3, 42, 3)), layout="hands")
    assert np.isnan(read(tmp_path / "z.npz", missing="zero").points).all()


@pytest.mark.parametrize("scale", [1 / 700, 700.0])
def test_depth_of_an_unknown_unit_is_not_used(
    scale: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """x and y in pixels and z as it came, or z in millimetres beside fractions; an npz has no width."""
    points = two_hands()
    points[..., 2] = (points[..., 2] - 0.5) * scale
    np.savez(tmp_path / "a.npz", landmarks=points, layout="hands")
    signal = read(tmp_path / "a.npz")
    assert np.array_equal(signal.points[..., :2], points[..., :2]) and (signal.points[..., 2] == 0).all()
    (note,) = signal.notes
    assert note.startswith("z is in another unit than x and y (its spread is ")
    assert note.endswith(f" times {'smaller' if scale < 1 else 'larger'}) and is not used")
    root = corpus(tmp_path, a=points, b=points, c=two_hands())
    assert notices(capsys, root) == [f"2 of 3 clips, first {root}/manifest.csv:2: {note}"]


def test_depth_from_a_camera_is_counted_from_the_signer() -> None:
    points = two_hands() * 300
    far = points + np.array([0, 0, 20_000], np.float32)
    near, note = in_one_unit(far, HANDS)
    assert note == "" and abs(float(np.median(near[..., 2]))) < 1
    assert np.allclose(np.diff(near[..., 2], axis=0), np.diff(points[..., 2], axis=0), atol=0.01)
    unchanged, _ = in_one_unit(points, HANDS)
    assert unchanged is points
    flat = points.copy()
    flat[..., 2] = 7.0  # a tracker without depth
    assert in_one_unit(flat, HANDS)[0] is flat


def body_person(counts: dict[str, int], ending: str = "_2d", start: float = 100.0) -> dict[str, Any]:
    """Somebody of OpenPose's: of each part so many points; point n at (start + n, 2 n) and in depth at n."""
    person: dict[str, Any] = {"person_id": [-1]}
    for part, count in counts.items():
        rows = [
            [start + n, 2.0 * n, *([float(n)] if ending == "_3d" else []), 0.5 + n / 1000]
            for n in range(1, count + 1)
        ]
        person[f"{part}_keypoints{ending}"] = [number for row in rows for number in row]
    return person


def openpose(folder: Path, frames: list[list[dict[str, Any]]]) -> Path:
    path = folder / "op"
    path.mkdir()
    for number, people in enumerate(frames):
        file = path / f"clip_{number:012}_keypoints.json"
        file.write_text(json.dumps({"version": 1.0, "people": people}))
    return path


WHOLE = {"pose": 25, "face": 70, "hand_left": 21, "hand_right": 21}


@pytest.mark.parametrize(("ending", "width"), [("_2d", 2), ("", 2), ("_3d", 3)])
def test_keys_of_all_versions(ending: str, width: int, tmp_path: Path) -> None:
    path = openpose(tmp_path, [[], [body_person(WHOLE, ending)]])
    points = read(path).points
    assert points.shape == (2, 137, width)
    place = OPENPOSE.points.index("left_hand_thumb_cmc")
    assert points[1, place, :2].tolist() == [102, 4] and not np.isnan(points[1]).any()


def test_the_flat_points_of_a_run_with_depth(tmp_path: Path) -> None:
    """With --3d both are written; the flat ones are read if there are any, else those with depth."""
    flat, empty = body_person(WHOLE), {f"{part}_keypoints_2d": [] for part in WHOLE}
    path = openpose(tmp_path, [[{**body_person(WHOLE, "_3d", 5.0), **flat}]])
    assert read(path).points[0, 0].tolist() == [101, 2]
    (tmp_path / "b").mkdir()
    path = openpose(tmp_path / "b", [[{**empty, **body_person(WHOLE, "_3d", 5.0)}]])
    assert read(path).points.shape == (1, 137, 3)


def test_other_keys_are_named(tmp_path: Path) -> None:
    path = openpose(tmp_path, [[{"keypoints": [1, 2, 3], "score": 1}]])
    with pytest.raises(UserError) as failed:
        read_landmarks(path)
    file = "clip_000000000000_keypoints.json"
    what = "has none of OpenPose's keys, such as pose_keypoints_2d; there are: keypoints, score"
    assert str(failed.value) == f"{path}: {file} {what}"
    (path / file).write_text('{"version": 1, "persons": []}')
    with pytest.raises(UserError) as failed:
        read_landmarks(path)
    what = "is not a frame of OpenPose's: it has no `people`; there are: version, persons"
    assert str(failed.value) == f"{path / file}: {what}"


def test_a_manifest_names_the_file_of_a_folder(tmp_path: Path) -> None:
    """Whether it is the keys or the file that cannot be read."""
    path = openpose(tmp_path, [[{"keypoints": [1, 2, 3]}]])
    (tmp_path / "manifest.csv").write_text(f"id,path,gloss,split\na,{path.name},A,train\n")
    file = "clip_000000000000_keypoints.json"
    where = f"{tmp_path / 'manifest.csv'}:2: {path.name}"
    said = []
    for content in (None, '{"persons": []}', "{"):
        if content is not None:
            (path / file).write_text(content)
        with pytest.raises(UserError) as failed:
            manifest.read(ManifestConfig(root=str(tmp_path)))
        said.append(str(failed.value))
    assert said[:2] == [
        f"{where}: {file} has none of OpenPose's keys, such as pose_keypoints_2d; there are: keypoints",
        f"{where}/{file}: is not a frame of OpenPose's: it has no `people`; there are: persons",
    ]
    assert said[2].startswith(f"{where}/{file}: is not a frame of OpenPose's; it may be damaged: ")


COCO = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
    "left_wrist", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
MPI = ("", *COCO[1:14], "")
"""The top of the head and the chest are not in the layout."""


@pytest.mark.parametrize("body", [COCO, MPI], ids=["COCO", "MPI"])
def test_bodies_of_other_models(body: tuple[str, ...], tmp_path: Path) -> None:
    path = openpose(tmp_path, [[body_person({**WHOLE, "pose": len(body)})]])
    points = read(path).points[0]
    places = {name: place for place, name in enumerate(body) if name}
    for name, place in places.items():
        assert points[OPENPOSE.points.index(name)].tolist() == [101 + place, 2 * place + 2], name
    assert (~np.isnan(points[:25, 0])).sum() == len(places)


def test_body_135(tmp_path: Path) -> None:
    """A whole signer in one array; each wrist is a point of the body and of its hand."""
    points = read(openpose(tmp_path, [[body_person({"pose": 135})]])).points[0]
    places = {
        "nose": 0, "left_eye": 1, "right_ear": 4, "left_shoulder": 5, "right_wrist": 10,
        "right_hand_wrist": 10, "left_hand_wrist": 9, "right_ankle": 16, "left_big_toe": 19,
        "right_heel": 24, "left_hand_thumb_cmc": 25, "left_hand_pinky_tip": 44,
        "right_hand_thumb_cmc": 45, "face70_0": 65, "face70_69": 134,
    }  # fmt: skip
    for name, place in places.items():
        assert points[OPENPOSE.points.index(name)].tolist() == [101 + place, 2 * place + 2], name
    missing = {name for name, row in zip(OPENPOSE.points, points, strict=True) if np.isnan(row).any()}
    assert missing == {"neck", "mid_hip"}


def test_two_people_are_never_mixed(tmp_path: Path) -> None:
    """Their order changes, now one, now the other has more points, and the signer is missing for a while."""
    signer, other = body_person(WHOLE, start=100.0), body_person(WHOLE, start=900.0)
    less = {**signer, "hand_left_keypoints_2d": []}
    small = {**other, "hand_left_keypoints_2d": []}
    both = [[other, less], [less, other], [small, signer], [other], [signer, small]]
    frames = [[signer], [signer], *both] * 3
    signal = read(openpose(tmp_path, frames))
    seen = ~np.isnan(signal.points[:, 0, 0])
    assert seen.tolist() == [True, True, True, True, True, False, True] * 3
    assert set(signal.points[seen, 0, 0].tolist()) == {101.0}
    note = "several people in 12 of 21 frames: one of them is followed, see docs/landmarks.md"
    assert signal.notes == (note,)


def test_the_order_of_people_means_nothing() -> None:
    rng = np.random.default_rng(5)
    people = rng.uniform(0, 100, (1, 3, 137, 2)) + rng.normal(0, 1, (40, 3, 137, 2))
    people += np.array([0, 300, 700])[None, :, None, None]
    people[rng.random((40, 3)) < 0.3] = np.nan
    shuffled = np.stack([frame[rng.permutation(3)] for frame in people]).astype(np.float32)
    signer, several = one_signer(people.astype(np.float32), OPENPOSE)
    assert np.array_equal(one_signer(shuffled, OPENPOSE)[0], signer, equal_nan=True)
    nose = signer[:, 0, 0]
    assert several > 20 and np.nanmax(nose) - np.nanmin(nose) < 50


def test_another_place_after_a_cut() -> None:
    """Of one person in a picture at a time all is kept, and a cut to another place is followed."""
    shape = np.random.default_rng(1).uniform(0, 100, (137, 2))
    people = np.full((120, 2, 137, 2), np.nan, np.float32)
    people[:60, 0], people[60:, 1] = shape, shape + 500
    people[10:12, 1] = shape + 500
    signer, several = one_signer(people, OPENPOSE)
    assert several == 2 and not np.isnan(signer).any()
    assert np.array_equal(signer[59], people[59, 0]) and np.array_equal(signer[60], people[60, 1])


ARRAYS = {
    1662: "33 points of the pose x 4, 468 of the face x 3, 21 of each hand x 3",
    225: "33 points of the pose x 3, 21 of each hand x 3",
    1629: "543 points of the layout 'holistic' x 3",
}


@pytest.mark.parametrize("numbers", ARRAYS)
def test_a_bare_array_is_told_what_it_is(numbers: int, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((30, numbers), np.float32))
    np.savez(tmp_path / "a.npz", np.zeros((30, numbers), np.float32))
    hint = f"{numbers} numbers a frame are probably {ARRAYS[numbers]}; {PAGE}"
    for name, what in (
        ("a.npy", f"is a bare array, [30, {numbers}], which does not say its layout"),
        ("a.npz", f"no array `landmarks`; there are: arr_0 [30, {numbers}]"),
    ):
        with pytest.raises(UserError) as failed:
            landmark_header(tmp_path / name, "m.csv:2")
        assert str(failed.value) == f"m.csv:2: {what}; {hint}"


def write_objects(path: Path) -> None:
    frames = np.empty(3, object)
    for place in range(3):
        frames[place] = np.zeros((21 * (1 + place % 2), 3))
    np.savez(path, landmarks=frames, layout="hands")


def write_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps({"keypoints": [1]}))


OBJECTS = (
    "frames with different numbers of points became Python objects: give every frame all points of its "
    f"layout, NaN where one is missing; {PAGE}"
)
LOAD = f"load it and write np.savez(FILE, landmarks=array, layout=…, fps=25); {PAGE}"


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("o.npz", write_objects, f"`landmarks` holds Python objects, which are never read; {OBJECTS}"),
        (
            "k.npz",
            lambda path: np.savez(path, keypoints=np.zeros((30, 543, 3))),
            "no array `landmarks`; there are: keypoints [30, 543, 3]; write it with "
            "np.savez(FILE, landmarks=array, layout='holistic', fps=25)",
        ),
        ("n.npy", lambda path: np.save(path, np.array([{}, 1], object)),
         f"is a bare array, [2], which does not say its layout; {OBJECTS}"),
        ("p.pkl", write_pickle, f"is a pickle, which is never read, as it may run code; {LOAD}"),
        ("p.pt", write_pickle, f"is a pickle of PyTorch, which is never read, as it may run code; {LOAD}"),
        ("x.npy", write_pickle, f"is a bare array, which is not read; {LOAD}"),
        ("x.h5", write_pickle, f"is an HDF5 file, which is not read; {LOAD}"),
        (
            "q.npz",
            lambda path: np.savez(path, landmarks=np.zeros((3, 2, 42, 3)), layout="hands"),
            "`landmarks` must be [frames, points, 2 or 3], not [3, 2, 42, 3]; if the second axis is "
            "of people, write one of them",
        ),
        (
            "l.npz",
            lambda path: np.savez(path, landmarks=np.zeros((3, 21, 3)), layout="hands"),
            "layout 'hands' has 42 points but the file has 21; 21 are those of 'hand'",
        ),
    ],
)  # fmt: skip
def test_what_to_do_with_other_arrays(name: str, write: Any, message: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    with pytest.raises(UserError) as failed:
        landmark_header(tmp_path / name)
    assert str(failed.value) == f"{tmp_path / name}: {message}"


def test_a_body_alone_names_its_keys(tmp_path: Path) -> None:
    path = openpose(tmp_path, [[body_person({"pose": 25})]])
    hint = "keys that were read: pose_keypoints_2d; OpenPose writes hands with --hand"
    assert read(path).notes == (f"neither hand is seen in any frame; {hint}",)


def test_a_run_is_told_of_zeros_in_many_frames_and_of_another_z(tmp_path: Path) -> None:
    """As by `data check`, but for zeros in a few frames."""
    many, few, deep = two_hands(20), two_hands(100), two_hands(20)
    many[:, 21:] = 0
    few[7, :21] = 0
    deep[..., 2] *= 1000
    root = corpus(tmp_path, many=many, few=few, deep=deep)
    found = manifest.read(ManifestConfig(root=str(root))).notes
    where = f"{root / 'manifest.csv'}:"
    assert len(found) == 2
    assert found[0] == (
        "look at the landmarks: right hand: all points are exactly 0 in 20 frames of 1 of 3 clips, first "
        f"{where}2: many.npz; a manifest reads them as not seen with `--set data.missing=zero`"
    )
    assert found[1].startswith(
        f"look at the landmarks: 1 of 3 clips, first {where}4: deep.npz: z is in another"
    )
    assert manifest.read(ManifestConfig(root=str(root), missing="zero")).notes == found[1:]


def test_a_corpus_in_which_nothing_is_seen_is_a_fault(tmp_path: Path) -> None:
    nothing = np.full((6, 42, 3), np.nan, np.float32)
    root = corpus(tmp_path, one=nothing, two=nothing)
    expected = f"{root / 'manifest.csv'}: no point is seen in any clip: every coordinate is missing"
    with pytest.raises(UserError) as caught:
        manifest.read(ManifestConfig(root=str(root)))
    assert str(caught.value) == expected
    stock = manifest.take_stock(ManifestConfig(root=str(root)))
    assert ([*map(str, stock.faults)], stock.shared) == ([expected], ())


def test_a_corpus_without_any_hand_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = np.random.default_rng(0).random((6, 137, 2), np.float32)
    hands = [place for hand in OPENPOSE.hands for place in OPENPOSE.parts[hand]]
    points[:, hands] = np.nan
    root = corpus(tmp_path, one=points, two=points * 2)
    for name in ("one", "two"):
        with np.load(root / f"{name}.npz") as arrays:
            np.savez(root / f"{name}.npz", **{**arrays, "layout": "openpose"})
    (note,) = manifest.read(ManifestConfig(root=str(root))).notes
    assert note.startswith("none of the 2 clips shows a hand in any frame (train 2): used, ")
    assert check_corpus("manifest", Options(root=root)) == 0
    assert "no clip shows a hand: 2 (they can be used all the same)" in capsys.readouterr().out


def test_openpose_without_anybody_says_so(tmp_path: Path) -> None:
    path = openpose(tmp_path, [[], []])
    hint = "`people` is empty in every frame: OpenPose found nobody"
    assert read_landmarks(path).notes == (f"no point is seen in any frame; {hint}",)


@pytest.mark.parametrize(
    ("split", "meant"), [("Train", "train"), ("VAL", "dev"), ("validation", "dev"), ("TEST", "test")]
)
def test_other_names_of_splits(tmp_path: Path, split: str, meant: str) -> None:
    root = corpus(tmp_path, one=two_hands(), two=two_hands())
    file = root / "manifest.csv"
    file.write_text(file.read_text() + f"three,two.npz,HOUSE,{split}\n")
    with pytest.raises(UserError) as caught:
        manifest.read(ManifestConfig(root=str(root)))
    what = f"split {split!r} is none of train, dev, test; did you mean {meant}?"
    assert str(caught.value) == f"{file}:4: {what}"


def test_a_gloss_that_cannot_be_seen_is_empty(tmp_path: Path) -> None:
    root = corpus(tmp_path, one=two_hands(), two=two_hands())
    file = root / "manifest.csv"
    file.write_text(file.read_text() + "three,two.npz,\u200b \u2060,train\n", encoding="utf-8")
    with pytest.raises(UserError) as caught:
        manifest.read(ManifestConfig(root=str(root)))
    what = "the gloss is empty: it has invisible characters only, <U+200B> <U+2060>"
    assert str(caught.value) == f"{file}:4: {what}"


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_a_manifest_in_utf_16_is_named(tmp_path: Path, coding: str) -> None:
    file = corpus(tmp_path, one=two_hands()) / "manifest.csv"
    file.write_bytes(("\ufeff" + file.read_text()).encode(coding))
    with pytest.raises(UserError) as caught:
        manifest.read(ManifestConfig(root=str(tmp_path)))
    assert str(caught.value) == f"{file}: is UTF-16, not UTF-8; save the file as UTF-8"


def test_a_root_that_is_the_manifest(tmp_path: Path) -> None:
    file = corpus(tmp_path, one=two_hands()) / "manifest.csv"
    with pytest.raises(UserError) as caught:
        check_corpus("manifest", Options(root=file))
    what = f"{file} is a file; root is the folder, data.file names the manifest"
    assert str(caught.value) == f"--root: {what}; --root {tmp_path} --set data.file=manifest.csv"


def test_points_before_frames_are_named(tmp_path: Path) -> None:
    root = corpus(tmp_path, one=two_hands(7).transpose(1, 0, 2))
    with pytest.raises(UserError) as caught:
        landmark_header(root / "one.npz")
    what = "layout 'hands' has 42 points but the file has 7; frames come first: [7, 42, 3], not [42, 7, 3]"
    assert str(caught.value) == f"{root / 'one.npz'}: {what}"


@pytest.mark.parametrize("name", ["manifest.json", "manifest.jsonl", "index.csv"])
def test_a_manifest_of_another_name_is_named(tmp_path: Path, name: str) -> None:
    file = corpus(tmp_path, one=two_hands()) / "manifest.csv"
    file.rename(tmp_path / name)
    with pytest.raises(UserError) as caught:
        manifest.read(ManifestConfig(root=str(tmp_path)))
    assert str(caught.value) == f"{file}: there is no such file; there is {name}: --set data.file={name}"
    (tmp_path / name).unlink()
    with pytest.raises(UserError) as caught:
        manifest.read(ManifestConfig(root=str(tmp_path)))
    hint = "`signkit data manifest FOLDER` writes the manifest of a folder of clips"
    assert str(caught.value) == f"{file}: there is no such file; {hint}"


@pytest.mark.parametrize("column", ["label", "Word", "sign"])
def test_another_name_of_the_column_of_glosses(tmp_path: Path, column: str) -> None:
    file = corpus(tmp_path, one=two_hands()) / "manifest.csv"
    file.write_text(file.read_text().replace("gloss", column))
    with pytest.raises(UserError) as caught:
        manifest.read(ManifestConfig(root=str(tmp_path)))
    there = f"there are: id, path, {column}, split; is {column.lower()} the gloss? Then call it so"
    assert str(caught.value) == f"{file}:1: column missing: gloss; {there}"
