"""Scorers in a beam search: their states along the prefix tree, and their scores of the next tokens.

All histories in one state of a scorer have the same next-token scores, so those are cached by state. The
states of a step that are not in the cache are passed to the scorer in one call.
"""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from signkit.decode.context_logits import Floats
from signkit.decode.history import ROOT, Ints, PrefixTree, renumbered
from signkit.decode.scorer import Fused, Singles
from signkit.decode.select import distinct

ROOM = 16_000_000
"""Numbers in the cache of each scorer (64 MB), unless the histories of one step need more."""


class Fusion:
    """The weighted sum of some scorers over the histories of one search; false if there are none.

    Raises:
        ValueError: a weight is not finite.
    """

    def __init__(self, parts: Sequence[Fused], tree: PrefixTree, *, vocab: int, blank: int) -> None:
        self._parts = [
            _Part(f"scorer {place} ({type(part.scorer).__name__})", part, tree, vocab, blank)
            for place, part in enumerate(parts)
        ]
        self._tree = tree

    def __bool__(self) -> bool:
        return bool(self._parts)

    def after(self, nodes: Ints, tokens: Ints) -> Floats:
        """Weighted log scores of ``tokens`` after the histories ``nodes``, which broadcast; -inf forbids."""
        return reduce(np.add, (part.after(nodes, tokens) for part in self._parts))

    def keep(self, nodes: Ints) -> Ints:
        """Forget all histories of the tree but ``nodes``, see `PrefixTree.keep`."""
        for part in self._parts:
            part.states(np.array([ROOT]))  # so that those of all nodes are known
        new = self._tree.keep(nodes)
        for part in self._parts:
            part.renumber(new)
        return new

    def ends(self, nodes: Ints) -> Floats:
        """Weighted log scores of ending after the histories ``nodes`` [batch, beam]; -inf forbids."""
        return reduce(np.add, (part.ends(nodes) for part in self._parts))


class _Part:
    """One scorer: its state after each node of the tree, and the cached scores of its states.

    node of the tree --_state--> state of the scorer --_row_of--> row of the cache: scores [vocab]
    """

    def __init__(self, name: str, part: Fused, tree: PrefixTree, vocab: int, blank: int) -> None:
        if not np.isfinite(part.weight):
            raise ValueError(f"the weight of {name} is {part.weight}")
        self._name, self._scorer, self._weight = name, part.scorer, part.weight
        self._tree, self._vocab, self._blank = tree, vocab, blank
        self._state: Ints = np.full(1024, part.scorer.start, dtype=np.int64)  # by node
        self._known = ROOT + 1  # nodes whose state is known, from the first on
        self._rows: Singles = np.empty((0, vocab), dtype=np.float32)
        self._row_of: Ints = np.full(1024, -1, dtype=np.int64)  # by state; -1: not in the cache
        self._used = 0  # rows of the cache that are in use, from the first on

    def after(self, nodes: Ints, tokens: Ints) -> Floats:
        rows = self._index(self.states(nodes))
        return self._weighted(self._rows.take(rows * self._vocab + tokens))

    def ends(self, nodes: Ints) -> Floats:
        states = self.states(nodes)
        distinct, which = np.unique(states, return_inverse=True)
        scores = np.asarray(self._scorer.ends(distinct), dtype=np.float64)
        self._check(scores, distinct, distinct.shape)
        return self._weighted(scores)[which].reshape(states.shape)

    def renumber(self, new: Ints) -> None:
        self._state = renumbered(self._state, new, self._scorer.start)
        self._known = self._tree.links.size

    def _weighted(self, scores: Floats | Singles) -> Floats:
        """The scores times the weight; -inf stays -inf even if the weight is 0 or negative."""
        if self._weight > 0:
            return np.multiply(scores, self._weight, dtype=np.float64)
        possible = scores > -np.inf
        return np.where(possible, self._weight * np.where(possible, scores, 0).astype(np.float64), -np.inf)

    def states(self, nodes: Ints) -> Ints:
        """The states of nodes.

        All nodes added to the tree since the last call are advanced together. That works in one call because
        a search adds no more than one generation between two calls: the parents of new nodes are known.
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
        """The row of each state in the cache; missing ones are computed together."""
        top = int(states.max(initial=0))
        if len(self._row_of) <= top:
            more = np.full(2 * (top + 1) - len(self._row_of), -1, dtype=np.int64)
            self._row_of = np.concatenate([self._row_of, more])
        rows = self._row_of.take(states)
        lacking = rows < 0
        if not lacking.any():
            return rows
        self._add(distinct(states[lacking]), states)
        return self._row_of.take(states)

    def _add(self, new: Ints, states: Ints) -> None:
        """Compute the scores of the states ``new`` [n]; ``states`` are all those of the step."""
        end = self._used + len(new)
        if end > len(self._rows) and end * self._vocab > ROOM:  # full: drop all but the states of this step
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
        scores = np.asarray(self._scorer.rows(new))
        if scores.shape != rows.shape:
            raise ValueError(f"{self._name} gives the shape {list(scores.shape)}, not {list(rows.shape)}")
        rows[:] = scores
        rows[:, self._blank] = 0.0  # never read; a scorer may leave NaN here
        self._check(rows.max(axis=1), new, new.shape)
        self._row_of[new] = np.arange(end - len(new), end)
        self._used = end

    def _check(self, scores: Floats | Singles, states: Ints, shape: tuple[int, ...]) -> None:
        if scores.shape != shape:
            raise ValueError(f"{self._name} gives the shape {list(scores.shape)}, not {list(shape)}")
        bad = ~(scores < np.inf)
        if bad.any():
            raise ValueError(f"{self._name} gives NaN or +inf in its state {states[bad.argmax()]}")
