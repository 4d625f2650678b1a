"""Log-probabilities of all next words, computed once for each state."""

import numpy as np

from signkit.lm.grams import Ints
from signkit.lm.trie import Singles, Trie

DENSE = 50_000_000
"""Numbers that are cached: all rows of a model with so few states times words, else so many rows."""
AT_ONCE = 2_000_000
"""Numbers that are computed at once."""


class NextWords:
    """The next-word log-probabilities of a model's states, computed on demand and cached."""

    def __init__(self, trie: Trie, words: int) -> None:
        self._trie, self._words = trie, words
        states = len(trie.backoff)
        self._offsets = np.searchsorted(trie.keys, np.arange(states + 1) * words)
        self._limit = max(1, DENSE // words)
        self._dense = states <= self._limit
        self._table = np.zeros((0, words), dtype=np.float32)
        self._slot = np.full(0 if self._dense else states, -1, dtype=np.int64)
        self._used = 0

    def __call__(self, states: Ints) -> Singles:
        """Natural log-probabilities of every word in each of ``states`` [n]: float32 [n, words]."""
        if self._dense:
            if not len(self._table):
                self._table = self._computed(np.arange(len(self._trie.backoff)))
            return self._table[states]
        distinct = np.unique(states)
        if len(distinct) > self._limit:
            return self._computed(states)
        if self._used + int((self._slot[distinct] < 0).sum()) > self._limit:
            self._slot.fill(-1)
            self._used = 0
        new = distinct[self._slot[distinct] < 0]
        if len(new):
            self._keep(new)
        return self._table[self._slot[states]]

    def _keep(self, new: Ints) -> None:
        after = self._used + len(new)
        if after > len(self._table):
            larger = np.empty((min(max(after, 2 * len(self._table)), self._limit), self._words), np.float32)
            larger[: self._used] = self._table[: self._used]
            self._table = larger
        self._table[self._used : after] = self._computed(new)
        self._slot[new] = np.arange(self._used, after)
        self._used = after

    def _computed(self, states: Ints) -> Singles:
        log = np.empty((len(states), self._words), dtype=np.float32)
        size = max(1, AT_ONCE // self._words)
        for start in range(0, len(states), size):
            log[start : start + size] = self._block(states[start : start + size])
        return log

    def _block(self, states: Ints) -> Singles:
        """Log-probabilities of every word in each of ``states`` [n].

        A state lists only the words of its own n-grams; all others back off. So the rows are filled from the
        shortest history to the longest, each overwriting the words that it knows itself.
        """
        trie, weight = self._trie, np.zeros(len(states), dtype=np.float32)
        chain = []  # the histories that the states back off to, with the sum of back-off weights so far
        while states.any():
            chain.append((states, weight))
            weight = weight + trie.backoff[states]
            states = trie.shorter[states].astype(np.int64)
        log: Singles = trie.log[: self._words] + weight[:, None]
        for histories, weight in reversed(chain):
            begin = self._offsets[histories]
            sizes = np.where(histories > 0, self._offsets[histories + 1] - begin, 0)
            # the edges of all histories, one after another: edge i of a history is its offset plus i
            row = np.repeat(np.arange(len(histories)), sizes)
            edge = np.arange(len(row)) + np.repeat(begin - np.cumsum(sizes) + sizes, sizes)
            log[row, trie.keys[edge] % self._words] = trie.log[edge] + weight[row]
        return log
