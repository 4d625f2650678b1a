"""What a stage costs: parameters, multiply-adds, time and memory, forward and backward."""

import math
import os
import statistics
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from signkit.commands.profile.stages import Stage
from signkit.errors import OperationalError

REPEATS, SECONDS = 5, 10.0
"""A stage is timed so often, or until it has taken so long."""
Autocast = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one stage.

    Attributes:
        trained: of the parameters, those that take a gradient.
        multiply_adds: of the forward pass, in products of matrices and convolutions; what is elementwise is
            not counted.
        seconds: of forward and backward, the median.
        peak_bytes: most that was alive at once beyond what was there before: activations and gradients.
    """

    name: str
    parameters: int
    trained: int
    multiply_adds: int
    seconds: float
    peak_bytes: int


def cost(stage: Stage, device: torch.device, autocast: Autocast) -> Cost:
    """Run a stage a few times.

    Raises:
        OperationalError: it does not fit the memory.
    """

    def forward() -> tuple[Tensor, ...]:
        with autocast():
            return stage.run()

    def both() -> None:
        outputs = [tensor for tensor in forward() if tensor.requires_grad]
        if outputs:  # a frozen stage has no backward pass
            torch.autograd.backward([tensor.sum() for tensor in outputs])
        for parameter in stage.parameters:
            parameter.grad = None

    try:
        both()  # to warm up
        multiply_adds = _multiply_adds(forward)
        peak = peak_bytes(both, device)
        seconds = _median_seconds(both, device)
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
            what = (
                f"{stage.name}: does not fit the memory of {device}; fewer --frames or a smaller --batch may"
            )
            raise OperationalError(what) from error
        raise
    counts = [parameter.numel() for parameter in stage.parameters]
    trained = [parameter.numel() for parameter in stage.parameters if parameter.requires_grad]
    return Cost(stage.name, sum(counts), sum(trained), multiply_adds, seconds, peak)


def _multiply_adds(forward: Callable[[], object]) -> int:
    """By torch's own counter, which counts two operations for one; and what it does not know of."""
    counter = FlopCounterMode(display=False, custom_mapping=_FURTHER)
    with counter:
        forward()
    counted: int = counter.get_total_flops() // 2
    return counted


def _attention(query: Any, key: Any, value: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    count: int = sdpa_flop_count(query, key, value)
    return count


def _recurrent(inputs: Any, weights: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    """Of a (packed) recurrent network on a GPU: each step takes every matrix once."""
    steps = math.prod(inputs[:-1])
    count: int = 2 * steps * sum(math.prod(shape) for shape in weights if len(shape) == 2)
    return count


def _recurrent_layer(inputs: Any, *shapes: Any, out_shape: Any = None, **__: Any) -> int:
    """Of one direction of one layer on a CPU, as torch computes it where all clips are of one length."""
    return _recurrent(inputs, shapes[:2])  # of the inputs, and of what was given before; then the biases


_FURTHER: dict[Any, Any] = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten._cudnn_rnn: _recurrent,
    torch.ops.aten.mkldnn_rnn_layer: _recurrent_layer,
}


def _median_seconds(run: Callable[[], None], device: torch.device) -> float:
    taken: list[float] = []
    while len(taken) < REPEATS and sum(taken) < SECONDS:
        _wait(device)
        start = time.perf_counter()
        run()
        _wait(device)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def peak_bytes(run: Callable[[], None], device: torch.device) -> int:
    """By torch's allocator on a GPU, else by the profiler's record of every allocation."""
    if device.type == "cuda":
        _wait(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        _wait(device)
        return torch.cuda.max_memory_allocated(device) - before
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler says when it starts and stops
    activities = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=activities, profile_memory=True) as profiler:
        run()
    assert profiler.profiler is not None and profiler.profiler.kineto_results is not None
    events = [e for e in profiler.profiler.kineto_results.events() if e.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
