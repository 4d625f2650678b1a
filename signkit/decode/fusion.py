"""Scorers in a beam search: their states along the prefix tree, their scores of what may follow.

A scorer says the same after all histories of one state, so its rows are kept by state: those of a step
that are not there yet are asked for in one call.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from signkit.decode.context_logits import Floats
from signkit.decode.history import ROOT, Ints, PrefixTree
from signkit.decode.scorer import Fused, Singles

ROOM = 16_000_000
"""Numbers kept of each scorer's rows (64 MB), unless the histories of one step need more."""


class Fusion:
    """The weighted sum of some scorers over the histories of one search.

    Raises:
        ValueError: a weight is not finite.
    """

    def __init__(self, parts: Sequence[Fused], tree: PrefixTree, *, vocab: int, blank: int) -> None:
        self._parts = [
            _Part(f"scorer {place} ({type(part.scorer).__name__})", part, tree, vocab, blank)
            for place, part in enumerate(parts)
        ]

    def __bool__(self) -> bool:
        return bool(self._parts)

    def after(self, nodes: Ints, tokens: Ints) -> Floats:
        """What ``tokens`` earn after the histories ``nodes``, two arrays that broadcast; -inf: forbidden."""
        return reduce(np.add, (part.after(nodes, tokens) for part in self._parts))

    def ends(self, nodes: Ints) -> Floats:
        """What the histories ``nodes`` [batch, beam] earn by ending there; -inf where they must not."""
        return reduce(np.add, (part.ends(nodes) for part in self._parts))


class _Part:
    """One scorer: its state after each node of the tree, the rows of the states asked for."""

    def __init__(self, name: str, part: Fused, tree: PrefixTree, vocab: int, blank: int) -> None:
        if not np.isfinite(part.weight):
            raise ValueError(f"the weight of {name} is {part.weight}")
        self._name, self._scorer, self._weight = name, part.scorer, part.weight
        self._tree, self._vocab, self._blank = tree, vocab, blank
        self._state: Ints = np.full(1024, part.scorer.start, dtype=np.int64)
        self._known = ROOT + 1  # nodes whose state is there
        self._rows: Singles = np.empty((0, vocab), dtype=np.float32)
        self._row_of: Ints = np.full(1024, -1, dtype=np.int64)  # of each state
        self._used = 0

    def after(self, nodes: Ints, tokens: Ints) -> Floats:
        rows = self._index(self._states(nodes))
        return self._weighted(self._rows.reshape(-1).take(rows * self._vocab + tokens))

    def ends(self, nodes: Ints) -> Floats:
        states = self._states(nodes)
        distinct, which = np.unique(states, return_inverse=True)
        found = np.asarray(self._scorer.ends(distinct), dtype=np.float64)
        self._check(found, distinct, distinct.shape)
        return self._weighted(found)[which].reshape(states.shape)

    def _weighted(self, scores: Floats | Singles) -> Floats:
        """The scores times the weight; what is forbidden stays so whatever the sign of the weight."""
        if self._weight > 0:
            return np.multiply(scores, self._weight, dtype=np.float64)
        possible = scores > -np.inf
        return np.where(possible, self._weight * np.where(possible, scores, 0).astype(np.float64), -np.inf)

    def _states(self, nodes: Ints) -> Ints:
        """The states of nodes; all that are new in the tree since the last call are found by one step.

        Between two calls a search makes children of known nodes only.
        """
        links, size = self._tree.links, self._tree.links.size
        if len(self._state) < size:
            more = np.full(2 * size - len(self._state), self._scorer.start, dtype=np.int64)
            self._state = np.concatenate([self._state, more])
        if self._known < size:
            new = slice(self._known, size)
            self._state[new] = self._scorer.advance(self._state[links.before[new]], links.value[new])
            self._known = size
        return self._state.take(nodes)

    def _index(self, states: Ints) -> Ints:
        """The place of each state's row, those not there yet asked for together."""
        top = int(states.max(initial=0))
        if len(self._row_of) <= top:
            more = np.full(2 * (top + 1) - len(self._row_of), -1, dtype=np.int64)
            self._row_of = np.concatenate([self._row_of, more])
        rows = self._row_of.take(states)
        lacking = rows < 0
        if not lacking.any():
            return rows
        self._add(np.unique(states[lacking]), states)
        return self._row_of.take(states)

    def _add(self, new: Ints, states: Ints) -> None:
        end = self._used + len(new)
        if end > len(self._rows) and end * self._vocab > ROOM:
            live = np.unique(states[self._row_of[states] >= 0])
            self._rows[: len(live)] = self._rows[self._row_of[live]]
            self._row_of[:] = -1
            self._row_of[live] = np.arange(len(live))
            end = len(live) + len(new)
        if end > len(self._rows):
            larger = np.empty((max(end, min(2 * end, ROOM // self._vocab)), self._vocab), dtype=np.float32)
            larger[: end - len(new)] = self._rows[: end - len(new)]
            self._rows = larger
        rows = self._rows[end - len(new) : end]
        found = np.asarray(self._scorer.rows(new))
        if found.shape != rows.shape:
            raise ValueError(f"{self._name} gives the shape {list(found.shape)}, not {list(rows.shape)}")
        rows[:] = found
        rows[:, self._blank] = 0.0  # never asked for, and perhaps NaN
        self._check(rows.max(axis=1), new, new.shape)
        self._row_of[new] = np.arange(end - len(new), end)
        self._used = end

    def _check(self, scores: Floats | Singles, states: Ints, shape: tuple[int, ...]) -> None:
        if scores.shape != shape:
            raise ValueError(f"{self._name} gives the shape {list(scores.shape)}, not {list(shape)}")
        bad = ~(scores < np.inf)
        if bad.any():
            raise ValueError(f"{self._name} gives NaN or +inf in its state {states[bad.argmax()]}")
