"""Distributions that are the same after every history, as CTC's: all computed before the search."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from jaxtyping import Float
from torch import Tensor

from signkit.decode.context_logits import ConstantContextLogits, Floats, checked_context_logits
from signkit.decode.history import Ints
from signkit.decode.select import largest

AT_ONCE = 64_000
"""Logits looked at together, few enough to stay in a core's cache."""


@dataclass(frozen=True, slots=True)
class SharedScores:
    """log P(v | chunk) of one chunk of some utterances; see `ChunkScores`.

    Attributes:
        logits: [chunks of all utterances, vocab].
        rows: [batch] which of them are looked at.
        normaliser: [batch]; +inf where every label is impossible.
        tokens: [batch, top_k] the best glosses of each; empty in greedy search.
    """

    logits: npt.NDArray[np.floating[Any]]
    rows: Ints
    normaliser: Floats
    tokens: Ints

    def at(self, slots: Ints, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n]."""
        # one flat index: NumPy takes these several times faster than pairs of indices
        places = self.rows[:, None] * self.logits.shape[1] + tokens
        found: Floats = self.logits.reshape(-1).take(places) - self.normaliser[:, None]
        return found

    def of(self, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n]: [batch, 1, n]."""
        return self.at(tokens, tokens)[:, None]

    def likely(self, total: Floats, top_k: int, blank: int) -> Ints:
        """The best glosses, found before the search."""
        return self.tokens

    def best(self) -> Ints:
        """The best symbol [batch], the lowest of equal ones."""
        found: Ints = self.logits[self.rows].argmax(axis=1)
        return found


class SharedDistributions:
    """The `Distributions` of a model without context.

    Args:
        lengths: chunks of each utterance; what lies after them is not looked at.
        top_k: glosses to be found for each chunk; 0 in greedy search.
    """

    def __init__(
        self,
        acoustic: Float[Tensor, "batch chunks vocab"],
        lengths: Ints,
        rows: ConstantContextLogits,
        *,
        scale: float,
        top_k: int,
        blank: int,
    ) -> None:
        _, self._chunks, vocab = acoustic.shape
        row = checked_context_logits(rows.row[None], (1, vocab), scale)[0]
        logits = (acoustic + row if bool(row.any()) else acoustic).detach().cpu().reshape(-1, vocab)
        count = min(top_k, vocab - 1)
        self._logits = logits.numpy()
        self._normaliser: Floats = np.empty(len(logits))
        self._tokens: Ints = np.empty((len(logits), count), dtype=np.int64)
        valid = np.flatnonzero(np.arange(self._chunks) < lengths[:, None])
        for part in np.split(valid, np.arange(0, len(valid), max(1, AT_ONCE // vocab))[1:]):
            some = self._logits[part]
            self._normaliser[part] = _logsumexp(some)
            if count:
                some[:, blank] = -np.inf
                self._tokens[part] = largest(some, count)

    def scores(self, utterances: Ints, chunk: int, nodes: Ints) -> SharedScores:
        """Those of one chunk of ``utterances`` [n], whatever the histories."""
        rows = utterances * self._chunks + chunk
        return SharedScores(self._logits, rows, self._normaliser[rows], self._tokens[rows])


def _logsumexp(logits: npt.NDArray[np.floating[Any]]) -> Floats:
    """log of the sum over each row of ``logits`` [n, vocab]; +inf where every label is impossible.

    In NumPy, because torch shares such short work among threads, which on a busy machine takes 50 times as
    long as on one.
    """
    peak = logits.max(axis=1)
    possible = peak > -np.inf
    peak = np.where(possible, peak, 0)
    total = np.exp(logits - peak[:, None]).sum(axis=1, dtype=np.float64)
    found: Floats = peak + np.log(total, out=np.full(len(logits), np.inf), where=possible)
    return found
