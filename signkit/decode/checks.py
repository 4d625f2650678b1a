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
    """The arguments of a search as tensors, without a context one that adds nothing.

    Raises:
        TypeError: logits that are neither a tensor nor an array, lengths that are not whole numbers, or a
            context that is no function.
        ValueError: shapes other than these.
    """
    if not isinstance(acoustic, Tensor | np.ndarray):
        what = f"not a {type(acoustic).__name__}"
        raise TypeError(f"acoustic must be a tensor or an array [batch, chunks, vocab], {what}")
    if isinstance(acoustic, np.ndarray) and acoustic.dtype.kind not in "fiu":
        raise TypeError(f"acoustic must be numbers, not {acoustic.dtype}")
    logits = torch.from_numpy(np.array(acoustic, order="C")) if isinstance(acoustic, np.ndarray) else acoustic
    if logits.ndim != 3:
        raise ValueError(f"acoustic must be [batch, chunks, vocab], not {list(logits.shape)}")
    if context is None:
        context = constant_context_logits(logits.new_zeros(logits.shape[2]))
    if not callable(context):
        what = f"not a {type(context).__name__}"
        raise TypeError(f"context must be a function of histories and their lengths, {what}")
    return logits, _as_lengths(lengths, len(logits)), context


def _as_lengths(lengths: Lengths, batch: int) -> Int[Tensor, " batch"]:
    try:
        chunks = torch.as_tensor(lengths)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"lengths must be whole numbers [batch], not {lengths!r}") from error
    if chunks.ndim != 1 or len(chunks) != batch:
        raise ValueError(f"lengths must be one for each of the {batch} rows, not {list(chunks.shape)}")
    fractions = chunks.is_floating_point() or chunks.is_complex() or chunks.dtype == torch.bool
    if fractions and batch:  # an empty list has no type
        raise TypeError(f"lengths must be whole numbers, not {chunks.dtype}")
    return chunks.long()


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
