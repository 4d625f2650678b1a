"""The corpus `synthetic_hands`: single hands that form the letters of the ASL alphabet, and real ones too.

Equal options give equal bits on any machine. Dev and test have people of their own. Clips are drawn when they
are loaded. Half of them have one frame, as a photo; J and Z move in half of the longer ones.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signkit.data.corpora.configs import SyntheticHandsConfig
from signkit.data.npz import DAMAGED, read_npy
from signkit.data.synthetic import hand_clip
from signkit.data.synthetic.draw import below, one, stream
from signkit.data.synthetic.hand_clip import Person, Stage
from signkit.data.synthetic.hand_table import POSTURES, Posture
from signkit.errors import UserError
from signkit.runtime.files import read_bytes
from signkit.types import SPLITS, Corpus, Landmarks, Sample

VERSION = 1  # raise it when the same options would give other clips
PERSON, FORM, CLIP, REAL = range(4)  # purposes of random streams
LAYOUT = "hand"


@dataclass(frozen=True, slots=True)
class Clip:
    """All that is needed to draw a clip."""

    posture: Posture
    person: Person
    stage: Stage
    frames: int
    key: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RealClip:
    """A real hand [1, 21, 3] and how it is changed."""

    points: npt.NDArray[np.float32]
    stage: Stage
    frames: int
    key: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RealPoints:
    """Hands that a tracker found in pictures: float32 [hands, 21, 3], and their letters."""

    points: npt.NDArray[np.float32]
    letters: tuple[str, ...]
    digest: str


def read(config: SyntheticHandsConfig) -> Corpus:
    """The corpus of the options.

    Raises:
        UserError: the file of real points cannot be used, or train has no samples.
    """
    real = read_points(Path(config.real), config.aspect) if config.real else None
    samples = list(_synthetic(config))
    if real is not None:
        if config.real_split == "dev":
            samples = [sample for sample in samples if sample.split != "dev"]
        samples += _real(real, config)
    if not any(sample.split == "train" for sample in samples):
        raise UserError("data.train", "train has no samples", "take a number above 0, or real points")
    options = {"corpus": "synthetic_hands", "version": VERSION, **asdict(config)}
    options["real"] = real.digest if real else ""
    return Corpus(
        name="synthetic_hands",
        samples=tuple(samples),
        layout=LAYOUT,
        width=3,
        fingerprint=hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest(),
    )


def read_points(file: Path, aspect: float) -> RealPoints:
    """Real hands of an npz file with the arrays ``xyz`` [hands, 21, 3] and ``label`` [hands], letters A to Z.

    Args:
        aspect: y is multiplied by it: the height of the pictures in widths, if y is in heights.

    Raises:
        UserError: there is no such file, it is none of that form, or a label is no letter.
    """
    data, where = read_bytes(file), str(file)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            points, labels = (read_npy(archive, name) for name in ("xyz", "label"))
    except (KeyError, *DAMAGED) as error:
        what = "is no npz file with the arrays `xyz` and `label`"
        raise UserError(where, what, str(error.args[0]) if error.args else "") from error
    if points.ndim != 3 or points.shape[1:] != (21, 3) or points.dtype.kind not in "fiu":
        raise UserError(where, f"`xyz` must be numbers [hands, 21, 3], not {list(points.shape)}")
    if labels.shape != points.shape[:1] or labels.dtype.kind != "U":
        raise UserError(where, f"`label` must be letters [{len(points)}], not {list(labels.shape)}")
    letters = tuple(map(str, labels))
    if wrong := [letter for letter in letters if letter not in POSTURES]:
        raise UserError(where, f"label {wrong[0]!r} is no letter from A to Z")
    points = points.astype(np.float32)
    points[..., 1] *= np.float32(aspect)
    # Depth is counted from the wrist.
    points[..., 2] -= points[:, :1, 2].copy()
    if not np.isfinite(points).all():
        raise UserError(
            where, f"hand {np.argwhere(~np.isfinite(points))[0, 0]} has a point that is no number"
        )
    return RealPoints(points, letters, hashlib.sha256(data).hexdigest())


def _synthetic(config: SyntheticHandsConfig) -> Iterator[Sample]:
    stage = Stage(config.variation, config.noise, config.stretch)
    people: dict[int, Person] = {}
    for place, split in enumerate(SPLITS):
        for number in range(getattr(config, split) * len(POSTURES)):
            letter = list(POSTURES)[number % len(POSTURES)]
            bits = stream(config.seed, FORM, place, number)
            who = _person_number(config, place, below(bits, 2**30))
            if who not in people:
                bones = stream(config.seed, PERSON, who)
                people[who] = hand_clip.draw_person(who, bones, config.variation)
            posture = hand_clip.variant(letter, bits)
            frames = _frames(config, bits)
            clip = Clip(posture, people[who], stage, frames, (config.seed, CLIP, place, number))
            name = f"{split}-{letter}-{number // len(POSTURES):05d}"
            yield Sample(
                id=name,
                split=split,
                reference=(letter,),
                frames=frames,
                load=partial(_load, clip),
                source=f"synthetic_hands {name}",
                signer=f"person-{who + 1}",
            )


def _frames(config: SyntheticHandsConfig, bits: np.random.PCG64) -> int:
    """The frames of a clip: one in half of the cases."""
    photo, frames = one(bits) < 0.5, 1 + below(bits, config.frames)
    return 1 if photo else frames


def _person_number(config: SyntheticHandsConfig, place: int, chance: int) -> int:
    """Train's people come first; dev has its own after them, a quarter as many, then test."""
    if place == 0:
        return chance % config.people
    own = max(1, config.people // 4)
    return config.people + own * (place - 1) + chance % own


def _load(clip: Clip) -> Landmarks:
    points = hand_clip.perform(clip.posture, clip.person, clip.stage, clip.frames, clip.key)
    return Landmarks(points, LAYOUT, hand_clip.FPS)


def _real(real: RealPoints, config: SyntheticHandsConfig) -> Iterator[Sample]:
    """Every so many of the real hands, in train as still clips, each by several cameras."""
    training = config.real_split == "train"
    stage = Stage(config.variation if training else 0.0, config.noise, config.stretch)
    for number in range(0, len(real.letters), config.real_every):
        for view in range(config.real_views if training else 1):
            key = (config.seed, REAL, number, view)
            frames = _frames(config, stream(*key, 0)) if training and config.variation else 1
            clip = RealClip(real.points[number : number + 1], stage, frames, key)
            yield Sample(
                id=f"real-{number:06d}-{view}",
                split=config.real_split,
                reference=(real.letters[number],),
                frames=frames,
                load=partial(_load_real, clip),
                source=f"{config.real}: hand {number}",
                signer="real",
            )


def _load_real(clip: RealClip) -> Landmarks:
    return Landmarks(
        hand_clip.seen_anew(clip.points, clip.stage, clip.frames, clip.key), LAYOUT, hand_clip.FPS
    )
