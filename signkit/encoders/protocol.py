"""What an encoder is: frames in, chunk features and video features out."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import Batch


@dataclass(frozen=True, slots=True)
class EncoderOutput:
    """Attributes:
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
    """Any `nn.Module` with these. ``reads`` is ``landmarks`` or ``features``; ``stride`` is the
    number of frames from one chunk to the next, ``chunk_centres`` the frame each chunk stands for.
    """

    chunk_dim: int
    video_dim: int
    reads: str

    def __call__(self, batch: Batch) -> EncoderOutput: ...

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Chunks for a number of frames; at least 1 for at least 1 frame."""
        ...

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The frame at the middle of each chunk's stride, for times and for frame labels."""
        ...
