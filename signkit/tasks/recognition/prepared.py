"""What a model is given of frames that come one after another: the same as of the whole clip."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.config.recipe import AugmentConfig, LandmarksConfig, Recipe, SamplingConfig
from signkit.data.examples import check_features
from signkit.data.frames_augment import augment_frames
from signkit.data.landmarks import check_landmarks, layout, normalise, subset, z_scored
from signkit.data.past import Past
from signkit.data.video.array import ArrayClip
from signkit.data.video.fit import read_fitted
from signkit.errors import UserError
from signkit.models.spec import Spec
from signkit.types import USUAL_FPS, VIDEO, Features

Array = npt.NDArray[Any]
WHERE = "frames"
"""What messages of them name."""
PAST = "`past`, of the frames so far"


def preparation(recipe: Recipe, spec: Spec) -> Callable[[Array], Array]:
    """The preparation of one clip: a function from its next frames to what an encoder's stream is given.

    Raises:
        UserError: an option of the recipe needs the whole clip.
    """
    if recipe.sampling != SamplingConfig():
        raise UserError("sampling.frames", "chooses frames of a whole clip, and has no stream", "0, all")
    name, width = spec.signal.layout, spec.signal.width
    if name == VIDEO:
        return _of_video(recipe)
    if name == "":
        return lambda frames: _features(frames, width)
    return _of_landmarks(recipe.landmarks, name, width)


def _of_landmarks(config: LandmarksConfig, name: str, width: int) -> Callable[[Array], Array]:
    if config.origin not in ("none", "past"):
        what = f"`{config.origin}` needs the whole clip, and has no stream"
        raise UserError("landmarks.origin", what, f"{PAST}; or `none`")
    if config.scale == "clip":
        raise UserError("landmarks.scale", "`clip` needs the whole clip, and has no stream", PAST)
    if config.hand == "signing":
        what = "`signing` is the hand that signs in the whole clip, and has no stream"
        raise UserError("landmarks.hand", what, "`both`")
    whole = layout(name)
    used, places = subset(whole, config.points, config.hand)
    past = Past(whole)

    def prepared(frames: Array) -> Array:
        if frames.ndim != 3 or frames.shape[2] != width or frames.dtype.kind not in "fiu":
            raise _other(f"landmarks of layout {name!r}, [frames, points, {width}]", frames)
        given = frames.astype(np.float32)
        if not len(given):
            return given[:, places]
        check_landmarks(given, whole, WHERE)
        points = normalise(given, whole, config.origin, config.scale, past)
        return z_scored(np.ascontiguousarray(points[:, places]), used, config.scale)

    return prepared


def _features(frames: Array, width: int) -> Array:
    if frames.ndim != 2 or frames.shape[1] != width or frames.dtype.kind not in "fiu":
        raise _other(f"features, [frames, {width}]", frames)
    given = frames.astype(np.float32)
    if len(given):
        check_features(Features(given, USUAL_FPS), WHERE)
    return given


def _of_video(recipe: Recipe) -> Callable[[Array], Array]:
    video = recipe.video
    if video.motion != "none":
        raise UserError("video.motion", f"`{video.motion}` has no stream here", "`none`")

    def prepared(frames: Array) -> Array:
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise _other("video, uint8 [frames, height, width, 3]", frames)
        if not len(frames):
            return frames
        pixels = read_fitted(ArrayClip(frames, USUAL_FPS), np.arange(len(frames)), video)
        return augment_frames(pixels, video.crop, AugmentConfig(), np.random.default_rng())[0]

    return prepared


def _other(wanted: str, frames: Array) -> UserError:
    return UserError(WHERE, f"the model reads {wanted}, not {frames.dtype} {list(frames.shape)}")
