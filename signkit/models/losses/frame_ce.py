"""Cross-entropy on the chunks whose gloss is known."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

IGNORED = -100


def frame_cross_entropy(
    logits: Float[Tensor, "batch chunks vocab"], labels: Int[Tensor, "batch chunks"], smoothing: float = 0.0
) -> Float[Tensor, "batch"]:
    """Mean cross-entropy over the labelled chunks of each sample.

    Args:
        logits: of each chunk, the bias included.
        labels: symbol of each chunk; -100 marks a chunk without a label, whose logits are never read.
        smoothing: share of the target, in [0, 1), that is spread evenly over all symbols (label smoothing,
            Szegedy et al. 2016).

    Returns:
        One value a sample, in nats; 0 where no chunk is labelled.
    """
    # indexing instead of a mask: logits of padding may be NaN, and NaN * 0 is NaN
    sample, chunk = (labels != IGNORED).nonzero(as_tuple=True)
    losses = torch.nn.functional.cross_entropy(
        logits[sample, chunk], labels[sample, chunk].long(), reduction="none", label_smoothing=smoothing
    )
    total = losses.new_zeros(labels.shape[0]).index_add(0, sample, losses)
    return total / (labels != IGNORED).sum(1).clamp(min=1)
