"""An autoregressive Transformer decoder: the next token after each token so far, attending to an encoder.

As in Vaswani et al. 2017, with the normalisation before each module. Index 0, the blank of a recogniser's
vocabulary, is the beginning as an input and the end as an output.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.on_host import on_both
from signkit.models.encoders.attending import waves
from signkit.models.encoders.packing import Packing, packing
from signkit.models.precision import in_float32

Heads = Float[Tensor, "batch heads _ _"]


@dataclass(frozen=True, slots=True)
class Memory:
    """What a decoder attends to: the keys and values of every layer, computed once for each clip.

    Attributes:
        keys, values: of each layer, [batch, heads, chunks, width of a head].
        mask: which chunks are real.
    """

    keys: tuple[Heads, ...]
    values: tuple[Heads, ...]
    mask: Bool[Tensor, "batch chunks"]


@dataclass(frozen=True, slots=True)
class Past:
    """The keys and values of the tokens so far, of every layer: [batch, beam, heads, tokens, head width].

    The beam's hypotheses share the `Memory` of their clip, so that only this grows with the beam.
    """

    keys: tuple[Float[Tensor, "batch beam heads tokens _"], ...]
    values: tuple[Float[Tensor, "batch beam heads tokens _"], ...]

    def chosen(self, parents: Int[Tensor, "batch beam"]) -> "Past":
        """The past of the hypotheses that ``parents`` names for each place of the beam."""

        batch, beam = parents.shape
        rows = (parents + beam * torch.arange(batch, device=parents.device)[:, None]).flatten()

        def taken(each: Tensor) -> Tensor:
            # Whole rows are copied, several times as fast as gathering each number.
            return each.flatten(0, 1).index_select(0, rows).view(batch, beam, *each.shape[2:])

        return Past(tuple(map(taken, self.keys)), tuple(map(taken, self.values)))


class DecoderLayer(nn.Module):
    """Attention to the tokens so far, attention to the encoder, a feed-forward network; each with a residual.

    Args:
        width: of the tokens' vectors.
        memory: width of the encoder's features.
        attention_dropout: on the weights of both attentions.
    """

    def __init__(
        self,
        width: int,
        memory: int,
        heads: int,
        feed_forward: int,
        dropout: float,
        attention_dropout: float,
    ) -> None:
        super().__init__()
        self.heads, self.dropout, self.attention_dropout = heads, dropout, attention_dropout
        self.self_norm, self.cross_norm, self.norm = (nn.LayerNorm(width) for _ in range(3))
        self.self_qkv, self.self_out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.cross_q, self.cross_out = nn.Linear(width, width), nn.Linear(width, width)
        self.cross_kv = nn.Linear(memory, 2 * width)
        self.widen, self.narrow = nn.Linear(width, feed_forward), nn.Linear(feed_forward, width)

    def forward(
        self,
        x: Float[Tensor, "real width"],
        key: Heads,
        value: Heads,
        mask: Bool[Tensor, "batch chunks"],
        real: Packing,
    ) -> Float[Tensor, "real width"]:
        """All real places at once; each sees itself and those before it."""
        query, own_key, own_value = self._split(real.unpack(self.self_qkv(self.self_norm(x))))
        drop = self.attention_dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, own_key, own_value, None, drop, is_causal=True)
        x = x + self._drop(self.self_out(real.pack(joined_heads(mixed))))
        query = split_heads(real.unpack(self.cross_q(self.cross_norm(x))), self.heads)
        mixed = F.scaled_dot_product_attention(query, key, value, mask[:, None, None], drop)
        x = x + self._drop(self.cross_out(real.pack(joined_heads(mixed))))
        return self._fed(x)

    def step(
        self,
        x: Float[Tensor, "batch beam width"],
        past_key: Float[Tensor, "batch beam heads tokens _"],
        past_value: Float[Tensor, "batch beam heads tokens _"],
        key: Heads,
        value: Heads,
        mask: Bool[Tensor, "batch chunks"],
    ) -> tuple[Tensor, Tensor, Tensor, Float[Tensor, "batch beam chunks"]]:
        """One more place of every hypothesis: its output, the past with it, and where it looks."""
        batch, beam, width = x.shape
        of_all = self.self_qkv(self.self_norm(x)).view(batch, beam, 3, self.heads, 1, -1)
        query, own_key, own_value = of_all.unbind(2)
        past_key, past_value = torch.cat([past_key, own_key], 3), torch.cat([past_value, own_value], 3)
        mixed = F.scaled_dot_product_attention(query, past_key, past_value)
        x = x + self.self_out(mixed.reshape(batch, beam, width))
        # The hypotheses of a clip are so many queries to its one set of keys.
        query = split_heads(self.cross_q(self.cross_norm(x)), self.heads)
        scores = query @ key.transpose(2, 3) / key.shape[3] ** 0.5
        weights = scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(3)
        x = x + self.cross_out(joined_heads(weights @ value))
        return self._fed(x), past_key, past_value, weights.mean(1)

    def memory(self, features: Float[Tensor, "batch chunks memory"]) -> tuple[Heads, Heads]:
        """Keys and values of an encoder's features."""
        key, value = (split_heads(each, self.heads) for each in self.cross_kv(features).chunk(2, 2))
        return key, value

    def _split(self, qkv: Float[Tensor, "batch places _"]) -> list[Heads]:
        return [split_heads(each, self.heads) for each in qkv.chunk(3, 2)]

    def _fed(self, x: Tensor) -> Tensor:
        inner = self._drop(F.relu(self.widen(self.norm(x))))
        return x + self._drop(self.narrow(inner))

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training)


