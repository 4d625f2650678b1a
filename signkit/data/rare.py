"""Tokens read as unknown while training, so that the unknown token's own probability is learnt.

A token that train has once may as well not have been there, so now and then it is read as if it had not. How
often unknown tokens come is then estimated from how often new ones came in train (Good 1953: of N tokens, N1
of them there once, the next is new with probability N1/N).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Token = TypeVar("Token", int, str)

UNKNOWN = 1
"""The index of the unknown token."""


@dataclass(frozen=True, slots=True)
class RareAsUnknown:
    """Reads some tokens as unknown, each with probability `share`."""

    rare: frozenset[int]
    share: float

    def __call__(self, tokens: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        """The tokens as they are read."""
        missed = rng.random(len(tokens)) < self.share
        pairs = zip(tokens, missed.tolist(), strict=True)
        return tuple(UNKNOWN if miss and token in self.rare else token for token, miss in pairs)


def seen_once(sentences: Iterable[tuple[Token, ...]]) -> frozenset[Token]:
    """The tokens, or characters, that are there once; a sentence that is there several times, as where
    several signers signed it, counts once."""
    counts = Counter(token for sentence in set(sentences) for token in sentence)
    return frozenset(token for token, count in counts.items() if count == 1)
