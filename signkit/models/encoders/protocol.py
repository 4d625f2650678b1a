"""What an encoder is: frames in, features of chunks out, at one or more levels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import Batch


@dataclass(frozen=True, slots=True)
class EncoderOutput:
    """What an encoder makes of a batch.

    Attributes:
        levels: features of each chunk by the level's name, [batch, chunks, width], zero where padded.
            ``chunk``: local features l_1..l_S; ``video``: global features g_1..g_S, the very tensor of
            ``chunk`` where the encoder has no global temporal module. Others, as ``slow``, are for losses.
        lengths: chunks of each sample, the same at every level.
        auxiliary: the encoder's own loss a sample (lift pooling), zero where it has none.
    """

    levels: Mapping[str, Float[Tensor, "batch chunks _"]]
    lengths: Int[Tensor, " batch"]
    auxiliary: Float[Tensor, " batch"]


@runtime_checkable
class Encoder(Protocol):
    """Any `nn.Module` with these.

    Attributes:
        dims: width of the features of each level, ``chunk`` and ``video`` among them.
        reads: ``video``, ``landmarks`` or ``features``.
    """

    dims: Mapping[str, int]
    reads: str

    def __call__(self, batch: Batch) -> EncoderOutput: ...

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Chunks for a number of frames; at least 1 for at least 1 frame."""
        ...

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The frame that each chunk stands for, its middle one, for times and for frame labels."""
        ...