class TextDecoder(nn.Module):
    """The logits of the next token after 0, 1, … tokens of a text.

    Args:
        vocabulary: number of tokens; index 0 is the beginning and the end.
        memory: width of the encoder's features.
        width: of the tokens' vectors, a multiple of ``heads``.
        tied: whether the output layer is the table of the tokens' vectors.
    """

    def __init__(
        self,
        vocabulary: int,
        memory: int,
        *,
        width: int,
        layers: int,
        heads: int,
        feed_forward: int,
        dropout: float,
        attention_dropout: float = 0.0,
        tied: bool = False,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.layers = nn.ModuleList(
            DecoderLayer(width, memory, heads, feed_forward, dropout, attention_dropout)
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.output = nn.Linear(width, vocabulary, bias=False)
        if tied:
            self.output.weight = self.embedding.weight

    def memory(
        self, features: Float[Tensor, "batch chunks memory"], mask: Bool[Tensor, "batch chunks"]
    ) -> Memory:
        """What the decoder attends to, of an encoder's features."""
        pairs = [layer.memory(features) for layer in self.layers]  # type: ignore[operator]
        return Memory(tuple(key for key, _ in pairs), tuple(value for _, value in pairs), mask)

    def forward(
        self,
        tokens: Int[Tensor, "batch labels"],
        memory: Memory,
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch histories vocab"]:
        """The logits after 0, 1, … all tokens; 0 after a padded one, where ``lengths`` are given."""
        real = histories(tokens, lengths)
        x = real.pack(self._embedded(F.pad(tokens, (1, 0)), 0))
        for layer, key, value in zip(self.layers, memory.keys, memory.values, strict=True):
            x = layer(x, key, value, memory.mask, real)
        return real.unpack(in_float32(self.output, self.norm(x)))

    def begin(self, memory: Memory, beam: int) -> Past:
        """The past before the first token."""
        batch, weight = len(memory.mask), self.embedding.weight
        heads = [layer.heads for layer in self.layers]
        empty = tuple(
            weight.new_zeros(batch, beam, int(count), 0, weight.shape[1] // int(count))  # type: ignore[arg-type]
            for count in heads
        )
        return Past(empty, empty)

    def step(
        self, tokens: Int[Tensor, "batch beam"], past: Past, memory: Memory
    ) -> tuple[Float[Tensor, "batch beam vocab"], Past, Float[Tensor, "batch beam chunks"]]:
        """The logits after one more token of every hypothesis; at first that is the beginning, index 0.

        Returns:
            Logits, the past with this token, and the last layer's attention to the chunks, the mean of its
            heads.
        """
        x = self._embedded(tokens[..., None], past.keys[0].shape[3])[:, :, 0]
        keys, values, attention = [], [], x
        for place, layer in enumerate(self.layers):
            x, key, value, attention = layer.step(  # type: ignore[operator]
                x, past.keys[place], past.values[place], memory.keys[place], memory.values[place], memory.mask
            )
            keys.append(key)
            values.append(value)
        return self.output(self.norm(x)), Past(tuple(keys), tuple(values)), attention

    def _embedded(
        self, tokens: Int[Tensor, "*batch places"], first: int
    ) -> Float[Tensor, "*batch places width"]:
        """The vectors of tokens at the places from ``first`` on."""
        width = self.embedding.weight.shape[1]
        places = waves(first + tokens.shape[-1], width)[first:].to(self.embedding.weight)
        x: Tensor = self.embedding(tokens) * width**0.5 + places
        return F.dropout(x, self.dropout, self.training)


def histories(tokens: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"] | None) -> Packing:
    """Where 0, 1, … all tokens of a text are those so far; None: texts without padding."""
    batch, labels = tokens.shape
    if lengths is None:
        return Packing(batch, labels + 1, None)
    return packing(
        on_both(lambda each: torch.arange(labels + 1, device=each.device) <= each[:, None], lengths)
    )


def split_heads(x: Float[Tensor, "batch places width"], heads: int) -> Heads:
    """The vectors of each head."""
    return x.view(*x.shape[:2], heads, -1).transpose(1, 2)


def joined_heads(x: Heads) -> Float[Tensor, "batch places width"]:
    """The inverse of `split_heads`."""
    return x.transpose(1, 2).flatten(2)
