"""The signing hand is found by what is seen, and is always the right one of the points used."""

from pathlib import Path

import numpy as np
import pytest

from signkit.commands.predict.inputs import Failures, opened
from signkit.commands.predict.named import named_inputs
from signkit.config.recipe import LandmarksConfig
from signkit.data.examples import prepare_signal, used_layout
from signkit.data.layouts import is_part_of, layout, subset
from signkit.data.signing_hand import signing_hand
from signkit.errors import UserError
from signkit.types import Landmarks

TWO_HANDED = ("holistic", "signing", "hands", "openpose", "boston104", "fingerspelling", "hand_and_arm")


def hands(frames: int = 10) -> np.ndarray:
    """Both hands of the layout ``hands``, at rest: [frames, 42, 3]."""
    rest = np.random.default_rng(0).normal(size=(1, 42, 3)).astype(np.float32)
    return np.tile(rest, (frames, 1, 1))


def test_the_hand_that_is_seen_more_often_signs() -> None:
    points = hands()
    points[:, 21:] += np.random.default_rng(1).normal(size=(10, 21, 3))  # the right one moves
    points[:3, 21:] = np.nan
    assert signing_hand(points, layout("hands")) == "left"
    points[:6, :21] = np.nan
    assert signing_hand(points, layout("hands")) == "right"


@pytest.mark.parametrize(("side", "members"), [("left", slice(1, 21)), ("right", slice(22, 42))])
def test_of_two_hands_seen_about_as_often_the_one_with_moving_fingers_signs(
    side: str, members: slice
) -> None:
    points = hands()
    other = slice(21, 42) if side == "left" else slice(0, 21)
    points[:, other] += np.arange(10, dtype=np.float32)[:, None, None]  # the whole other hand moves away
    points[::2, members] += 0.1
    points[0, members] = np.nan
    points[0, members.start - 1] = np.nan
    assert signing_hand(points, layout("hands")) == side


def test_a_hand_of_one_point_signs_if_it_moves() -> None:
    points = np.zeros((4, 3, 2), np.float32)
    points[:, 0, 0] = [0, 1, 0, 1]
    assert signing_hand(points, layout("boston104")) == "left"
    assert signing_hand(points[:, [1, 0, 2]], layout("boston104")) == "right"


def test_without_evidence_it_is_the_right_hand() -> None:
    assert signing_hand(hands(1), layout("hands")) == "right"
    assert signing_hand(np.full((3, 42, 3), np.nan, np.float32), layout("hands")) == "right"


@pytest.mark.parametrize("name", [name for name in TWO_HANDED if name != "hands"])  # that becomes `hand`
def test_the_points_used_have_no_left_hand(name: str) -> None:
    both, right = (subset(layout(name), "all", which)[0] for which in ("both", "signing"))
    assert right.name == f"{name}.right_hand"
    assert right.parts.keys() == both.parts.keys() - {"left_hand", "left_arm"}
    assert {right.points[right.mirror[i]] for i in right.parts["right_hand"]} == {
        both.points[i] for i in both.parts["right_hand"]
    }
    edges = {frozenset((right.points[a], right.points[b])) for a, b in right.edges}
    left = {both.points[i] for part in ("left_hand", "left_arm") for i in both.parts.get(part, ())}
    assert edges == {
        pair for a, b in both.edges if not (pair := frozenset((both.points[a], both.points[b]))) & left
    }


def test_hand_and_arm_are_the_26_points_of_the_starter_notebook() -> None:
    used = used_layout("holistic", LandmarksConfig(points="hand_and_arm", hand="signing"))
    assert used is not None
    assert [len(used.parts[part]) for part in ("right_hand", "right_arm")] == [21, 5]
    arm = [used.points[i] for i in used.parts["right_arm"]]
    assert arm == ["right_elbow", "right_wrist", "right_pinky", "right_index", "right_thumb"]


def test_fingerspelling_has_130_points_of_which_109_are_used_with_one_hand() -> None:
    both = used_layout("holistic", LandmarksConfig(points="fingerspelling"))
    right = used_layout("holistic", LandmarksConfig(points="fingerspelling", hand="signing"))
    assert both is not None and right is not None
    assert (len(both.points), len(right.points)) == (130, 109)
    places = {name: [both.points[i] for i in both.parts[name]] for name in ("nose", "pose")}
    assert places["nose"] == ["face_1", "face_2", "face_98", "face_327"]
    assert (places["pose"][0], places["pose"][-1]) == ("left_shoulder", "right_thumb")


