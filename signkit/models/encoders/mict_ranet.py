"""MiCT-RANet: a MiCT-ResNet and recurrent attention, for fingerspelling in video (Mahoudeau 2020).

github.com/fmahoudeau/MiCT-RANet-ASL-FingerSpelling has the network and its weights; the training is that of
Shi et al. 2019, "Fingerspelling recognition in the wild with iterative visual attention".
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import MictRanetConfig
from signkit.models.encoders.image_backbone import still_statistics
from signkit.models.encoders.masked_norm import at_least_float32, mask_out
from signkit.models.encoders.mict_attention import RecurrentAttention, State
from signkit.models.encoders.mict_resnet import MictResnet
from signkit.models.encoders.mict_weights import load_resnet
from signkit.models.encoders.packing import packing
from signkit.models.encoders.protocol import EncoderOutput

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of the colours of ImageNet's pictures, from 0 to 1."""


class MictRanet(nn.Module):
    """The encoder: a vector for each frame of video.

    Args:
        cnn: from frames to maps of ``channels`` channels.
        attention: over the maps.
        recompute: do not retain the activations within a block; compute them again for the gradient.
        dropout: probability, on each frame's vector.
    """

    reads = "video"
    scale: Float[Tensor, "3 1 1"]
    shift: Float[Tensor, "3 1 1"]

    def __init__(
        self, cnn: MictResnet, attention: RecurrentAttention, *, recompute: bool, dropout: float
    ) -> None:
        super().__init__()
        self.cnn, self.attention, self.recompute, self.dropout = cnn, attention, recompute, dropout
        self.dims = dict.fromkeys(("chunk", "video"), attention.cell.hidden_size)
        spread = torch.tensor(DEVIATION).view(3, 1, 1)
        self.register_buffer("scale", 1 / (255 * spread), persistent=False)
        self.register_buffer("shift", -torch.tensor(MEAN).view(3, 1, 1) / spread, persistent=False)

    def forward(self, batch: Batch) -> EncoderOutput:
        """The vector of each frame, at both levels."""
        vectors = self.attend(self.maps(batch), batch.motion)[0]
        vectors = mask_out(vectors, length_mask(batch.lengths, vectors.shape[1]))
        vectors = F.dropout(vectors, self.dropout, self.training)
        none = vectors.new_zeros(len(vectors))
        return EncoderOutput({"chunk": vectors, "video": vectors}, lengths=batch.lengths, auxiliary=none)

    def maps(self, batch: Batch) -> Float[Tensor, "batch frames channels height width"]:
        """The maps of each frame, zero in the padding."""
        real = packing(length_mask(batch.lengths, batch.inputs.shape[1]))
        frames: UInt8[Tensor, "real height width 3"] = real.pack(batch.inputs)
        pictures = frames.permute(0, 3, 1, 2).to(self.scale.dtype) * self.scale + self.shift
        call = _recomputed if self.recompute and torch.is_grad_enabled() else _called
        return real.unpack(self.cnn(pictures, real, call))

    def attend(
        self,
        maps: Float[Tensor, "batch frames channels height width"],
        motion: UInt8[Tensor, "batch frames _ _"] | None,
        state: State | None = None,
    ) -> tuple[Float[Tensor, "batch frames hidden"], Float[Tensor, "batch frames height width"], State]:
        """The vector and the attention of each frame, and the state after the last one."""
        size = maps.shape[-2:]
        with torch.autocast(maps.device.type, enabled=False):
            prior = None
            if motion is not None:
                values = motion.to(self.scale.dtype)
                prior = F.interpolate(values, size, mode="bilinear", align_corners=False).flatten(2)
            places = at_least_float32(maps).flatten(3).transpose(2, 3)
            vectors, weights, state = self.attention(places, prior, state)
        return vectors, weights.unflatten(2, size), state

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """A chunk for each frame."""
        return lengths

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The frames themselves."""
        return torch.arange(chunks)


def _called(module: nn.Module, function: Callable[..., Tensor], *arguments: object) -> Tensor:
    return function(*arguments)


def _recomputed(module: nn.Module, function: Callable[..., Tensor], *arguments: object) -> Tensor:
    """Call a part of the network; only its inputs are retained for the gradient."""
    contexts = partial(_first_and_second, module)
    result: Tensor = checkpoint(function, *arguments, use_reentrant=False, context_fn=contexts)
    return result


def _first_and_second(module: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Contexts for the first computation and for the second, which must not update running statistics."""
    return nullcontext(), still_statistics(module)


def build(config: MictRanetConfig, layout: Layout | None, width: int) -> MictRanet:
    """Build the encoder for a corpus of video.

    Raises:
        UserError: the corpus has no video, or the weights do not fit the network.
        OperationalError: the weights cannot be downloaded.
    """
    if layout is not None or width != 3:
        raise UserError("encoder.name", "'mict_ranet' reads video, and the corpus has none")
    cnn = MictResnet(config.backbone, config.channels, frames=config.kernel, padding=config.padding)
    load_resnet(cnn, config.backbone, config.weights)
    attention = RecurrentAttention(config.channels[-1], config.attention, config.hidden)
    return MictRanet(cnn, attention, recompute=config.checkpoint, dropout=config.dropout)
