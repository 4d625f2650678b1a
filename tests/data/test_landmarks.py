"""Layouts are consistent; normalisation takes out place and size and nothing else."""

import dataclasses
import warnings

import numpy as np
import pytest

from signkit.data.landmarks import check_landmarks, layout, normalise, subset, unseen, z_scored
from signkit.data.past import Past
from signkit.errors import UserError

NAMES = (
    "holistic", "signing", "hands", "hand", "openpose", "boston104", "fingerspelling", "hand_and_arm",
)  # fmt: skip


def clip(name: str, frames: int = 12, width: int = 3, seed: int = 0, gaps: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(frames, len(layout(name).points), width)).astype(np.float32)
    points[rng.random(points.shape[:2]) < gaps] = np.nan
    return points


@pytest.mark.parametrize(
    ("name", "parts", "edges"),
    [
        ("holistic", {"body": 33, "face": 468, "left_hand": 21, "right_hand": 21}, 113),
        ("signing", {"body": 17, "face": 28, "left_hand": 21, "right_hand": 21}, 92),
        ("hands", {"left_hand": 21, "right_hand": 21}, 42),
        ("hand", {"hand": 21}, 21),
        ("openpose", {"body": 25, "face": 70, "left_hand": 21, "right_hand": 21}, 129),
        ("boston104", {"left_hand": 1, "right_hand": 1, "head": 1}, 0),
        (
            "fingerspelling",
            {
                "lips": 40, "left_hand": 21, "right_hand": 21, "nose": 4, "right_eye": 16, "left_eye": 16,
                "pose": 12,
            },
            152,
        ),
        ("hand_and_arm", {"left_hand": 21, "right_hand": 21, "left_arm": 5, "right_arm": 5}, 52),
    ],
)  # fmt: skip
def test_the_sizes(name: str, parts: dict[str, int], edges: int) -> None:
    found = layout(name)
    assert found.name == name
    assert {part: len(points) for part, points in found.parts.items()} == parts
    assert len(found.edges) == edges


@pytest.mark.parametrize("name", NAMES)
def test_a_mirrored_layout_is_the_layout(name: str) -> None:
    found = layout(name)
    mirror = found.mirror
    edges = {frozenset(edge) for edge in found.edges}
    assert {frozenset((mirror[a], mirror[b])) for a, b in found.edges} == edges
    assert {mirror[i] for i in found.root} == set(found.root)


@pytest.mark.parametrize("name", ["signing", "fingerspelling", "hand_and_arm"])
def test_every_part_of_a_small_layout_is_one_piece(name: str) -> None:
    small = layout(name)
    for members in small.parts.values():
        reached, before = {members[0]}, 0
        while len(reached) > before:
            before = len(reached)
            reached |= {i for edge in small.edges if reached & set(edge) for i in edge}
        assert reached == set(members)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left_wrist", "right_wrist"),
        ("mouth_left", "mouth_right"),
        ("left_hand_index_tip", "right_hand_index_tip"),
        ("face_263", "face_33"),
        ("face_291", "face_61"),
        ("face_386", "face_159"),
        ("face_334", "face_105"),
        ("face_454", "face_234"),
        ("face_152", "face_152"),
    ],
)
def test_known_mirror_images(left: str, right: str) -> None:
    holistic = layout("holistic")
    a, b = holistic.points.index(left), holistic.points.index(right)
    assert (holistic.mirror[a], holistic.mirror[b]) == (b, a)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left_wrist", "right_wrist"),
        ("neck", "neck"),
        ("face70_0", "face70_16"),  # ends of the jaw
        ("face70_8", "face70_8"),  # chin
        ("face70_17", "face70_26"),  # ends of the brows
        ("face70_31", "face70_35"),  # nostrils
        ("face70_36", "face70_45"),  # outer corners of the eyes
        ("face70_37", "face70_44"),  # upper lids
        ("face70_41", "face70_46"),  # lower lids
        ("face70_48", "face70_54"),  # corners of the mouth
        ("face70_55", "face70_59"),
        ("face70_57", "face70_57"),
        ("face70_60", "face70_64"),
        ("face70_65", "face70_67"),
        ("face70_68", "face70_69"),  # pupils
    ],
)
def test_known_mirror_images_of_openpose(left: str, right: str) -> None:
    openpose = layout("openpose")
    a, b = openpose.points.index(left), openpose.points.index(right)
    assert (openpose.mirror[a], openpose.mirror[b]) == (b, a)


