"""Augmentation: seeded, NaN stays missing, labels follow the time map, off means untouched."""

import dataclasses

import numpy as np
import pytest

from signkit.config.recipe import AugmentConfig
from signkit.data.augment import (
    augment,
    augment_features,
    mirrored,
    nearest_frame,
    resample,
    smooth_noise,
    still,
    time_map,
)
from signkit.data.landmarks import layout

TRIAL = AugmentConfig(
    rate=0.15,
    warp=0.3,
    scale=0.1,
    rotate=0.06,
    shift=0.15,
    part_shift=0.1,
    drift=0.08,
    noise=0.02,
    freeze=0.3,
)
ALL = dataclasses.replace(TRIAL, mirror=0.5, drop_frames=0.1, drop_parts=0.3)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clip(name: str = "signing", frames: int = 90, gaps: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    random = rng(9)
    points = random.normal(size=(frames, len(layout(name).points), 3)).astype(np.float32)
    points[random.random(points.shape[:2]) < gaps] = np.nan
    return points, np.arange(frames)


def test_turned_off_it_changes_no_bit() -> None:
    points, labels = clip()
    out, out_labels = augment(points, labels, layout("signing"), AugmentConfig(), rng())
    assert out.tobytes() == points.tobytes()
    assert out_labels.tolist() == labels.tolist()
    vectors = points[:, :, 0]
    assert augment_features(vectors, labels, AugmentConfig(), rng())[0].tobytes() == vectors.tobytes()


def test_it_depends_on_the_seed_only() -> None:
    points, labels = clip()
    before = points.copy()
    one, two, other = (augment(points, labels, layout("signing"), ALL, rng(seed)) for seed in (1, 1, 2))
    assert one[0].tobytes() == two[0].tobytes()
    assert one[1].tolist() == two[1].tolist()
    assert one[0].shape != other[0].shape or not np.array_equal(one[0], other[0], equal_nan=True)
    assert np.array_equal(points, before, equal_nan=True)


@pytest.mark.parametrize("frames", [1, 2, 3, 90])
@pytest.mark.parametrize("seed", range(5))
def test_any_length_and_labels_of_the_same_length(frames: int, seed: int) -> None:
    points, labels = clip(frames=frames)
    out, out_labels = augment(points, labels, layout("signing"), ALL, rng(seed))
    assert out.dtype == np.float32 and out.shape[1:] == points.shape[1:]
    assert len(out) == len(out_labels) >= 1
    assert not np.isinf(out).any()
    assert (np.diff(out_labels) >= 0).all()


@pytest.mark.parametrize("name", ["signing", "boston104"])
def test_missing_is_what_is_missing_in_the_nearest_frame(name: str) -> None:
    points, labels = clip(name, gaps=0.3)
    out, shown = augment(points, labels, layout(name), TRIAL, rng(3))
    assert np.array_equal(np.isnan(out), np.isnan(points[shown]))


def test_resampling_is_linear_between_seen_frames() -> None:
    values = np.array([[0.0], [2.0], [np.nan], [8.0]], np.float32)
    places = np.array([0.0, 0.25, 1.0, 1.4, 1.5, 2.5, 3.0])
    assert nearest_frame(places).tolist() == [0, 0, 1, 1, 2, 3, 3]
    out = resample(values, places)[:, 0]
    assert np.array_equal(out, np.float32([0, 0.5, 2, 2, np.nan, 8, 8]), equal_nan=True)


@pytest.mark.parametrize("seed", range(20))
def test_the_time_map_covers_the_clip_and_never_goes_back(seed: int) -> None:
    places = time_map(80, TRIAL, rng(seed))
    assert (places[0], places[-1]) == (0, 79)
    assert (np.diff(places) > 0).all()
    assert 80 * np.exp(-0.3) - 1 < len(places) < 80 * np.exp(0.3) + 1


def test_warp_alone_keeps_the_number_of_frames_and_rate_alone_the_rhythm() -> None:
    assert len(time_map(80, AugmentConfig(warp=0.3), rng())) == 80
    steps = np.diff(time_map(80, AugmentConfig(rate=0.3), rng(1)))
    assert np.ptp(steps) < 1e-9 and steps[0] != 1


def test_a_clip_is_not_shortened_below_its_least() -> None:
    lengths = [len(time_map(50, AugmentConfig(rate=1.0), rng(seed), 40)) for seed in range(50)]
    assert min(lengths) == 40
    assert min(len(time_map(10, AugmentConfig(rate=1.0), rng(seed), 40)) for seed in range(50)) == 10


def test_still_spans_show_the_frame_before_them() -> None:
    for seed in range(30):
        shown = still(100, 1.0, rng(seed))
        held = shown != np.arange(100)
        assert (shown <= np.arange(100)).all() and (np.diff(shown) >= 0).all()
        assert not held[shown[held & (shown > 0)]].any()
    assert still(100, 0.0, rng()).tolist() == list(range(100))


def test_the_mirror_twice_is_the_clip() -> None:
    for name in ("holistic", "signing", "hands", "hand", "boston104"):
        points, _ = clip(name, frames=3)
        image = mirrored(points, layout(name))
        assert mirrored(image, layout(name)).tobytes() == points.tobytes()
    boston = np.array([[[-1, 2], [3, 4], [0, 0]]], np.float32)
    assert mirrored(boston, layout("boston104")).tolist() == [[[-3, 4], [1, 2], [0, 0]]]


def test_mirroring_has_its_probability() -> None:
    points, labels = clip("boston104", frames=2, gaps=0)
    one = [
        augment(points, labels, layout("boston104"), AugmentConfig(mirror=0.25), rng(s))[0]
        for s in range(400)
    ]
    share = np.mean([not np.array_equal(out, points) for out in one])
    assert share == pytest.approx(0.25, abs=0.06)


def spread(config: AugmentConfig, seeds: int = 400) -> np.ndarray:
    """What is added to a clip of zeros [seeds, frames, points, 2]."""
    zeros = np.zeros((40, 3, 2), np.float32)
    draws = (
        augment(zeros, np.zeros(40, np.int64), layout("boston104"), config, rng(s))[0] for s in range(seeds)
    )
    return np.stack(list(draws))


def test_a_shift_is_one_for_the_clip_and_a_part_shift_one_for_the_part() -> None:
    shift, part = spread(AugmentConfig(shift=0.15)), spread(AugmentConfig(part_shift=0.1))
    assert not np.ptp(shift, axis=(1, 2)).any() and shift.std() == pytest.approx(0.15, rel=0.1)
    assert not np.ptp(part, axis=1).any() and part.std() == pytest.approx(0.1, rel=0.1)
    assert abs(np.corrcoef(part[:, 0, 0, 0], part[:, 0, 1, 0])[0, 1]) < 0.2


def test_drift_wanders_smoothly_with_its_size_in_every_frame() -> None:
    drift = spread(AugmentConfig(drift=0.08))
    assert drift.std(axis=(0, 2, 3)) == pytest.approx(np.full(40, 0.08), rel=0.15)
    assert abs(np.diff(drift, axis=1)).max() < 0.08
    assert np.ptp(drift, axis=1).mean() > 0.08


def test_noise_is_independent() -> None:
    noise = spread(AugmentConfig(noise=0.02), 50)
    assert noise.std() == pytest.approx(0.02, rel=0.05)
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.05


def test_smooth_noise_has_variance_one_at_every_frame() -> None:
    noise = smooth_noise(100, 4000, rng())
    assert noise.var(1) == pytest.approx(np.ones(100), abs=0.15)


def test_rotation_keeps_lengths_and_z() -> None:
    points, labels = clip(gaps=0)
    out, _ = augment(points, labels, layout("signing"), AugmentConfig(rotate=0.5), rng(1))
    np.testing.assert_allclose(np.hypot(*out[..., :2].T), np.hypot(*points[..., :2].T), rtol=1e-5)
    assert np.array_equal(out[..., 2], points[..., 2]) and not np.allclose(out, points)


def test_scale_is_a_factor_an_axis() -> None:
    points, labels = clip(gaps=0)
    ratio = augment(points, labels, layout("signing"), AugmentConfig(scale=0.1), rng(1))[0] / points
    assert np.ptp(ratio, axis=(0, 1)).max() < 1e-6
    assert len(set(ratio[0, 0].tolist())) == 3


def test_dropped_frames_are_unseen_but_never_all() -> None:
    points, labels = clip("boston104", frames=2000, gaps=0)
    out, _ = augment(points, labels, layout("boston104"), AugmentConfig(drop_frames=0.2), rng())
    gone = np.isnan(out)
    assert gone.all((1, 2)).mean() == pytest.approx(0.2, abs=0.03)
    assert np.array_equal(gone.all((1, 2)), gone.any((1, 2)))
    out, _ = augment(points, labels, layout("boston104"), AugmentConfig(drop_frames=1.0), rng())
    assert (~np.isnan(out)).any((1, 2)).sum() == 1


def test_dropped_parts_are_whole_and_for_at_most_half_the_clip() -> None:
    points, labels = clip(gaps=0)
    for seed in range(20):
        out, _ = augment(points, labels, layout("signing"), AugmentConfig(drop_parts=1.0), rng(seed))
        for members in layout("signing").parts.values():
            gone = np.isnan(out[:, list(members)])
            assert np.array_equal(gone.any((1, 2)), gone.all((1, 2)))
            places = np.flatnonzero(gone.any((1, 2)))
            assert len(places) <= 45
            assert not len(places) or np.ptp(places) == len(places) - 1


def test_features_are_retimed_with_their_labels_and_dropped_to_zero() -> None:
    vectors = np.repeat(np.arange(1, 61, dtype=np.float32)[:, None], 2, axis=1)
    labels = np.arange(1, 61)
    out, shown = augment_features(vectors, labels, AugmentConfig(rate=0.3, warp=0.3), rng(2))
    assert np.abs(out[:, 0] - shown).max() <= 0.5 + 1e-4
    config = AugmentConfig(drop_frames=0.5, shift=9.0, mirror=1.0, drop_parts=1.0)
    out, _ = augment_features(vectors, labels, config, rng(2))
    gone = (out == 0).all(1)
    assert 15 < gone.sum() < 45
    assert np.array_equal(out[~gone], vectors[~gone])
