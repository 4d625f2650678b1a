"""What training clips lose: whole fingers in windows, spans of time, a rectangle, whole parts; how often."""

import numpy as np
import pytest

from signkit.config.recipe import AugmentConfig, LandmarksConfig
from signkit.data.augment import augment
from signkit.data.augment_gaps import fingers, hidden_parts, unseen_fingers, unseen_places, unseen_spans
from signkit.data.examples import Examples
from signkit.data.landmarks import layout
from signkit.errors import UserError
from signkit.types import Landmarks, Sample

FRAMES = 100


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def spans(gone: np.ndarray) -> list[int]:
    """The lengths of the runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], gone.astype(int), [0]])))
    return (edges[1::2] - edges[::2]).tolist()


def test_the_fingers_are_four_points_each_and_no_wrist() -> None:
    assert fingers(layout("hand")).tolist() == [[1 + 4 * k + i for i in range(4)] for k in range(5)]
    both, points = fingers(layout("holistic")), layout("holistic").points
    assert [points[i] for i in both[0]] == [
        f"left_hand_thumb_{joint}" for joint in ("cmc", "mcp", "ip", "tip")
    ]
    assert [points[i] for i in both[9]] == [
        f"right_hand_pinky_{joint}" for joint in ("mcp", "pip", "dip", "tip")
    ]
    assert fingers(layout("boston104")).shape == (0, 4)


@pytest.mark.parametrize(("name", "most"), [("hands", 6), ("hand", 3)])
def test_fingers_go_whole_in_two_windows(name: str, most: int) -> None:
    of, members = layout(name), fingers(layout(name))
    counts = set()
    for seed in range(60):
        gone = unseen_fingers(FRAMES, of, rng(seed))
        assert not np.delete(gone, members.ravel(), axis=1).any()
        each = gone[:, members]
        assert np.array_equal(each.any(2), each.all(2))
        frames = each.any((1, 2))
        assert 25 <= frames.sum() <= 100 and len(spans(frames)) <= 2
        alone = np.unique(each.any(2)[frames], axis=0).sum(1)
        counts |= {int(alone.min())}
    assert counts == set(range(len(members) // 5, most + 1))


def test_spans_share_a_fifth_to_two_fifths() -> None:
    numbers = set()
    for seed in range(200):
        found = spans(unseen_spans(FRAMES, rng(seed)))
        assert sum(found) <= 40
        numbers.add(len(found))
        if len(found) == 1:
            assert found[0] >= 5
    assert numbers == {1, 2, 3, 4}
    assert not unseen_spans(1, rng()).any()


def test_a_place_is_a_rectangle_for_the_whole_clip() -> None:
    points = np.stack(np.meshgrid(np.arange(101.0), np.arange(51.0)), -1).reshape(1, -1, 2)
    points = np.repeat(points, 3, axis=0).astype(np.float32)
    points[0, 0] = np.nan
    for seed in range(30):
        gone = unseen_places(points, rng(seed))
        assert not gone[0, 0]
        assert (gone[1] == gone[2]).all()
        inside = points[1][gone[1]]
        low, high = inside.min(0), inside.max(0)
        assert (high - low <= [10, 5]).all()
        within = ((points[1] >= low) & (points[1] <= high)).all(-1)
        assert np.array_equal(within, gone[1])
    assert not unseen_places(np.full((2, 3, 2), np.nan, np.float32), rng()).any()


def test_hidden_parts_are_no_hands_and_one_is_left() -> None:
    of = layout("holistic")
    gone = hidden_parts(of, 1.0, rng())
    hands = {i for name in of.hands for i in of.parts[name]}
    assert set(np.flatnonzero(~gone).tolist()) == hands
    half = [hidden_parts(of, 0.3, rng(seed))[list(of.parts["body"])] for seed in range(1000)]
    assert np.mean([each.all() for each in half]) == pytest.approx(0.3, abs=0.05)
    assert all(each.all() == each.any() for each in half)


@pytest.mark.parametrize("key", ["drop_fingers", "drop_spans", "drop_places"])
def test_each_has_its_probability(key: str) -> None:
    """Of clips large enough that a rectangle holds a point."""
    points = rng(1).uniform(size=(FRAMES, 42, 3)).astype(np.float32)
    labels = np.arange(FRAMES)
    changed = [
        np.isnan(augment(points, labels, layout("hands"), AugmentConfig(**{key: 0.4}), rng(seed))[0]).any()
        for seed in range(300)
    ]
    assert np.mean(changed) == pytest.approx(0.4, abs=0.1)


def test_resampling_has_its_probability_and_its_factors() -> None:
    points = rng(1).normal(size=(FRAMES, 3, 2)).astype(np.float32)
    config = AugmentConfig(resample=0.8, resample_from=0.3, resample_to=2.0)
    lengths = np.array(
        [
            len(augment(points, np.arange(FRAMES), layout("boston104"), config, rng(seed))[0])
            for seed in range(500)
        ]
    )
    assert np.mean(lengths == FRAMES) == pytest.approx(0.2, abs=0.05)
    assert 30 <= lengths.min() < 40 and 190 < lengths.max() <= 200
    assert lengths[lengths != FRAMES].mean() == pytest.approx(115, abs=8)


def test_a_shear_keeps_one_axis_and_areas() -> None:
    points = np.array([[[0, 0], [1, 0], [0, 1]]], np.float32)
    kept = []
    for seed in range(40):
        out, _ = augment(points, np.arange(1), layout("boston104"), AugmentConfig(shear=0.2), rng(seed))
        ((a, b), (c, d)) = out[0, 1:].tolist()
        assert (out[0, 0] == 0).all() and a * d - b * c == pytest.approx(1)
        assert (a, d) == (1, 1) and b * c == 0 and 0 < abs(b + c) <= 0.2
        kept.append(b == 0)
    assert 8 < sum(kept) < 32


def test_fingers_need_a_hand() -> None:
    signal = Landmarks(np.zeros((4, 3, 2), np.float32), "boston104", 25.0)
    sample = Sample("a", "train", ("A",), 4, lambda: signal)
    with pytest.raises(UserError) as caught:
        Examples(
            [sample],
            layout="boston104",
            width=2,
            encode=lambda tokens: (2,),
            landmarks=LandmarksConfig(),
            augment=AugmentConfig(drop_fingers=0.5),
        )
    assert str(caught.value) == (
        "augment.drop_fingers: the layout 'boston104' has no hands of 21 points; leave it out"
    )


def test_factors_in_the_wrong_order() -> None:
    with pytest.raises(UserError, match=r"resample_from: 2.5 is more than resample_to, 2.0"):
        AugmentConfig(resample_from=2.5)