def test_holistic_has_mediapipes_order() -> None:
    points = layout("holistic").points
    assert (points[0], points[15], points[33], points[501], points[522]) == (
        "nose",
        "left_wrist",
        "face_0",
        "left_hand_wrist",
        "right_hand_wrist",
    )
    assert layout("hand").points[8] == "index_tip"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["all", "signing", "hands"])
def test_a_subset_keeps_names_and_the_edges_inside(name: str, which: str) -> None:
    whole = layout(name)
    small, index = subset(whole, which)
    assert small.points == tuple(whole.points[i] for i in index)
    kept = {frozenset(edge) for edge in whole.edges if set(edge) <= set(index.tolist())}
    assert {frozenset((index[a], index[b])) for a, b in small.edges} == kept
    assert [index[i] for i in small.mirror] == [whole.mirror[i] for i in index]


@pytest.mark.parametrize(
    ("name", "which", "found"),
    [
        ("holistic", "signing", "signing"),
        ("signing", "hands", "hands"),
        ("hands", "signing", "hands"),
        ("hand", "hands", "hand"),
        ("openpose", "signing", "openpose"),
        ("openpose", "hands", "hands"),
        ("boston104", "signing", "boston104"),
        ("boston104", "hands", "boston104.hands"),
    ],
)
def test_the_names_of_subsets(name: str, which: str, found: str) -> None:
    assert subset(layout(name), which)[0].name == found


def test_a_layout_without_hands_has_no_hands_to_give() -> None:
    head = dataclasses.replace(layout("hand"), name="foot", parts={"foot": tuple(range(21))})
    with pytest.raises(UserError, match=r"^landmarks.points: layout 'foot' has no hands; use points: all$"):
        subset(head, "hands")


def test_an_unknown_layout_is_named_with_the_nearest() -> None:
    with pytest.raises(UserError) as error:
        layout("holistik", "a.npz")
    assert str(error.value) == "a.npz: unknown landmark layout 'holistik'; did you mean `holistic`?"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"points": ("left-hand", "nose", "nose")}, "two points have one name"),
        (
            {"parts": {"head": (0, 1)}},
            "every point is in one part, and 'nose', point 2, is not in the parts",
        ),
        (
            {"parts": {"a": (0, 1), "b": (1, 2)}},
            "every point is in one part, and 'right-hand', point 1, is 2 times in the parts",
        ),
        ({"parts": {"a": (0, 1, 3)}}, "part 'a' has 3, and the points are 0 to 2"),
        ({"parts": (0, 1, 2)}, "parts is a tuple, not a dict of indices by name"),
        ({"mirror": (0, 1)}, "mirror has 2 entries, and there are 3 points"),
        ({"mirror": (0, 1, 7)}, "mirror has 7, and the points are 0 to 2"),
        ({"mirror": (0, 1, -1)}, "mirror has -1, and the points are 0 to 2"),
        ({"mirror": [1, 0, 2]}, "mirror is a list, not a tuple"),
        ({"edges": ((0, 9),)}, "edges has 9, and the points are 0 to 2"),
        ({"edges": ((0, 1, 2),)}, r"edges or scale has \(0, 1, 2\), which is not a pair of points"),
        ({"scale": (0, 1)}, "edges or scale has 0, which is not a pair of points"),
        ({"scale": ((0, "nose"),)}, "scale has 'nose', and the points are 0 to 2"),
        ({"edges": ((0, 2),)}, "an edge leaves its part"),
        ({"mirror": (1, 2, 0)}, "the mirror is not its own inverse"),
        ({"parts": {"one": (0,), "two": (1, 2)}}, "the mirror tears a part apart"),
        ({"root": (3,)}, "root has 3, and the points are 0 to 2"),
        ({"unit": 0.0}, "the unit is not positive"),
    ],
)
def test_a_wrong_layout_is_refused(change: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=f"^layout 'boston104': {fault}$"):
        dataclasses.replace(layout("boston104"), **change)


