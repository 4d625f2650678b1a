"""Context rows of histories, and a chunk's distribution after each of them.

The logits of a contextual model split, W(l_s + b_u) = A_s + C_u (this project, docs/c2st.md): the acoustic
row A_s is known before the search, the context row C_u depends on the history alone and is asked for once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.decode.history import NOTHING, Ints, PrefixTree
from signkit.decode.select import largest

Floats = npt.NDArray[np.float64]

Rows = Callable[
    [Int[Tensor, "histories labels"], Int[Tensor, " histories"]], Float[Tensor, "histories vocab"]
]
"""From histories, zero where padded, and their lengths to the logits each adds to every chunk."""


@dataclass(frozen=True, slots=True)
class ConstantRows:
    """The same row after every history, known as such to the decoder, which then never calls it."""

    row: Float[Tensor, " vocab"]

    def __call__(
        self, labels: Int[Tensor, "histories labels"], lengths: Int[Tensor, " histories"]
    ) -> Float[Tensor, "histories vocab"]:
        return self.row.expand(len(labels), -1)


def constant_rows(row: Float[Tensor, " vocab"]) -> ConstantRows:
    """Rows for a model without context, such as CTC: ``row`` [vocab] is its bias, or zeros."""
    return ConstantRows(row)


@dataclass(frozen=True, slots=True)
class ChunkScores:
    """log P(v | chunk, history) = logits - normaliser, for some utterances and the beam of each.

    Attributes:
        logits: the width is 1 where all histories of an utterance share one row.
        normaliser: log of the sum over the vocabulary; +inf where every label is impossible.
    """

    logits: Float[Tensor, "batch width vocab"]
    normaliser: Float[Tensor, "batch width"]

    def at(self, slots: Ints, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n] after the histories in ``slots`` [batch, n]."""
        _, width, vocab = self.logits.shape
        slots = slots if width > 1 else np.zeros_like(slots)
        slot = torch.from_numpy(slots).to(self.logits.device)
        index = slot * vocab + torch.from_numpy(tokens).to(self.logits.device)
        return _host(self.logits.flatten(1).gather(1, index)) - _host(self.normaliser.gather(1, slot))

    def of(self, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n] after every history: [batch, width, n]."""
        index = torch.from_numpy(tokens).to(self.logits.device)
        index = index[:, None].expand(-1, self.logits.shape[1], -1)
        return _host(self.logits.gather(2, index)) - _host(self.normaliser)[:, :, None]

    def likely(self, total: Floats, count: int, blank: int) -> Ints:
        """The ``count`` glosses of each utterance that are best after their best history, in ascending order.

        ``total`` [batch, beam] is the score of each history. With ``count`` of at least three times the
        beam, the search loses nothing by looking at these only.
        """
        best = self.logits[:, 0]
        if self.logits.shape[1] > 1:
            peak = total.max(axis=1, keepdims=True)
            ahead = torch.from_numpy(total - np.where(np.isfinite(peak), peak, 0.0)).to(self.logits)
            best = (self.logits + (ahead - self.normaliser)[:, :, None]).amax(1)
        scores = np.array(best.cpu().numpy())
        scores[:, blank] = -np.inf
        return largest(scores, min(count, scores.shape[1] - 1))


class ContextRows:
    """The rows of the histories in the beams, each computed once and kept while there is room.

    All histories of one call that have no row yet are given to ``rows`` together.
    """

    def __init__(self, rows: Rows, tree: PrefixTree, like: Tensor, *, scale: float, room: int) -> None:
        self._rows, self._tree, self._scale = rows, tree, scale
        self._constant = isinstance(rows, ConstantRows)
        self._row_of: Ints = np.full(1024, -1, dtype=np.int64)
        self._used = 0
        self._kept = torch.empty(
            1 if self._constant else room, like.shape[2], dtype=like.dtype, device=like.device
        )
        if isinstance(rows, ConstantRows):
            self._kept[0] = self._checked(rows.row[None], 1)[0]

    def scores(self, acoustic: Float[Tensor, "batch vocab"], nodes: Ints) -> ChunkScores:
        """A chunk's distributions after the histories ``nodes`` [batch, beam]."""
        if self._constant:
            logits = (acoustic + self._kept)[:, None]
        else:
            index = torch.from_numpy(self._index(nodes).reshape(-1)).to(acoustic.device)
            logits = self._kept.index_select(0, index).view(*nodes.shape, -1).add_(acoustic[:, None])
        normaliser = logits.logsumexp(2)
        return ChunkScores(logits, normaliser.masked_fill_(normaliser == -torch.inf, torch.inf))

    def _index(self, nodes: Ints) -> Ints:
        if len(self._row_of) < self._tree.links.size:
            more = np.full(2 * self._tree.links.size - len(self._row_of), -1, dtype=np.int64)
            self._row_of = np.concatenate([self._row_of, more])
        new = np.unique(nodes[self._row_of[nodes] < 0])
        new = new[new != NOTHING]
        if len(new):
            self._add(new, nodes)
        return np.maximum(self._row_of[nodes], 0)

    def _add(self, new: Ints, nodes: Ints) -> None:
        if self._used + len(new) > len(self._kept):
            self._forget_all_but(nodes)
        labels, lengths = (torch.from_numpy(a).to(self._kept.device) for a in self._tree.links.sequences(new))
        end = self._used + len(new)
        self._kept[self._used : end] = self._checked(self._rows(labels, lengths), len(new))
        self._row_of[new] = np.arange(self._used, end)
        self._used = end

    def _forget_all_but(self, nodes: Ints) -> None:
        live = np.unique(nodes[self._row_of[nodes] >= 0])
        moved = self._kept[torch.from_numpy(self._row_of[live]).to(self._kept.device)]
        self._kept[: len(live)] = moved
        self._row_of[:] = -1
        self._row_of[live] = np.arange(len(live))
        self._used = len(live)

    def _checked(self, rows: Tensor, count: int) -> Tensor:
        if tuple(rows.shape) != (count, self._kept.shape[1]):
            raise ValueError(
                f"context rows have the shape {list(rows.shape)}, not {[count, self._kept.shape[1]]}"
            )
        if not bool(rows.amax(1).isfinite().all()):
            raise ValueError("a context row holds NaN or +inf, or forbids every label")
        if self._scale == 0:  # not a product, which would make NaN of -inf
            return torch.zeros_like(rows)
        return rows if self._scale == 1 else rows * self._scale


def _host(values: Tensor) -> Floats:
    return values.cpu().double().numpy()
