"""Training on classes of unequal size (`train.balance`): how often a sample is seen, or how much it counts.

The class of a sample is its rarest token in train (the first by name of those that are equally rare): of a
clip of one sign its gloss, of a sentence the gloss that there are fewest examples of.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

DRAWING = 2
"""The purpose of the random stream by which samples are chosen."""


def classes_of(references: Sequence[Sequence[str]]) -> list[str]:
    """The class of each sample; "" of one without tokens."""
    counts = Counter(token for reference in references for token in set(reference))
    return [min(reference, key=lambda token: (counts[token], token), default="") for reference in references]


def class_weights(classes: Sequence[str]) -> list[float]:
    """A weight for each sample: all classes weigh the same together, and the mean over the samples is 1."""
    counts = Counter(classes)
    return [len(classes) / (len(counts) * counts[name]) for name in classes]


class Drawing:
    """Which samples an epoch has, the same for a seed and an epoch.

    Args:
        classes: of each sample.
        balance: ``oversample``: as many of each class as the largest has, every sample at least so often as
            whole rounds of its class fit, and the rest at random. ``undersample``: as many of each as the
            smallest has, at random. Otherwise each sample once.
    """

    def __init__(self, classes: Sequence[str], balance: str, seed: int) -> None:
        self._seed = seed
        self._places = [
            np.flatnonzero(np.array([each == name for each in classes])) for name in sorted(set(classes))
        ]
        sizes = [len(places) for places in self._places]
        self._each = {"oversample": max(sizes), "undersample": min(sizes)}.get(balance, 0)
        self._all = np.arange(len(classes))
        self.samples = self._each * len(sizes) or len(classes)
        """How many an epoch has."""

    def epoch(self, epoch: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The samples' indices, and how often each was there before in this epoch."""
        if not self._each:
            return self._all, np.zeros_like(self._all)
        rng = np.random.default_rng([self._seed, epoch, DRAWING])
        indices, copies = [], []
        for places in self._places:
            rounds = -(-self._each // len(places))
            order = np.concatenate([np.tile(places, rounds - 1), rng.permutation(places)])[: self._each]
            indices.append(order)
            copies.append(np.repeat(np.arange(rounds), len(places))[: self._each])
        return np.concatenate(indices), np.concatenate(copies)