@pytest.mark.parametrize("name", ["holistic", "signing", "hands", "hand"])
@pytest.mark.parametrize(("origin", "scale"), [("clip", "clip"), ("frame", "clip"), ("past", "past")])
def test_place_and_size_are_taken_out(name: str, origin: str, scale: str) -> None:
    points = clip(name)
    moved = points * np.float32(3.5)
    moved[..., :2] += np.float32([40, -7])
    one, two = (normalise(p, layout(name), origin, scale) for p in (points, moved))
    np.testing.assert_allclose(one, two, atol=2e-4)
    assert np.array_equal(np.isnan(one), np.isnan(points))


def test_the_shoulders_are_one_apart_around_the_origin() -> None:
    points = clip("holistic", gaps=0)
    points[:, 11], points[:, 12] = [0.7, 0.4, -0.1], [0.3, 0.4, -0.1]
    points[:, 0] = [0.5, 0.2, -0.3]
    out = normalise(points, layout("holistic"), "clip", "clip")
    np.testing.assert_allclose(out[:, 11], np.tile([0.5, 0, -0.25], (12, 1)), atol=1e-6)
    np.testing.assert_allclose(out[:, 0], np.tile([0, -0.5, -0.75], (12, 1)), atol=1e-6)


def test_boston104_is_measured_from_the_median_nose_in_units_of_fifty_pixels() -> None:
    points = np.array([[[100, 150], [200, 150], [150, 60]], [[110, 150], [200, 150], [152, 60]]], np.float32)
    out = normalise(points, layout("boston104"), "clip", "clip")
    np.testing.assert_allclose(out, (points - [151, 60]) / 50, rtol=1e-6)
    assert normalise(points, layout("boston104"), "clip", "none")[0, 2].tolist() == [-1, 0]


def test_a_frames_origin_is_the_clips_where_the_root_is_not_seen() -> None:
    points = np.zeros((3, 3, 2), np.float32)
    points[:, 2] = [[1, 1], [np.nan, 5], [3, 3]]
    out = normalise(points, layout("boston104"), "frame", "none")
    assert out[:, 0].tolist() == [[-1, -1], [-2, -2], [-3, -3]]
    assert np.isnan(out[1, 2]).all()


def test_a_clip_without_its_root_or_its_pair_falls_back_on_all_points() -> None:
    points = clip("holistic", gaps=0)
    points[:, [11, 12]] = np.nan
    out = normalise(points, layout("holistic"), "clip", "clip")
    assert np.nanmean(out[..., :2]) == pytest.approx(0, abs=1e-6)
    assert np.nanmean((out[..., :2] ** 2).sum(-1)) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(normalise(points, layout("holistic"), "frame", "clip"), out, equal_nan=True)


def test_the_past_alone_is_known() -> None:
    """The nose's mean so far; units of the shoulders' mean width so far, at first of all points' distance."""
    points = np.array([[[100, 150], [200, 150], [np.nan] * 2]] * 3, np.float32)
    points[1:, 2] = [[150, 60], [170, 62]]
    out = normalise(points, layout("boston104"), "past", "none")
    assert out[:, 0].tolist() == [[-50, 0], [-50, 90], [-60, 89]]
    points = clip("holistic", gaps=0)
    points[:, [11, 12]] = np.nan
    points[1:, 11], points[1, 12], points[2:, 12] = [0, 0, 0], [2, 0, 0], [4, 0, 0]
    out = normalise(points, layout("holistic"), "none", "past")
    sizes = points[:3, 0, 0] / out[:3, 0, 0]
    first = np.nanmean(((points[0] - np.nanmean(points[0], 0))[:, :2] ** 2).sum(-1)) ** 0.5
    assert sizes == pytest.approx([first, 2, 3], rel=1e-5)


@pytest.mark.parametrize("name", ["holistic", "boston104", "hand"])
def test_a_past_in_parts_is_the_past(name: str) -> None:
    points, past = clip(name, frames=30), Past(layout(name))
    whole = normalise(points, layout(name), "past", "past")
    parts = [
        normalise(some, layout(name), "past", "past", past) for some in np.split(points, [0, 1, 2, 9, 20])
    ]
    assert np.array_equal(np.concatenate(parts), whole, equal_nan=True)


