"""Encoder of feature vectors computed elsewhere, one per frame: the temporal modules alone."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import FeaturesConfig
from signkit.models.encoders.streaming import Reach
from signkit.models.encoders.temporal import TemporalEncoder, build_temporal


class FeatureFrames(nn.Module):
    """Passes feature vectors through, with dropout."""

    reads = "features"
    reach = Reach()

    def __init__(self, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout

    def forward(self, batch: Batch) -> Float[Tensor, "batch frames width"]:
        return F.dropout(batch.inputs, self.dropout, self.training)


def build(config: FeaturesConfig, layout: Layout | None, width: int) -> TemporalEncoder:
    """Build the encoder for a corpus of feature vectors of ``width`` numbers.

    Raises:
        UserError: the corpus has landmarks.
    """
    if layout is not None:
        what = f"'features' reads feature vectors, and the corpus has landmarks ({layout.name})"
        raise UserError("encoder.name", what, "take 'gcn' or 'kinematic'")
    temporal = build_temporal(width, config.local_temporal, config.global_temporal)
    return TemporalEncoder(FeatureFrames(dropout=config.dropout), temporal)
