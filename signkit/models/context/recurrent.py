"""Contexts without attention: an LSTM, the last gloss only, or none."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.models.context.adaptor import AdaptedContext, Adaptor
from signkit.models.context.configs import EmbeddingConfig, LstmConfig, NoneConfig
from signkit.text.vocabulary import Vocabulary


class NoContext(nn.Module):
    """Zero vectors for every history, without any weights: a contextual model becomes one without context."""

    zero: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.register_buffer("zero", torch.zeros(dim), persistent=False)

    def forward(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories dim"]:
        """Zero vectors; histories = labels + 1."""
        return self.zero.expand(history.shape[0], history.shape[1] + 1, -1)

    def last(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch dim"]:
        """Zero vectors."""
        return self.zero.expand(history.shape[0], -1)


class LastGloss(nn.Module):
    """Reads the last gloss only: its embedding, or that of the start symbol."""

    def __init__(self, *, vocabulary: int, width: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, symbols: Int[Tensor, "batch histories"]) -> Float[Tensor, "batch histories width"]:
        """The embedding of each symbol."""
        states: Tensor = self.dropout(self.embedding(symbols))
        return states


class ForwardLstm(nn.Module):
    """Reads all glosses so far with a forward LSTM over their embeddings; an incremental reader
    (`Stepping`)."""

    looks_back = False

    def __init__(self, *, vocabulary: int, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.dropout = nn.Dropout(dropout)
        between = dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(width, width, layers, batch_first=True, dropout=between)

    def forward(self, symbols: Int[Tensor, "batch histories"]) -> Float[Tensor, "batch histories width"]:
        """The state after each symbol."""
        # Not in half precision: as the LSTM of an encoder, and without AVX-512 a CPU has none for it.
        with torch.autocast(symbols.device.type, enabled=False):
            states: Tensor = self.dropout(self.lstm(self.dropout(self.embedding(symbols)))[0])
        return states

    @property
    def cache_width(self) -> int:
        """Size of the hidden and the cell states of all layers."""
        return 2 * self.lstm.num_layers * self.lstm.hidden_size

    def step(
        self,
        symbols: Int[Tensor, " batch"],
        past: Float[Tensor, "batch before cached"],
        lengths: Int[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch cached"]]:
        """The state after one more symbol; see `signkit.models.context.protocol.Stepping`."""
        # Only the newest past counts: hidden and cell states, [batch, 2 * layers * width].
        before = past[:, -1].unflatten(1, (2, self.lstm.num_layers, -1)).permute(1, 2, 0, 3).contiguous()
        states, after = self.lstm(self.dropout(self.embedding(symbols))[:, None], (before[0], before[1]))
        return self.dropout(states[:, 0]), torch.stack(after).permute(2, 0, 1, 3).flatten(1)


def build_none(config: NoneConfig, vocabulary_size: int, dim: int, vocabulary: Vocabulary) -> NoContext:
    """Build a context of zeros, as wide as the features."""
    return NoContext(dim)


def build_embedding(
    config: EmbeddingConfig, vocabulary_size: int, dim: int, vocabulary: Vocabulary
) -> AdaptedContext:
    """Build a context of the last gloss's embedding, mapped to the features' width."""
    reader = LastGloss(vocabulary=vocabulary_size, width=config.width, dropout=config.dropout)
    return AdaptedContext(reader=reader, adaptor=Adaptor(width=config.width, dim=dim, gain=config.gain))


def build_lstm(config: LstmConfig, vocabulary_size: int, dim: int, vocabulary: Vocabulary) -> AdaptedContext:
    """Build a context of an LSTM over the glosses so far, mapped to the features' width."""
    reader = ForwardLstm(
        vocabulary=vocabulary_size, width=config.width, layers=config.layers, dropout=config.dropout
    )
    return AdaptedContext(reader=reader, adaptor=Adaptor(width=config.width, dim=dim, gain=config.gain))
