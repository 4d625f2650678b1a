"""Encoder of landmarks as plain numbers: all points of a frame through one linear map.

The recurrent translators of Ko et al. 2019 ("Neural sign language translation based on human keypoint
estimation") read key points so; everything that is learnt of shapes is in the temporal modules.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import PointsConfig
from signkit.models.encoders.streaming import Reach
from signkit.models.encoders.temporal import TemporalEncoder, build_temporal


class PointFrames(nn.Module):
    """A linear map of a frame's coordinates, 0 where a point was not seen, and of which points were seen.

    Args:
        points: number of points.
        coordinates: that are used of each point.
    """

    reads = "landmarks"
    reach = Reach()

    def __init__(self, points: int, coordinates: int, width: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.coordinates, self.dropout = coordinates, dropout
        self.linear = nn.Linear(points * (coordinates + 1), width)

    def forward(self, batch: Batch) -> Float[Tensor, "batch frames width"]:
        values = batch.inputs[..., : self.coordinates].flatten(2)
        frames = torch.cat([values, batch.seen.to(values.dtype)], 2)
        return F.dropout(self.linear(frames).relu(), self.dropout, self.training)


def build(config: PointsConfig, layout: Layout | None, width: int) -> TemporalEncoder:
    """Build the encoder for landmarks of ``width`` coordinates.

    Raises:
        UserError: the corpus has no landmarks.
    """
    if layout is None:
        raise UserError(
            "encoder.name", "'points' reads landmarks, and the corpus has none", "take 'features'"
        )
    frames = PointFrames(
        len(layout.points), min(config.coordinates, width), config.width, dropout=config.dropout
    )
    return TemporalEncoder(
        frames, build_temporal(config.width, config.local_temporal, config.global_temporal)
    )
