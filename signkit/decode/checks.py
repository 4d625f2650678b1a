"""What both decoders refuse, and in what precision they read logits."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import length_mask
from signkit.models.losses.topology import check_topology


def check_inputs(
    acoustic: Float[Tensor, "batch chunks vocab"],
    lengths: Int[Tensor, " batch"],
    *,
    topology: str,
    blank: int,
    max_symbols: int,
    scale: float,
) -> None:
    """Raises ValueError for what cannot be decoded; faulty logits are named by their row of the batch."""
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
    """The logits in at least single precision."""
    return acoustic if acoustic.dtype in (torch.float32, torch.float64) else acoustic.float()
