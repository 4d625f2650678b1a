"""Byte pair encoding with dropout (Provilkov et al. 2020): a word is cut in another way each time."""

from collections.abc import Collection, Mapping
from itertools import chain

import numpy as np

LEFT_OUT = 0.1
"""Probability of each merge to be left out."""


def merged(
    letters: list[str], scores: Mapping[str, float], used: Collection[str], rng: np.random.Generator
) -> tuple[str, ...]:
    """Letters merged into pieces, the pair with the highest score first, each step without a share of the
    pairs.

    Args:
        letters: of a word, all of them in ``used``.
        scores: of the pieces that two others are merged into, also those that are merged further only.
        used: the pieces that may remain; others are cut into their letters again.
    """
    parts = list(letters)
    while True:
        pairs = [
            (-scores[left + right], place)
            for place, (left, right) in enumerate(zip(parts, parts[1:], strict=False))
            if left + right in scores and rng.random() >= LEFT_OUT
        ]
        if not pairs:
            return tuple(chain.from_iterable([part] if part in used else part for part in parts))
        _, place = min(pairs)
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
