"""The cost of a stage: parameters, multiply-adds, time and memory of its forward and backward pass."""

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
"""A stage is timed this many times, or until it has taken this many seconds."""
Autocast = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one stage.

    Attributes:
        name: of the stage.
        parameters: their number.
        trained: the number of parameters that are trained.
        multiply_adds: of matrix products and convolutions in the forward pass, without elementwise
            operations.
        seconds: median time of forward and backward pass.
        peak_bytes: the most memory in use at once by activations and gradients.
    """

    name: str
    parameters: int
    trained: int
    multiply_adds: int
    seconds: float
    peak_bytes: int


def cost(stage: Stage, device: torch.device, autocast: Autocast) -> Cost:
    """Measure a stage by running it a few times.

    Args:
        stage: on the device.
        device: of the measurement.
        autocast: the context of the forward pass.

    Raises:
        OperationalError: the stage does not fit the memory.
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
        both()  # warm-up
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
    """Count with torch's counter, which counts a multiply-add as two operations, extended by `_FURTHER`."""
    counter = FlopCounterMode(display=False, custom_mapping=_FURTHER)
    with counter:
        forward()
    counted: int = counter.get_total_flops() // 2
    return counted


def _attention(query: Any, key: Any, value: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    count: int = sdpa_flop_count(query, key, value)
    return count


def _recurrent(inputs: Any, weights: Any, *_: Any, out_shape: Any = None, **__: Any) -> int:
    """Operations of a (packed) recurrent network on a GPU: each step uses every matrix once."""
    steps = math.prod(inputs[:-1])
    count: int = 2 * steps * sum(math.prod(shape) for shape in weights if len(shape) == 2)
    return count


def _recurrent_layer(inputs: Any, *shapes: Any, out_shape: Any = None, **__: Any) -> int:
    """Operations of one direction of one layer on a CPU, as torch computes clips of equal length."""
    return _recurrent(inputs, shapes[:2])  # the matrices of inputs and of hidden states; biases follow


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
    """The peak of the memory that ``run`` allocates.

    It is measured by torch's allocator on a GPU, and by the profiler's record of all allocations on a CPU.
    """
    if device.type == "cuda":
        _wait(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        run()
        _wait(device)
        return torch.cuda.max_memory_allocated(device) - before
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # silences the profiler's messages
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
