"""The samples of a split as arrays: loaded, checked, normalised, encoded, and changed for training."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32, Int64

from signkit.config.recipe import AugmentConfig, LandmarksConfig, SamplingConfig, VideoConfig
from signkit.data.augment import augment, augment_features, mirrored
from signkit.data.augment_gaps import fingers
from signkit.data.batch import Batch
from signkit.data.collate import collate
from signkit.data.example import NO_LABEL, Example, Inputs
from signkit.data.frames_augment import Pixels, augment_frames, check_kind, chosen_frames
from signkit.data.landmarks import Layout, check_landmarks, clip_origin, layout, normalise, subset, z_scored
from signkit.data.motion import check_motion, motion_maps
from signkit.data.sampling import sampled_frames, used_frames
from signkit.data.signing_hand import signing_hand
from signkit.data.video.fit import AsStored, read_fitted, stored_motion
from signkit.errors import UserError
from signkit.types import VIDEO, WRITTEN, Features, Landmarks, Sample, Signal, Text, Video, fps_of

READING = 1
"""The purpose of a random stream that is not for augmentation."""
Encode = Callable[[Sequence[str]], Sequence[int]]
Reread = Callable[[tuple[int, ...], np.random.Generator], tuple[int, ...]]
"""From a reference's token indices to those that are read in an epoch."""


