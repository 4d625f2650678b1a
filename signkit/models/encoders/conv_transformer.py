"""Landmarks through causal depthwise convolutions and attention, as the winner of Kaggle's GISLR has it.

After Hoyeol Sohn, "1st place solution" (Google, Isolated Sign Language Recognition, 2023): x and y of every
point with their first and second differences, a linear stem, then stages of three convolution blocks and a
Transformer block, and a linear layer. There padding is masked in most places; here everywhere, so that it
never changes an output.
"""

from functools import partial
from typing import Any, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import Batch, length_mask
from signkit.data.landmarks import Layout
from signkit.errors import UserError
from signkit.models.encoders.attending import in_sight
from signkit.models.encoders.configs import ConvTransformerConfig
from signkit.models.encoders.kinematic import velocity
from signkit.models.encoders.masked_norm import MaskedBatchNorm, mask_out
from signkit.models.encoders.protocol import EncoderOutput
from signkit.models.encoders.streaming import Reach, Stage, Windowed, one_clip

LAGS = (1, 2)
"""Frames over which the differences are taken."""
EXPANSION = 2
"""Width inside a block, as a multiple of its own."""
Sight = Bool[Tensor, "batch frames frames"] | None
"""Which frames each frame sees in attention and gates; None: all real ones."""


def _norm(width: int) -> MaskedBatchNorm:
    """The source's normalisation."""
    return MaskedBatchNorm(width, eps=1e-3, momentum=0.05)


class ChannelAttention(nn.Module):
    """Efficient channel attention (Wang et al. 2020): each channel times a gate of its and its neighbours'
    means over the clip, or over the frames that each frame sees."""

    def __init__(self, kernel: int = 5) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(
        self, x: Float[Tensor, "batch frames width"], mask: Bool[Tensor, "batch frames"], sees: Sight = None
    ) -> Float[Tensor, "batch frames width"]:
        """``x`` must be zero where the mask is False."""
        if sees is not None:
            means = (sees / sees.sum(2, keepdim=True)).to(x.dtype) @ x
            gates: Tensor = self.conv(means.flatten(0, 1)[:, None]).sigmoid()
            return x * gates.view(x.shape)
        mean = x.sum(1) / mask.sum(1, keepdim=True)
        gate: Tensor = self.conv(mean[:, None]).sigmoid()
        return x * gate.transpose(1, 2).reshape(len(x), 1, -1)


class ConvBlock(nn.Module):
    """Widen, convolve each channel over the frames so far, gate the channels, narrow; with a residual."""

    def __init__(self, width: int, kernel: int, drop: float) -> None:
        super().__init__()
        inner = EXPANSION * width
        self.widen, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.conv = nn.Conv1d(inner, inner, kernel, groups=inner, bias=False)
        self.norm = _norm(inner)
        self.gate, self.drop_prob, self.before = ChannelAttention(), drop, kernel - 1

    def forward(
        self, x: Float[Tensor, "batch frames width"], mask: Bool[Tensor, "batch frames"], sees: Sight = None
    ) -> Float[Tensor, "batch frames width"]:
        inner = mask_out(F.silu(self.widen(x)), mask)
        inner = self.conv(F.pad(inner.transpose(1, 2), (self.before, 0))).transpose(1, 2)
        inner = self.gate(mask_out(self.norm(inner, mask), mask), mask, sees)
        return x + mask_out(drop_samples(self.narrow(inner), self.drop_prob, self.training), mask)


