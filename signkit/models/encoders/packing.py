"""Real frames without the padding between them, for layers that work frame by frame."""

from dataclasses import dataclass

from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from signkit.data.on_host import moved, on_host


@dataclass(frozen=True, slots=True)
class Packing:
    """Where the real frames of a padded batch are.

        batch      a0 a1 a2 | b0 __ __          index = [0, 1, 2, 3]
        packed     a0 a1 a2   b0

    Layers that treat frames alike run faster on packed frames, and padding cannot leak into statistics.

    Attributes:
        batch: number of samples.
        frames: frames of the padded batch.
        index: places of the real frames among all ``batch * frames``; None if every frame is real.
    """

    batch: int
    frames: int
    index: Int[Tensor, " real"] | None

    def pack(self, x: Shaped[Tensor, "batch frames *rest"]) -> Shaped[Tensor, "real *rest"]:
        """The real frames of all samples, one after another."""
        flat = x.flatten(0, 1)
        return flat if self.index is None else flat.index_select(0, self.index)

    def unpack(self, x: Shaped[Tensor, "real *rest"]) -> Shaped[Tensor, "batch frames *rest"]:
        """The inverse of `pack`: the padded batch, zero in the padding."""
        if self.index is not None:
            x = x.new_zeros(self.batch * self.frames, *x.shape[1:]).index_copy_(0, self.index, x)
        return x.view(self.batch, self.frames, *x.shape[1:])


def packing(mask: Bool[Tensor, "batch frames"]) -> Packing:
    """The packing of the frames where the mask is True."""
    index = on_host(mask).flatten().nonzero().squeeze(1)
    batch, frames = mask.shape
    return Packing(batch, frames, moved(index, mask.device) if len(index) < mask.numel() else None)
