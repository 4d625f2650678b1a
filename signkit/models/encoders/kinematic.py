"""Kinematic features of a few tracked points (positions, velocities, distances): for hand tracks."""

from collections.abc import Sequence
from itertools import combinations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import KinematicConfig
from signkit.models.encoders.masked_norm import MaskedBatchNorm
from signkit.models.encoders.streaming import Reach
from signkit.models.encoders.temporal import TemporalEncoder, build_temporal

Track = tuple[Float[Tensor, "batch frames points coords"], Bool[Tensor, "batch frames points"]]


class KinematicFrames(nn.Module):
    """Kinematic features of each frame, z-scored, then the temporal modules.

    The z-scores come from a BatchNorm without scale and shift over known values, whose running statistics
    estimate mean and deviation of the training set. Unknown values are zero afterwards, that is the mean.

    Args:
        coordinates: coordinates of a point, 2 or 3.
        points: number of points.
        lags: frames over which velocities are taken.
        pairs: pairs of points whose difference is a feature.
    """

    reads = "landmarks"

    def __init__(
        self,
        coordinates: int,
        points: int,
        lags: Sequence[int],
        pairs: Sequence[tuple[int, int]],
    ) -> None:
        super().__init__()
        self.lags, self.pairs = tuple(lags), tuple(pairs)
        self.reach = Reach(before=max(self.lags, default=0))
        self.norm = MaskedBatchNorm(feature_width(coordinates, points, self.lags, self.pairs), affine=False)

    def forward(self, batch: Batch) -> Float[Tensor, "batch frames values"]:
        real = length_mask(batch.lengths, batch.inputs.shape[1])
        seen = batch.seen & real.unsqueeze(-1)
        values, known = kinematics(batch.inputs, seen, self.lags, self.pairs)
        flags_known = real.unsqueeze(-1).expand(seen.shape)
        values = torch.cat([values, seen.to(values.dtype)], -1)
        frames: Tensor = self.norm(values, torch.cat([known, flags_known], -1))
        return frames


def kinematics(
    points: Float[Tensor, "batch frames points coords"],
    seen: Bool[Tensor, "batch frames points"],
    lags: Sequence[int],
    pairs: Sequence[tuple[int, int]],
) -> tuple[Float[Tensor, "batch frames values"], Bool[Tensor, "batch frames values"]]:
    """Kinematic features of each frame, and which are known; unknown ones are zero.

    In this order: positions, the velocity over each lag, the difference of each pair, then the magnitude of
    each velocity and of each difference.
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
    """points[t] - points[t - lag], and where it is known: the point was seen in both frames."""
    known = seen & _before(seen, lag)
    return (points - _before(points, lag)).masked_fill(~known.unsqueeze(-1), 0), known


def _before(x: Tensor, lag: int) -> Tensor:
    """The values ``lag`` frames earlier; zero (False) where there is no such frame."""
    return F.pad(x, (*(0, 0) * (x.ndim - 2), lag, 0))[:, : x.shape[1]]


def feature_width(
    coordinates: int, points: int, lags: Sequence[int], pairs: Sequence[tuple[int, int]]
) -> int:
    """Numbers in a frame's features: the values of `kinematics`, and for each point whether it was seen."""
    moving = points * len(lags) + len(pairs)
    return points * coordinates + moving * (coordinates + 1) + points


def build(config: KinematicConfig, layout: Layout | None, width: int) -> TemporalEncoder:
    """The encoder for a corpus of landmarks with ``width`` coordinates each.

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
    return TemporalEncoder(KinematicFrames(width, points, config.lags, pairs), temporal)
