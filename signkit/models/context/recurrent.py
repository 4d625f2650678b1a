"""The contexts without attention: an LSTM, the last gloss only, nothing."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.models.context.adaptor import AdaptedContext, Adaptor
from signkit.models.context.configs import EmbeddingConfig, LstmConfig, NoneConfig
from signkit.text.vocabulary import Vocabulary


class NoContext(nn.Module):
    """Zero for every history: with it a model of context is one without. Nothing to learn."""

    zero: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.register_buffer("zero", torch.zeros(dim), persistent=False)

    def forward(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories dim"]:
        """Zeros; histories = labels + 1."""
        return self.zero.expand(history.shape[0], history.shape[1] + 1, -1)

    def last(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch dim"]:
        """Zeros."""
        return self.zero.expand(history.shape[0], -1)


class LastGloss(nn.Module):
    """Reads one gloss back: its embedding, and one of its own for the start."""

    def __init__(self, *, vocabulary: int, width: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, symbols: Int[Tensor, "batch histories"]) -> Float[Tensor, "batch histories width"]:
        """The embedding of each symbol."""
        states: Tensor = self.dropout(self.embedding(symbols))
        return states


class ForwardLstm(nn.Module):
    """Reads all glosses so far: a forward LSTM over their embeddings. It can step."""

    looks_back = False

    def __init__(self, *, vocabulary: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.dropout = nn.Dropout(dropout)
        between = dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(width, width, layers, batch_first=True, dropout=between)

    def forward(self, symbols: Int[Tensor, "batch histories"]) -> Float[Tensor, "batch histories width"]:
        """The state after each symbol."""
        states: Tensor = self.dropout(self.lstm(self.dropout(self.embedding(symbols)))[0])
        return states

    @property
    def kept(self) -> int:
        """Numbers of the hidden and the cell state."""
        return 2 * self.lstm.num_layers * self.lstm.hidden_size

    def step(
        self,
        symbols: Int[Tensor, " batch"],
        past: Float[Tensor, "batch before kept"],
        lengths: Int[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch kept"]]:
        """The state after one symbol more; see `signkit.models.context.protocol.Stepping`."""
        before = past[:, -1].unflatten(1, (2, self.lstm.num_layers, -1)).permute(1, 2, 0, 3).contiguous()
        states, after = self.lstm(self.dropout(self.embedding(symbols))[:, None], (before[0], before[1]))
        return self.dropout(states[:, 0]), torch.stack(after).permute(2, 0, 1, 3).flatten(1)


def build_none(config: NoneConfig, vocabulary_size: int, dim: int, vocabulary: Vocabulary) -> NoContext:
    """No context, as wide as the features."""
    return NoContext(dim)


def build_embedding(
    config: EmbeddingConfig, vocabulary_size: int, dim: int, vocabulary: Vocabulary
) -> AdaptedContext:
    """The last gloss's embedding, mapped to the features' width."""
    reader = LastGloss(vocabulary=vocabulary_size, width=config.width, dropout=config.dropout)
    return AdaptedContext(reader=reader, adaptor=Adaptor(width=config.width, dim=dim, gain=config.gain))


def build_lstm(config: LstmConfig, vocabulary_size: int, dim: int, vocabulary: Vocabulary) -> AdaptedContext:
    """An LSTM over the glosses so far, mapped to the features' width."""
    reader = ForwardLstm(
        vocabulary=vocabulary_size, width=config.width, layers=config.layers, dropout=config.dropout
    )
    return AdaptedContext(reader=reader, adaptor=Adaptor(width=config.width, dim=dim, gain=config.gain))
