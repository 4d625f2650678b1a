"""Connectionist temporal classification (Graves et al. 2006) by torch's own kernel."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.models.losses.topology import chunks_needed


def ctc_loss(
    acoustic: Float[Tensor, "batch chunks vocab"],
    context: Float[Tensor, "batch histories vocab"],
    targets: Int[Tensor, "batch labels"],
    input_lengths: Int[Tensor, "batch"],
    target_lengths: Int[Tensor, "batch"],
    *,
    blank: int = 0,
) -> Float[Tensor, "batch"]:
    """Negative log-likelihood of each reference with logits acoustic_s + context_0, whatever the history.

    Only the first row of `context`, the bias, is read. Padding is never read. A reference that does not fit
    its chunks gets +inf and a gradient of zero.
    """
    padding = torch.arange(acoustic.shape[1], device=acoustic.device) >= input_lengths[:, None]
    logits = (acoustic + context[:, :1]).masked_fill(padding[:, :, None], 0.0)
    outside = torch.arange(targets.shape[1], device=targets.device) >= target_lengths[:, None]
    loss = torch.nn.functional.ctc_loss(
        logits.log_softmax(2).transpose(0, 1),
        targets.masked_fill(outside, blank).long(),
        input_lengths.long(),
        target_lengths.long(),
        blank=blank,
        reduction="none",
        zero_infinity=True,
    )
    fits = chunks_needed(targets, target_lengths) <= input_lengths
    return loss.masked_fill(~fits, torch.inf)
