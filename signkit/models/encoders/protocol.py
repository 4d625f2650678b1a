"""What an encoder is: frames in, chunk features and video features out."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import Batch


@dataclass(frozen=True, slots=True)
class EncoderOutput:
    """What an encoder makes of a batch.

    Attributes:
        chunk: local features l_1..l_S of each chunk, zero where padded.
        video: global features g_1..g_S, zero where padded (the chunk features themselves when the
            encoder has no global temporal module).
        lengths: chunks of each sample.
        auxiliary: the encoder's own loss a sample (lift pooling), zero where it has none.
    """

    chunk: Float[Tensor, "batch chunks chunk_dim"]
    video: Float[Tensor, "batch chunks video_dim"]
    lengths: Int[Tensor, " batch"]
    auxiliary: Float[Tensor, " batch"]


@runtime_checkable
class Encoder(Protocol):
    """Any `nn.Module` with these.

    Attributes:
        chunk_dim: width of the chunk features.
        video_dim: width of the video features.
        reads: ``video``, ``landmarks`` or ``features``.
    """

    chunk_dim: int
    video_dim: int
    reads: str

    def __call__(self, batch: Batch) -> EncoderOutput: ...

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Chunks for a number of frames; at least 1 for at least 1 frame."""
        ...

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The frame that each chunk stands for, its middle one, for times and for frame labels."""
        ...
