"""A prefix tree of token sequences in flat arrays, and the states of a text that is spelt along it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from signkit.decode.history import Ints
from signkit.lm.grams import find

NONE = -1


@dataclass(frozen=True, slots=True)
class Spelling:
    """A prefix tree and its states.

    State 0 is the root, at the beginning of a text; the other nodes follow, level by level. The last two
    states are `after`, the root again but after a blank, and `outside`, for a text that has left the tree.

    Nodes are numbered in the order of their edges' keys, so no array of children is needed: the edge at
    position i leads to node i + 1.

    Attributes:
        vocab: number of tokens.
        blank: the token between words, after which spelling restarts at the root; -1 for none.
        keys: int64 [edges], sorted: node * `vocab` + token.
        begin, end: int64 [states]: the range of each state's edges in ``keys``.
        depth: int64 [states]: tokens since the root; 0 for the last two states.
        entry: int64 [states]: the first sequence that ends in a state; -1 for none.
    """

    vocab: int
    blank: int
    keys: Ints
    begin: Ints
    end: Ints
    depth: Ints
    entry: Ints

    @property
    def after(self) -> int:
        """The state after a blank."""
        return len(self.keys) + 1

    @property
    def outside(self) -> int:
        """The state after a token that the tree does not have, until the next blank."""
        return len(self.keys) + 2

    @property
    def size(self) -> int:
        """Number of states."""
        return len(self.depth)

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The states [n] after ``states`` [n] and ``tokens`` [n]; a blank at the beginning of a text leaves
        the state at 0."""
        nodes = np.where(states == self.after, 0, states)
        at, here = find(self.keys, nodes * self.vocab + tokens)
        following = np.where(here, at + 1, self.outside)
        if self.blank == NONE:
            return following
        return np.where(tokens == self.blank, np.where(states == 0, 0, self.after), following)

    def edges(self, states: Ints) -> tuple[Ints, Ints, Ints]:
        """The edges of all of ``states`` [n]: for each the index into ``states``, the token, and the next
        node."""
        sizes = self.end[states] - self.begin[states]
        place = np.repeat(np.arange(len(states)), sizes)
        edge = np.arange(len(place)) + np.repeat(self.begin[states] - np.cumsum(sizes) + sizes, sizes)
        return place, self.keys[edge] % self.vocab, edge + 1

    def parents(self) -> tuple[Ints, list[slice]]:
        """The parent of each node but the root, and the slices of that array that make up each level, top
        first."""
        stops = np.searchsorted(self.depth[1 : len(self.keys) + 1], np.arange(1, self.depth.max() + 2))
        levels = [slice(a, b) for a, b in zip(stops[:-1].tolist(), stops[1:].tolist(), strict=True)]
        return self.keys // self.vocab, levels


def spelling(sequences: Sequence[Sequence[int]], vocab: int, blank: int = NONE) -> Spelling:
    """The prefix tree of sequences of tokens, none of them empty."""
    lengths = np.fromiter(map(len, sequences), np.int64, len(sequences))
    first = np.cumsum(lengths) - lengths
    tokens = np.fromiter(chain.from_iterable(sequences), np.int64, int(lengths.sum()))
    node = np.zeros(len(sequences), dtype=np.int64)
    keys, depth, size = [np.zeros(0, dtype=np.int64)], [np.zeros(1, dtype=np.int64)], 1
    for column in range(int(lengths.max(initial=0))):
        here = np.flatnonzero(lengths > column)
        level, which = np.unique(node[here] * vocab + tokens[first[here] + column], return_inverse=True)
        node[here] = size + which
        keys.append(level)
        depth.append(np.full(len(level), column + 1))
        size += len(level)
    entry = np.full(size + 2, NONE, dtype=np.int64)
    entry[node[::-1]] = np.arange(len(sequences))[::-1]  # of equal sequences the first
    edges = np.concatenate(keys)
    bounds = np.searchsorted(edges, np.arange(size + 1) * vocab)
    begin, end = (np.concatenate([b, [b[0], 0]]) for b in (bounds[:-1], bounds[1:]))
    end[-1] = 0  # no edge leaves `outside`
    return Spelling(vocab, blank, edges, begin, end, np.concatenate([*depth, [0, 0]]), entry)
