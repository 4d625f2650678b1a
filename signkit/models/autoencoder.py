"""A convolutional autoencoder whose latent vectors a forest or a logistic regression classifies."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.errors import UserError
from signkit.models.classifier import LabelLogits
from signkit.models.configs import AutoencoderForestConfig
from signkit.models.encoders.protocol import Encoder
from signkit.models.fitted import Fitted, Forest, Logistic
from signkit.models.precision import in_float32

KERNEL = 4


class Decoder(nn.Module):
    """From a vector to a picture of `size`: transposed convolutions that double its sides.

    Args:
        width: of the vector.
        channels: of each convolution.
        size: a multiple of 2 to the number of convolutions.
    """

    def __init__(self, width: int, channels: Sequence[int], size: int) -> None:
        super().__init__()
        self.first, self.side = channels[0], size // 2 ** len(channels)
        self.full = nn.Linear(width, channels[0] * self.side**2)
        self.convs = nn.ModuleList(
            nn.ConvTranspose2d(inputs, outputs, KERNEL, stride=2, padding=1)
            for inputs, outputs in zip(channels, (*channels[1:], 3), strict=True)
        )

    def forward(self, vectors: Float[Tensor, "some width"]) -> Float[Tensor, "some 3 size size"]:
        """Pictures with colours from 0 to 1."""
        x = self.full(vectors).unflatten(1, (self.first, self.side, self.side))
        *convs, last = self.convs
        for conv in convs:
            x = conv(F.relu(x))
        return torch.sigmoid(in_float32(last, F.relu(x)))


class AutoencoderForest(nn.Module):
    """Reconstructs frames from an encoder's vectors, and classifies the mean vector of a clip.

    Args:
        encoder: of video, a vector a frame.
        heads: the classifier of each question, fitted after the training.
        size: height and width of the reconstructed frames.
    """

    def __init__(self, *, encoder: Encoder, decoder: Decoder, heads: nn.ModuleDict, size: int) -> None:
        super().__init__()
        self.encoder, self.decoder, self.heads, self.size = encoder, decoder, heads, size

    def forward(self, batch: Batch) -> LabelLogits:
        """Log probabilities, and in place of an auxiliary loss the reconstruction error of each clip."""
        frames, vectors = self._encoded(batch)
        real = length_mask(batch.lengths, frames.shape[1])
        errors = (self._decoded(vectors) - self.small(frames)).square().mean((2, 3, 4))
        error = (errors * real).sum(1) / batch.lengths
        latents = self._pooled(vectors.detach(), batch)
        return LabelLogits({name: head(latents) for name, head in self.heads.items()}, error)

    def latents(self, batch: Batch) -> Float[Tensor, "batch width"]:
        """The vector of each clip: the mean of its frames'."""
        return self._pooled(self._encoded(batch)[1], batch)

    def reconstructions(self, batch: Batch) -> Float[Tensor, "batch frames 3 size size"]:
        """Each frame as its vector tells, from 0 to 1."""
        return self._decoded(self._encoded(batch)[1])

    def small(self, frames: Float[Tensor, "batch frames 3 height width"]) -> Tensor:
        """Frames of the size of their reconstructions."""
        if frames.shape[-1] == self.size:
            return frames
        small: Tensor = F.adaptive_avg_pool2d(frames.flatten(0, 1), self.size)
        return small.view(*frames.shape[:3], self.size, self.size)

    def _encoded(self, batch: Batch) -> tuple[Tensor, Float[Tensor, "batch frames width"]]:
        encoded = self.encoder(batch)
        if not torch.equal(encoded.lengths.cpu(), batch.lengths.cpu()):
            what = "gives other numbers of vectors than there are frames"
            raise UserError("encoder.local_temporal", what, "take `{kind: none}`")
        return batch.inputs.permute(0, 1, 4, 2, 3).float() / 255, encoded.levels["video"].float()

    def _decoded(self, vectors: Float[Tensor, "batch frames width"]) -> Tensor:
        decoded: Tensor = self.decoder(vectors.flatten(0, 1)).float()
        return decoded.view(*vectors.shape[:2], 3, self.size, self.size)

    def _pooled(
        self, vectors: Float[Tensor, "batch frames width"], batch: Batch
    ) -> Float[Tensor, "batch width"]:
        real = length_mask(batch.lengths, vectors.shape[1])
        return (vectors * real[..., None]).sum(1) / batch.lengths[:, None]


def build(
    config: AutoencoderForestConfig, *, encoder: Encoder, classes: Mapping[str, int]
) -> AutoencoderForest:
    """Build the model from its options, its encoder, and the number of classes."""
    kinds: dict[str, type[Fitted]] = {"forest": Forest, "logistic": Logistic}
    heads = {name: kinds[config.classifier](count) for name, count in classes.items()}  # type: ignore[call-arg]
    return AutoencoderForest(
        encoder=encoder,
        decoder=Decoder(encoder.dims["video"], config.channels, config.size),
        heads=nn.ModuleDict(heads),
        size=config.size,
    )
