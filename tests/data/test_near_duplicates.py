"""Clips that are nearly those of another split: which are found, which are not, and how near they are."""

from dataclasses import replace
from pathlib import Path

import media
import numpy as np
import numpy.typing as npt
import pytest

from signkit.data.landmarks import normalise
from signkit.data.layouts import layout
from signkit.data.near_duplicates import (
    MOMENTS,
    NEAR_PICTURES,
    NEAR_POINTS,
    SIDE,
    NearDuplicate,
    near_duplicates,
    signature,
)
from signkit.data.video.array import ArrayClip
from signkit.types import Features, Landmarks, Sample, Signal, Video

HAND, HOLISTIC = layout("hand"), layout("holistic")
Points = npt.NDArray[np.float32]


def walk(seed: int, frames: int = 20, points: int = 21) -> Points:
    """Points that move, each on a way of its own."""
    rng = np.random.default_rng(seed)
    start, way = rng.normal(size=(2, 1, points, 3))
    return np.asarray(start + np.linspace(0, 1, frames)[:, None, None] * way, dtype=np.float32)


def jittered(points: Points, size: float, seed: int = 9) -> Points:
    """Noise with this root mean square distance of a point in the plane, in the clip's unit of length."""
    flat = normalise(points, HAND, "none", "clip")
    unit = float(np.nanmax(np.abs(points)) / np.nanmax(np.abs(flat)))
    noise = np.random.default_rng(seed).normal(size=points.shape) * size * unit / 2**0.5
    return np.asarray(points + noise, dtype=np.float32)


def sample(name: str, split: str, gloss: str = "A") -> Sample:
    return Sample(name, split, (gloss,), 1, lambda: hand(walk(0)), source=f"m.csv: {name}")


def hand(points: Points) -> Landmarks:
    return Landmarks(points, "hand")


def found(*clips: tuple[str, Signal], gloss: str = "A") -> list[tuple[str, str]]:
    """The ids of the pairs; a clip is called as its split, with a number."""
    samples = [sample(name, name.rstrip("0123456789"), gloss) for name, _ in clips]
    return [each.ids for each in near_duplicates(samples, [signature(signal) for _, signal in clips])]


def test_a_jittered_copy_in_another_split_is_found_with_its_distance() -> None:
    one = walk(1)
    clips = [sample("train1", "train"), sample("test1", "test")]
    (near,) = near_duplicates(clips, [signature(hand(one)), signature(hand(jittered(one, 0.01)))])
    assert near.ids == ("train1", "test1") and near.splits == ("train", "test")
    assert (
        0.01 < near.distance < 0.015
    )  # the jitter of the wrist, at which a clip is placed, moves all points
    assert str(NearDuplicate(near.ids, near.splits, near.places, 0.0104)) == (
        "m.csv: test1: test1 of test is nearly the same as train1 of train (m.csv: train1), distance 0.010"
    )


def test_the_distance_is_the_root_mean_square_of_the_points_distances() -> None:
    """By a formula of its own: of two clips of one frame, at the same place and of the same size."""
    one, other = walk(1, frames=1), walk(1, frames=1)
    other[0, 7, :2] += 0.05
    plane = [normalise(each[..., :2], HAND, "clip", "clip") for each in (one, other)]
    expected = np.sqrt(((plane[0] - plane[1]) ** 2).sum(-1).mean())
    (near,) = near_duplicates(
        [sample("a", "train"), sample("b", "dev")], [signature(hand(one)), signature(hand(other))]
    )
    assert near.distance == pytest.approx(float(expected), rel=1e-4)
    assert 0 < near.distance < NEAR_POINTS


@pytest.mark.parametrize(("size", "near"), [(0.0, True), (0.02, True), (0.05, False)])
def test_the_limit(size: float, near: bool) -> None:
    one = walk(2)
    assert bool(found(("train", hand(one)), ("test", hand(jittered(one, size))))) == near


def test_place_size_depth_and_rate_make_no_difference() -> None:
    one = walk(3, frames=40)
    moved = one[::2] * np.float32(2.5) + np.float32([10, -3, 0])
    moved[..., 2] = 0
    assert found(("train", hand(one)), ("dev", hand(moved))) == [("train", "dev")]


def test_other_clips_other_glosses_and_the_same_split_are_none() -> None:
    one = walk(4)
    assert found(("train", hand(one)), ("test", hand(walk(5)))) == []
    assert found(("train1", hand(one)), ("train2", hand(one))) == []
    clips = [sample("a", "train", "A"), sample("b", "test", "B")]
    assert near_duplicates(clips, [signature(hand(one))] * 2) == []


def test_each_clip_is_named_once_with_the_nearest_of_the_earlier_splits() -> None:
    one = walk(6)
    clips = [
        ("train1", hand(jittered(one, 0.02))),
        ("train2", hand(jittered(one, 0.005))),
        ("dev1", hand(one)),
        ("test1", hand(one)),
    ]
    assert found(*clips) == [("train2", "dev1"), ("dev1", "test1")]


def test_many_clips_as_one_by_one() -> None:
    """More than are compared at a time: each of test has its own copy in train, and no other is nearer."""
    clips = [walk(seed, frames=2) for seed in range(1100)]
    samples = [sample(f"{split}{n}", split) for split in ("train", "test") for n in range(len(clips))]
    signatures = [signature(hand(clip)) for clip in clips]
    copies = [signature(hand(jittered(clip, 0.003, seed))) for seed, clip in enumerate(clips)]
    near = near_duplicates(samples, [*signatures, *copies])
    assert [each.ids for each in near] == [(f"train{n}", f"test{n}") for n in range(len(clips))]


