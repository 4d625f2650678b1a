"""Global temporal modules with self-attention, in place of an LSTM: Transformers, and HuBERT's encoder.

HearAI's sequence modules in kind (github.com/hearai/hearai, models/transformers): a Transformer (Camgöz et
al. 2020), one with a depthwise convolution before each layer, and HuBERT's (Hsu et al. 2021). Theirs flatten
the chunks for a linear layer, and so need as many in each clip; these return features of each chunk.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import length_mask
from signkit.errors import UserError
from signkit.models.encoders.configs import GlobalTemporalConfig
from signkit.models.encoders.lift_pooling import TimeConv
from signkit.models.encoders.masked_norm import at_least_float32, mask_out
from signkit.models.encoders.packing import Packing, packing
from signkit.models.encoders.streaming import Reach, Stage, Windowed
from signkit.models.torchvision_mend import import_transformers


class Attending(nn.Module):
    """A linear map, then attention over the real chunks, in at least float32.

    Args:
        inputs: width of a chunk's vector.
        width: of the output.
        layers: from ``(x, mask)`` to features of the same width.
    """

    def __init__(self, inputs: int, width: int, layers: nn.Module) -> None:
        super().__init__()
        self.width = width
        self.project = nn.Linear(inputs, width)
        self.layers = layers

    def forward(
        self, chunks: Float[Tensor, "batch chunks inputs"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch chunks width"]:
        mask = length_mask(lengths, chunks.shape[1])
        with torch.autocast(chunks.device.type, enabled=False):
            x = mask_out(self.project(at_least_float32(chunks)), mask)
            return mask_out(self.layers(x, mask), mask)

    def stages(self) -> list[Stage]:
        """Of a stream; see `signkit.models.encoders.streaming`.

        Raises:
            UserError: the layers attend to the whole clip.
        """
        if not isinstance(self.layers, Transformer):
            what = "HuBERT's encoder attends to the whole clip and cannot be streamed"
            raise UserError("encoder.global_temporal.kind", what, "`transformer`, with a `block`")
        return [Windowed(lambda x: self.project(at_least_float32(x)), Reach()), *self.layers.stages()]


class Transformer(nn.Module):
    """Layers of a Transformer, normalised first, with positions as waves.

    Args:
        kernel: chunks of the depthwise convolution before each layer, odd; 0: none.
        block: chunks that see each other, and `past` chunks before them, as in Shi et al. 2021 (Emformer) but
            for the look-ahead, which is the rest of the block. Positions are distances then, whose product
            with a slope of each head is subtracted from its scores (ALiBi, Press et al. 2022), and
            convolutions read the past. 0: all see all.
    """

    def __init__(
        self,
        width: int,
        layers: int,
        heads: int,
        feed_forward: int,
        dropout: float,
        kernel: int = 0,
        block: int = 0,
        past: int = 0,
    ) -> None:
        super().__init__()
        self.dropout, self.heads, self.kernel, self.block, self.past = dropout, heads, kernel, block, past
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, feed_forward, dropout, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.convs = nn.ModuleList(
            TimeConv(width, width, kernel, groups=width, after=0 if block else None)
            for _ in range(layers if kernel else 0)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Float[Tensor, "batch chunks width"], mask: Tensor) -> Tensor:
        batch, chunks = mask.shape
        # A graph has one clip without padding, of any length, which must not be read while it is traced.
        real = Packing(batch, chunks, None) if torch.onnx.is_in_onnx_export() else packing(mask)
        x = self._drop(real.pack(x if self.block else x + waves(x.shape[1], x.shape[2]).to(x)))
        seen = None if real.index is None else mask[:, None, None]
        if self.block:
            seen = self._bias(real.unpack(x), mask)
        for number, layer in enumerate(self.layers):
            if self.convs:
                x = real.pack(self._convolved(number, real.unpack(x)))
            x = of_packed(layer, x, real, seen)
        return real.unpack(self.norm(x))

    def stages(self) -> list[Stage]:
        """Of a stream: each convolution and each layer."""
        if not self.block:
            what = "attention to the whole clip cannot be streamed"
            raise UserError("encoder.global_temporal.block", what, "such as 4, with `past: 32`")
        found: list[Stage] = []
        for number, layer in enumerate(self.layers):
            if self.convs:
                convolved = partial(self._one, partial(self._convolved, number))
                found.append(Windowed(convolved, Reach(before=self.kernel - 1)))
            of_layer = partial(self._one, partial(self._attended, layer))
            found.append(Windowed(of_layer, Reach(before=self.past, unit=self.block)))
        return [*found, Windowed(self.norm, Reach())]

    def _one(self, compute: Callable[[Tensor], Tensor], x: Float[Tensor, "chunks width"]) -> Tensor:
        return compute(x[None])[0]

    def _attended(self, layer: nn.Module, x: Float[Tensor, "1 chunks width"]) -> Tensor:
        everywhere = torch.ones(x.shape[:2], dtype=torch.bool, device=x.device)
        return of_packed(layer, x[0], Packing(1, x.shape[1], None), self._bias(x, everywhere))[None]

    def _convolved(self, number: int, x: Float[Tensor, "batch chunks width"]) -> Tensor:
        return self._drop(F.elu(self.convs[number](x), 0.1))

    def _bias(self, x: Tensor, mask: Tensor) -> Float[Tensor, "batch heads chunks chunks"]:
        """What is added to the scores of attention: -inf where a chunk is not seen."""
        sees = in_sight(x, mask, self.block, self.past)
        place = torch.arange(x.shape[1], device=x.device)
        slopes = 2.0 ** (-8 / self.heads * torch.arange(1, self.heads + 1, device=x.device))
        distance = (place[:, None] - place).abs()
        return (-slopes.to(x)[:, None, None] * distance)[None].masked_fill(~sees[:, None], -torch.inf)

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


def in_sight(
    x: Float[Tensor, "batch places width"], mask: Bool[Tensor, "batch places"], block: int, past: int
) -> Bool[Tensor, "batch places places"]:
    """Which places each place sees: the real ones of its block, and of the ``past`` before the block; behind
    the end of a clip itself alone, so that there are no rows of nothing."""
    place = torch.arange(x.shape[1], device=x.device)
    first = (place // block * block)[:, None]
    near = (place >= first - past) & (place < first + block)
    return (near & mask[:, None]) | (place == place[:, None])


def of_packed(
    layer: Any,
    x: Float[Tensor, "real width"],
    real: Packing,
    seen: Float[Tensor, "batch #heads #chunks chunks"] | Bool[Tensor, "batch #heads #chunks chunks"] | None,
) -> Float[Tensor, "real width"]:
    """A `torch.nn.TransformerEncoderLayer` that normalises first, of real chunks alone: the padding of clips
    or sentences of unequal lengths costs nothing but in attention.

    Args:
        seen: what is added to the scores of attention, or which chunks are seen; None: all.
    """
    attention = layer.self_attn
    inner = real.unpack(F.linear(layer.norm1(x), attention.in_proj_weight, attention.in_proj_bias))
    query, key, value = (
        each.unflatten(2, (attention.num_heads, -1)).transpose(1, 2) for each in inner.chunk(3, 2)
    )
    drop = attention.dropout if layer.training else 0.0
    mixed = F.scaled_dot_product_attention(query, key, value, seen, drop).transpose(1, 2).flatten(2)
    x = x + layer.dropout1(attention.out_proj(real.pack(mixed)))
    inner = layer.dropout(layer.activation(layer.linear1(layer.norm2(x))))
    fed: Tensor = layer.dropout2(layer.linear2(inner))
    return x + fed


class Hubert(nn.Module):
    """The encoder of HuBERT without its waveform front end, from a configuration made here: fresh weights,
    nothing is downloaded. Its positions are a convolution over ``kernel`` chunks."""

    def __init__(
        self, width: int, layers: int, heads: int, feed_forward: int, dropout: float, kernel: int
    ) -> None:
        super().__init__()
        config = import_transformers().HubertConfig(
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            intermediate_size=feed_forward,
            num_conv_pos_embeddings=kernel,
            num_conv_pos_embedding_groups=heads,
            hidden_dropout=dropout,
            activation_dropout=dropout,
            attention_dropout=dropout,
            layerdrop=0.0,
            attn_implementation="sdpa",
        )
        from transformers.models.hubert.modeling_hubert import HubertEncoder

        self.encoder: Any = HubertEncoder(config)

    def forward(self, x: Float[Tensor, "batch chunks width"], mask: Tensor) -> Tensor:
        # The encoder sets the padding of its argument to zero in place.
        states: Tensor = self.encoder(x.clone(), attention_mask=mask).last_hidden_state
        return states


def waves(count: int, width: int) -> Float[Tensor, "count width"]:
    """Sines and cosines of the place, by turns, of wavelengths from 2 pi to 10,000 times as much (Vaswani et
    al. 2017, section 3.5)."""
    place = torch.arange(count, dtype=torch.float32)[:, None]
    rate = 10_000 ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)
    return torch.stack([(place * rate).sin(), (place * rate).cos()], -1).flatten(1)[:, :width]


def build_attending(inputs: int, config: GlobalTemporalConfig) -> Attending:
    """The module of the options, whose `kind` is none of an LSTM."""
    sizes = config.width, config.layers, config.heads, config.feed_forward, config.dropout
    if config.kind == "hubert":
        return Attending(inputs, config.width, Hubert(*sizes, config.kernel))
    kernel = config.kernel if config.kind == "conv_transformer" else 0
    return Attending(inputs, config.width, Transformer(*sizes, kernel, config.block, config.past))
