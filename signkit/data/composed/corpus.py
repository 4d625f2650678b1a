"""The corpus `composed`: words spelled from single letters, by a synthetic hand or from recordings.

Equal options give equal bits on any machine. No made-up word and no line of a file is in two splits, and no
person or recorder. Clips are drawn when they are loaded; only words, people and timing are drawn beforehand.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signkit.data.composed import recordings, synthetic, words
from signkit.data.composed.hand_video import draw_hand
from signkit.data.composed.recordings import Recordings
from signkit.data.composed.synthetic import Speller
from signkit.data.composed.timeline import SPACE, Piece, draw_pieces, segments, total_frames
from signkit.data.corpora.configs import ComposedConfig
from signkit.data.synthetic.draw import below, one, stream
from signkit.data.synthetic.hand_clip import Stage
from signkit.data.synthetic.video import draw_look
from signkit.data.video.array import ArrayClip
from signkit.errors import UserError
from signkit.runtime.files import read_bytes
from signkit.types import SPLITS, VIDEO, Corpus, Landmarks, Sample, Signal, Video

VERSION = 1  # raise it when the same options would give other clips
PERSON, TIMING, CLIP = range(3)  # purposes of random streams
CAMERA = 1
"""A further stream of a clip, for what only its video needs."""
LAYOUT = "hand"
MOST_MISSES = 10_000
"""Words in a row that nobody's recordings can spell."""


@dataclass(frozen=True, slots=True)
class Clip:
    """All that is needed to draw a clip.

    Attributes:
        video: height and width of frames; 0: key points.
        palm: its length in widths of the picture.
    """

    speller: Speller
    pieces: tuple[Piece, ...]
    stage: Stage
    fps: float
    key: tuple[int, ...]
    video: int
    palm: float

    def load(self) -> Signal:
        """Draw it."""
        if self.video:
            return Video(ArrayClip(self._frames(), self.fps))
        points = synthetic.spell(self.speller, self.pieces, self.stage, self.key)
        return Landmarks(points, LAYOUT, self.fps)

    def _frames(self) -> npt.NDArray[np.uint8]:
        who, bits = self.speller, stream(*self.key)
        points = synthetic.film(who, self.pieces, self.stage, bits)
        look = draw_look(who.number, self.key[0])
        return draw_hand(points, who.person.left, look, self.video, self.palm, (*self.key, CAMERA))


@dataclass(frozen=True, slots=True)
class RecordedClip:
    """A clip that is spelled from a person's recordings."""

    recordings: Recordings
    person: str
    pieces: tuple[Piece, ...]
    stage: Stage
    fps: float
    key: tuple[int, ...]

    def load(self) -> Signal:
        """Put it together."""
        points = recordings.spell(self.recordings, self.person, self.pieces, self.stage, self.key)
        return Landmarks(points, LAYOUT, self.fps)


def read(config: ComposedConfig) -> Corpus:
    """The corpus of the options: 21 points of a hand or video, words with the times of their letters.

    Raises:
        UserError: the file of words or the recordings cannot be used, or there are too few words.
    """
    recorded = recordings.read(Path(config.root)) if config.root else None
    recorders = _recorders(config, recorded) if recorded else {}
    if config.words:
        texts = words.of_file(Path(config.words), config.seed)
    else:
        texts = words.made_up(config.seed, config.phrases, config.shortest, config.longest)
    spellers: dict[int, Speller] = {}
    samples = [
        sample
        for place, split in enumerate(SPLITS)
        for sample in _samples(
            config, place, split, texts[split], spellers, recorded, recorders.get(split, ())
        )
    ]
    options = {"corpus": "composed", "version": VERSION, **asdict(config)}
    options["root"] = recorded.digest if recorded else ""
    options["words"] = hashlib.sha256(read_bytes(Path(config.words))).hexdigest() if config.words else ""
    if config.palm == ComposedConfig.palm:
        del options["palm"]  # the clips of before this option, and their fingerprint
    return Corpus(
        name="composed",
        samples=tuple(samples),
        layout=VIDEO if config.video else LAYOUT,
        width=3,
        fingerprint=hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest(),
        notes=_notes(config, recorded, recorders) if recorded else (),
    )


