"""Histories of glosses as a prefix tree: equal histories are one node, for a whole batch."""

from itertools import repeat

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

NO_ENTRY = 0  # the entry of an empty beam slot
ROOT = 1  # the entry of the empty sequence


class Links:
    """Sequences that share their beginnings: an entry is a value and the entry before it.

    Attributes:
        before: the entry each entry follows, -1 for `NO_ENTRY` and `ROOT`; longer than ``size``.
        value: the value at the end of each entry, -1 for `NO_ENTRY` and `ROOT`.
        depth: how long the sequence is that ends there.
        size: number of entries.
    """

    def __init__(self) -> None:
        self.size = 2
        self.before: Ints = np.full(1024, -1, dtype=np.int64)
        self.value: Ints = np.full(1024, -1, dtype=np.int64)
        self.depth: Ints = np.zeros(1024, dtype=np.int64)

    def append(self, before: Ints, value: Ints | int) -> Ints:
        """New entries [n] that put ``value`` after each of ``before`` [n]; equal ones are not merged."""
        start, end = self.size, self.size + len(before)
        if end > len(self.before):
            grow = np.zeros(max(end, 2 * len(self.before)) - len(self.before), dtype=np.int64)
            self.before, self.value, self.depth = (
                np.concatenate([column, grow]) for column in (self.before, self.value, self.depth)
            )
        self.before[start:end] = before
        self.value[start:end] = value
        self.depth[start:end] = self.depth[before] + 1
        self.size = end
        return np.arange(start, end)

    def sequences(self, entries: Ints) -> tuple[Ints, Ints]:
        """The sequences that end in ``entries`` [n]: values [n, longest], zero where padded; lengths [n]."""
        lengths = self.depth[entries]
        entries = entries.copy()
        values = np.zeros((len(entries), int(lengths.max(initial=0))), dtype=np.int64)
        for position in reversed(range(values.shape[1])):
            here = np.flatnonzero(lengths > position)
            values[here, position] = self.value[entries[here]]
            entries[here] = self.before[entries[here]]
        return values, lengths


class PrefixTree:
    """The histories of one search. ``links.value`` is a node's last token, ``links.before`` its parent."""

    def __init__(self, vocab: int) -> None:
        self.links = Links()
        self._vocab = vocab
        self._child: dict[int, int] = {}

    def children(self, nodes: Ints, tokens: Ints) -> Ints:
        """The nodes [n] of the histories ``nodes`` [n] followed by ``tokens`` [n], made if they are new."""
        keys = nodes * self._vocab + tokens
        found = np.fromiter(map(self._child.get, keys.tolist(), repeat(-1)), np.int64, len(keys))
        fresh = found < 0
        if fresh.any():
            new_keys, which = np.unique(keys[fresh], return_inverse=True)
            made = self.links.append(new_keys // self._vocab, new_keys % self._vocab)
            self._child.update(zip(new_keys.tolist(), made.tolist(), strict=True))
            found[fresh] = made[which]
        return found
