"""What travels between the stages: frozen records that check themselves. No torch here."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from signkit.errors import UserError

SPLITS = ("train", "dev", "test")
USUAL_FPS = 25.0
"""Frames a second of what does not say."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A gloss with the frames it takes: ``start`` and ``end``, zero-based, end exclusive."""

    gloss: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise UserError(
                f"segment {self.gloss!r}", f"frames {self.start} to {self.end} are not an interval"
            )


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Points of the signer, frame by frame.

    Attributes:
        points: float32 [frames, points, 2 or 3]; NaN where a point was not seen. x to the right,
            y down, both in one unit (pixels, or picture widths), z away from the camera.
        layout: name of the landmark layout, see `signkit.data.landmarks`.
        fps: frames a second; the mean where the rate varies.
        times: float64 [frames], seconds at which each frame is shown; None where the rate is constant.
        notes: what the reader noticed and settled, such as several people, a sentence each.
    """

    points: npt.NDArray[np.float32]
    layout: str
    fps: float = USUAL_FPS
    times: npt.NDArray[np.float64] | None = field(default=None, compare=False)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.points.ndim != 3 or self.points.shape[2] not in (2, 3):
            shape = list(self.points.shape)
            raise UserError("landmarks", f"need the shape [frames, points, 2 or 3], not {shape}")

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.points)


@dataclass(frozen=True, slots=True)
class Features:
    """Vectors made elsewhere, one a frame: float32 [frames, width].

    Attributes:
        fps: frames a second.
    """

    vectors: npt.NDArray[np.float32]
    fps: float = USUAL_FPS

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2:
            raise UserError("features", f"need the shape [frames, width], not {list(self.vectors.shape)}")

    @property
    def frames(self) -> int:
        """How many there are."""
        return len(self.vectors)


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence that is read in place of a recording: glosses, or words of any language.

    Attributes:
        tokens: in their order, without spaces.
        others: further readings of the same recording, such as the rest of a recogniser's n-best list.
        scores: log scores of ``tokens`` and of each of ``others``; empty without others.
    """

    tokens: tuple[str, ...]
    others: tuple[tuple[str, ...], ...] = ()
    scores: tuple[float, ...] = ()
    fps: ClassVar[float] = 1.0
    """Times in a sentence count tokens: the first one is at 0, the next at 1."""

    @property
    def frames(self) -> int:
        """Tokens, which are the frames of a sentence."""
        return len(self.tokens)