def test_one_hand_alone_is_measured_from_its_wrist() -> None:
    points = clip("hands", gaps=0)
    points[:, :21] = np.nan
    out = normalise(points, layout("hands"), "clip", "clip")
    assert np.median(out[:, 21, :2], axis=0) == pytest.approx([0, 0], abs=1e-6)
    palm = np.linalg.norm(out[:, 21, :2] - out[:, 30, :2], axis=-1)
    assert np.median(palm) == pytest.approx(1, abs=1e-5)


def test_points_in_one_place_are_not_divided_by_nothing() -> None:
    points = np.full((2, 21, 2), 4, np.float32)
    assert not normalise(points, layout("hand"), "clip", "clip").any()


@pytest.mark.parametrize("scale", ["frame", "part"])
def test_z_scores_of_frames_and_of_parts(scale: str) -> None:
    """Each coordinate of the seen points has the mean 0 and the deviation 1; a hand of one point is at 0."""
    of = layout("hands")
    points = np.random.default_rng(1).normal(5, 3, size=(4, 42, 3)).astype(np.float32)
    points[1, :21], points[2, 1:21] = np.nan, np.nan
    out = z_scored(points, of, scale)  # type: ignore[arg-type]
    assert np.array_equal(np.isnan(out), np.isnan(points))
    groups = [[*range(42)]] if scale == "frame" else [[*part] for part in of.parts.values()]
    for frame in range(4):
        for group in groups:
            seen = out[frame, group][~np.isnan(out[frame, group, 0])]
            if len(seen) > 1:
                assert seen.mean(0) == pytest.approx([0, 0, 0], abs=1e-5)
                assert seen.std(0) == pytest.approx([1, 1, 1], abs=1e-4)
    if scale == "part":
        assert (out[2, 0] == 0).all()
    assert z_scored(points, of, "clip") is points


def test_nothing_asked_nothing_changed() -> None:
    points = clip("holistic")
    assert np.array_equal(normalise(points, layout("holistic"), "none", "none"), points, equal_nan=True)


def bad(name: str = "boston104", frames: int = 3, count: int | None = None, width: int = 2) -> np.ndarray:
    return np.zeros((frames, len(layout(name).points) if count is None else count, width), np.float32)


def faulty(fault: str) -> np.ndarray:
    points = bad()
    if fault == "infinite":
        points[1, 2, 0] = np.inf
    elif fault == "unseen":
        points[..., 1] = np.nan
    elif fault == "no hands":
        points[:, :2] = np.nan
    return points


@pytest.mark.parametrize(
    ("name", "points", "message"),
    [
        ("holistic", bad(count=42), "layout 'holistic' has 543 points but the file has 42"),
        ("boston104", bad(width=4), "a point has 2 or 3 coordinates, not 4"),
        ("boston104", bad(frames=0), "has no frames"),
        ("boston104", faulty("infinite"), "point 'nose' is infinite in frame 1"),
    ],
)
def test_unusable_landmarks_are_refused(name: str, points: np.ndarray, message: str) -> None:
    with pytest.raises(UserError) as error:
        check_landmarks(points, layout(name), "clips/a.npz")
    assert str(error.value) == f"clips/a.npz: {message}"


def test_a_clip_that_shows_no_hand_can_be_used() -> None:
    whole = layout("boston104")
    for name, what in (
        ("unseen", "no point is seen in any frame"), ("no hands", "neither hand is seen in any frame"),
    ):  # fmt: skip
        points = faulty(name)
        check_landmarks(points, whole, "a.npz")
        assert unseen(points, whole) == what
    one = faulty("unseen")
    one[1, 0] = 3
    assert unseen(one, whole) == ""


@pytest.mark.parametrize("origin", ["none", "clip", "frame"])
def test_where_nothing_is_seen_nothing_is_normalised(origin: str) -> None:
    points = np.full((4, 3, 2), np.nan, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = normalise(points, layout("boston104"), origin, "clip")
    assert out.shape == (4, 3, 2) and np.isnan(out).all()


def test_gaps_are_no_fault() -> None:
    points = clip("holistic")
    points[:, 522:] = np.nan
    check_landmarks(points, layout("holistic"), "a.npz")
