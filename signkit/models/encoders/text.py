"""Encoder of written sources, such as glosses: vectors of tokens, and the global temporal module."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import LocalTemporalConfig, TextEncoderConfig
from signkit.models.encoders.temporal import TemporalEncoder, build_temporal


class TokenVectors(nn.Module):
    """A vector for each token of a source, with dropout.

    Args:
        vocabulary: number of tokens.
    """

    reads = "text"

    def __init__(self, vocabulary: int, width: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)

    def forward(self, batch: Batch) -> Float[Tensor, "batch frames width"]:
        # The table begins with a standard deviation of width^-0.5, as it may be an output layer's too.
        vectors: Tensor = self.embedding(batch.inputs) * self.embedding.embedding_dim**0.5
        return F.dropout(vectors, self.dropout, self.training)


def build(config: TextEncoderConfig, layout: Layout | None, width: int) -> TemporalEncoder:
    """Build the encoder for sources of ``width`` different tokens.

    Raises:
        UserError: the corpus has recordings.
    """
    if layout is not None:
        what = f"'text' reads written sources, and the corpus has landmarks ({layout.name})"
        raise UserError("encoder.name", what, "take 'gcn' or 'kinematic'")
    frames = TokenVectors(width, config.width, dropout=config.dropout)
    temporal = build_temporal(config.width, LocalTemporalConfig(kind="none"), config.global_temporal)
    return TemporalEncoder(frames, temporal)
