"""Landmarks through convolutions and a Transformer, as tutorials on Kaggle's fingerspelling contest have it.

After a public notebook (200 wide, two layers; itself after Rohith Ingilela's "ASLFR transformer") and the
blog "ASL Fingerspelling Recognition with Transformer Neural Networks" (64 wide, four layers), both with the
layers of Keras's tutorial on speech recognition: convolutions that see as many frames before as after, sines
and cosines of the place, and attention whose every head is as wide as the whole. At either one's sizes the
number of weights is the source's. There clips have 128 frames and the encoder reads their padding; here clips
have any length, and padding never changes an output.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.configs import LandmarkTransformerConfig
from signkit.models.encoders.lift_pooling import TimeConv
from signkit.models.encoders.masked_attention import Mask, attended, unless_all, unpadded, z_scored
from signkit.models.encoders.protocol import EncoderOutput


class Layer(nn.Module):
    """Attention over the real frames and two linear maps, each with a residual and a LayerNorm after it."""

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv, self.out = nn.Linear(width, 3 * heads * width), nn.Linear(heads * width, width)
        self.widen, self.narrow = nn.Linear(width, feed_forward), nn.Linear(feed_forward, width)
        self.norm, self.second_norm = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)

    def forward(
        self, x: Float[Tensor, "batch frames width"], mask: Mask
    ) -> Float[Tensor, "batch frames width"]:
        batch, frames, _ = x.shape
        query, key, value = self.qkv(x).view(batch, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = attended(query, key, value, mask)
        x = self.norm(x + self._drop(self.out(mixed.transpose(1, 2).flatten(2))))
        return torch.as_tensor(self.second_norm(x + self._drop(self.narrow(F.relu(self.widen(x))))))

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class LandmarkTransformer(nn.Module):
    """An `Encoder` of landmarks with a chunk a frame; both levels are the same.

    Args:
        points: of the layout.
        hands: the points of each hand, which are z-scored in each frame; the others are read as they are.
        config: sizes.
    """

    reads = "landmarks"

    def __init__(
        self, points: int, hands: Sequence[Sequence[int]], config: LandmarkTransformerConfig
    ) -> None:
        super().__init__()
        self.config, self.hands = config, tuple(tuple(hand) for hand in hands)
        of_hands = [i for hand in self.hands for i in hand]
        # the place of each point in a row of all of them, then of the z-scored ones of the hands
        self.order = [points + of_hands.index(i) if i in of_hands else i for i in range(points)]
        width, inputs = config.width, points * config.coordinates
        self.convs = nn.ModuleList(
            TimeConv(width if number else inputs, width, config.kernel) for number in range(config.convs)
        )
        self.layers = nn.ModuleList(
            Layer(width, config.heads, config.feed_forward, config.dropout) for _ in range(config.layers)
        )
        self.dims = {"chunk": width, "video": width}

    def forward(self, batch: Batch) -> EncoderOutput:
        """The features of a batch, frame by frame."""
        inside = length_mask(batch.lengths, batch.inputs.shape[1])
        seen, mask = batch.seen & inside[..., None], unless_all(inside)
        points = unpadded(batch.inputs[..., : self.config.coordinates], mask)
        scored = [z_scored(points[:, :, hand], seen[:, :, hand], (2,)) for hand in self.hands]
        x = torch.cat([points, *scored], 2)[:, :, self.order].flatten(2)
        for conv in self.convs:
            x = unpadded(F.relu(conv(x)), mask)
        x = x * math.sqrt(self.config.width) + places(x.shape[1], self.config.width).to(x)
        for layer in self.layers:
            x = layer(x, mask)
        x = unpadded(x, mask)
        nothing = torch.zeros(len(x), device=x.device)
        return EncoderOutput({"chunk": x, "video": x}, batch.lengths, nothing)

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """A chunk a frame."""
        return lengths

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """Each frame itself."""
        return torch.arange(chunks)


def places(frames: int, width: int) -> Float[Tensor, "frames width"]:
    """Sines of each place, then as many cosines, of wavelengths from 2 pi to 10,000 times as much."""
    rate = 10_000 ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)
    angle = torch.arange(frames, dtype=torch.float32)[:, None] * rate
    return torch.cat([angle.sin(), angle.cos()], -1)


def build(config: LandmarkTransformerConfig, layout: Layout | None, width: int) -> LandmarkTransformer:
    """The encoder for a corpus of landmarks with ``width`` coordinates each.

    Raises:
        UserError: the corpus has no landmarks, or fewer coordinates.
    """
    if layout is None:
        what = "'landmark_transformer' reads landmarks, and the corpus has feature vectors"
        raise UserError("encoder.name", what, "take 'features'")
    if config.coordinates > width:
        raise UserError("encoder.coordinates", f"is {config.coordinates}, and the corpus has {width}")
    hands = [layout.parts[name] for name in layout.hands if len(layout.parts[name]) > 1]
    return LandmarkTransformer(len(layout.points), hands, config)
