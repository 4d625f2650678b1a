"""How much moves in video: the maps, and that they are changed as the pixels are."""

import sys
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from signkit.config.recipe import AugmentConfig
from signkit.data.frames_augment import augment_frames
from signkit.data.motion import MotionStream, check_motion, half_grey, mean_of_three, motion_maps, moves
from signkit.errors import UserError

Pixels = npt.NDArray[np.uint8]
HOW = ("difference", "farneback")


def square(*places: tuple[int, int], size: int = 12, side: int = 64) -> Pixels:
    """A textured square on grey ground, at a place in each frame."""
    pixels = np.full((len(places), side, side, 3), 90, np.uint8)
    texture = np.random.default_rng(0).integers(120, 250, (size, size, 3), dtype=np.uint8)
    for frame, (top, left) in zip(pixels, places, strict=True):
        frame[top : top + size, left : left + size] = texture
    return pixels


def available(how: str) -> Any:
    return pytest.importorskip("cv2") if how == "farneback" else None


def test_grey_is_averaged_over_two_by_two() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 6, 8, 3), dtype=np.uint8)
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    expected = grey.reshape(2, 3, 2, 4, 2).mean((2, 4))
    assert half_grey(pixels).shape == (2, 3, 4)
    assert np.abs(half_grey(pixels) - expected).max() <= 0.51


def test_a_frame_is_still_up_to_one_grey_level_either_way() -> None:
    """In 8 bits one level darker would be 255 lighter, and no frame would be still."""
    grey = np.full((5, 4, 4), 100, np.uint8)
    grey[1:] -= 1  # a step of 1 down: still
    grey[2:] += 1  # up: still
    grey[3:] -= 2  # a step of 2 down: not
    assert moves(grey).tolist() == [False, False, False, True, False]


def test_the_mean_is_of_the_neighbours_that_there_are() -> None:
    maps = np.array([3.0, 6.0, 9.0, 3.0], np.float32).reshape(4, 1, 1)
    assert mean_of_three(maps).ravel().tolist() == [4.5, 6.0, 6.0, 6.0]
    assert mean_of_three(maps[:1]).ravel().tolist() == [3.0]


def test_differences_by_hand() -> None:
    """Still frames have the map of the last that moved; each map goes from 0 to 1 before it is averaged."""
    pixels = np.zeros((4, 2, 4, 3), np.uint8)
    pixels[1:, :, 2:] = 100
    pixels[3:, :, :2] = 50
    # frames 1 and 2 (still): the right moved; frame 3: the left
    assert motion_maps(pixels, "difference")[:, 0].tolist() == [[0, 128], [0, 170], [85, 170], [128, 128]]


@pytest.mark.parametrize("how", HOW)
def test_it_is_where_the_square_moves(how: Any) -> None:
    available(how)
    maps = motion_maps(square((10, 8), (10, 11), (10, 14), (10, 17), (10, 20)), how)
    assert maps.shape == (5, 32, 32) and maps.dtype == np.uint8
    ys, xs = np.mgrid[:32, :32]
    for frame in range(1, 4):
        weights = maps[frame] / maps[frame].sum()
        assert abs((weights * ys).sum() - 8) < 3
        assert abs((weights * xs).sum() - (14 + 3 * frame) / 2) < 4


@pytest.mark.parametrize("how", HOW)
def test_nothing_moves(how: Any) -> None:
    available(how)
    assert not motion_maps(square((10, 8), (10, 8), (10, 8)), how).any()
    assert not motion_maps(square((10, 8)), how).any()


@pytest.mark.parametrize("how", HOW)
def test_no_frames_have_no_maps(how: Any) -> None:
    available(how)
    pixels = square((10, 8), (10, 11), (10, 14))
    assert motion_maps(pixels[:0], how).shape == (0, 32, 32)
    assert len(MotionStream(how).finish()) == 0
    stream = MotionStream(how)
    parts = [stream.push(pixels[some]) for some in (slice(0), slice(2), slice(0), slice(2, 3))]
    assert [len(part) for part in parts] == [0, 1, 0, 1]
    assert np.array_equal(np.concatenate([*parts, stream.finish()]), motion_maps(pixels, how))


def test_frames_of_one_pixel_have_maps_without_places() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (3, 1, 8, 3), dtype=np.uint8)
    assert motion_maps(pixels, "difference").shape == (3, 0, 4)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("pieces", [(1,) * 9, (4, 5), (2, 1, 6)])
def test_frames_as_they_come_have_the_maps_of_the_clip(how: Any, pieces: tuple[int, ...]) -> None:
    available(how)
    pixels = square(*[(10, 8), (10, 8), (12, 9), (14, 12), (14, 12), (14, 12), (18, 20), (20, 22), (20, 22)])
    stream, parts, start = MotionStream(how), [], 0
    for piece in pieces:
        parts.append(stream.push(pixels[start : start + piece]))
        start += piece
        assert sum(map(len, parts)) == start - 1
    assert np.array_equal(np.concatenate([*parts, stream.finish()]), motion_maps(pixels, how))


def test_the_crop_and_the_mirror_are_those_of_the_pixels() -> None:
    pixels, maps = np.zeros((2, 20, 20, 3), np.uint8), np.zeros((2, 10, 10, 2), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.mgrid[:20, :20]
    maps[..., 0], maps[..., 1] = np.mgrid[:10, :10]
    config, mirrors = AugmentConfig(crop=True, mirror=0.5), set[bool]()
    for seed in range(60):
        shown, moved = augment_frames(pixels, 14, config, np.random.default_rng(seed), maps)
        assert moved is not None and moved.shape == (2, 7, 7, 2)
        assert np.array_equal(moved[..., 0], shown[:, ::2, ::2, 0] // 2)
        # a mirrored square that begins at an odd column is half a place off
        apart = moved[..., 1].astype(int) - shown[:, ::2, ::2, 1] // 2
        assert set(np.unique(apart).tolist()) <= {0, -1}
        mirrors.add(bool(moved[0, 0, 0, 1] > moved[0, 0, 6, 1]))
    assert mirrors == {False, True}


def test_motion_is_turned_and_enlarged_with_the_frames() -> None:
    """A slope stays a slope, so at half the size it has the same values, away from the edges."""
    pixels = np.repeat((np.arange(32, dtype=np.uint8) * 4 + 60)[None, None, :, None], 32, 1).repeat(3, 3)
    half = pixels.reshape(1, 16, 2, 16, 2, 3).mean((2, 4)).astype(np.uint8)[..., :1]
    changes = []
    for seed in range(5):
        config = AugmentConfig(rotate=0.4, scale=0.1)
        shown, maps = augment_frames(pixels, 32, config, np.random.default_rng(seed), half)
        assert maps is not None
        grey = shown.reshape(1, 16, 2, 16, 2, 3).astype(float).mean((2, 4))[..., :1]
        assert np.abs(grey - maps)[:, 5:11, 5:11].max() <= 1.5
        changes.append(np.abs(maps.astype(int) - half)[:, 5:11, 5:11].max())
    assert max(changes) > 10


def test_without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said when a dataset is made, before anything is read."""
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError) as caught:
        check_motion("farneback")
    assert str(caught.value) == (
        "video.motion: needs the package mediapipe; pip install 'signkit[landmarks]'; or take `difference`, "
        "which needs no OpenCV"
    )
    check_motion("difference")
    assert len(motion_maps(square((10, 8), (10, 11)), "difference")) == 2
