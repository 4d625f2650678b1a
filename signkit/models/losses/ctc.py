"""Connectionist temporal classification (CTC, Graves et al. 2006), computed by torch's kernel."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.on_host import moved, on_host
from signkit.models.losses.checks import check_logits, check_loss, check_references, refuse_others, until
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
    """CTC loss (Graves et al. 2006): negative log-likelihood of each reference over all its paths.

    It has the arguments of `signkit.models.losses.cst.cst_loss`, so that the two can be exchanged.

    Args:
        acoustic: logits of each chunk.
        context: only its first entry is read, [:, 0]: the output layer's bias, or zeros.
        targets: labels of each reference, without blanks.
        input_lengths: chunks of each sample; what lies beyond is never read.
        target_lengths: labels of each reference; what lies beyond is never read.
        blank: index of the blank.

    Returns:
        One value a sample, in nats; +inf, with a gradient of zero, for a reference that does not fit on its
        chunks.

    Raises:
        TypeError, ValueError: an argument that does not fit, as for `cst_loss`.

    Example:
        >>> import torch
        >>> acoustic, bias = torch.zeros(1, 2, 3), torch.zeros(1, 1, 3)
        >>> loss = ctc_loss(acoustic, bias, torch.tensor([[1]]), torch.tensor([2]), torch.tensor([1]))
        >>> loss.neg().exp()  # 3 of the 9 paths spell the reference
        tensor([0.3333])
    """
    refuse_others(
        acoustic=acoustic, context=context, targets=targets,
        input_lengths=input_lengths, target_lengths=target_lengths,
    )  # fmt: skip
    check_logits({"acoustic": acoustic, "context": context})
    device = acoustic.device
    targets, input_lengths, target_lengths = (
        moved(part, device) for part in (targets, input_lengths, target_lengths)
    )
    check_references(acoustic, targets, input_lengths, target_lengths, blank)
    inside = until(input_lengths, acoustic.shape[1])
    logits = (acoustic + context[:, :1]).masked_fill(~inside[:, :, None], 0.0)
    loss = torch.nn.functional.ctc_loss(
        logits.log_softmax(2).transpose(0, 1),
        targets.masked_fill(~until(target_lengths, targets.shape[1]), blank).long(),
        on_host(input_lengths).long(),  # where torch wants them, whatever the device
        on_host(target_lengths).long(),
        blank=blank,
        reduction="none",
        zero_infinity=True,
    )
    check_loss(loss, {"acoustic": (acoustic, inside), "context": (context[:, :1], inside[:, :1])})
    # zero_infinity gives 0 as loss and gradient; the loss is set back to +inf
    fits = chunks_needed(targets, target_lengths) <= input_lengths
    return loss.masked_fill(~fits, torch.inf)
