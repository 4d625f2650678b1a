"""Distributions that depend on the history: context rows, each computed once, beside the acoustic ones."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from signkit.decode.context_logits import ContextLogits, Floats, checked_context_logits
from signkit.decode.history import NO_ENTRY, Ints, PrefixTree
from signkit.decode.select import largest


@dataclass(frozen=True, slots=True)
class ContextScores:
    """log P(v | chunk, history) = logits - normaliser, for some utterances and the beam of each.

    Attributes:
        normaliser: log of the sum over the vocabulary; +inf where every label is impossible.
    """

    logits: Float[Tensor, "batch beam vocab"]
    normaliser: Float[Tensor, "batch beam"]

    def at(self, slots: Ints, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n] after the histories in ``slots`` [batch, n]."""
        slot = torch.from_numpy(slots).to(self.logits.device)
        index = slot * self.logits.shape[2] + torch.from_numpy(tokens).to(self.logits.device)
        return _host(self.logits.flatten(1).gather(1, index)) - _host(self.normaliser.gather(1, slot))

    def of(self, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n] after every history: [batch, beam, n]."""
        index = torch.from_numpy(tokens).to(self.logits.device)
        index = index[:, None].expand(-1, self.logits.shape[1], -1)
        return _host(self.logits.gather(2, index)) - _host(self.normaliser)[:, :, None]

    def likely(self, total: Floats, top_k: int, blank: int) -> Ints:
        """The glosses that are best after their best history, see `ChunkScores`."""
        peak = total.max(axis=1, keepdims=True)
        ahead = torch.from_numpy(total - np.where(np.isfinite(peak), peak, 0.0)).to(self.logits)
        best = (self.logits + (ahead - self.normaliser)[:, :, None]).amax(1).cpu()
        best[:, blank] = -torch.inf
        return largest(best.numpy(), min(top_k, best.shape[1] - 1))

    def best(self) -> Ints:
        """The best symbol [batch] after the first history, the lowest of equal ones."""
        found: Ints = self.logits[:, 0].cpu().numpy().argmax(axis=1)
        return found


class ContextDistributions:
    """The rows of the histories in the beams, each computed once and kept while there is room.

    All histories of one call that have no row yet are given to ``rows`` together.
    """

    def __init__(
        self,
        acoustic: Float[Tensor, "batch chunks vocab"],
        rows: ContextLogits,
        tree: PrefixTree,
        *,
        scale: float,
        room: int,
    ) -> None:
        self._acoustic, self._rows, self._tree, self._scale = acoustic, rows, tree, scale
        self._row_of: Ints = np.full(1024, -1, dtype=np.int64)
        self._used = 0
        self._kept = acoustic.new_empty(room, acoustic.shape[2])

    def scores(self, utterances: Ints, chunk: int, nodes: Ints) -> ContextScores:
        """The distributions of one chunk of ``utterances`` [n] after the histories ``nodes`` [n, beam]."""
        device = self._kept.device
        acoustic = self._acoustic[:, chunk].index_select(0, torch.from_numpy(utterances).to(device))
        index = torch.from_numpy(self._index(nodes).reshape(-1)).to(device)
        logits = self._kept.index_select(0, index).view(*nodes.shape, -1).add_(acoustic[:, None])
        normaliser = logits.logsumexp(2)
        return ContextScores(logits, normaliser.masked_fill_(normaliser == -torch.inf, torch.inf))

    def _index(self, nodes: Ints) -> Ints:
        if len(self._row_of) < self._tree.links.size:
            more = np.full(2 * self._tree.links.size - len(self._row_of), -1, dtype=np.int64)
            self._row_of = np.concatenate([self._row_of, more])
        lacking = (self._row_of.take(nodes) < 0) & (nodes != NO_ENTRY)
        if lacking.any():
            self._add(np.unique(nodes[lacking]), nodes)
        return np.maximum(self._row_of.take(nodes), 0)

    def _add(self, new: Ints, nodes: Ints) -> None:
        if self._used + len(new) > len(self._kept):
            self._forget_all_but(nodes)
        labels, lengths = (torch.from_numpy(a).to(self._kept.device) for a in self._tree.links.sequences(new))
        end = self._used + len(new)
        shape = len(new), self._kept.shape[1]
        self._kept[self._used : end] = checked_context_logits(self._rows(labels, lengths), shape, self._scale)
        self._row_of[new] = np.arange(self._used, end)
        self._used = end

    def _forget_all_but(self, nodes: Ints) -> None:
        live = np.unique(nodes[self._row_of[nodes] >= 0])
        moved = self._kept[torch.from_numpy(self._row_of[live]).to(self._kept.device)]
        self._kept[: len(live)] = moved
        self._row_of[:] = -1
        self._row_of[live] = np.arange(len(live))
        self._used = len(live)


def _host(values: Tensor) -> Floats:
    return values.cpu().double().numpy()
