"""The encoder of a model that sees no video: one empty chunk."""

from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.models.encoders.configs import NothingConfig
from signkit.models.encoders.protocol import EncoderOutput


class NothingEncoder(nn.Module):
    """Zeros, whatever it is given; nothing to learn."""

    reads = "features"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.chunk_dim = self.video_dim = width

    def forward(self, batch: Batch) -> EncoderOutput:
        """One chunk of zeros a sample."""
        zeros = batch.inputs.new_zeros(len(batch.ids), 1, self.chunk_dim)
        return EncoderOutput(
            chunk=zeros, video=zeros, lengths=torch.ones_like(batch.lengths), auxiliary=zeros[:, 0, 0]
        )

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """One chunk for any number of frames."""
        return lengths.clamp(max=1)

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The first frame."""
        return torch.zeros(chunks, dtype=torch.long)


def build(config: NothingConfig, layout: Any, width: int) -> NothingEncoder:
    """The encoder, for a corpus of any kind."""
    return NothingEncoder(config.width)
