"""Positions, velocities and distances of a few tracked points: the encoder for hand tracks."""

from collections.abc import Sequence
from itertools import combinations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import KinematicConfig
from signkit.models.encoders.masked_norm import MaskedBatchNorm
from signkit.models.encoders.protocol import EncoderOutput
from signkit.models.encoders.temporal import Temporal, build_temporal

Track = tuple[Float[Tensor, "batch frames points coords"], Bool[Tensor, "batch frames points"]]


class KinematicEncoder(nn.Module):
    """Kinematic features of each frame, z-scored, then the temporal modules.

    The z-scoring is a BatchNorm without affine over what was seen: it stands for the mean and
    deviation of the training set. What was not seen is zero after it, the mean.

    Args:
        temporal: for frames of `feature_width` numbers.
        coordinates: of a point, 2 or 3.
        points: number of points.
        lags: frames over which velocities are taken.
        pairs: points whose difference is a feature.
    """

    reads = "landmarks"

    def __init__(
        self,
        temporal: Temporal,
        coordinates: int,
        points: int,
        lags: Sequence[int],
        pairs: Sequence[tuple[int, int]],
    ) -> None:
        super().__init__()
        self.temporal, self.lags, self.pairs = temporal, tuple(lags), tuple(pairs)
        self.norm = MaskedBatchNorm(feature_width(coordinates, points, self.lags, self.pairs), affine=False)
        self.dims = temporal.dims

    def forward(self, batch: Batch) -> EncoderOutput:
        real = length_mask(batch.lengths, batch.inputs.shape[1])
        seen = batch.seen & real.unsqueeze(-1)
        values, known = kinematics(batch.inputs, seen, self.lags, self.pairs)
        flags_known = real.unsqueeze(-1).expand(seen.shape)
        values = torch.cat([values, seen.to(values.dtype)], -1)
        frames = self.norm(values, torch.cat([known, flags_known], -1))
        output: EncoderOutput = self.temporal(frames, batch.lengths)
        return output

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Chunks for a number of frames."""
        return self.temporal.output_lengths(lengths)

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The frame at the middle of each chunk."""
        return self.temporal.chunk_centres(chunks)


def kinematics(
    points: Float[Tensor, "batch frames points coords"],
    seen: Bool[Tensor, "batch frames points"],
    lags: Sequence[int],
    pairs: Sequence[tuple[int, int]],
) -> tuple[Float[Tensor, "batch frames values"], Bool[Tensor, "batch frames values"]]:
    """Features of each frame and which are known; the unknown ones are zero.

    In this order: positions, the velocity over each lag, the difference of each pair, then the
    magnitude of each velocity and of each difference.
    """
    position = (points.masked_fill(~seen.unsqueeze(-1), 0), seen)
    velocities = [velocity(*position, lag) for lag in lags]
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    both = seen[:, :, first] & seen[:, :, second]
    apart = (position[0][:, :, first] - position[0][:, :, second]).masked_fill(~both.unsqueeze(-1), 0)
    vectors = [position, *velocities, (apart, both)]
    values = [value.flatten(2) for value, _ in vectors]
    known = [mask.repeat_interleave(points.shape[-1], -1) for _, mask in vectors]
    for value, mask in vectors[1:]:
        values.append(torch.linalg.vector_norm(value, dim=-1))
        known.append(mask)
    return torch.cat(values, -1), torch.cat(known, -1)


def velocity(
    points: Float[Tensor, "batch frames points coords"], seen: Bool[Tensor, "batch frames points"], lag: int
) -> Track:
    """points[t] - points[t - lag], and where it is known: both frames exist and saw the point."""
    known = seen & _before(seen, lag)
    return (points - _before(points, lag)).masked_fill(~known.unsqueeze(-1), 0), known


def _before(x: Tensor, lag: int) -> Tensor:
    """Each frame's ancestor ``lag`` frames ago; zero (False) where there is none."""
    return torch.cat([torch.zeros_like(x[:, :lag]), x[:, :-lag]], 1)[:, : x.shape[1]]


def feature_width(
    coordinates: int, points: int, lags: Sequence[int], pairs: Sequence[tuple[int, int]]
) -> int:
    """Numbers a frame: the values of `kinematics` and a seen flag a point."""
    moving = points * len(lags) + len(pairs)
    return points * coordinates + moving * (coordinates + 1) + points


def build(config: KinematicConfig, layout: Layout | None, width: int) -> KinematicEncoder:
    """The encoder of a corpus of landmarks of ``width`` coordinates.

    Raises:
        UserError: the corpus has no landmarks.
    """
    if layout is None:
        what = "'kinematic' reads landmarks, and the corpus has feature vectors"
        raise UserError("encoder.name", what, "take 'features'")
    points = len(layout.points)
    pairs = list(combinations([part[0] for part in layout.parts.values()], 2))
    inputs = feature_width(width, points, config.lags, pairs)
    temporal = build_temporal(inputs, config.local_temporal, config.global_temporal)
    return KinematicEncoder(temporal, width, points, config.lags, pairs)
