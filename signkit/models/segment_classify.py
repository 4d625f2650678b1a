"""Segments of a clip by a random forest on its frames, and a classifier of each (Brock et al. 2020)."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.data.example import NO_LABEL
from signkit.models.classifier import Classifier
from signkit.models.configs import SegmentClassifyConfig
from signkit.models.encoders.protocol import Encoder, EncoderOutput
from signkit.models.fitted import Forest

TRANSITION, SIGN, ONSET = range(3)
"""The classes of frames."""
GLOSS = "gloss"


@dataclass(frozen=True, slots=True)
class Pieces:
    """Segments of the clips of a batch, in order.

    Attributes:
        row: the clip of each, by its place in the batch.
        number: of the segment in its clip.
        first: its first frame.
        end: the frame after its last one.
    """

    row: Int[Tensor, " pieces"]
    number: Int[Tensor, " pieces"]
    first: Int[Tensor, " pieces"]
    end: Int[Tensor, " pieces"]

    def __len__(self) -> int:
        return len(self.row)


def pieces_of(frame_labels: Int[Tensor, "batch frames"]) -> Pieces:
    """The segments of clips whose frames are labelled with the number of their segment."""
    edge = frame_labels.new_full((len(frame_labels), 1), NO_LABEL)
    starts = (frame_labels != torch.cat([edge, frame_labels[:, :-1]], 1)) & (frame_labels != NO_LABEL)
    ends = (frame_labels != torch.cat([frame_labels[:, 1:], edge], 1)) & (frame_labels != NO_LABEL)
    row, first = starts.nonzero(as_tuple=True)
    return Pieces(row, frame_labels[row, first], first, ends.nonzero(as_tuple=True)[1] + 1)


def chunks_of(
    pieces: Pieces, centres: Int[Tensor, " chunks"], lengths: Int[Tensor, " batch"]
) -> Bool[Tensor, "pieces chunks"]:
    """Which chunks of its clip a segment has: those whose centre is in it, or else the nearest one.

    Args:
        centres: the frame of each chunk.
        lengths: chunks of each clip.
    """
    centres = centres.to(lengths.device)
    real = torch.arange(len(centres), device=lengths.device) < lengths[pieces.row, None]
    within = (centres >= pieces.first[:, None]) & (centres < pieces.end[:, None]) & real
    away = (2 * centres - pieces.first[:, None] - pieces.end[:, None] + 1).abs()
    nearest = away.masked_fill(~real, torch.iinfo(away.dtype).max).argmin(1)
    alone = torch.zeros_like(within).scatter(1, nearest[:, None], True)
    return torch.where(within.any(1, keepdim=True), within, alone)


def frame_vectors(batch: Batch, window: int) -> list[Float[Tensor, "frames numbers"]]:
    """What the forest is shown of each frame of each clip: positions, velocities and accelerations (a frame)
    of all points, in the frames up to ``window`` before and after it, and which points were seen.

    Beyond its ends a clip stands still.
    """
    around = torch.arange(-window, window + 1, device=batch.inputs.device)
    found = []
    for row, frames in enumerate(batch.lengths.tolist()):
        position = batch.inputs[row, :frames].flatten(1)
        velocity = _change(position)
        known = batch.seen[row, :frames].to(position.dtype)
        whole = torch.cat([position, velocity, _change(velocity), known], 1)
        places = torch.arange(frames, device=around.device)[:, None] + around
        found.append(whole[places.clamp(0, frames - 1)].flatten(1))
    return found


def _change(values: Float[Tensor, "frames numbers"]) -> Float[Tensor, "frames numbers"]:
    """Half of what changes from the frame before to the one after."""
    later, earlier = (torch.cat(parts) for parts in ((values[1:], values[-1:]), (values[:1], values[:-1])))
    return (later - earlier) / 2


@dataclass(frozen=True, slots=True)
class SegmentLogits:
    """What the model says of segments of a batch.

    Attributes:
        pieces: the segments.
        logits: [pieces, glosses], without the blank and the unknown gloss.
        auxiliary: the encoder's own loss of each clip.
    """

    pieces: Pieces
    logits: Float[Tensor, "pieces glosses"]
    auxiliary: Float[Tensor, " batch"]


class SegmentClassify(Classifier):
    """A forest that is fitted after the training, and the classifier that is trained.

    Args:
        config: its options.
    """

    def __init__(self, config: SegmentClassifyConfig, *, encoder: Any, heads: nn.ModuleDict) -> None:
        super().__init__(encoder=encoder, heads=heads, pooling=config.pooling, dropout=config.dropout)
        self.forest, self.config = Forest(3), config

    def forward(self, batch: Batch) -> SegmentLogits:  # type: ignore[override]
        """The classes of the segments that `Batch.frame_labels` number."""
        return self.classified(self.encoder(batch), pieces_of(batch.frame_labels))

    def classified(self, encoded: EncoderOutput, pieces: Pieces) -> SegmentLogits:
        """The classes of segments, each by its chunks among those of the whole clip.

        Args:
            encoded: the clips.
        """
        features = encoded.levels["video"].float()
        own = chunks_of(pieces, self.encoder.chunk_centres(features.shape[1]), encoded.lengths)
        pooled = self.dropout(self._pooled(features[pieces.row], own))
        return SegmentLogits(pieces, self.heads[GLOSS](pooled), encoded.auxiliary)

    def frame_classes(self, batch: Batch) -> list[Float[Tensor, "frames 3"]]:
        """The probability of each class of a frame, by clip, in float64."""
        vectors = frame_vectors(batch, self.config.window)
        whole = self.forest(torch.cat(vectors)).exp()
        return list(whole.split([len(each) for each in vectors]))


def build(config: SegmentClassifyConfig, *, encoder: Encoder, classes: int) -> SegmentClassify:
    """Build the model from its options, its encoder, and the number of glosses."""
    heads = nn.ModuleDict({GLOSS: nn.Linear(encoder.dims["video"], classes)})
    return SegmentClassify(config, encoder=encoder, heads=heads)
