"""Histories of glosses as a prefix tree: equal histories are one node, throughout a batch."""

from itertools import repeat

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

NO_ENTRY = 0  # marks an empty beam slot
ROOT = 1  # the empty sequence


class Links:
    """Sequences that share their beginnings: an entry is a value and a link to the entry before it.

    The sequences (5), (5, 7) and (5, 8) are the entries 2, 3 and 4:

        entry       0   1   2   3   4
        before     -1  -1   1   2   2
        value      -1  -1   5   7   8
        depth       0   0   1   2   2

    Attributes:
        before: the entry that each entry follows, -1 for `NO_ENTRY` and `ROOT`.
        value: the last value of each sequence, -1 for `NO_ENTRY` and `ROOT`.
        depth: the length of each sequence.
        size: number of entries in use; the arrays may be longer, as they grow by doubling.
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

    def keep(self, entries: Ints) -> Ints:
        """Forget all sequences but ``entries`` and their beginnings; returns the new entry of each old one,
        `NO_ENTRY` of those that are gone."""
        kept = np.zeros(self.size, dtype=np.bool_)
        kept[: ROOT + 1] = True
        while len(entries := np.unique(entries[~kept[entries]])):
            kept[entries] = True
            entries = self.before[entries]
        old, new = np.flatnonzero(kept), np.where(kept, np.cumsum(kept) - 1, NO_ENTRY)
        before = self.before[old]
        self.before[: len(old)] = np.where(before < 0, before, new[before])
        self.value[: len(old)], self.depth[: len(old)] = self.value[old], self.depth[old]
        self.size = len(old)
        return new

    def sequences(self, entries: Ints) -> tuple[Ints, Ints]:
        """The sequences that end in ``entries`` [n]: values [n, longest], zero-padded; and lengths [n]."""
        lengths = self.depth[entries]
        entries = entries.copy()
        values = np.zeros((len(entries), int(lengths.max(initial=0))), dtype=np.int64)
        # from the last position to the first, all sequences at once: each goes back one link as soon as the
        # position is inside it
        for position in reversed(range(values.shape[1])):
            here = np.flatnonzero(lengths > position)
            values[here, position] = self.value[entries[here]]
            entries[here] = self.before[entries[here]]
        return values, lengths


def renumbered(values: Ints, new: Ints, otherwise: int) -> Ints:
    """Values by entry, by the numbers that `Links.keep` has returned for the entries."""
    old = np.flatnonzero(new[: len(values)] > NO_ENTRY)
    moved = np.full_like(values, otherwise)
    moved[new[old]] = values[old]
    return moved


class PrefixTree:
    """The histories of one search. ``links.value`` is a node's last token, ``links.before`` its parent."""

    def __init__(self, vocab: int) -> None:
        self.links = Links()
        self._vocab = vocab
        self._child: dict[int, int] = {}  # by node * vocab + token

    def keep(self, nodes: Ints) -> Ints:
        """Forget all histories but ``nodes`` and their beginnings; returns the new node of each old one."""
        new = self.links.keep(nodes)
        parents, tokens = (each[ROOT + 1 : self.links.size] for each in (self.links.before, self.links.value))
        keys = (parents * self._vocab + tokens).tolist()
        self._child = dict(zip(keys, range(ROOT + 1, self.links.size), strict=True))
        return new

    def children(self, nodes: Ints, tokens: Ints) -> Ints:
        """The nodes [n] of the histories ``nodes`` [n] followed by ``tokens`` [n]; new ones are created."""
        keys = nodes * self._vocab + tokens
        children = np.fromiter(map(self._child.get, keys.tolist(), repeat(-1)), np.int64, len(keys))
        fresh = children < 0
        if fresh.any():  # the same new history may occur several times in one call; it becomes one node
            new_keys, which = np.unique(keys[fresh], return_inverse=True)
            created = self.links.append(new_keys // self._vocab, new_keys % self._vocab)
            self._child.update(zip(new_keys.tolist(), created.tolist(), strict=True))
            children[fresh] = created[which]
        return children
