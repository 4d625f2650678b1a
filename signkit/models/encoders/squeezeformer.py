"""Landmarks through blocks of attention and convolution: the winner of Kaggle's contest on fingerspelling.

After Christof Henkel and Darragh Hanley, "1st place solution" (Google, American Sign Language Fingerspelling
Recognition, 2023), whose blocks are Squeezeformer's (Kim et al. 2022) with rotary positions. At its sizes the
stems and the blocks have the source's numbers of weights. What differs, and is no weight:

- Padding never changes an output. There it takes part in the statistics of the stem's first normalisation,
  and the bias before the gate reaches the last frames of a clip through the convolution.
- A part is normalised over its seen points, and there over missing ones too, as zeros.
- The running statistics after a stem's linear map take a share of 0.05 of a new batch. There it is 0.95,
  which is nearly the last batch alone: Keras counts the share that stays, and torch that of the new batch.
- Clips have any length; there they are resampled to 384 frames at most.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.data.on_host import on_both
from signkit.errors import UserError
from signkit.models.encoders.configs import SqueezeformerConfig
from signkit.models.encoders.masked_attention import Mask, attended, unless_all, unpadded, z_scored
from signkit.models.encoders.masked_norm import MaskedBatchNorm
from signkit.models.encoders.protocol import EncoderOutput

CHANNELS = 32
"""Of the convolution over frames and points."""
BODY = ("body", "pose")
"""Parts that have a stem of their own, as each hand has; the others share one, the face's."""
Rotary = tuple[Float[Tensor, "frames head"], Float[Tensor, "frames head"]]
"""Cosines and sines of the angle of each frame and channel of a head."""


