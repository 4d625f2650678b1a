"""Sentences of different lengths as one table."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor


def padded(sentences: Sequence[Sequence[int]]) -> tuple[Int[Tensor, "batch labels"], Int[Tensor, " batch"]]:
    """Sentences in one tensor, zero where padded, and their lengths."""
    lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
    flat = np.fromiter((token for sentence in sentences for token in sentence), np.int64, int(lengths.sum()))
    table = np.zeros((len(lengths), int(lengths.max(initial=0))), dtype=np.int64)
    table[np.arange(table.shape[1]) < lengths[:, None]] = flat
    return torch.from_numpy(table), torch.from_numpy(lengths)
