"""Changes made to training clips of video: which frames are shown, and how; the same for all of a clip."""

import dataclasses

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float64, Int64, UInt8
from torch.nn import functional as F

from signkit.config.recipe import AugmentConfig
from signkit.data.augment import nearest_frame, still, time_map
from signkit.data.video.pixels import GREY
from signkit.errors import UserError

RESAMPLE = ("resample", "resample_from", "resample_to")
OF_VIDEO = (
    *("rate", "rescale", *RESAMPLE, "warp", "freeze", "crop", "rotate", "scale", "mirror", "colour"),
    "drop_frames",
)
"""The keys of `augment` that video knows."""
ONLY_OF_VIDEO = ("crop", "colour")

Pixels = npt.NDArray[np.uint8]


def check_kind(config: AugmentConfig, video: bool) -> None:
    """Refuse changes that the corpus's kind of signal does not know.

    Raises:
        UserError: naming the key.
    """
    wrong = [f.name for f in dataclasses.fields(config) if f.name not in OF_VIDEO] if video else ONLY_OF_VIDEO
    name = next((name for name in wrong if getattr(config, name)), None)
    if name is None:
        return
    if video:
        what, hint = "changes landmarks, and the corpus has video", f"; video knows {', '.join(OF_VIDEO)}"
    else:
        what, hint = "changes video, and the corpus has none", ""
    raise UserError(f"augment.{name}", what, f"leave it out{hint}")


def chosen_frames(
    frames: int, config: AugmentConfig, rng: np.random.Generator, least_frames: int = 1
) -> Int64[np.ndarray, " new_frames"]:
    """The frames shown, by index, never falling: rate, rescale, warp, then still spans.

    Args:
        least_frames: a clip is not shortened below this.
    """
    places = np.arange(frames)
    if config.retimes:
        places = nearest_frame(time_map(frames, config, rng, least_frames))
    if config.freeze:
        places = places[still(len(places), config.freeze, rng)]
    return places


def augment_frames(
    pixels: UInt8[np.ndarray, "frames height width 3"],
    crop: int,
    config: AugmentConfig,
    rng: np.random.Generator,
    motion: UInt8[np.ndarray, "frames half_height half_width _"] | None = None,
) -> tuple[Pixels, Pixels | None]:
    """A square of the frames, turned, mirrored, in other colours, some black; the input is not changed.

    Args:
        motion: maps of half the frames' height and width; they are returned with the same changes of place.
    """
    if config.rotate or config.scale:
        angle, size = config.rotate * rng.standard_normal(), np.exp(config.scale * rng.standard_normal(2))
        pixels = turned(pixels, angle, size)
        motion = None if motion is None else turned(motion, angle, size)
    top, left = _corner(pixels, crop, config.crop, rng)
    pixels = cut(pixels, top, left, crop)
    motion = None if motion is None else cut(motion, top // 2, left // 2, crop // 2)
    if config.mirror and rng.random() < config.mirror:
        pixels = mirrored(pixels)
        motion = None if motion is None else mirrored(motion)
    if config.colour:
        pixels = recoloured(pixels, *rng.uniform(1 - config.colour, 1 + config.colour, 3))
    if config.drop_frames:
        gone = rng.random(len(pixels)) < config.drop_frames
        gone[rng.integers(len(pixels))] = False
        pixels = np.where(gone[:, None, None, None], np.uint8(0), pixels)
    return pixels, motion


def cut(pixels: Pixels, top: int, left: int, side: int) -> Pixels:
    """A square of the frames; a view."""
    return pixels[:, top : top + side, left : left + side]


def middle_start(side: int, crop: int) -> int:
    """Where the middle of a side begins, rounded as torchvision and so timm do."""
    return round((side - crop) / 2)


def mirrored(
    pixels: UInt8[np.ndarray, "frames height width channels"],
) -> UInt8[np.ndarray, "frames height width channels"]:
    """Left and right change places."""
    whole = np.ascontiguousarray(pixels)
    flipped: Pixels = torch.flip(torch.from_numpy(whole), [2]).numpy()  # many times as fast as numpy's
    return flipped


def turned(
    pixels: UInt8[np.ndarray, "frames height width channels"], angle: float, size: Float64[np.ndarray, "2"]
) -> UInt8[np.ndarray, "frames height width channels"]:
    """The frames turned about their centre and made larger, bilinear; what was outside mirrors the inside.

    Args:
        angle: in radians, clockwise as one looks at the frames.
        size: factors of width and height.
    """
    height, width = pixels.shape[1:3]
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    # `affine_grid` gives for each place of the result where it comes from, in units of half the frame, which
    # differ where a frame is no square.
    wide, high = (float(each) for each in size)
    rows = [
        [cos / wide, sin * height / (width * wide), 0.0],
        [-sin * width / (height * high), cos / high, 0.0],
    ]
    frames = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float()
    theta = torch.tensor(rows).expand(len(frames), 2, 3)
    grid = F.affine_grid(theta, list(frames.shape), align_corners=False)
    moved = F.grid_sample(frames, grid, padding_mode="reflection", align_corners=False)
    result: Pixels = (moved + 0.5).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()
    return result


def recoloured(
    pixels: UInt8[np.ndarray, "frames height width 3"], brightness: float, contrast: float, saturation: float
) -> UInt8[np.ndarray, "frames height width 3"]:
    """Other colours: each pixel between its grey and itself (saturation), between the clip's mean grey
    and itself (contrast), and times the brightness; in one step, so that nothing is cut off in between."""
    mean = float((pixels[:, ::4, ::4].reshape(-1, 3).mean(0) * GREY).sum())
    own = np.float32(brightness * contrast * saturation)
    grey = GREY * np.float32(brightness * contrast * (1 - saturation))
    offset = np.float32(brightness * (1 - contrast) * mean + 0.5)
    changed = np.empty(pixels.shape, dtype=np.uint8)
    values = np.empty(pixels.shape[1:], dtype=np.float32)
    for frame, target in zip(pixels, changed, strict=True):  # a frame fits the cache, a clip does not
        values[...] = frame
        light = values @ grey
        light += offset
        values *= own
        for colour in range(3):
            values[..., colour] += light
        np.clip(values, 0, 255, out=values)
        target[...] = values
    return changed


def _corner(pixels: Pixels, crop: int, random: bool, rng: np.random.Generator) -> tuple[int, int]:
    height, width = pixels.shape[1:3]
    if not random:
        return middle_start(height, crop), middle_start(width, crop)
    top, left = rng.integers(0, np.array([height, width]) - crop + 1)
    return int(top), int(left)
