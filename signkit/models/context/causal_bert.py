"""BERT (Devlin et al. 2019) with causal attention by default; its weights have the published names."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.models.context.card import BertCard

SPREAD = 0.02
"""Standard deviation of untrained weights, BERT's."""
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_new": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
    "silu": F.silu,
}
Pair = tuple[Tensor, Tensor]


class CausalBert(nn.Module):
    """The embeddings and the layers of a BERT, without its pooler.

    Args:
        card: its sizes.
        symbols: rows of the table of embeddings.
    """

    def __init__(self, card: BertCard, symbols: int) -> None:
        super().__init__()
        self.card = card
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(symbols, card.width),
                "position_embeddings": nn.Embedding(card.positions, card.width),
                "token_type_embeddings": nn.Embedding(card.segments, card.width),
                "LayerNorm": nn.LayerNorm(card.width, card.norm_epsilon),
            }
        )
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(BertLayer(card) for _ in range(card.layers))})
        self.apply(_untrained)

    @property
    def words(self) -> nn.Embedding:
        """The table of the symbols' embeddings."""
        table: Any = self.embeddings["word_embeddings"]
        return table  # type: ignore[no-any-return]

    def forward(
        self,
        embedded: Float[Tensor, "batch symbols width"],
        places: Int[Tensor, "#batch symbols"],
        seen: Bool[Tensor, "#batch #symbols before"] | None = None,
        past: list[Pair] | None = None,
    ) -> tuple[Float[Tensor, "batch symbols width"], list[Pair]]:
        """The states of the last layer.

        Args:
            embedded: rows of `words`.
            places: of the symbols in their sentence, from 0; those beyond ``card.positions`` share the last.
            seen: which of the past and of these symbols each one attends to; None: itself and all before it.
            past: keys and values ``[batch, heads, past, size]`` of earlier symbols, for each layer.

        Returns:
            The states, and each layer's keys and values of these symbols.
        """
        at = self.embeddings["position_embeddings"](places.clamp(max=self.card.positions - 1))
        kind: Any = self.embeddings["token_type_embeddings"]
        x = self.embeddings["LayerNorm"](embedded + kind.weight[0] + at)
        x = F.dropout(x, self.card.dropout, self.training)
        own = []
        layers: Any = self.encoder["layer"]
        for number, layer in enumerate(layers):
            x, pair = layer(x, seen, past[number] if past else None)
            own.append(pair)
        return x, own


class BertLayer(nn.Module):
    """Self-attention and two linear layers, each followed by the norm of its sum with its input."""

    def __init__(self, card: BertCard) -> None:
        super().__init__()
        width, inner = card.width, card.feed_forward
        self.card = card
        maps = {name: nn.Linear(width, width) for name in ("query", "key", "value")}
        self.attention = nn.ModuleDict({"self": nn.ModuleDict(maps), "output": _closing(width, card)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = _closing(inner, card)

    def forward(
        self, x: Float[Tensor, "batch symbols width"], seen: Tensor | None, past: Pair | None
    ) -> tuple[Float[Tensor, "batch symbols width"], Pair]:
        """See `CausalBert`; returns the layer's output, and its keys and values of these symbols."""
        maps: Any = self.attention["self"]
        query, key, value = (self._heads(maps[name](x)) for name in ("query", "key", "value"))
        own = key, value
        if past:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        dropout = self.card.dropout if self.training else 0.0
        mask = None if seen is None else seen[:, None]
        mixed = F.scaled_dot_product_attention(query, key, value, mask, dropout, is_causal=mask is None)
        x = self._closed(self.attention["output"], mixed.transpose(1, 2).flatten(2), x)
        inner = ACTIVATIONS[self.card.activation](self.intermediate["dense"](x))
        return self._closed(self.output, inner, x), own

    def _heads(self, x: Tensor) -> Float[Tensor, "batch heads symbols size"]:
        split: Tensor = x.unflatten(2, (self.card.heads, -1))
        return split.transpose(1, 2)

    def _closed(self, parts: Any, inner: Tensor, x: Tensor) -> Tensor:
        inner = F.dropout(parts["dense"](inner), self.card.dropout, self.training)
        closed: Tensor = parts["LayerNorm"](inner + x)
        return closed


def _closing(width: int, card: BertCard) -> nn.ModuleDict:
    norm = nn.LayerNorm(card.width, card.norm_epsilon)
    return nn.ModuleDict({"dense": nn.Linear(width, card.width), "LayerNorm": norm})


def _untrained(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=SPREAD)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
