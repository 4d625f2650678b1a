"""Distributions that depend on the history: acoustic logits plus context logits, the latter cached."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from signkit.decode.context_logits import ContextLogits, Floats, checked_context_logits
from signkit.decode.history import NO_ENTRY, Ints, PrefixTree, renumbered
from signkit.decode.select import largest


@dataclass(frozen=True, slots=True)
class ContextScores:
    """log P(v | chunk, history) = logits - normaliser, for some utterances and the beam of each.

    Attributes:
        logits: A + C.
        normaliser: log of the sum over the vocabulary; +inf where every label is impossible.
    """

    logits: Float[Tensor, "batch beam vocab"]
    normaliser: Float[Tensor, "batch beam"]

    def at(self, slots: Ints, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n] after the histories in ``slots`` [batch, n]."""
        slot = torch.from_numpy(slots).to(self.logits.device)
        index = slot * self.logits.shape[2] + torch.from_numpy(tokens).to(self.logits.device)
        return _less(self.logits.flatten(1).gather(1, index), self.normaliser.gather(1, slot))

    def of(self, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n] after every history: [batch, beam, n]."""
        index = torch.from_numpy(tokens).to(self.logits.device)
        index = index[:, None].expand(-1, self.logits.shape[1], -1)
        return _less(self.logits.gather(2, index), self.normaliser[:, :, None])

    def likely(self, total: Floats, top_k: int, blank: int) -> Ints:
        """The glosses that score best after any history, see `ChunkScores`."""
        # Scores relative to the best history, so that single precision resolves their differences.
        peak = total.max(axis=1, keepdims=True)
        ahead = torch.from_numpy(total - np.where(np.isfinite(peak), peak, 0.0)).to(self.logits)
        best = (self.logits + (ahead - self.normaliser)[:, :, None]).amax(1).cpu()
        best[:, blank] = -torch.inf
        return largest(best.numpy(), min(top_k, best.shape[1] - 1))

    def best(self) -> Ints:
        """The best symbol [batch] after the first history of each beam; of equal ones the lowest."""
        symbols: Ints = self.logits[:, 0].cpu().numpy().argmax(axis=1)
        return symbols


class ContextDistributions:
    """Distributions of a contextual model, with a cache of the context logits of the histories in use.

    The histories of a call that are not in the cache are passed to ``context`` in one call. When the cache is
    full, only the histories of the present beams stay in it.

    Args:
        context: the context logits of histories.
        tree: the histories; the cache is indexed by its nodes.
        scale: factor of the context logits.
        room: histories that the cache holds; at least as many as the beams of a batch have slots.
    """

    def __init__(
        self,
        acoustic: Float[Tensor, "batch chunks vocab"],
        context: ContextLogits,
        tree: PrefixTree,
        *,
        scale: float,
        room: int,
    ) -> None:
        self._acoustic, self._context_logits, self._tree, self._scale = acoustic, context, tree, scale
        self._row_of: Ints = np.full(1024, -1, dtype=np.int64)  # row of the table by node; -1: not there
        self._used = 0  # rows of the table that are in use, from the first on
        self._table = acoustic.new_empty(room, acoustic.shape[2])

    def show(self, acoustic: Float[Tensor, "batch chunks vocab"]) -> None:
        """Go on to other chunks of the same utterances."""
        self._acoustic = acoustic

    def renumber(self, new: Ints) -> None:
        """Go on with other numbers of the nodes, see `PrefixTree.keep`."""
        self._row_of = renumbered(self._row_of, new, -1)

    def scores(self, utterances: Ints, chunk: int, nodes: Ints) -> ContextScores:
        """The distributions of one chunk of ``utterances`` [n] after the histories ``nodes`` [n, beam]."""
        device = self._table.device
        acoustic = self._acoustic[:, chunk].index_select(0, torch.from_numpy(utterances).to(device))
        index = torch.from_numpy(self._index(nodes).reshape(-1)).to(device)
        logits = self._table.index_select(0, index).view(*nodes.shape, -1).add_(acoustic[:, None])
        normaliser = logits.logsumexp(2)
        return ContextScores(logits, normaliser.masked_fill_(normaliser == -torch.inf, torch.inf))

    def _index(self, nodes: Ints) -> Ints:
        """The row of the table for each node [n, beam]; some row for empty slots, whose score is -inf."""
        if len(self._row_of) < self._tree.links.size:
            more = np.full(2 * self._tree.links.size - len(self._row_of), -1, dtype=np.int64)
            self._row_of = np.concatenate([self._row_of, more])
        lacking = (self._row_of.take(nodes) < 0) & (nodes != NO_ENTRY)
        if lacking.any():
            self._add(np.unique(nodes[lacking]), nodes)
        return np.maximum(self._row_of.take(nodes), 0)

    def _add(self, new: Ints, nodes: Ints) -> None:
        """Compute the context logits of the nodes ``new`` [n]; ``nodes`` are all those of the step."""
        if self._used + len(new) > len(self._table):
            self._forget_all_but(nodes)
        labels, lengths = (
            torch.from_numpy(a).to(self._table.device) for a in self._tree.links.sequences(new)
        )
        end = self._used + len(new)
        shape = len(new), self._table.shape[1]
        self._table[self._used : end] = checked_context_logits(
            self._context_logits(labels, lengths), shape, self._scale
        )
        self._row_of[new] = np.arange(self._used, end)
        self._used = end

    def _forget_all_but(self, nodes: Ints) -> None:
        """Move the rows of ``nodes`` to the front of the table and drop the others."""
        live = np.unique(nodes[self._row_of[nodes] >= 0])
        moved = self._table[torch.from_numpy(self._row_of[live]).to(self._table.device)]
        self._table[: len(live)] = moved
        self._row_of[:] = -1
        self._row_of[live] = np.arange(len(live))
        self._used = len(live)


def _less(logits: Tensor, normaliser: Tensor) -> Floats:
    """Their difference in float64 in NumPy, in which the search adds up scores; a GPU is waited for once."""
    difference: Floats = (logits.double() - normaliser.double()).cpu().numpy()
    return difference