class Stem(nn.Module):
    """A frame's vector: each second point with its neighbours in the order of points and in time, then a
    linear map."""

    def __init__(self, points: int, coordinates: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(coordinates, CHANNELS, 3, stride=(1, 2), padding=1, bias=False)
        self.conv_norm = MaskedBatchNorm(CHANNELS)
        self.linear = nn.Linear(CHANNELS * math.ceil(points / 2), width, bias=False)
        self.norm = MaskedBatchNorm(width, momentum=0.05)

    def forward(
        self, points: Float[Tensor, "batch frames points coords"], mask: Mask
    ) -> Float[Tensor, "batch frames width"]:
        """``points`` must be zero where the mask is False."""
        x = self.conv(points.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        x = F.silu(self.conv_norm(x, mask)).flatten(2)
        return unpadded(self.norm(self.linear(x), mask), mask)


class PostNorm(nn.Module):
    """LayerNorm of x + f(scale * x + bias), zero in the padding; each channel learns its scale and bias."""

    def __init__(self, width: int, inner: nn.Module) -> None:
        super().__init__()
        self.scale, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.inner, self.norm = inner, nn.LayerNorm(width)

    def forward(
        self, x: Float[Tensor, "batch frames width"], mask: Mask, *more: Rotary
    ) -> Float[Tensor, "batch frames width"]:
        return unpadded(self.norm(x + self.inner(x * self.scale + self.bias, mask, *more)), mask)


class RotaryAttention(nn.Module):
    """Self-attention over the real frames, with rotary positions (Su et al. 2021)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Float[Tensor, "batch frames width"], mask: Mask, rotary: Rotary
    ) -> Float[Tensor, "batch frames width"]:
        batch, frames, width = x.shape
        query, key, value = self.qkv(x).view(batch, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key = turned(query, rotary), turned(key, rotary)
        mixed = attended(query, key, value, mask)
        return torch.as_tensor(self.out(mixed.transpose(1, 2).reshape(batch, frames, width)))


class FeedForward(nn.Module):
    """Two linear maps with SiLU between them, ``expansion`` times as wide there."""

    def __init__(self, width: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.widen, self.narrow = nn.Linear(width, expansion * width), nn.Linear(expansion * width, width)
        self.dropout = dropout

    def forward(self, x: Float[Tensor, "batch frames width"], mask: Mask) -> Tensor:
        inner = F.dropout(F.silu(self.widen(x)), self.dropout, self.training)
        return F.dropout(self.narrow(inner), self.dropout, self.training)


class Convolution(nn.Module):
    """A gated linear unit, a convolution of each channel over ``kernel`` frames, and a linear map."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.widen, self.narrow = nn.Linear(width, 2 * width), nn.Linear(width, width)
        self.conv = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width, bias=False)
        self.norm, self.dropout = MaskedBatchNorm(width), dropout

    def forward(
        self, x: Float[Tensor, "batch frames width"], mask: Mask
    ) -> Float[Tensor, "batch frames width"]:
        inner = unpadded(F.glu(self.widen(x), -1), mask)
        inner = self.conv(inner.transpose(1, 2)).transpose(1, 2)
        inner = self.narrow(F.silu(self.norm(inner, mask)))
        return F.dropout(inner, self.dropout, self.training)


class Block(nn.Module):
    """Attention, feed-forward, convolution, feed-forward, each in a `PostNorm`."""

    def __init__(self, width: int, heads: int, kernel: int, expansion: int, dropout: float) -> None:
        super().__init__()
        self.attention = PostNorm(width, RotaryAttention(width, heads))
        self.first = PostNorm(width, FeedForward(width, expansion, dropout))
        self.convolution = PostNorm(width, Convolution(width, kernel, dropout))
        self.second = PostNorm(width, FeedForward(width, expansion, dropout))

    def forward(
        self, x: Float[Tensor, "batch frames width"], mask: Mask, rotary: Rotary
    ) -> Float[Tensor, "batch frames width"]:
        x = self.first(self.attention(x, mask, rotary), mask)
        return torch.as_tensor(self.second(self.convolution(x, mask), mask))


class Squeezeformer(nn.Module):
    """An `Encoder` of landmarks, with a chunk for each ``config.stride`` frames; both levels are the same.

    Args:
        points: of the layout.
        parts: the points of each part that has a stem of its own; the widths of these stems add up to the
            width of the blocks.
        config: sizes.
    """

    reads = "landmarks"

    def __init__(self, points: int, parts: Sequence[Sequence[int]], config: SqueezeformerConfig) -> None:
        super().__init__()
        self.config, width = config, config.width
        self.parts = tuple(tuple(part) for part in parts)
        each, more = divmod(width, max(1, len(self.parts)))
        self.stem = Stem(points, config.coordinates, width)
        self.part_stems = nn.ModuleList(
            Stem(len(part), config.coordinates, each + (number < more))
            for number, part in enumerate(self.parts)
        )
        self.blocks = nn.ModuleList(
            Block(width, config.heads, config.kernel, config.expansion, config.dropout)
            for _ in range(config.blocks)
        )
        self.dims = {"chunk": width, "video": width}

    def forward(self, batch: Batch) -> EncoderOutput:
        """The features of a batch, chunk by chunk."""
        inside = length_mask(batch.lengths, batch.inputs.shape[1])
        seen, mask = batch.seen & inside[..., None], unless_all(inside)
        points = unpadded(batch.inputs[..., : self.config.coordinates], mask)
        points = z_scored(points, seen, (1, 2))
        x = self.stem(self._moved(points, seen), mask)
        if self.parts:
            x = x + torch.cat(
                [
                    stem(z_scored(points[:, :, part], seen[:, :, part], (2,)), mask)
                    for part, stem in zip(self.parts, self.part_stems, strict=True)
                ],
                -1,
            )
        lengths = on_both(self.output_lengths, batch.lengths)
        x = shortened(x, inside, self.config.stride)
        mask = unless_all(length_mask(lengths, x.shape[1]))
        rotary = angles(x.shape[1], self.config.width // self.config.heads, x)
        for block in self.blocks:
            x = block(x, mask, rotary)
        nothing = torch.zeros(len(x), device=x.device)
        return EncoderOutput({"chunk": x, "video": x}, lengths, nothing)

    def _moved(self, points: Tensor, seen: Bool[Tensor, "batch frames points"]) -> Tensor:
        """In training: z-scored points in another size and place for each clip, which the z-scores of the
        clip itself would undo."""
        if not self.training or not (self.config.resize or self.config.move):
            return points
        draws = 2 * torch.rand(2, len(points), 1, 1, 1, device=points.device) - 1
        moved = points * (1 + self.config.resize * draws[0])
        planar = torch.arange(points.shape[-1], device=points.device) < 2
        return (moved + self.config.move * draws[1] * planar).masked_fill(~seen[..., None], 0)

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """ceil(frames / stride)."""
        return (lengths + self.config.stride - 1) // self.config.stride

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """The middle frame of each chunk; may lie past the end for a partial last chunk."""
        return torch.arange(chunks) * self.config.stride + (self.config.stride - 1) // 2


def shortened(
    x: Float[Tensor, "batch frames width"], mask: Bool[Tensor, "batch frames"], stride: int
) -> Float[Tensor, "batch chunks width"]:
    """The mean of each ``stride`` frames, of the last chunk's real ones; ``x`` is zero in the padding."""
    if stride == 1:
        return x
    ragged = -x.shape[1] % stride
    total = F.pad(x, (0, 0, 0, ragged)).reshape(x.shape[0], -1, stride, x.shape[2]).sum(2)
    count = F.pad(mask, (0, ragged)).reshape(x.shape[0], -1, stride).sum(2)
    return total / count.clamp(min=1)[..., None]


def angles(frames: int, width: int, like: Tensor) -> Rotary:
    """Cosines and sines for `turned`: channel i and channel i + width / 2 turn by 10000 ** (-2i / width) a
    frame."""
    rate = 10_000 ** (-torch.arange(0, width, 2, dtype=torch.float32, device=like.device) / width)
    angle = torch.arange(frames, dtype=torch.float32, device=like.device)[:, None] * rate
    both = torch.cat([angle, angle], -1)
    return both.cos().to(like.dtype), both.sin().to(like.dtype)


def turned(x: Float[Tensor, "batch heads frames head"], rotary: Rotary) -> Tensor:
    """Queries or keys turned by the angle of their frame, so that products depend on distances alone."""
    cosine, sine = rotary
    first, second = x.chunk(2, -1)
    return x * cosine + torch.cat([-second, first], -1) * sine


def stem_parts(layout: Layout) -> list[tuple[int, ...]]:
    """The points of each part that has a stem: each hand, the body, and all others together, where they have
    two points at least (the shape of one point is none)."""
    own = [name for name in layout.parts if name in layout.hands or name in BODY]
    others = tuple(i for name, part in layout.parts.items() if name not in own for i in part)
    parts = [*(layout.parts[name] for name in own), others]
    return [part for part in parts if len(part) > 1]


def build(config: SqueezeformerConfig, layout: Layout | None, width: int) -> Squeezeformer:
    """The encoder for a corpus of landmarks with ``width`` coordinates each.

    Raises:
        UserError: the corpus has no landmarks, or fewer coordinates.
    """
    if layout is None:
        what = "'squeezeformer' reads landmarks, and the corpus has feature vectors"
        raise UserError("encoder.name", what, "take 'features'")
    if config.coordinates > width:
        raise UserError("encoder.coordinates", f"is {config.coordinates}, and the corpus has {width}")
    return Squeezeformer(len(layout.points), stem_parts(layout), config)
