"""Lattice topologies: the chain of positions that a reference is turned into."""

from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from signkit.data.on_host import moved

TOPOLOGIES = ("ctc", "monotonic", "rnnt")


@dataclass(frozen=True)
class Chain:
    """A reference as a chain of positions 0..P, each entered by one symbol.

    Position p is entered from p-1 by emitting `symbols[p]`. Emitting a blank keeps a path at its position,
    except where the position is `closed`.
    """

    symbols: Tensor  # [batch, positions]; blank at 0 and in padding
    ends: Tensor  # [batch]: last position of each sample
    histories: Tensor | None  # [batch, positions]: labels emitted so far; None: as many as the position
    closed: Tensor | None  # [batch, positions]; None: no position is closed

    def to(self, device: torch.device) -> "Chain":
        """The same chain on a device."""
        parts = (self.symbols, self.ends, self.histories, self.closed)
        return Chain(*(None if each is None else moved(each, device) for each in parts))  # type: ignore[arg-type]


def chunks_needed(
    targets: Int[Tensor, "batch labels"], target_lengths: Int[Tensor, "batch"], topology: str = "ctc"
) -> Int[Tensor, "batch"]:
    """Fewest chunks on which each reference fits: [batch].

    ``monotonic`` needs one chunk a label, ``ctc`` one more for each label that repeats the one before it
    (there must be a blank between them), and ``rnnt`` one chunk for any number of labels.

    Raises:
        ValueError: an unknown topology.
    """
    check_topology(topology)
    if topology == "rnnt":
        return target_lengths.clamp(max=1)
    if topology == "monotonic":
        return target_lengths.clone()
    return target_lengths + _repeats(targets, target_lengths).sum(1).to(target_lengths.dtype)


def check_topology(topology: str) -> None:
    """Raise ValueError unless the name is one of `TOPOLOGIES`."""
    if topology not in TOPOLOGIES:
        raise ValueError(f"unknown topology {topology!r}; known: {', '.join(TOPOLOGIES)}")


def build_chain(targets: Tensor, target_lengths: Tensor, topology: str, blank: int) -> Chain:
    """The chain of positions of each reference.

    CTC needs a blank between a label and its repeat. That blank becomes a position of its own, mandatory like
    a label; neither it nor the label before it may be kept by a blank. So the recursion needs no special case
    for repeats. For the labels A A B:

        position      0   1   2   3   4
        symbol        -   A   -   A   B          - : blank
        history       0   1   1   2   3
        closed        .   x   x   .   .
    """
    labels, ends = targets.long(), target_lengths.long()
    if targets.shape[1] and int(ends.amin()) < targets.shape[1]:
        labels = labels.masked_fill(~_within(labels, ends), blank)
    if topology == "ctc" and bool((labels[:, 1:] == labels[:, :-1]).any()):
        repeats = _repeats(labels, ends)
        extra = int(repeats.sum(1).amax())
        if extra:
            return _with_mandatory_blanks(labels, _within(labels, ends), repeats, ends, extra, blank)
    return Chain(torch.nn.functional.pad(labels, (1, 0), value=blank), ends, None, None)


def _within(targets: Tensor, target_lengths: Tensor) -> Tensor:
    """True where a target is not padding: [batch, labels]."""
    return torch.arange(targets.shape[1], device=targets.device) < target_lengths[:, None]


def _repeats(targets: Tensor, target_lengths: Tensor) -> Tensor:
    """True where a label equals the one before it: [batch, labels - 1]."""
    return (targets[:, 1:] == targets[:, :-1]) & _within(targets, target_lengths)[:, 1:]


def _with_mandatory_blanks(
    labels: Tensor, valid: Tensor, repeats: Tensor, ends: Tensor, extra: int, blank: int
) -> Chain:
    """The chain with a position for each mandatory blank, of which a sample has at most `extra`.

    Entries that must not be written are sent to position 0, where they do no harm or are reset.
    """
    batch, length = labels.shape
    # each label moves right by the mandatory blanks up to it
    shift = torch.nn.functional.pad(repeats, (1, 0)).long().cumsum(1)
    positions = (torch.arange(1, length + 1, device=labels.device) + shift).masked_fill(~valid, 0)
    empty = labels.new_zeros(batch, length + 1 + extra)
    histories = empty.scatter(1, positions, valid.long()).cumsum(1)
    after_repeat = torch.where(repeats, positions[:, 1:], 1)
    closed = empty.bool().scatter(1, after_repeat - 1, True).scatter(1, (after_repeat - 2).clamp(min=0), True)
    closed[:, 0] = False  # labels that are no repeats were sent here
    symbols = (empty + blank).scatter(1, positions, labels)
    return Chain(symbols, ends + repeats.sum(1), histories, closed)
