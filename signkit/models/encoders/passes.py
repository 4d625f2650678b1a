"""Passes of frames through a backbone: how many frames each has, and what fits into the memory of a GPU."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import UInt8
from torch import Tensor

Frames = UInt8[Tensor, "real height width 3"]

PER_PASS = 32
"""Frames of a pass where nothing else is said."""
MOST = 128
"""Frames of a pass at most: a larger one is no faster."""
USABLE = 0.6
"""Share of the free memory for activations. The rest is for what comes behind the backbone, for the frames
themselves, and for what the allocator cannot use."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How frames go through a backbone.

    Attributes:
        per_pass: frames of a pass.
        kept: frames of a batch whose activations are retained; those of the others are computed again.
    """

    per_pass: int
    kept: int


def planned(free: int, a_frame: int, needed: int) -> Plan:
    """What fits into a memory.

    Args:
        free: bytes.
        a_frame: bytes of the activations of a frame that its gradient needs; 0 of a frozen backbone.
        needed: bytes that gradients and the optimizer's moments will take.
    """
    if not a_frame:
        return Plan(PER_PASS, 0)
    room = max(0, int(USABLE * (free - needed))) // a_frame
    per_pass = 4
    # A pass that is computed again has its activations and their gradients at the same time.
    while per_pass < MOST and 2 * (2 * per_pass) <= room // 4:
        per_pass *= 2
    return Plan(per_pass, max(0, room - 2 * per_pass))


def free_memory(device: torch.device) -> int | None:
    """Free bytes of a GPU, those that torch has reserved and does not use among them; None for a CPU."""
    if device.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def bytes_a_frame(run: Callable[[Frames], Tensor], frames: Frames) -> int:
    """Bytes of the activations of a frame that its gradient needs.

    Args:
        run: the backbone, in evaluation mode.
        frames: one of them is enough.
    """

    def kept(count: int) -> int:
        found: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            vectors = run(frames[:1].expand(count, -1, -1, -1))  # held, or addresses would be used again
        del vectors
        return sum(found.values())

    return (kept(4) - kept(2)) // 2  # without the weights, which both have


def divided(frames: Frames, per_pass: int, *, unit: int = 0) -> Iterator[tuple[Frames, int]]:
    """The frames of each pass, and how many of them count.

    Args:
        per_pass: frames of a pass, at most.
        unit: 0: passes of nearly equal sizes. Otherwise all but the last have `per_pass` frames, and the last
            one a multiple of this, its last frame several times, so that there are few sizes.
    """
    if not unit:
        for some in frames.tensor_split(-(-len(frames) // per_pass)):
            yield some, len(some)
        return
    for some in frames.split(per_pass):
        lacking = -len(some) % unit
        yield torch.cat([some, some[-1:].expand(lacking, -1, -1, -1)]) if lacking else some, len(some)
