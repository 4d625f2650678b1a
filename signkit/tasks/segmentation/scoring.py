"""Scores of segments: boundaries, and the glosses within found and within true ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from signkit.eval.bootstrap import interval
from signkit.eval.figures import Metric
from signkit.eval.measure import Floats, Measure, ratio
from signkit.eval.segments import LEAST_OVERLAP, Spans, inside, matched
from signkit.types import Prediction, Sample, Score

F1 = Metric("segment_f1", "F1 of segments", higher_is_better=True, short="segment F1")
FRAMES = Metric("frame_accuracy", "frames rightly in a segment or not", higher_is_better=True, short="frames")
FOUND_ACCURACY = Metric(
    "accuracy_found", "signs right, in found segments", higher_is_better=True, short="signs, found"
)
GOLD_ACCURACY = Metric(
    "accuracy_true", "signs right, in true segments", higher_is_better=True, short="signs, true"
)
OWN = (F1, FRAMES, FOUND_ACCURACY, GOLD_ACCURACY)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a model found in a clip.

    Attributes:
        spans: the found segments, [segments, 2] frames.
        glosses: of each.
        of_true: what the classifier says of the true segments, by their numbers; empty where none are known.
    """

    spans: Spans
    glosses: tuple[str, ...]
    of_true: Mapping[int, str]


def segment_scores(
    predictions: Sequence[Prediction], samples: Sequence[Sample], split: str
) -> Iterator[Score]:
    """The scores of those samples that have segments; none without any."""
    pairs = [(cast(Evidence, p.evidence), s) for p, s in zip(predictions, samples, strict=True) if s.segments]
    if not pairs:
        return
    rows = np.array([_counted(found, sample) for found, sample in pairs], dtype=np.int64)
    hits, found, true, right_frames, frames, named, known = rows.T
    overlap = f"unit:segment|overlap:{LEAST_OVERLAP}"
    one = f"{hits.sum()} of {found.sum()} found and {true.sum()} true segments are matched"
    yield _score(F1, np.stack([2 * hits, found + true], 1), overlap, one, split)
    note = f"{right_frames.sum():,} of {frames.sum():,} frames"
    yield _score(FRAMES, np.stack([right_frames, frames], 1), "unit:frame", note, split)
    note = f"{named.sum()} of {true.sum()} signs"
    yield _score(FOUND_ACCURACY, np.stack([named, true], 1), overlap, note, split)
    if all(evidence.of_true for evidence, _ in pairs):
        note = f"{known.sum()} of {true.sum()} signs"
        yield _score(GOLD_ACCURACY, np.stack([known, true], 1), "unit:segment", note, split)


def _counted(found: Evidence, sample: Sample) -> list[int]:
    """The counts of a clip: matched, found and true segments; frames that are right, and all; signs whose
    found segment has their gloss, and those that are right within their own."""
    true = np.array([(each.start, each.end) for each in sample.segments], dtype=np.int64)
    pairs = matched(found.spans, true)
    glosses = [each.gloss for each in sample.segments]
    named = sum(found.glosses[one] == glosses[other] for one, other in pairs.tolist())
    same = inside(found.spans, sample.frames) == inside(true, sample.frames)
    known = sum(found.of_true.get(number) == gloss for number, gloss in enumerate(glosses))
    return [len(pairs), len(found.spans), len(true), int(same.sum()), sample.frames, named, known]


def _score(of: Metric, counts: npt.NDArray[np.int64], signature: str, note: str, split: str) -> Score:
    measure = Measure.of(of.name, counts, _share, signature, higher_is_better=True)
    return Score(of.name, measure.total(), split, signature, note, *interval(measure))


def _share(sums: Floats) -> Floats:
    return ratio(sums)