def _samples(
    config: ComposedConfig,
    place: int,
    split: str,
    texts: Iterator[str],
    spellers: dict[int, Speller],
    recorded: Recordings | None,
    recorders: Sequence[str],
) -> Iterator[Sample]:
    """The clips of a split; recordings of dev and test are seen as they are."""
    stage = Stage(config.variation, config.noise, config.stretch)
    as_it_is = Stage(0.0, config.noise, 0.0)
    for number in range(getattr(config, split)):
        bits = stream(config.seed, TIMING, place, number)
        by_synthetic = recorded is None or (split == "train" and one(bits) < config.synthetic)
        chance, key = below(bits, 2**30), (config.seed, CLIP, place, number)
        clip: Clip | RecordedClip
        if by_synthetic or recorded is None:
            who = _person_number(config, place, chance)
            if who not in spellers:
                spellers[who] = synthetic.draw_speller(who, config.variation, (config.seed, PERSON))
            text, signer = next(texts), f"person-{who + 1}"
            pieces = draw_pieces(text, config.fps, config.rate, bits)
            clip = Clip(spellers[who], pieces, stage, config.fps, key, config.video, config.palm)
        else:
            text, signer = _spellable(texts, recorded, recorders, chance, config.root)
            pieces = draw_pieces(text, config.fps, config.rate, bits)
            seen = stage if split == "train" else as_it_is
            clip = RecordedClip(recorded, signer, pieces, seen, config.fps, key)
        name = f"{split}-{number:05d}"
        yield Sample(
            id=name,
            split=split,
            reference=tuple(text.split(SPACE)),
            frames=total_frames(pieces),
            load=clip.load,
            source=f"composed {name}",
            signer=signer,
            text=text,
            segments=segments(pieces),
            fps=config.fps,
        )


def _spellable(
    texts: Iterator[str], recorded: Recordings, recorders: Sequence[str], chance: int, where: str
) -> tuple[str, str]:
    """The next text that a recorder has all letters of, and who."""
    for text, _ in zip(texts, range(MOST_MISSES), strict=False):
        letters = set(text) - {SPACE}
        able = [who for who in recorders if letters <= recorded.letters[who].keys()]
        if able:
            return text, able[chance % len(able)]
    what = f"{', '.join(recorders)}: the letters that were recorded spell too few words"
    raise UserError(where, what, "take fewer clips or other words")


def _person_number(config: ComposedConfig, place: int, chance: int) -> int:
    """Train's people come first; dev has its own after them, a quarter as many, then test."""
    if place == 0:
        return chance % config.people
    own = max(1, config.people // 4)
    return config.people + own * (place - 1) + chance % own


def _recorders(config: ComposedConfig, recorded: Recordings) -> dict[str, tuple[str, ...]]:
    """Who spells each split.

    Raises:
        UserError: an option names nobody, both name the same, or nobody is left for train.
    """
    names = sorted(recorded.letters)
    for key in ("test_recorder", "dev_recorder"):
        name = getattr(config, key)
        if name and name not in names:
            raise UserError(f"data.{key}", f"there is no recorder {name!r}", f"there are: {', '.join(names)}")
    if len(names) < len(SPLITS):
        what = f"has {len(names)} recorder{'s' * (len(names) != 1)}, and train, dev and test need one each"
        raise UserError(config.root, what)
    test = config.test_recorder or names[-1]
    dev = config.dev_recorder or names[(names.index(test) + 1) % len(names)]
    if dev == test:
        raise UserError("data.dev_recorder", f"{dev!r} is the recorder of test")
    train = tuple(name for name in names if name not in (dev, test))
    return {"train": train, "dev": (dev,), "test": (test,)}


def _notes(
    config: ComposedConfig, recorded: Recordings, recorders: dict[str, tuple[str, ...]]
) -> tuple[str, ...]:
    found = [f"{split} is spelled by {', '.join(of)}" for split, of in recorders.items()]
    if recorded.handless:
        found.append(f"recordings without a hand, left out: {recorded.handless}")
    for names in recorders.values():
        for name in names:
            if missing := sorted(set("abcdefghijklmnopqrstuvwxyz") - recorded.letters[name].keys()):
                found.append(f"{name} has no recording of {', '.join(missing)}: words without are spelled")
    return tuple(found)
