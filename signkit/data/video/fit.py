"""Frames of any shape at the size that a recipe wants (`video.resize`)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.config.recipe import VideoConfig
from signkit.data.video.pixels import AT_ONCE, Size, resized
from signkit.types import Clip


@dataclass(frozen=True, kw_only=True)
class AsStored(VideoConfig):
    """Frames as they are stored, for models that resize them themselves."""


def read_fitted(clip: Clip, places: npt.NDArray[np.int64], video: VideoConfig) -> npt.NDArray[np.uint8]:
    """Frames of a clip by index, uint8 [places, height, width, 3]: a square of `video.resize`, or with
    `fit: short` as long as they are.

    Raises:
        UserError: a frame cannot be decoded.
    """
    if isinstance(video, AsStored):
        return clip.read(places)
    side = video.resize
    if video.fit == "stretch" and video.interpolation == "bilinear":
        return clip.read(places, (side, side))
    first = clip.read(places[:1])
    size = fitted_size(first.shape[1:3], video)
    if len(places) == 1:
        pixels = resized(first, size, video.interpolation)
    elif video.interpolation == "bilinear":
        pixels = clip.read(places, size)
    else:
        parts = (places[start : start + AT_ONCE] for start in range(0, len(places), AT_ONCE))
        pixels = np.concatenate([resized(clip.read(part), size, video.interpolation) for part in parts])
    return on_square(pixels, side) if video.fit == "pad" else pixels


def stored_motion(clip: Clip, video: VideoConfig) -> npt.NDArray[np.uint8] | None:
    """The maps of motion that `signkit data prepare` packed with a clip, uint8 [frames, height, width, 1] of
    half the frames' size; None if there are none of the kind of `video.motion`.

    Raises:
        UserError: they are damaged.
    """
    maps_of = getattr(clip, "motion_maps", None)
    maps = maps_of(video.motion) if maps_of is not None and video.motion != "none" else None
    side = video.resize // 2  # packed frames are squares, whatever `fit` is
    return None if maps is None else resized(maps[..., None], (side, side))


def fitted_size(size: Size, video: VideoConfig) -> Size:
    """Height and width that frames are resized to, before black is added."""
    side = video.resize
    if video.fit == "stretch":
        return side, side
    if video.fit == "short":
        short = min(size)
        # Rounded down, as torchvision's and so timm's are.
        return side * size[0] // short, side * size[1] // short
    long = max(size)
    return max(1, round(side * size[0] / long)), max(1, round(side * size[1] / long))


def on_square(pixels: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Frames in the middle of a black square."""
    frames, height, width, colours = pixels.shape
    square = np.zeros((frames, side, side, colours), dtype=np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[:, top : top + height, left : left + width] = pixels
    return square
