"""Changes made to training clips: in time, in place and size, in what is seen.

Applied to normalised landmarks, whose origin is the signer. NaN stays missing. The order is: time
(rate, rescale, resample, warp, freeze), mirror, scale, shear, rotation, displacements, noise, then what is
not seen: frames, parts, and `signkit.data.augment_gaps`.
Sizes are those of a trial on real signing (this project, docs/data.md).
"""

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32, Float64, Int64

from signkit.config.recipe import AugmentConfig
from signkit.data.augment_gaps import gaps
from signkit.data.layouts import Layout

SPACING = 16
"""Frames between the independent values of anything smooth in time."""
STRETCH = 32
"""Frames for each of which one still span may be drawn."""
LONGEST_STILL = 8

Array = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def augment(
    points: Float32[np.ndarray, "frames points coordinates"],
    frame_labels: Int64[np.ndarray, " frames"],
    layout: Layout,
    config: AugmentConfig,
    rng: np.random.Generator,
    least_frames: int = 1,
) -> tuple[Float32[np.ndarray, "new_frames points coordinates"], Int64[np.ndarray, " new_frames"]]:
    """Changed landmarks, and the labels of their frames. With nothing turned on: the very same.

    Args:
        points: normalised landmarks, NaN where missing; not changed in place.
        frame_labels: the token signed in each frame.
        least_frames: a clip is not shortened below this.
    """
    points, frame_labels = _retimed(points, frame_labels, config, rng, least_frames)
    if config.mirror and rng.random() < config.mirror:
        points = mirrored(points, layout)
    points = _resized(points, config, rng)
    points = _displaced(points, layout, config, rng)
    points = _added_noise(points, config, rng)
    frames_gone = _dropped_frames(len(points), config, rng)
    gone = frames_gone[:, None] | _dropped_parts(len(points), layout, config, rng)
    gone = gone | gaps(points, layout, config, rng)
    if gone.any():
        points = np.where(gone[..., None], np.float32(np.nan), points)
    return points, frame_labels


def augment_features(
    vectors: Float32[np.ndarray, "frames width"],
    frame_labels: Int64[np.ndarray, " frames"],
    config: AugmentConfig,
    rng: np.random.Generator,
    least_frames: int = 1,
) -> tuple[Float32[np.ndarray, "new_frames width"], Int64[np.ndarray, " new_frames"]]:
    """Like `augment` for feature vectors: rate, rescale, warp, freeze, noise, and dropped frames as zeros."""
    vectors, frame_labels = _retimed(vectors, frame_labels, config, rng, least_frames)
    vectors = _added_noise(vectors, config, rng)
    gone = _dropped_frames(len(vectors), config, rng)
    return (np.where(gone[:, None], np.float32(0), vectors) if gone.any() else vectors), frame_labels


def mirrored(
    points: Float32[np.ndarray, "frames points coordinates"], layout: Layout, about: float = 0.0
) -> Float32[np.ndarray, "frames points coordinates"]:
    """The clip in a mirror at x = ``about``: left and right points change places."""
    image = points[:, list(layout.mirror)]
    image[..., 0] = np.float32(2 * about) - image[..., 0]
    return image


def time_map(
    frames: int, config: AugmentConfig, rng: np.random.Generator, least_frames: int = 1
) -> Float64[np.ndarray, " new_frames"]:
    """For each frame of the new clip its place in the old one, from 0 to ``frames - 1``, never falling.

    The number of frames is divided by a speed, log-normal and cut at two standard deviations, and
    multiplied by a factor from ``1 - rescale`` to ``1 + rescale``, and, with the probability ``resample``, by
    another.
    """
    speed = np.exp(config.rate * np.clip(rng.standard_normal(), -2, 2)) if config.rate else 1.0
    if config.rescale:
        speed /= 1 + config.rescale * rng.uniform(-1, 1)
    if config.resample and rng.random() < config.resample:
        speed /= rng.uniform(config.resample_from, config.resample_to)
    count = max(round(frames / speed), min(least_frames, frames), 1)
    if config.warp and count > 1:
        local = np.exp(config.warp * smooth_noise(count, 1, rng)[:, 0])
        steps = np.cumsum((local[1:] + local[:-1]) / 2)
        return np.concatenate([[0.0], steps / steps[-1] * (frames - 1)])
    return np.linspace(0, frames - 1, count)