class AttentionBlock(nn.Module):
    """Self-attention over the real frames, then a feed-forward layer; each after a normalisation."""

    def __init__(self, width: int, heads: int, dropout: float, drop: float) -> None:
        super().__init__()
        self.heads, self.dropout, self.drop_prob, self.before = heads, dropout, drop, 0
        self.norm, self.second_norm = _norm(width), _norm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.widen = nn.Linear(width, EXPANSION * width, bias=False)
        self.narrow = nn.Linear(EXPANSION * width, width, bias=False)

    def forward(
        self, x: Float[Tensor, "batch frames width"], mask: Bool[Tensor, "batch frames"], sees: Sight = None
    ) -> Float[Tensor, "batch frames width"]:
        x = x + self._dropped(self._attended(self.norm(x, mask), mask, sees), mask)
        inner = F.silu(self.widen(self.second_norm(x, mask)))
        return x + self._dropped(self.narrow(inner), mask)

    def _attended(self, x: Tensor, mask: Tensor, sees: Sight) -> Tensor:
        batch, frames, width = x.shape
        query, key, value = self.qkv(x).view(batch, frames, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        shown = mask[:, None, None] if sees is None else sees[:, None]
        mixed = F.scaled_dot_product_attention(query, key, value, shown, dropout)
        return torch.as_tensor(self.out(mixed.transpose(1, 2).reshape(batch, frames, width)))

    def _dropped(self, x: Tensor, mask: Tensor) -> Tensor:
        return mask_out(drop_samples(x, self.drop_prob, self.training), mask)


class ConvTransformer(nn.Module):
    """An `Encoder` of landmarks with a chunk a frame; both levels are the same.

    Args:
        points: of the layout.
        coordinates: of a point in a corpus, of which the first ``used`` are read.
        width: of the blocks; the output is twice as wide.
        stages: each has ``convs`` convolution blocks and a Transformer block.
        kernel: frames of each convolution: the frame itself and those before it.
        block: frames that see each other in attention and gates, and `past` frames before them; 0: all do.
    """

    reads = "landmarks"

    def __init__(
        self,
        points: int,
        used: int,
        *,
        width: int,
        stages: int,
        convs: int,
        kernel: int,
        heads: int,
        drop: float,
        block: int = 0,
        past: int = 0,
    ) -> None:
        super().__init__()
        self.used, self.block, self.past = used, block, past
        self.stem = nn.Linear(points * used * (1 + len(LAGS)), width, bias=False)
        self.stem_norm = _norm(width)
        blocks: list[nn.Module] = []
        for _ in range(stages):
            blocks += [ConvBlock(width, kernel, drop) for _ in range(convs)]
            blocks.append(AttentionBlock(width, heads, drop, drop))
        self.blocks = nn.ModuleList(blocks)
        self.top = nn.Linear(width, 2 * width)
        self.dims = {"chunk": 2 * width, "video": 2 * width}

    def forward(self, batch: Batch) -> EncoderOutput:
        """The features of a batch, frame by frame."""
        mask = length_mask(batch.lengths, batch.inputs.shape[1])
        x = self._stem(batch, mask)
        sees = in_sight(x, mask, self.block, self.past) if self.block else None
        for block in self.blocks:
            x = block(x, mask, sees)
        frames = mask_out(self.top(x), mask)
        nothing = torch.zeros(len(frames), device=frames.device)
        return EncoderOutput({"chunk": frames, "video": frames}, batch.lengths, nothing)

    def _stem(self, batch: Batch, mask: Tensor) -> Float[Tensor, "batch frames width"]:
        seen = batch.seen & mask[..., None]
        points = batch.inputs[..., : self.used].masked_fill(~seen[..., None], 0)
        moved = [velocity(points, seen, lag)[0] for lag in LAGS]
        x = self.stem(torch.cat([each.flatten(2) for each in (points, *moved)], -1))
        return mask_out(self.stem_norm(x, mask), mask)

    def stages(self) -> tuple[list[Stage], list[Stage]]:
        """Of a stream; see `signkit.models.encoders.streaming`.

        Raises:
            UserError: attention is to the whole clip.
        """
        if not self.block:
            what = "attention to the whole clip cannot be streamed"
            raise UserError("encoder.block", what, "such as 8, with `past: 64`")

        def stem(inputs: Tensor) -> Tensor:
            return self._stem(one_clip(inputs), _everywhere(inputs))[0]

        def through(block: Any, x: Tensor) -> Tensor:
            everywhere = _everywhere(x)
            after: Tensor = block(x[None], everywhere, in_sight(x[None], everywhere, self.block, self.past))
            return after[0]

        blocks = [
            Windowed(partial(through, each), Reach(self.past + cast(int, each.before), unit=self.block))
            for each in self.blocks
        ]
        return [Windowed(stem, Reach(max(LAGS))), *blocks, Windowed(self.top, Reach())], []

    def output_lengths(self, lengths: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """A chunk a frame."""
        return lengths

    def chunk_centres(self, chunks: int) -> Int[Tensor, " chunks"]:
        """Each frame itself."""
        return torch.arange(chunks)


def _everywhere(x: Tensor) -> Bool[Tensor, "1 frames"]:
    return torch.ones(1, len(x), dtype=torch.bool, device=x.device)


def drop_samples(
    x: Float[Tensor, "batch frames width"], probability: float, training: bool
) -> Float[Tensor, "batch frames width"]:
    """Leave out a residual branch for whole samples (stochastic depth, Huang et al. 2016)."""
    if not training or not probability:
        return x
    stays = torch.rand(len(x), 1, 1, device=x.device) >= probability
    return x * stays / (1 - probability)


def build(config: ConvTransformerConfig, layout: Layout | None, width: int) -> ConvTransformer:
    """The encoder for a corpus of landmarks with ``width`` coordinates each.

    Raises:
        UserError: the corpus has no landmarks, or fewer coordinates.
    """
    if layout is None:
        what = "'conv_transformer' reads landmarks, and the corpus has feature vectors"
        raise UserError("encoder.name", what, "take 'features'")
    if config.coordinates > width:
        raise UserError("encoder.coordinates", f"is {config.coordinates}, and the corpus has {width}")
    return ConvTransformer(
        len(layout.points),
        config.coordinates,
        width=config.width,
        stages=config.stages,
        convs=config.convs,
        kernel=config.kernel,
        heads=config.heads,
        drop=config.drop,
        block=config.block,
        past=config.past,
    )
