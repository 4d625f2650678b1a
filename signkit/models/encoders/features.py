"""Feature vectors made elsewhere, one a frame, straight into the temporal modules."""

from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import FeaturesConfig
from signkit.models.encoders.protocol import EncoderOutput
from signkit.models.encoders.temporal import Temporal, build_temporal


class FeaturesEncoder(nn.Module):
    """Dropout, then the temporal modules. Reads ``batch.inputs`` [batch, frames, width]."""

    reads = "features"

    def __init__(self, temporal: Temporal, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.temporal, self.dropout = temporal, dropout
        self.dims = temporal.dims

    def forward(self, batch: Batch) -> EncoderOutput:
        frames = F.dropout(batch.inputs, self.dropout, self.training)
        output: EncoderOutput = self.temporal(frames, batch.lengths)
        return output

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Chunks for a number of frames."""
        return self.temporal.output_lengths(lengths)

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The frame at the middle of each chunk."""
        return self.temporal.chunk_centres(chunks)


def build(config: FeaturesConfig, layout: Layout | None, width: int) -> FeaturesEncoder:
    """The encoder of a corpus of features of ``width`` numbers.

    Raises:
        UserError: the corpus has landmarks.
    """
    if layout is not None:
        what = f"'features' reads feature vectors, and the corpus has landmarks ({layout.name})"
        raise UserError("encoder.name", what, "take 'gcn' or 'kinematic'")
    temporal = build_temporal(width, config.local_temporal, config.global_temporal)
    return FeaturesEncoder(temporal, dropout=config.dropout)