def test_of_a_signer_the_hands_count_and_not_a_still_face() -> None:
    one, other = walk(7, points=543), walk(7, points=543)
    swing = 0.5 * np.sin(np.arange(20) / 3)[:, None]
    for hands in HOLISTIC.hands:
        other[:, list(HOLISTIC.parts[hands]), 0] += swing.astype(np.float32)
    holistic = [("train", Landmarks(one, "holistic")), ("test", Landmarks(other, "holistic"))]
    assert found(*holistic) == []
    face = one.copy()
    face[:, list(HOLISTIC.parts["face"])] += 3
    assert found(holistic[0], ("test", Landmarks(face, "holistic"))) == [("train", "test")]


def test_gaps_are_bridged_and_a_hand_seen_rarely_does_not_count() -> None:
    one = np.repeat(walk(8, frames=1, points=543), 20, axis=0)
    left, right = (list(HOLISTIC.parts[name]) for name in HOLISTIC.hands)
    one[:, left] = np.nan
    gaps = one.copy()
    gaps[3:9, right] = np.nan
    gaps[0, left] = 0.5
    assert found(("train", Landmarks(one, "holistic")), ("test", Landmarks(gaps, "holistic"))) == [
        ("train", "test")
    ]
    gaps[:, left] = 0.5  # now it counts, and the other clip does not show it
    assert found(("train", Landmarks(one, "holistic")), ("test", Landmarks(gaps, "holistic"))) == []


def test_what_has_nothing_to_compare() -> None:
    nothing = np.full((4, 543, 3), np.nan, np.float32)
    assert signature(Landmarks(nothing, "holistic")) is None
    assert signature(hand(np.ones((4, 21, 3), np.float32))) is None
    assert signature(Features(np.ones((4, 8), np.float32))) is None
    assert signature(Video(ArrayClip(np.full((3, 20, 20, 3), 7, np.uint8), 25.0))) is None


def picture(seed: int, height: int = 64, width: int = 48) -> npt.NDArray[np.uint8]:
    """A scene of soft shapes: uint8 [1, height, width, 3]."""
    coarse = np.random.default_rng(seed).uniform(40, 200, (5, 4))
    rows, columns = (np.linspace(0, size - 1.001, n) for size, n in ((4, height), (3, width)))
    fine = np.empty((height, width))
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            a, b = int(row), int(column)
            s, t = row - a, column - b
            fine[y, x] = (1 - s) * ((1 - t) * coarse[a, b] + t * coarse[a, b + 1]) + s * (
                (1 - t) * coarse[a + 1, b] + t * coarse[a + 1, b + 1]
            )
    return np.repeat(fine.astype(np.uint8)[None, ..., None], 3, axis=-1)


def still(pixels: npt.NDArray[np.uint8]) -> Video:
    return Video(ArrayClip(pixels, 25.0))


def test_pictures() -> None:
    one = picture(1, 128, 96)
    noise = np.random.default_rng(2).integers(-6, 7, one.shape)
    brighter = np.clip(one.astype(int) + noise + 25, 0, 255).astype(np.uint8)
    halved = one[:, ::2, ::2]
    assert found(("train", still(one)), ("test1", still(brighter)), ("test2", still(halved))) == [
        ("train", "test1"),
        ("train", "test2"),
    ]
    assert found(("train", still(one)), ("test", still(picture(2, 128, 96)))) == []
    assert found(("train", still(one)), ("test", still(one[:, :, ::-1]))) == []


def test_the_gray_copy_is_the_mean_of_boxes() -> None:
    """And the distance that of standardised gray: by another formula, of sides that are multiples of 16."""
    one = picture(3)
    other = np.clip(one.astype(int) + np.random.default_rng(3).integers(0, 30, one.shape), 0, 255)
    grays = []
    for each in (one, other.astype(np.uint8)):
        boxes = each.mean(-1).reshape(SIDE, 64 // SIDE, SIDE, 48 // SIDE).mean((1, 3)) / 255
        grays.append((boxes - boxes.mean()) / (boxes.std() + 0.02))
    expected = np.sqrt(np.square(grays[0] - grays[1]).mean())
    signatures = [signature(still(one)), signature(still(other.astype(np.uint8)))]
    (near,) = near_duplicates([sample("a", "train"), sample("b", "dev")], signatures)
    assert near.distance == pytest.approx(float(expected), rel=1e-3)
    assert near.distance < NEAR_PICTURES


def test_small_pictures_and_films() -> None:
    tiny = picture(4, 9, 7)
    assert found(("train", still(tiny)), ("test", still(tiny))) == [("train", "test")]
    film = media.moving(40, 48, 32)
    assert found(("train", still(film)), ("test", still(film + np.uint8(1)))) == [("train", "test")]
    assert found(("train", still(film)), ("test", still(film[:3]))) == []


def test_moments_of_clips_of_other_lengths() -> None:
    values = signature(hand(walk(9, frames=3)))
    assert values is not None and values.values.shape == (MOMENTS * 21 * 2,)
    assert replace(values, limit=1.0).kind == ("points", "hand", (True,))


def test_a_video_that_cannot_be_read(tmp_path: Path) -> None:
    from signkit.data.video import open_clip
    from signkit.errors import UserError

    path = media.write_video(tmp_path / "a.mp4", media.moving(30))
    clip = open_clip(path)
    media.overwritten(path, 0.4, 0.9)
    with pytest.raises(UserError):
        signature(Video(clip))
