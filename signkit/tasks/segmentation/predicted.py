"""From the frames of clips to their segments, the glosses of these, and a hypothesis."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from signkit.data.batch import Batch
from signkit.data.video.times import bounds
from signkit.decode.configs import SegmentsConfig
from signkit.decode.segments import found_segments
from signkit.errors import OperationalError
from signkit.eval.segments import Spans
from signkit.models.segment_classify import ONSET, SIGN, Pieces, SegmentClassify, SegmentLogits, pieces_of
from signkit.models.spec import TEXT
from signkit.tasks.segmentation.scoring import Evidence
from signkit.text.vocabulary import Vocabulary
from signkit.types import Hypothesis, Prediction

FIRST = 2
"""The index of the first gloss of a vocabulary: the blank and the unknown gloss are no classes."""


@dataclass(frozen=True, slots=True)
class Named:
    """The segments of one clip with what the classifier says of them.

    Attributes:
        numbers: of the segments in their clip.
        glosses: of each the most probable one.
        log: the natural logarithm of its probability.
    """

    numbers: tuple[int, ...]
    glosses: tuple[str, ...]
    log: npt.NDArray[np.float64]


def predicted(
    model: SegmentClassify, batch: Batch, vocabulary: Vocabulary, decode: SegmentsConfig
) -> list[Prediction]:
    """Of each clip the found segments with their glosses, and as evidence those of the true ones.

    Raises:
        OperationalError: the output of the model is not a number.
    """
    spans = []
    for classes in model.frame_classes(batch):
        chances = classes.cpu().numpy()
        spans.append(found_segments(chances[:, SIGN] + chances[:, ONSET], chances[:, ONSET], decode))
    encoded, clips, heat = model.encoder(batch), len(batch.ids), decode.temperature or 1.0
    found = _named(model.classified(encoded, _as_pieces(spans, batch.lengths)), vocabulary, clips, heat)
    true = _named(model.classified(encoded, pieces_of(batch.frame_labels)), vocabulary, clips, heat)
    predictions = []
    for row, name in enumerate(batch.ids):
        if not np.isfinite(found[row].log).all():
            raise OperationalError(f"the output of the model is not a number for {name}")
        hypothesis = _hypothesis(batch, row, spans[row], found[row], vocabulary)
        of_true = dict(zip(true[row].numbers, true[row].glosses, strict=True))
        evidence = Evidence(spans[row], found[row].glosses, of_true)
        predictions.append(Prediction(name, {TEXT: hypothesis}, evidence))
    return predictions


def _as_pieces(spans: Sequence[Spans], lengths: Tensor) -> Pieces:
    """The segments of the clips of a batch."""
    row = np.repeat(np.arange(len(spans)), [len(each) for each in spans])
    number = np.concatenate([np.arange(len(each)) for each in spans])
    columns = (row, number, *np.concatenate(spans).T)
    return Pieces(*(torch.from_numpy(np.ascontiguousarray(each)).to(lengths.device) for each in columns))


def _named(output: SegmentLogits, vocabulary: Vocabulary, clips: int, temperature: float) -> list[Named]:
    """The segments of each clip."""
    best = (output.logits.double() / temperature).log_softmax(1).max(1)
    rows, numbers, classes, log = (
        each.cpu().numpy() for each in (output.pieces.row, output.pieces.number, best.indices, best.values)
    )
    return [
        Named(
            tuple(numbers[rows == row].tolist()),
            vocabulary.decode((classes[rows == row] + FIRST).tolist()),
            log[rows == row],
        )
        for row in range(clips)
    ]


def _hypothesis(batch: Batch, row: int, spans: Spans, found: Named, vocabulary: Vocabulary) -> Hypothesis:
    frames = int(batch.lengths[row])
    times = None if batch.times is None else batch.times[row, :frames].numpy()
    edges = bounds(frames, float(batch.fps[row]), times)
    return Hypothesis(
        batch.ids[row],
        found.glosses,
        vocabulary.join(found.glosses),
        float(found.log.sum()),
        times=tuple(edges[spans[:, 0]].tolist()),
        confidences=tuple(np.exp(found.log).tolist()),
        ends=tuple(edges[spans[:, 1]].tolist()),
    )