@runtime_checkable
class Clip(Protocol):
    """A video that is decoded when its frames are asked for.

    Attributes:
        frames: how many there are.
        fps: frames a second; the mean where the rate varies.

    A clip of which the rate varies also has ``seconds``, float64 [frames]: when each frame is shown, from the
    beginning; it is None where the rate is constant.
    """

    @property
    def frames(self) -> int: ...

    @property
    def fps(self) -> float: ...

    def read(
        self, places: npt.NDArray[np.int64], size: tuple[int, int] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Frames by index, upright, RGB: uint8 [places, height, width, 3].

        Args:
            places: from 0 to ``frames - 1``, never falling; one may be there several times.
            size: height and width to resize to; None: as they are.

        Raises:
            UserError: a frame cannot be decoded; the file and the frame are named.
        """
        ...


@dataclass(frozen=True, slots=True)
class Video:
    """A clip of frames: its layout is `VIDEO`, its width the three colours."""

    clip: Clip

    @property
    def frames(self) -> int:
        """How many there are."""
        return self.clip.frames

    @property
    def times(self) -> npt.NDArray[np.float64] | None:
        """Seconds at which each frame is shown; None where the rate is constant."""
        return getattr(self.clip, "seconds", None)


VIDEO = "video"
"""What stands in place of a landmark layout in a corpus of video."""
WRITTEN = "text"
"""What stands in place of a landmark layout in a corpus of sentences."""

Signal = Landmarks | Features | Video | Text


def fps_of(signal: Signal) -> float:
    """Frames a second of a signal."""
    return float(signal.clip.fps if isinstance(signal, Video) else signal.fps)


@dataclass(frozen=True, slots=True)
class Sample:
    """One utterance of a corpus. The signal is loaded when it is asked for.

    Attributes:
        id: unique within the corpus.
        split: ``train``, ``dev`` or ``test``.
        reference: the glosses (or the characters) that were signed.
        frames: number of frames of the signal.
        load: gives the signal; called by the loader, perhaps in another process.
        source: where the signal comes from, for messages.
        fps: frames a second, as the signal will have it; None where only loading tells.
        glosses: of a sample whose reference is a text, where they are known.
        labels: of the whole clip, by the name of what they say: ``{"handshape": "B"}``; those that are not
            known are absent.
    """

    id: str
    split: str
    reference: tuple[str, ...]
    frames: int
    load: Callable[[], Signal] = field(repr=False, compare=False)
    source: str = ""
    signer: str = ""
    text: str = ""
    glosses: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UserError(self.source or self.id, f"split {self.split!r} is none of train, dev, test")
        if self.frames < 1:
            raise UserError(self.source or self.id, f"sample {self.id!r} has no frames")
        if not _are_tokens(self.reference):
            what = f"the reference of sample {self.id!r} is {self.reference!r}, not a tuple of tokens"
            raise UserError(self.source or self.id, what, "such as ('MY', 'NAME')")


def _are_tokens(sentence: Any) -> bool:
    return isinstance(sentence, tuple) and all(isinstance(token, str) for token in sentence)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What a corpus reader gives.

    Attributes:
        name: for messages and reports.
        samples: of all splits, in a fixed order, with unique ids.
        layout: the landmark layout of every sample, "" for a corpus of features, `VIDEO` for one of video,
            `WRITTEN` for one of sentences.
        width: coordinates a point (2 or 3), numbers a feature vector, the three colours of video, or 1.
        extra_text: further gloss sentences for the language side; none of them from dev or test.
        fingerprint: SHA-256 of what was read, for the record of a run.
        left_out: samples of train that the recipe lets the reader skip: their faults, a line each.
        notes: what a user should know of the samples before a training, a line each.
    """

    name: str
    samples: tuple[Sample, ...]
    layout: str
    width: int
    extra_text: tuple[tuple[str, ...], ...] = ()
    fingerprint: str = ""
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for sentence in self.extra_text:
            if not _are_tokens(sentence):
                what = f"extra_text has {sentence!r}, not a tuple of tokens"
                raise UserError(self.name, what, "such as ('MY', 'NAME')")
        split_of: dict[str, str] = {}
        for sample in self.samples:
            first = split_of.setdefault(sample.id, sample.split)
            if first != sample.split:
                raise UserError(
                    sample.source, f"sample {sample.id!r} is in two splits, {first} and {sample.split}"
                )
        if len(split_of) < len(self.samples):
            seen: set[str] = set()
            double = next(s for s in self.samples if s.id in seen or seen.add(s.id))  # type: ignore[func-returns-value]
            raise UserError(double.source, f"sample id {double.id!r} is used twice")

    def split(self, name: str) -> tuple[Sample, ...]:
        """The samples of one split, in the corpus's order."""
        return tuple(sample for sample in self.samples if sample.split == name)


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One decoded sequence.

    Attributes:
        tokens: glosses (or characters).
        text: the tokens as one string.
        score: natural logarithm of the decoder's score, language model and reward included.
        times: seconds from the start of the clip at which each token was emitted, or begins.
        confidences: how sure the decoder is of each token, from 0 to 1; empty where that is not known.
        others: of an n-best list, after this one.
        ends: seconds at which each token ends; empty where that is not known.
    """

    id: str
    tokens: tuple[str, ...]
    text: str
    score: float
    times: tuple[float, ...]
    confidences: tuple[float, ...] = ()
    others: tuple["Hypothesis", ...] = ()
    ends: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.times) != len(self.tokens):
            raise ValueError(f"{self.id}: {len(self.tokens)} tokens but {len(self.times)} times")
        if len(self.confidences) not in (0, len(self.tokens)):
            raise ValueError(f"{self.id}: {len(self.tokens)} tokens but {len(self.confidences)} confidences")
        if len(self.ends) not in (0, len(self.tokens)):
            raise ValueError(f"{self.id}: {len(self.tokens)} tokens but {len(self.ends)} ends")

    def plain(self) -> dict[str, Any]:
        """As JSON has it, without the id; the score is null where nothing was possible."""
        found: dict[str, Any] = {
            "tokens": self.tokens,
            "text": self.text,
            "score": self.score if math.isfinite(self.score) else None,
            "times": self.times,
            "confidences": self.confidences,
        }
        if self.ends:
            found["ends"] = self.ends
        if self.others:
            found["nbest"] = [{"text": other.text, "score": other.score} for other in self.others]
        return found


@dataclass(frozen=True, slots=True)
class Label:
    """One class of a clip.

    Attributes:
        name: of the class.
        confidence: its probability.
        top: the most probable classes with their probabilities, this one first; empty where they are not
            known.
        symbol: of a notation, and its name, where the class has one.
    """

    name: str
    confidence: float
    top: tuple[tuple[str, float], ...] = ()
    symbol: tuple[str, str] = ("", "")

    @property
    def text(self) -> str:
        """The name of the class."""
        return self.name

    @property
    def shown(self) -> str:
        """The name of the class, with its symbol if it has one."""
        return f"{self.name} ({' '.join(self.symbol)})" if self.symbol[0] else self.name

    def plain(self) -> dict[str, Any]:
        """As JSON has it: also as a hypothesis of one token; the score is the probability's logarithm."""
        score = math.log(self.confidence) if self.confidence > 0 else None
        found: dict[str, Any] = {"tokens": [self.name], "text": self.name, "score": score}
        found |= {"label": self.name, "confidence": self.confidence}
        if self.symbol[0]:
            found |= {"symbol": self.symbol[0], "symbol_name": self.symbol[1]}
        return found | ({"top": [[*each] for each in self.top]} if self.top else {})


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one sample.

    Attributes:
        outputs: by the name of the output, such as ``text``; empty of a model that only judges.
        evidence: what the task keeps of how it came to that, for calibration, scores and reports.
    """

    id: str
    outputs: Mapping[str, Hypothesis | Label] = field(default_factory=dict)
    evidence: Any = field(default=None, repr=False, compare=False)

    @property
    def text(self) -> str:
        """All outputs in a line."""
        return " ".join(output.text for output in self.outputs.values())

    @property
    def shown(self) -> str:
        """All outputs in a line, labels with their symbols."""
        shown = (each.shown if isinstance(each, Label) else each.text for each in self.outputs.values())
        return " ".join(shown)

    def plain(self) -> dict[str, Any]:
        """As JSON has it: the one output's entries, or those of several by their names. What stands next to a
        ``text`` is named below its entries."""
        if len(self.outputs) == 1:
            (only,) = self.outputs.values()
            return {"id": self.id, **only.plain()}
        if "text" in self.outputs:
            others = {name: each.plain() for name, each in self.outputs.items() if name != "text"}
            return {"id": self.id, **self.outputs["text"].plain(), **others}
        return {"id": self.id, "outputs": {name: each.plain() for name, each in self.outputs.items()}}


@dataclass(frozen=True, slots=True)
class Posteriors:
    """What a model thinks of each chunk of one sample.

    Attributes:
        probabilities: float32 [chunks, symbols], in the order of the output's vocabulary or labels.
        times: float64 [chunks], seconds from the start of the clip to the middle of each chunk.
    """

    id: str
    probabilities: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """One figure: a fraction (0.071, not 7.1), what it was computed on and how.

    Attributes:
        low: of its interval; NaN where there is none, and `high` likewise.
    """

    name: str
    value: float
    split: str
    signature: str = ""
    note: str = ""
    low: float = math.nan
    high: float = math.nan
