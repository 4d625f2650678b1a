"""Checks of the input of both decoders, and the precision in which they read logits."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import length_mask
from signkit.decode.context_logits import ContextLogits, constant_context_logits
from signkit.models.losses.topology import check_topology

Logits = Float[Tensor, "batch chunks vocab"] | Float[np.ndarray, "batch chunks vocab"]
Lengths = Int[Tensor, " batch"] | Int[np.ndarray, " batch"] | Sequence[int]


def as_tensors(
    acoustic: Logits, lengths: Lengths, context: ContextLogits | None
) -> tuple[Float[Tensor, "batch chunks vocab"], Int[Tensor, " batch"], ContextLogits]:
    """The arguments of a search as tensors, without a context one that adds nothing."""
    logits = torch.from_numpy(np.array(acoustic, order="C")) if isinstance(acoustic, np.ndarray) else acoustic
    nothing = constant_context_logits(logits.new_zeros(logits.shape[2]))
    return logits, torch.as_tensor(lengths, dtype=torch.long), nothing if context is None else context


def check_inputs(
    acoustic: Float[Tensor, "batch chunks vocab"],
    lengths: Int[Tensor, " batch"],
    *,
    topology: str,
    blank: int,
    max_symbols: int,
    scale: float,
) -> None:
    """Check the arguments that greedy and beam search share.

    Raises:
        ValueError: an option out of range, a length beyond the chunks, NaN or +inf in the logits; the message
            names the row of the batch.
    """
    _, chunks, vocab = acoustic.shape
    check_topology(topology)
    if not 0 <= blank < vocab or vocab < 2:
        raise ValueError(f"blank {blank} is not in a vocabulary of {vocab}, or nothing else is")
    if max_symbols < 1 or not 0.0 <= scale < float("inf"):
        raise ValueError(f"need max_symbols >= 1 and context_scale >= 0, not {max_symbols} and {scale}")
    for row, length in enumerate(lengths.tolist()):
        if not 0 <= length <= chunks:
            raise ValueError(f"row {row} of the batch has length {length}, which is not from 0 to {chunks}")
    if not chunks:
        return
    bad = ~acoustic.amax(2).isfinite() & length_mask(lengths.to(acoustic.device), chunks)
    if bool(bad.any()):
        row, chunk = bad.nonzero()[0].tolist()
        raise ValueError(f"row {row} of the batch has NaN or +inf in chunk {chunk}, or no possible label")


def searchable(acoustic: Float[Tensor, "batch chunks vocab"]) -> Float[Tensor, "batch chunks vocab"]:
    """The logits in float32; float64 stays as it is."""
    return acoustic if acoustic.dtype in (torch.float32, torch.float64) else acoustic.float()
