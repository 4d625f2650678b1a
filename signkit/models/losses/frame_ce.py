"""Cross-entropy on the chunks whose gloss is known."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

IGNORED = -100


def frame_cross_entropy(
    logits: Float[Tensor, "batch chunks vocab"], labels: Int[Tensor, "batch chunks"], smoothing: float = 0.0
) -> Float[Tensor, "batch"]:
    """Mean cross-entropy over the labelled chunks of each sample; 0 where none is labelled.

    Label -100 marks a chunk without label; its logits are never read. `smoothing` in [0, 1) is the
    probability that the target spreads evenly over all symbols (Szegedy et al. 2016).
    """
    sample, chunk = (labels != IGNORED).nonzero(as_tuple=True)
    losses = torch.nn.functional.cross_entropy(
        logits[sample, chunk], labels[sample, chunk].long(), reduction="none", label_smoothing=smoothing
    )
    total = losses.new_zeros(labels.shape[0]).index_add(0, sample, losses)
    return total / (labels != IGNORED).sum(1).clamp(min=1)
