"""The smaller box of a zoom, around a place of what a model is shown of a clip."""

import math

import numpy as np

from signkit.config.recipe import VideoConfig
from signkit.data.frames_augment import middle_start
from signkit.data.video.crop import Box, CroppedClip
from signkit.data.video.fit import fitted_size
from signkit.data.video.pixels import Size
from signkit.types import Clip


def shown_part(size: Size, video: VideoConfig) -> tuple[float, float, float, float]:
    """What a model is shown of frames of a height and width: left, top, width and height in their pixels.

    It is larger than the frames where these are put on a black square.
    """
    fitted = fitted_size(size, video)
    found = []
    for length, resized_to in zip(size, fitted, strict=True):
        side = video.resize if video.fit == "pad" else resized_to
        first = middle_start(side, video.crop) - (side - resized_to) // 2
        found.append((first * length / resized_to, video.crop * length / resized_to))
    (top, height), (left, width) = found
    return left, top, width, height


def zoomed_box(clip: Clip, place: tuple[float, float], video: VideoConfig, zoom: float) -> Box:
    """A smaller box around a place of what a model is shown of a clip, in pixels of the clip's own frames.

    It is a square whose side is a share of the root of the area that the model is shown, black borders not
    counted: of a square, a share of its side. Like any box it may leave the frames.

    Args:
        clip: whole, or cropped to a box.
        place: x and y of the centre, each from 0 to 1 of what the model is shown. One in a black border
            is moved into the frames.
        video: how the model is shown it.
        zoom: the share.

    Raises:
        UserError: the first frame cannot be decoded.
    """
    whole = clip.clip if isinstance(clip, CroppedClip) else clip
    height, width = whole.read(np.zeros(1, np.int64)).shape[1:3]
    x0, y0, x1, y1 = clip.box if isinstance(clip, CroppedClip) else (0, 0, width, height)
    left, top, wide, high = shown_part((y1 - y0, x1 - x0), video)
    x = min(max(x0 + left + place[0] * wide, 0.5), width - 0.5)
    y = min(max(y0 + top + place[1] * high, 0.5), height - 0.5)
    area = min(wide, x1 - x0) * min(high, y1 - y0)
    side = max(1, round(zoom * math.sqrt(area)))
    first, above = math.floor(x - side / 2 + 0.5), math.floor(y - side / 2 + 0.5)
    return first, above, first + side, above + side
