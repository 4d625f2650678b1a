"""A fixed number of frames of each clip, for models that need one."""

import math

import numpy as np
from jaxtyping import Int64

from signkit.config.recipe import SamplingConfig
from signkit.types import USUAL_FPS


def sampled_frames(
    frames: int, config: SamplingConfig, rng: np.random.Generator | None, fps: float = USUAL_FPS
) -> Int64[np.ndarray, " sampled"]:
    """The frames of a clip that are used, by index, never falling; a short clip has some of them twice.

    ``segments`` divides the clip into as many equal parts as frames are wanted, and takes one of each
    (Wang et al. 2016, "Temporal segment networks"); ``random`` takes any (Ko et al.
    2019). Without a generator both take the middles of the parts, as ``spaced`` always does. ``timed`` takes
    one every so many seconds, as HearAI's loader does.

    Args:
        rng: of a training clip; None for evaluation.
        fps: frames a second of the clip.
    """
    if config.how == "timed":
        return (np.arange(used_frames(frames, config, fps)) * _step(config, fps)).astype(np.int64)
    count = config.frames
    if not count:
        return np.arange(frames)
    edges = np.arange(count + 1) * (frames / count)
    if rng is None or config.how == "spaced":
        return ((edges[:-1] + edges[1:]) / 2).astype(np.int64)
    if config.how == "segments":
        return np.minimum(rng.uniform(edges[:-1], edges[1:]).astype(np.int64), frames - 1)
    chosen = rng.choice(frames, count, replace=count > frames)
    return np.sort(chosen).astype(np.int64)


def used_frames(frames: int, config: SamplingConfig, fps: float | None = None) -> int:
    """How many frames of a clip are used.

    Args:
        fps: frames a second of the clip; None of one that does not say before it is loaded, for which the
            usual rate is taken.
    """
    if config.how != "timed":
        return config.frames or frames
    count = math.ceil(frames / _step(config, fps or USUAL_FPS))
    return min(count, config.frames) if config.frames else count


def _step(config: SamplingConfig, fps: float) -> float:
    """Frames from one that is used to the next, at least one."""
    return max(1.0, config.seconds * fps)