class Examples:
    """The samples of a split by index; what is loaded is kept in memory as far as it has room.

    Args:
        samples: of one split, in a fixed order.
        layout: the corpus's landmark layout, "" for features, `VIDEO` for video.
        width: coordinates a point, numbers a feature vector, or the three colours.
        encode: tokens to indices, the vocabulary's.
        label: gives the targets of a sample in place of its encoded reference, such as numbers of classes.
        landmarks: which points are used and how they are normalised.
        video: the size of frames.
        sampling: how many frames of a clip are used, and which.
        augment: how a clip is changed in an epoch; None: never.
        seed: with the epoch and the index it decides every change, whatever process makes it.
        least_frames: for each sample the number of frames below which it is not shortened.
        reread: how the tokens of a reference are changed in an epoch, by a stream of their own; None: never.
        glosses: as ``encode``, of the glosses that are recognised next to a text; None: none are.
        cache_bytes: how much is kept in memory.

    Raises:
        UserError: no samples, an unknown layout, a mirror without an origin, or a change that this kind
            of signal does not know.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        layout: str,
        width: int,
        encode: Encode,
        landmarks: LandmarksConfig,
        video: VideoConfig = VideoConfig(),  # noqa: B008
        sampling: SamplingConfig = SamplingConfig(),  # noqa: B008
        augment: AugmentConfig | None = None,
        seed: int = 0,
        least_frames: Sequence[int] | None = None,
        reread: Reread | None = None,
        label: Callable[[Sample], tuple[int, ...]] | None = None,
        glosses: Encode | None = None,
        cache_bytes: int = 2 << 30,
    ) -> None:
        if not samples:
            raise UserError("data", "the split has no samples")
        if augment:
            check_kind(augment, video=layout == VIDEO)
        check_motion(video.motion)
        if layout not in ("", VIDEO) and augment and augment.mirror and landmarks.origin == "none":
            hint = "set landmarks.origin to clip or frame"
            raise UserError("augment.mirror", "needs an origin to mirror at", hint)
        self.samples = tuple(samples)
        self.layout = used_layout(layout, landmarks)
        if self.layout is not None and augment and augment.drop_fingers and not len(fingers(self.layout)):
            what = f"the layout {self.layout.name!r} has no hands of 21 points"
            raise UserError("augment.drop_fingers", what, "leave it out")
        self.width = width
        self.frames = tuple(used_frames(sample.frames, sampling, sample.fps) for sample in self.samples)
        self.cache_bytes = cache_bytes
        self._whole, self._encode, self._landmarks, self._video = layout, encode, landmarks, video
        self._sampling, self._sampled = sampling, bool(sampling.frames or sampling.seconds)
        self._augment, self._seed, self._reread, self._label = augment, seed, reread, label
        self._glosses = glosses
        self._least = tuple(least_frames) if least_frames is not None else (1,) * len(self.samples)
        self._cache: dict[int, tuple[Inputs, float]] = {}
        self._motion: dict[int, Pixels] = {}
        self._cached_bytes = 0
        self._times: dict[int, npt.NDArray[np.float64] | None] = {}

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The frames of each sample that are used."""
        return self.frames

    def collate(self, examples: Sequence[Example]) -> Batch:
        """Examples as one batch."""
        return collate(examples)

    def targets(self, index: int) -> tuple[int, ...]:
        """Token indices of a sample's reference.

        Raises:
            UserError: ``encode`` does not know a token.
        """
        sample = self.samples[index]
        if self._label is not None:
            return self._label(sample)
        try:
            return tuple(self._encode(sample.reference))
        except KeyError as error:
            what = f"{error.args[0]!r} in sample {sample.id!r} is not in the vocabulary"
            raise UserError(sample.source or sample.id, what) from error

    def frame_labels(self, index: int) -> npt.NDArray[np.int64]:
        """The label of each frame of a sample, before it is changed: the token signed in it."""
        if self._label is None:
            return frame_labels(self.samples[index], self._encode)
        return np.full(self.samples[index].frames, NO_LABEL, dtype=np.int64)

    def example(self, index: int, epoch: int | None = None) -> Example:
        """One sample, changed as in an epoch; None: as it is.

        Raises:
            UserError: the sample cannot be used; its source is named.
        """
        sample, targets = self.samples[index], self.targets(index)
        labels = self.frame_labels(index)
        if self._reread is not None and epoch is not None:
            targets = self._reread(targets, np.random.default_rng([self._seed, epoch, index, READING]))
        rng = None
        if self._augment is not None and epoch is not None:
            rng = np.random.default_rng([self._seed, epoch, index])
        motion = None
        if self._whole == VIDEO:
            inputs, motion, labels, fps = self._shown(index, labels, rng)
        else:
            inputs, labels, fps = self._points(index, labels, rng)
        times = self._times.get(index) if rng is None else None  # nobody asks for those of a changed clip
        glosses = None if self._glosses is None else tuple(self._glosses(sample.glosses))
        return Example(sample.id, inputs, targets, labels, fps, times, motion, glosses)

    def _points(
        self, index: int, labels: npt.NDArray[np.int64], rng: np.random.Generator | None
    ) -> tuple[Inputs, npt.NDArray[np.int64], float]:
        """Landmarks or features, with the labels of their frames; without ``rng`` unchanged."""
        inputs, fps = self._loaded(index)
        if self._augment is not None and rng is not None:
            least = self._least[index]
            if self.layout is None:
                inputs, labels = augment_features(inputs, labels, self._augment, rng, least)
            else:
                inputs, labels = augment(inputs, labels, self.layout, self._augment, rng, least)
        if not self._sampled:
            return inputs, labels, fps
        places = sampled_frames(len(inputs), self._sampling, rng, fps)
        return inputs[places], labels[places], self._sampled_fps(index, fps)

    def _shown(
        self, index: int, labels: npt.NDArray[np.int64], rng: np.random.Generator | None
    ) -> tuple[Inputs, Pixels | None, npt.NDArray[np.int64], float]:
        """Frames of video, as `_points`, and their motion; none is decoded that is not shown, unless the
        motion is needed."""
        places = np.arange(len(labels))
        if self._augment is not None and rng is not None:
            places = chosen_frames(len(labels), self._augment, rng, self._least[index])
        if self._sampled:
            rate = self.samples[index].fps or opened(self.samples[index]).clip.fps
            places = places[sampled_frames(len(places), self._sampling, rng, rate)]
        (pixels, motion), fps = self._decoded(index, places)
        fps, crop = self._sampled_fps(index, fps), self._video.crop
        if isinstance(self._video, AsStored):
            return pixels, None, labels[places], fps
        config = AugmentConfig() if self._augment is None or rng is None else self._augment
        pixels, motion = augment_frames(pixels, crop, config, rng or np.random.default_rng(), motion)
        return pixels, None if motion is None else motion[..., 0], labels[places], fps

    def _sampled_fps(self, index: int, fps: float) -> float:
        """Frames a second of those that are used."""
        if self._sampling.how == "timed":
            return min(fps, 1 / self._sampling.seconds)
        return fps * self.frames[index] / self.samples[index].frames

    def _decoded(
        self, index: int, places: npt.NDArray[np.int64]
    ) -> tuple[tuple[Pixels, Pixels | None], float]:
        """Frames of a clip, resized, and their motion if it is wanted. The whole clip is decoded where the
        motion is, and where the clip has room in memory, where it is cached then."""
        if index in self._cache:
            whole, fps = self._cache[index]
            return _at(places, whole, self._motion.get(index)), fps  # type: ignore[arg-type]
        sample, side = self.samples[index], self._video.resize
        video = opened(sample)
        clip, self._times[index] = video.clip, video.times
        room = self._cached_bytes + clip.frames * side * side * 3 <= self.cache_bytes
        how, motion = self._video.motion, stored_motion(clip, self._video)
        if not room and (how == "none" or motion is not None):
            motion = None if motion is None else motion[places]
            return (read_fitted(clip, places, self._video), motion), clip.fps
        pixels = read_fitted(clip, np.arange(clip.frames), self._video)
        if how != "none" and motion is None:
            motion = motion_maps(pixels, how)[..., None]
        if room:
            pixels.flags.writeable = False
            self._cache[index] = pixels, clip.fps
            self._cached_bytes += pixels.nbytes
            if motion is not None:
                self._motion[index] = motion
                self._cached_bytes += motion.nbytes
        return _at(places, pixels, motion), clip.fps

    def _loaded(self, index: int) -> tuple[npt.NDArray[np.float32], float]:
        if index in self._cache:
            return self._cache[index]  # type: ignore[return-value]
        sample = self.samples[index]
        signal, where = sample.load(), sample.source or sample.id
        if isinstance(signal, Landmarks):
            self._times[index] = signal.times
        inputs = prepare_signal(signal, self._whole, self.width, self._landmarks, where)
        if len(inputs) != sample.frames:
            raise UserError(where, f"sample {sample.id!r} has {len(inputs)} frames, not {sample.frames}")
        inputs.flags.writeable = False
        loaded = inputs, fps_of(signal)
        if self._cached_bytes + inputs.nbytes <= self.cache_bytes:
            self._cache[index] = loaded
            self._cached_bytes += inputs.nbytes
        return loaded


