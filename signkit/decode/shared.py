"""Distributions that are the same after every history, as in CTC: all are computed before the search."""

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
"""Logits processed at once, few enough to stay in a core's cache."""


@dataclass(frozen=True, slots=True)
class SharedScores:
    """log P(v | chunk) of one chunk of some utterances; see `ChunkScores`.

    Attributes:
        logits: [chunks of all utterances, vocab].
        rows: [batch], the row of each utterance's chunk.
        normaliser: [batch], logsumexp of that row; +inf where every label is impossible.
        tokens: [batch, top_k], its best glosses; empty in greedy search.
    """

    logits: npt.NDArray[np.floating[Any]]
    rows: Ints
    normaliser: Floats
    tokens: Ints

    def at(self, slots: Ints, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n]."""
        # one flat index is several times faster in NumPy than pairs of indices
        places = self.rows[:, None] * self.logits.shape[1] + tokens
        log_p: Floats = self.logits.reshape(-1).take(places) - self.normaliser[:, None]
        return log_p

    def of(self, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n]: [batch, 1, n]."""
        return self.at(tokens, tokens)[:, None]

    def likely(self, total: Floats, top_k: int, blank: int) -> Ints:
        """The best glosses of the chunk, which do not depend on the histories."""
        return self.tokens

    def best(self) -> Ints:
        """The best symbol [batch]; of equal ones the lowest."""
        symbols: Ints = self.logits[self.rows].argmax(axis=1)
        return symbols


class SharedDistributions:
    """The `Distributions` of a model without context.

    Args:
        acoustic: logits of each chunk.
        lengths: chunks of each utterance; logits after them are not read.
        context: the context logits.
        scale: factor of the context logits.
        top_k: number of best glosses to find for each chunk; 0 in greedy search.
        blank: index of the blank, which is not a gloss.
    """

    def __init__(
        self,
        acoustic: Float[Tensor, "batch chunks vocab"],
        lengths: Ints,
        context: ConstantContextLogits,
        *,
        scale: float,
        top_k: int,
        blank: int,
    ) -> None:
        _, self._chunks, vocab = acoustic.shape
        row = checked_context_logits(context.row[None], (1, vocab), scale)[0]
        logits = (acoustic + row if bool(row.any()) else acoustic).detach().cpu().reshape(-1, vocab)
        count = min(top_k, vocab - 1)
        self._logits = logits.numpy()
        self._normaliser: Floats = np.empty(len(logits))
        self._tokens: Ints = np.empty((len(logits), count), dtype=np.int64)
        valid = np.flatnonzero(np.arange(self._chunks) < lengths[:, None])
        for part in np.split(valid, np.arange(0, len(valid), max(1, AT_ONCE // vocab))[1:]):
            some = self._logits[part]
            self._normaliser[part] = _logsumexp(some)
            if count:  # `some` is a copy, made by the index array
                some[:, blank] = -np.inf
                self._tokens[part] = largest(some, count)

    def scores(self, utterances: Ints, chunk: int, nodes: Ints) -> SharedScores:
        """The distributions of one chunk of ``utterances`` [n]; the histories do not matter."""
        rows = utterances * self._chunks + chunk
        return SharedScores(self._logits, rows, self._normaliser[rows], self._tokens[rows])


def _logsumexp(logits: npt.NDArray[np.floating[Any]]) -> Floats:
    """logsumexp of each row of ``logits`` [n, vocab]; +inf where every label is impossible.

    NumPy, because torch splits even such short work among threads, which on a busy machine takes 50 times as
    long as a single thread.
    """
    peak = logits.max(axis=1)
    possible = peak > -np.inf
    peak = np.where(possible, peak, 0)
    total = np.exp(logits - peak[:, None]).sum(axis=1, dtype=np.float64)
    log_sum: Floats = peak + np.log(total, out=np.full(len(logits), np.inf), where=possible)
    return log_sum
