"""The box of a zoom: around a place of what the model is shown, in pixels of the whole frames."""

import numpy as np
import pytest

from signkit.config.recipe import VideoConfig
from signkit.data.video.array import ArrayClip
from signkit.data.video.crop import Box, CroppedClip
from signkit.data.video.fit import read_fitted
from signkit.data.video.zoom import shown_part, zoomed_box
from signkit.types import Clip

SQUARE = VideoConfig(resize=32, crop=32)


def black(height: int, width: int) -> Clip:
    return ArrayClip(np.zeros((2, height, width, 3), np.uint8), 25.0)


@pytest.mark.parametrize(
    ("video", "part"),
    [
        (VideoConfig(resize=32, crop=32), (0, 0, 160, 90)),
        (VideoConfig(resize=40, crop=30), (20, 11.25, 120, 67.5)),
        (VideoConfig(resize=32, crop=32, fit="pad"), (0, -35, 160, 160)),
        (VideoConfig(resize=36, crop=36, fit="short"), (35, 0, 90, 90)),
        (VideoConfig(resize=36, crop=20, fit="short"), (55, 20, 50, 50)),
    ],
)
def test_what_is_shown(video: VideoConfig, part: tuple[float, ...]) -> None:
    assert shown_part((90, 160), video) == part


@pytest.mark.parametrize("fit", ["stretch", "pad", "short"])
def test_what_is_shown_is_what_is_read(fit: str) -> None:
    """A bright point of a frame is where the part that is shown says it is."""
    pixels = np.zeros((1, 60, 100, 3), np.uint8)
    pixels[:, 20:24, 48:52] = 255
    video = VideoConfig(resize=40, crop=32, fit=fit)  # type: ignore[arg-type]
    seen = read_fitted(ArrayClip(pixels, 25.0), np.zeros(1, np.int64), video)[0, ..., 0].astype(float)
    top, left = ((side - 32) // 2 for side in seen.shape)
    seen = seen[top : top + 32, left : left + 32]
    y, x = np.mgrid[:32, :32] + 0.5
    first, above, wide, high = shown_part((60, 100), video)
    assert first + (x * seen).sum() / seen.sum() / 32 * wide == pytest.approx(50, abs=0.5)
    assert above + (y * seen).sum() / seen.sum() / 32 * high == pytest.approx(22, abs=0.5)


@pytest.mark.parametrize(
    ("size", "place", "video", "zoom", "box"),
    [
        ((100, 100), (0.5, 0.25), SQUARE, 0.5, (25, 0, 75, 50)),
        ((100, 100), (0.05, 0.5), SQUARE, 0.5, (-20, 25, 30, 75)),
        ((90, 160), (0.5, 0.5), SQUARE, 0.5, (50, 15, 110, 75)),
        ((90, 160), (0.5, 0.01), VideoConfig(resize=32, crop=32, fit="pad"), 0.5, (50, -29, 110, 31)),
        ((100, 100), (0.5, 0.5), VideoConfig(resize=40, crop=20), 0.5, (38, 38, 63, 63)),
        ((8, 8), (1, 1), SQUARE, 0.05, (7, 7, 8, 8)),
    ],
)
def test_a_square_around_the_place(
    size: tuple[int, int], place: tuple[float, float], video: VideoConfig, zoom: float, box: Box
) -> None:
    """Also of frames that are none: its side is a share of the root of their area."""
    assert zoomed_box(black(*size), place, video, zoom) == box


def test_a_box_in_a_box() -> None:
    clip = CroppedClip(black(100, 200), (60, -10, 140, 70), "x")
    assert zoomed_box(clip, (0.25, 0.75), SQUARE, 0.5) == (60, 30, 100, 70)
    # One whose middle would be in the black border above the frames is moved into them.
    assert zoomed_box(clip, (0.5, 0.0), SQUARE, 0.5) == (80, -19, 120, 21)
