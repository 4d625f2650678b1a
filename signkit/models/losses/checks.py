"""What the losses refuse: arguments that would give a figure all the same, or a device-side assertion.

All is compared on the host, which knows the lengths and labels of a batch (`signkit.data.on_host`). Logits
are not read beforehand: NaN is looked for only when a loss is NaN.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

from signkit.data.on_host import on_host

_UNREAD = ContextVar("unread", default=False)


@contextmanager
def unread_losses() -> Iterator[None]:
    """Within the block, `check_loss` leaves losses on a GPU to the caller, who reads them at the end."""
    token = _UNREAD.set(True)
    try:
        yield
    finally:
        _UNREAD.reset(token)


class NotANumber(ValueError):
    """Logits with NaN, +inf, or nothing but -inf.

    Attributes:
        samples: the samples of the batch that have them.
        term: the term of the loss that found them, where that is known.
    """

    term = ""

    def __init__(self, what: str, samples: tuple[int, ...]) -> None:
        self.samples = samples
        super().__init__(what)


def refuse_others(**arguments: object) -> None:
    """Refuse what is no tensor, such as nested lists.

    Raises:
        TypeError: naming the argument.
    """
    for name, value in arguments.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"{name} must be a tensor, not a {type(value).__name__}")


def check_logits(logits: Mapping[str, Tensor]) -> None:
    """Compare batch and vocabulary of logits by their argument's name; the first are those of chunks.

    Raises:
        ValueError: they are not [batch, …, vocab] of floating-point numbers, or they differ.
    """
    first, *others = logits
    for name, tensor in logits.items():
        if tensor.ndim != 3 or not tensor.is_floating_point():
            what = f"{tensor.dtype} {list(tensor.shape)}"
            raise ValueError(f"{name} must be floating-point numbers [batch, …, vocab], not {what}")
    if not logits[first].shape[0]:
        raise ValueError(f"{first} has no samples")
    for name in others:
        for axis, unit in ((0, "samples"), (2, "symbols")):
            found, wanted = logits[name].shape[axis], logits[first].shape[axis]
            if found != wanted:
                raise ValueError(f"{name} has {found} {unit}; {first} has {wanted}")


def check_references(
    acoustic: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
    names: tuple[str, str] = ("targets", "target_lengths"),
    nbest: int = 0,
) -> int:
    """Check labels and lengths against the logits of the chunks, which `check_logits` has seen.

    Args:
        names: of the arguments with the labels and with their numbers.
        nbest: hypotheses of a sample, where each has a row of its own; 0: rows are samples.

    Returns:
        The smallest number of chunks.

    Raises:
        ValueError: the argument, the sample and the value that is wrong.
    """
    batch, chunks, symbols = acoustic.shape
    if not 0 <= blank < symbols:
        raise ValueError(f"blank is {blank}; there are {symbols} symbols")
    targets, input_lengths, target_lengths = map(on_host, (targets, input_lengths, target_lengths))
    given = {names[0]: targets, "input_lengths": input_lengths, names[1]: target_lengths}
    for name, tensor in given.items():
        if tensor.is_floating_point() or tensor.is_complex() or tensor.dtype == torch.bool:
            raise ValueError(f"{name} must be whole numbers, not {tensor.dtype}")
        if tensor.ndim != (2 if name == names[0] else 1):
            shape = "[batch, labels]" if name == names[0] else "[batch]"
            raise ValueError(f"{name} must be {shape}, not {list(tensor.shape)}")
        if len(tensor) != batch:
            raise ValueError(f"{name} has {len(tensor)} samples; acoustic has {batch}")
    inside = torch.arange(targets.shape[1], device=targets.device) < target_lengths[:, None]
    wrong = inside & ((targets < 0) | (targets >= symbols) | (targets == blank))
    (shortest, longest), (least, most) = (
        [int(end) for end in each.aminmax()] for each in (input_lengths, target_lengths)
    )

    def named(row: int) -> str:
        return f"sample {row // nbest}, hypothesis {row % nbest}" if nbest else f"sample {row}"

    for name, low, high, room in (
        ("input_lengths", shortest, longest, (chunks, "chunks")),
        (names[1], least, most, (targets.shape[1], "labels")),
    ):
        if low < 0 or high > room[0]:
            row = int(given[name].argmin() if low < 0 else given[name].argmax())
            what = "it cannot be negative" if low < 0 else f"there are {room[0]} {room[1]}"
            raise ValueError(f"{name} of {named(row)} is {low if low < 0 else high}; {what}")
    if bool(wrong.any()):
        row, place = wrong.nonzero()[0].tolist()
        label = int(targets[row, place])
        what = "the blank" if label == blank else f"not one of {symbols} symbols"
        raise ValueError(f"{names[0]} of {named(row)} is {label} at index {place}, {what}")
    return shortest


def check_loss(loss: Tensor, logits: Mapping[str, tuple[Tensor, Tensor]], *, finite: bool = False) -> None:
    """Say where the logits of a loss that is NaN are not numbers.

    A loss that is NaN although all of them are, as by an overflow, is left to the caller.

    Args:
        loss: of each sample.
        logits: by the argument's name, [batch, places, vocab], each with what is read of it, [batch, places].
        finite: whether -inf is refused too, and an infinite loss looked into.

    Raises:
        NotANumber: there are such logits.
    """
    if _UNREAD.get() and loss.device.type != "cpu":
        return
    if not bool((~loss.isfinite() if finite else loss.isnan()).any()):
        return
    for name, (values, read) in logits.items():
        values = values.detach()
        # NaN goes through the maximum, and so does +inf; -inf does if there is nothing else
        wrong = read & ~(values.isfinite().all(-1) if finite else values.amax(-1).isfinite())
        if bool(wrong.any()):
            sample, place = wrong.nonzero()[0].tolist()
            row = values[sample, place]
            value = float(row[~row.isfinite()][0])
            samples = tuple(wrong.any(1).nonzero()[:, 0].tolist())
            raise NotANumber(f"{name} of sample {sample} is {value} at index {place}", samples)


def until(lengths: Tensor, places: int) -> Tensor:
    """True before the end of each sample, [batch, places]."""
    return torch.arange(places, device=lengths.device) < lengths[:, None]
