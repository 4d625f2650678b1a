"""How much moves at each place of each frame: a prior of attention for fingerspelling (MiCT-RANet).

Made as by the public MiCT-RANet (github.com/fmahoudeau/MiCT-RANet-ASL-FingerSpelling, test.py), without two
faults of it: there the difference between a frame and the one before is computed in 8 bits, where 0 - 1 is
255, so that hardly a frame counts as still; and the first and the last frame are averaged with a black frame
outside the clip.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float32, UInt8

from signkit.config.registry import extra_for
from signkit.data.video.pixels import GREY
from signkit.errors import UserError

STILL = 1.0
"""Mean squared difference of grey levels to the frame before up to which a frame is still."""
FARNEBACK = {
    "pyr_scale": 0.5, "levels": 3, "winsize": 15, "iterations": 3, "poly_n": 5, "poly_sigma": 1.2, "flags": 0
}  # fmt: skip
KEY = "video.motion"
How = Literal["none", "farneback", "difference"]
Grey = UInt8[np.ndarray, "_ _ _"]
Maps = Float32[np.ndarray, "_ _ _"]


def motion_maps(
    pixels: UInt8[np.ndarray, "frames height width 3"], how: How
) -> UInt8[np.ndarray, "frames half_height half_width"]:
    """A map of motion for each frame, at half its height and width, from 0 to 255.

    The motion since the frame before is scaled so that it reaches from 0 to 255 in each frame. A frame that
    is still has the map of the frame before, the first frame zeros. Maps are the means of three frames.

    Args:
        how: ``farneback``, the length of the optical flow by OpenCV, or ``difference`` of grey levels.

    Raises:
        UserError: OpenCV is not installed.
    """
    stream = MotionStream(how)
    return np.concatenate([stream.push(pixels), stream.finish()])


class MotionStream:
    """The maps of a clip whose frames come one after the other; a map is there with the frame after its own.

    Args:
        how: as in `motion_maps`.
    """

    def __init__(self, how: How) -> None:
        self._measure = _differences if how == "difference" else _flow
        self._grey: Grey | None = None  # the last frame
        self._maps = np.empty((0, 0, 0), dtype=np.float32)  # of the last two frames, the last not answered

    def push(
        self, pixels: UInt8[np.ndarray, "frames height width 3"]
    ) -> UInt8[np.ndarray, "maps half_height half_width"]:
        """The maps of the frames before the last one of these, as far as they were not returned before."""
        grey = half_grey(pixels)
        if not len(grey):
            if self._grey is None:
                self._maps = grey.astype(np.float32)
            return grey
        first = self._grey is None
        known = grey if self._grey is None else np.concatenate([self._grey, grey])
        moving = moves(known)
        maps = np.zeros(known.shape, dtype=np.float32)
        if not first:
            maps[0] = self._maps[-1]
        maps[moving] = _from_0_to_1(self._measure(known, np.flatnonzero(moving)))
        maps = maps[np.maximum.accumulate(np.where(moving, np.arange(len(known)), 0))]
        self._grey = grey[-1:]
        before = self._maps[:-1]
        return self._answered(before, maps, ended=False)

    def finish(self) -> UInt8[np.ndarray, "maps half_height half_width"]:
        """The map of the last frame; none without frames."""
        if not len(self._maps):
            return self._maps.astype(np.uint8)
        return self._answered(self._maps[:-1], self._maps[-1:], ended=True)

    def _answered(self, before: Maps, maps: Maps, ended: bool) -> UInt8[np.ndarray, "_ _ _"]:
        """Means of three of the maps, all of which but the last have both neighbours, where they exist."""
        together = np.concatenate([before, maps]) if len(before) else maps
        self._maps = together[-2:]
        means = mean_of_three(together)[len(before) :]
        return (255 * (means if ended else means[:-1]) + 0.5).astype(np.uint8)


def check_motion(how: How) -> None:
    """Refuse the optical flow without OpenCV, before anything is read.

    Raises:
        UserError: it is not installed.
    """
    if how == "farneback":
        opencv()


def opencv() -> Any:
    """OpenCV, which comes with MediaPipe.

    Raises:
        UserError: it is not installed.
    """
    try:
        with extra_for(KEY):
            import cv2
    except UserError as error:
        hint = f"{error.hint}; or take `difference`, which needs no OpenCV"
        raise UserError(error.where, error.what, hint) from error
    cv2.setNumThreads(1)  # its threads do not survive the fork of a loader's process
    return cv2


def half_grey(pixels: UInt8[np.ndarray, "frames height width 3"]) -> Grey:
    """Grey levels, averaged over 2 x 2 pixels."""
    frames, height, width = pixels.shape[0], pixels.shape[1] // 2, pixels.shape[2] // 2
    light = (pixels @ GREY)[:, : 2 * height, : 2 * width].reshape(frames, height, 2, width, 2)
    half: Grey = (light.mean((2, 4)) + 0.5).astype(np.uint8)
    return half


def moves(grey: Grey) -> Bool[np.ndarray, " frames"]:
    """Which frames differ from the one before; the first does not."""
    change = np.diff(grey.astype(np.float32), axis=0)
    return np.concatenate([[False], (change**2).sum((1, 2)) > STILL * grey.shape[1] * grey.shape[2]])


def mean_of_three(maps: Maps) -> Maps:
    """The mean of each map and its neighbours, of two at the ends."""
    total = maps.copy()
    total[1:] += maps[:-1]
    total[:-1] += maps[1:]
    count = np.full((len(maps), 1, 1), 3, dtype=np.float32)
    count[0] -= 1
    count[-1] -= 1
    means: Maps = total / count
    return means


def _differences(grey: Grey, places: npt.NDArray[np.int64]) -> Maps:
    """The absolute change of some frames."""
    change: Maps = np.abs(grey[places].astype(np.float32) - grey[places - 1])
    return change


def _flow(grey: Grey, places: npt.NDArray[np.int64]) -> Maps:
    """The length of the optical flow to some frames."""
    flow: Callable[..., Any] = opencv().calcOpticalFlowFarneback
    lengths = np.empty((len(places), *grey.shape[1:]), dtype=np.float32)
    for row, place in enumerate(places.tolist()):
        across = flow(grey[place - 1], grey[place], None, **FARNEBACK)
        np.hypot(across[..., 0], across[..., 1], out=lengths[row])
    finite: Maps = np.nan_to_num(lengths, copy=False, posinf=0)
    return finite


def _from_0_to_1(maps: Maps) -> Maps:
    """Each map from its least to its largest value; zeros where all values are the same."""
    if not maps.size:
        return maps
    least = maps.min((1, 2), keepdims=True)
    reach = maps.max((1, 2), keepdims=True) - least
    scaled: Maps = (maps - least) / np.where(reach > 0, reach, 1)
    return scaled