def left_handed() -> np.ndarray:
    """Points of the layout holistic of somebody whose right hand is never seen: [6, 543, 3]."""
    points = np.random.default_rng(2).normal(2, 1, (6, 543, 3)).astype(np.float32)
    points[:, list(layout("holistic").parts["right_hand"])] = np.nan
    return points


@pytest.mark.parametrize("origin", ["none", "frame", "clip"])
@pytest.mark.parametrize("points", ["all", "signing", "hands", "fingerspelling", "hand_and_arm"])
def test_a_left_handed_signer_is_the_mirror_image_of_a_right_handed_one(origin: str, points: str) -> None:
    """Fails if points and x are not mirrored together: both clips give the model the same."""
    left = left_handed()
    right = left[:, list(layout("holistic").mirror)]
    shoulders = np.median(left[:, 11:13, 0], 0).mean()
    right[..., 0] = 2 * shoulders - right[..., 0]
    config = LandmarksConfig(points=points, hand="signing", origin=origin)
    one, two = (
        prepare_signal(Landmarks(each, "holistic"), "holistic", 3, config, "x") for each in (left, right)
    )
    np.testing.assert_allclose(one, two, atol=1e-5)
    used = used_layout("holistic", config)
    assert used is not None
    hand = "hand" if points == "hands" else "right_hand"
    assert not np.isnan(one[:, list(used.parts[hand])]).any()


def test_a_right_handed_signer_stays_as_he_is() -> None:
    points = left_handed()[:, list(layout("holistic").mirror)]
    both, signing = (
        prepare_signal(Landmarks(points, "holistic"), "holistic", 3, LandmarksConfig(hand=hand), "x")
        for hand in ("both", "signing")
    )
    np.testing.assert_array_equal(signing, both[:, subset(layout("holistic"), "all", "signing")[1]])


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        (
            "hand",
            LandmarksConfig(hand="signing"),
            "landmarks.hand: layout 'hand' has no left and right hand to choose from; use hand: both",
        ),
        (
            "hands",
            LandmarksConfig(points="fingerspelling"),
            "landmarks.points: layout 'hands' lacks 88 points of 'fingerspelling', such as 'face_61'; "
            "use points: all",
        ),
        (
            "openpose",
            LandmarksConfig(points="hand_and_arm"),
            "landmarks.points: layout 'openpose' lacks 6 points of 'hand_and_arm', such as 'left_pinky'; "
            "use points: all",
        ),
    ],
)
def test_layouts_without_the_points_are_refused(name: str, config: LandmarksConfig, message: str) -> None:
    with pytest.raises(UserError) as error:
        used_layout(name, config)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("name", "whole", "expected"),
    [
        ("fingerspelling", "holistic", True),
        ("hand_and_arm", "fingerspelling", True),
        ("hands", "openpose", True),
        ("holistic", "holistic", True),
        ("hand", "holistic", False),
        ("holistic", "fingerspelling", False),
        ("", "holistic", False),
        ("video", "video", False),
    ],
)
def test_a_layout_with_all_points_of_another_has_it_as_a_part(name: str, whole: str, expected: bool) -> None:
    assert is_part_of(name, whole) is expected


def test_a_model_of_fewer_points_reads_a_file_of_more(tmp_path: Path) -> None:
    """As `signkit predict` opens it; a file of fewer points is refused."""
    points = left_handed()
    np.savez(tmp_path / "all.npz", landmarks=points, layout="holistic")
    np.savez(tmp_path / "hands.npz", landmarks=points[:, 501:], layout="hands")
    inputs = named_inputs([tmp_path / "all.npz"], None)
    (source,) = opened(inputs, "fingerspelling", False, Failures(stop=True))
    signal = source.load()
    assert isinstance(signal, Landmarks) and signal.layout == "fingerspelling"
    config = LandmarksConfig(hand="signing", points="hand_and_arm")
    part = prepare_signal(signal, "fingerspelling", 3, config, "x")
    whole = prepare_signal(Landmarks(points, "holistic"), "holistic", 3, config, "x")
    np.testing.assert_array_equal(part, whole)
    with pytest.raises(UserError) as error:
        opened(named_inputs([tmp_path / "hands.npz"], None), "fingerspelling", False, Failures(stop=True))
    what = "has landmarks of layout 'hands', not landmarks of layout 'fingerspelling'"
    assert str(error.value) == f"{tmp_path}/hands.npz: {what}"


@pytest.mark.parametrize("name", ["holistic", "hands"])
def test_the_points_of_one_hand_are_those_of_the_layout_hand(name: str) -> None:
    small, places = subset(layout(name), "hands", "signing")
    assert small == layout("hand")
    assert [layout(name).points[i] for i in places] == [f"right_hand_{point}" for point in small.points]
