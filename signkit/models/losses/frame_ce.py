"""Cross-entropy on the chunks whose gloss is known."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.on_host import moved, on_host
from signkit.models.losses.checks import check_logits, check_loss, refuse_others

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

    Raises:
        ValueError: a label that is no symbol or no whole number, shapes that differ, a smoothing outside of
            [0, 1), or NaN; the message names the argument, the sample and the value.
    """
    _check(logits, labels, smoothing)
    known = on_host(labels)
    labelled = known != IGNORED
    # indexing instead of a mask: logits of padding may be NaN, and NaN * 0 is NaN
    places = labelled.nonzero(as_tuple=True)
    wanted = moved(known[places].long(), logits.device)
    labelled, sample, chunk = (moved(each, logits.device) for each in (labelled, *places))
    losses = torch.nn.functional.cross_entropy(
        logits[sample, chunk], wanted, reduction="none", label_smoothing=smoothing
    )
    total = losses.new_zeros(labels.shape[0]).index_add(0, sample, losses)
    check_loss(total, {"logits": (logits, labelled)})
    return total / labelled.sum(1).clamp(min=1)


def _check(logits: Tensor, labels: Tensor, smoothing: float) -> None:
    refuse_others(logits=logits, labels=labels)
    check_logits({"logits": logits})
    if not 0 <= smoothing < 1:
        raise ValueError(f"smoothing is {smoothing}; it is at least 0 and below 1")
    if labels.is_floating_point() or labels.dtype == torch.bool:
        raise ValueError(f"labels must be whole numbers, not {labels.dtype}")
    if labels.shape != logits.shape[:2]:
        raise ValueError(f"labels is {list(labels.shape)}; logits is {list(logits.shape)}")
    labels = on_host(labels)
    wrong = (labels != IGNORED) & ((labels < 0) | (labels >= logits.shape[2]))
    if bool(wrong.any()):
        sample, place = wrong.nonzero()[0].tolist()
        label = int(labels[sample, place])
        raise ValueError(
            f"labels of sample {sample} is {label} at index {place}, not one of {logits.shape[2]} symbols"
        )