def _at(places: npt.NDArray[np.int64], pixels: Pixels, motion: Pixels | None) -> tuple[Pixels, Pixels | None]:
    """Some frames of a clip, and their motion."""
    return pixels[places], None if motion is None else motion[places]


def used_layout(name: str, landmarks: LandmarksConfig) -> Layout | None:
    """The layout of the points a model is given, or None for features and for video.

    Raises:
        UserError: no layout has that name, or it lacks the points.
    """
    return None if name in ("", VIDEO, WRITTEN) else subset(layout(name), landmarks.points, landmarks.hand)[0]


def opened(sample: Sample) -> Video:
    """The clip of a sample of video.

    Raises:
        UserError: the sample is of another kind, or has another number of frames than the corpus says.
    """
    signal, where = sample.load(), sample.source or sample.id
    if not isinstance(signal, Video):
        raise UserError(where, f"has {_kind(signal)}, not video")
    if signal.clip.frames != sample.frames:
        what = f"sample {sample.id!r} has {signal.clip.frames} frames, not {sample.frames}"
        raise UserError(where, what)
    return signal


def prepare_signal(
    signal: Signal, layout_name: str, width: int, landmarks: LandmarksConfig, where: str
) -> Float32[np.ndarray, "frames *shape"]:
    """A signal as a model is given it: checked, normalised by its whole layout, mirrored if only the signing
    hand is used and that is the left one, then the points used.

    Args:
        layout_name: the layout that is expected, "" for features.
        width: coordinates a point, or numbers a feature vector, that are expected.
        where: the file, for messages.

    Raises:
        UserError: it is of another kind, layout or width, or it cannot be used.
    """
    kind = signal.layout if isinstance(signal, Landmarks) else ""
    if isinstance(signal, Video | Text) or kind != layout_name:
        wanted = f"landmarks of layout {layout_name!r}" if layout_name else "features"
        raise UserError(where, f"has {_kind(signal)}, not {wanted}")
    array = signal.points if isinstance(signal, Landmarks) else signal.vectors
    unit = "coordinates a point" if layout_name else "numbers a frame"
    if isinstance(signal, Landmarks):
        check_landmarks(signal.points, layout(layout_name, where), where)
    else:
        check_features(signal, where)
    if array.shape[-1] != width:
        raise UserError(where, f"has {array.shape[-1]} {unit}, not {width}")
    if isinstance(signal, Features):
        return signal.vectors.copy()
    whole = layout(layout_name)
    points = normalise(signal.points, whole, landmarks.origin, landmarks.scale)
    if landmarks.hand == "signing" and signing_hand(points, whole) == "left":
        about = float(clip_origin(points, whole)[0]) if landmarks.origin == "none" else 0.0
        points = mirrored(points, whole, about)
    used, places = subset(whole, landmarks.points, landmarks.hand)
    return z_scored(np.ascontiguousarray(points[:, places]), used, landmarks.scale)


def _kind(signal: Signal) -> str:
    if isinstance(signal, Landmarks):
        return f"landmarks of layout {signal.layout!r}"
    return {Video: "video", Text: "text"}.get(type(signal), "features")


def frame_labels(sample: Sample, encode: Encode) -> Int64[np.ndarray, " frames"]:
    """The token signed in each frame, by the sample's segments; where two overlap, the later one's.

    A segment whose gloss is not a token of the reference is left out.
    """
    labels = np.full(sample.frames, NO_LABEL, dtype=np.int64)
    tokens = set(sample.reference)
    for segment in sample.segments:
        if segment.gloss in tokens:
            labels[segment.start : segment.end] = encode((segment.gloss,))[0]
    return labels


def check_features(features: Features, where: str) -> None:
    """Refuse features without a frame, or with a number that is not finite.

    Raises:
        UserError: naming the place.
    """
    if len(features.vectors) == 0:
        raise UserError(where, "has no frames")
    bad = np.argwhere(~np.isfinite(features.vectors))
    if len(bad):
        frame, column = bad[0]
        raise UserError(where, f"number {column} of frame {frame} is {features.vectors[frame, column]}")
