"""An autoregressive GRU decoder with attention: the next token after each token so far.

As in Luong et al. 2015 ("Effective approaches to attention-based neural machine translation", general score),
without feeding the attended vector back, so that all places of a training text are computed at once.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.models.precision import in_float32
from signkit.models.text_decoder import histories


@dataclass(frozen=True, slots=True)
class GruMemory:
    """What the decoder attends to.

    Attributes:
        features: of the encoder, [batch, chunks, memory].
        keys: that states are compared with, [batch, chunks, width].
        mask: which chunks are real.
        first: the state before the first token, of each layer.
    """

    features: Float[Tensor, "batch chunks memory"]
    keys: Float[Tensor, "batch chunks width"]
    mask: Bool[Tensor, "batch chunks"]
    first: Float[Tensor, "layers batch width"]


@dataclass(frozen=True, slots=True)
class GruPast:
    """The state of every hypothesis, [layers, batch, beam, width]."""

    states: Float[Tensor, "layers batch beam width"]

    def chosen(self, parents: Int[Tensor, "batch beam"]) -> "GruPast":
        """The states of the hypotheses that ``parents`` names for each place of the beam."""
        layers, _, _, width = self.states.shape
        return GruPast(self.states.gather(2, parents[None, :, :, None].expand(layers, -1, -1, width)))


class GruDecoder(nn.Module):
    """The logits of the next token after 0, 1, … tokens of a text; the same interface as `TextDecoder`.

    Args:
        vocabulary: number of tokens; index 0 is the beginning and the end.
        memory: width of the encoder's features.
        width: of the tokens' vectors and of the states.
        tied: whether the output layer is the table of the tokens' vectors.
    """

    def __init__(
        self,
        vocabulary: int,
        memory: int,
        *,
        width: int,
        layers: int,
        dropout: float,
        attention_dropout: float = 0.0,
        tied: bool = False,
    ) -> None:
        super().__init__()
        self.dropout, self.attention_dropout = dropout, attention_dropout
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        between = dropout if layers > 1 else 0.0
        self.gru = nn.GRU(width, width, layers, batch_first=True, dropout=between)
        self.key, self.first = nn.Linear(memory, width, bias=False), nn.Linear(memory, layers * width)
        self.join = nn.Linear(width + memory, width)
        self.output = nn.Linear(width, vocabulary, bias=False)
        if tied:
            self.output.weight = self.embedding.weight

    def memory(
        self, features: Float[Tensor, "batch chunks memory"], mask: Bool[Tensor, "batch chunks"]
    ) -> GruMemory:
        """What the decoder attends to, of an encoder's features, which are zero where padded."""
        mean = features.sum(1) / mask.sum(1, keepdim=True)
        first = self.first(mean).tanh().view(len(mask), self.gru.num_layers, -1).transpose(0, 1)
        return GruMemory(features, self.key(features), mask, first.contiguous())

    def forward(
        self,
        tokens: Int[Tensor, "batch labels"],
        memory: GruMemory,
        lengths: Int[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch histories vocab"]:
        """The logits after 0, 1, … all tokens; 0 after a padded one, where ``lengths`` are given."""
        states, _ = self.gru(self._embedded(F.pad(tokens, (1, 0))), memory.first)
        real = histories(tokens, lengths)
        joined, _ = self._joined(states, memory)
        return real.unpack(in_float32(self.output, real.pack(joined)))

    def begin(self, memory: GruMemory, beam: int) -> GruPast:
        """The states before the first token."""
        return GruPast(memory.first[:, :, None].expand(-1, -1, beam, -1).contiguous())

    def step(
        self, tokens: Int[Tensor, "batch beam"], past: GruPast, memory: GruMemory
    ) -> tuple[Float[Tensor, "batch beam vocab"], GruPast, Float[Tensor, "batch beam chunks"]]:
        """The logits after one more token of every hypothesis, the past with it, and where it looks."""
        before = past.states.flatten(1, 2)
        states, after = self.gru(self._embedded(tokens.flatten()[:, None]), before)
        logits, attention = self._logits(states.view(*tokens.shape, -1), memory)
        return logits, GruPast(after.view_as(past.states)), attention

    def _embedded(self, tokens: Int[Tensor, "batch places"]) -> Float[Tensor, "batch places width"]:
        vectors: Tensor = self.embedding(tokens) * self.embedding.embedding_dim**0.5
        return F.dropout(vectors, self.dropout, self.training)

    def _logits(
        self, states: Float[Tensor, "batch places width"], memory: GruMemory
    ) -> tuple[Float[Tensor, "batch places vocab"], Float[Tensor, "batch places chunks"]]:
        joined, weights = self._joined(states, memory)
        return in_float32(self.output, joined), weights

    def _joined(
        self, states: Float[Tensor, "batch places width"], memory: GruMemory
    ) -> tuple[Float[Tensor, "batch places width"], Float[Tensor, "batch places chunks"]]:
        scores = states @ memory.keys.transpose(1, 2) / states.shape[2] ** 0.5
        weights = scores.masked_fill(~memory.mask[:, None], -torch.inf).softmax(2)
        looked = F.dropout(weights, self.attention_dropout, self.training) @ memory.features
        joined = self.join(torch.cat([states, looked], 2)).tanh()
        return F.dropout(joined, self.dropout, self.training), weights
