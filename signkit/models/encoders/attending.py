"""Global temporal modules with self-attention, in place of an LSTM: Transformers, and HuBERT's encoder.

HearAI's sequence modules in kind (github.com/hearai/hearai, models/transformers): a Transformer (Camgöz et
al. 2020), one with a depthwise convolution before each layer, and HuBERT's (Hsu et al. 2021). Theirs flatten
the chunks for a linear layer, and so need as many in each clip; these return features of each chunk.
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.batch import length_mask
from signkit.models.encoders.configs import GlobalTemporalConfig
from signkit.models.encoders.lift_pooling import TimeConv
from signkit.models.encoders.masked_norm import at_least_float32, mask_out
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


class Transformer(nn.Module):
    """Layers of a Transformer, normalised first, with positions as waves.

    Args:
        kernel: chunks of the depthwise convolution before each layer, odd; 0: none.
    """

    def __init__(
        self, width: int, layers: int, heads: int, feed_forward: int, dropout: float, kernel: int = 0
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, feed_forward, dropout, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.convs = nn.ModuleList(
            TimeConv(width, width, kernel, groups=width) for _ in range(layers if kernel else 0)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Float[Tensor, "batch chunks width"], mask: Tensor) -> Tensor:
        x = self._drop(x + waves(x.shape[1], x.shape[2]).to(x))
        for number, layer in enumerate(self.layers):
            if self.convs:
                x = self._drop(F.elu(self.convs[number](mask_out(x, mask)), 0.1))
            # A graph has one clip, without padding, and of any length, which torch's own layer would fix.
            exporting = torch.onnx.is_in_onnx_export()
            x = unpadded_layer(layer, x) if exporting else layer(x, src_key_padding_mask=~mask)
        normed: Tensor = self.norm(x)
        return normed

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


def unpadded_layer(layer: Any, x: Float[Tensor, "batch chunks width"]) -> Tensor:
    """A `torch.nn.TransformerEncoderLayer` in eval mode that normalises first."""
    attention = layer.self_attn
    inner = F.linear(layer.norm1(x), attention.in_proj_weight, attention.in_proj_bias)
    split = (each.unflatten(2, (attention.num_heads, -1)).transpose(1, 2) for each in inner.chunk(3, 2))
    mixed = F.scaled_dot_product_attention(*split).transpose(1, 2).flatten(2)
    x = x + attention.out_proj(mixed)
    fed: Tensor = layer.linear2(layer.activation(layer.linear1(layer.norm2(x))))
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
    return Attending(
        inputs, config.width, Transformer(*sizes, config.kernel if config.kind == "conv_transformer" else 0)
    )