def still(frames: int, probability: float, rng: np.random.Generator) -> Int64[np.ndarray, " frames"]:
    """For each frame the one shown instead: during a still span, the last one before it.

    A span of 1 to `LONGEST_STILL` frames is drawn with this probability for each `STRETCH` frames.
    """
    places = np.arange(frames)
    tries = -(-frames // STRETCH)
    starts = rng.integers(0, frames, tries)[:, None]
    ends = starts + rng.integers(1, LONGEST_STILL + 1, (tries, 1))
    drawn = rng.random((tries, 1)) < probability
    moving = ~(drawn & (places >= starts) & (places < ends)).any(0)
    last_moving: npt.NDArray[np.int64] = np.maximum.accumulate(np.where(moving, places, 0))
    return last_moving


def resample(
    values: Float32[np.ndarray, "frames *shape"], places: Float64[np.ndarray, " new_frames"]
) -> Float32[np.ndarray, "new_frames *shape"]:
    """Values at places between the frames: linear, or the nearest frame's where a neighbour is missing.

    So a value is missing exactly where the nearest frame's is.
    """
    low, nearest = np.floor(places).astype(np.int64), nearest_frame(places)
    high = np.minimum(low + 1, len(values) - 1)
    share = (places - low).astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    between: Array = values[low] + share * (values[high] - values[low])
    return np.where(np.isnan(between), values[nearest], between)


def nearest_frame(places: Float64[np.ndarray, " new_frames"]) -> Int64[np.ndarray, " new_frames"]:
    """The frame nearest to each place, the later one of two."""
    return np.floor(places + 0.5).astype(np.int64)


def smooth_noise(
    frames: int, columns: int, rng: np.random.Generator
) -> Float64[np.ndarray, "frames columns"]:
    """Normal noise that is smooth in time, with variance 1 at every frame."""
    knots = rng.standard_normal((frames // SPACING + 3, columns))
    places = rng.random() + np.arange(frames) / SPACING
    low = np.floor(places).astype(np.int64)
    late = (1 - np.cos(np.pi * (places - low)[:, None])) / 2
    early = 1 - late
    # Between two independent knots the mean would have less variance than at them.
    return (early * knots[low] + late * knots[low + 1]) / np.sqrt(early**2 + late**2)


def _retimed(
    values: Array, labels: Labels, config: AugmentConfig, rng: np.random.Generator, least_frames: int
) -> tuple[Array, Labels]:
    """Values and labels at new times: speed, local speed, still spans."""
    if config.retimes:
        places = time_map(len(values), config, rng, least_frames)
        values, labels = resample(values, places), labels[nearest_frame(places)]
    if config.freeze:
        shown = still(len(values), config.freeze, rng)
        values, labels = values[shown], labels[shown]
    return values, labels


def _resized(points: Array, config: AugmentConfig, rng: np.random.Generator) -> Array:
    """Each axis scaled on its own, then sheared and rotated in the picture's plane, about the origin."""
    if config.scale:
        factors = np.exp(config.scale * rng.standard_normal(points.shape[2]))
        points = points * factors.astype(np.float32)
    if config.shear:
        by, axis = np.float32(config.shear * rng.uniform(-1, 1)), int(rng.integers(2))
        points = points.copy()
        points[..., axis] += by * points[..., 1 - axis]
    if config.rotate:
        angle = config.rotate * rng.standard_normal()
        cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        x, y = points[..., 0], points[..., 1]
        turned = [cosine * x - sine * y, sine * x + cosine * y]
        points = np.concatenate([np.stack(turned, -1), points[..., 2:]], -1)
    return points


def _displaced(points: Array, layout: Layout, config: AugmentConfig, rng: np.random.Generator) -> Array:
    """The whole clip, each part, and each part along a smooth path."""
    frames, _, width = points.shape
    parts = len(layout.parts)
    offset = np.zeros((1, parts, width))
    if config.shift:
        offset = offset + config.shift * rng.standard_normal(width)
    if config.part_shift:
        offset = offset + config.part_shift * rng.standard_normal((parts, width))
    if config.drift:
        path = smooth_noise(frames, parts * width, rng).reshape(frames, parts, width)
        offset = offset + config.drift * path
    return points + offset.astype(np.float32)[:, _part_of(layout)] if offset.any() else points


def _added_noise(values: Array, config: AugmentConfig, rng: np.random.Generator) -> Array:
    if not config.noise:
        return values
    return values + np.float32(config.noise) * rng.standard_normal(values.shape, dtype=np.float32)


def _dropped_frames(frames: int, config: AugmentConfig, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Frames in which nothing is seen; one at least is kept."""
    if not config.drop_frames:
        return np.zeros(frames, dtype=np.bool_)
    gone = rng.random(frames) < config.drop_frames
    gone[rng.integers(frames)] = False
    return gone


def _dropped_parts(
    frames: int, layout: Layout, config: AugmentConfig, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Points unseen [frames, points]: for each drawn part a span of at most half the clip."""
    parts = len(layout.parts)
    if not config.drop_parts:
        return np.zeros((1, len(layout.points)), dtype=np.bool_)
    drawn = rng.random(parts) < config.drop_parts
    spans = rng.integers(0, frames // 2 + 1, parts)
    starts = rng.integers(0, frames - spans + 1)
    places = np.arange(frames)[:, None]
    return (drawn & (places >= starts) & (places < starts + spans))[:, _part_of(layout)]


def _part_of(layout: Layout) -> npt.NDArray[np.int64]:
    """The number of each point's part."""
    numbers = np.empty(len(layout.points), dtype=np.int64)
    for number, members in enumerate(layout.parts.values()):
        numbers[list(members)] = number
    return numbers
