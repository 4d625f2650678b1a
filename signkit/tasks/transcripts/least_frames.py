"""How long a clip has to be for its text."""

from collections.abc import Sequence
from typing import Any

import torch

from signkit.models.losses.topology import chunks_needed

LONGEST = 1 << 20
"""Frames; a text that does not fit on their chunks fits on no clip."""


def least_frames(encoder: Any, topology: str, tokens: Sequence[int]) -> int:
    """The smallest number of frames whose chunks have a path for these tokens in a lattice."""
    targets = torch.tensor([list(tokens)], dtype=torch.long).reshape(1, -1)
    needed = max(1, int(chunks_needed(targets, torch.tensor([len(tokens)]), topology)))
    frames, chunks = 1, torch.zeros(1)
    while True:
        frames *= 2
        chunks = encoder.output_lengths(torch.arange(1, frames + 1))
        if int(chunks[-1]) >= needed or frames >= LONGEST:
            return int((chunks < needed).sum()) + 1
