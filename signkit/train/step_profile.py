"""Where the time of training steps goes: what their parts take, what waits for a GPU, and a trace."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, record_function, schedule

from signkit.runtime.files import write_json

FOLDER, TRACE, FIGURES = "profile", "trace.json.gz", "steps.json"
SKIPPED = 4
"""First steps of a process, which are slower: memory is asked for, kernels are chosen."""
OPERATORS = 8
PARTS = ("forward", "backward", "data", "figures", "optimizer")
"""The parts of a step: the passes, as far as they keep the processor busy; the next batch, made here or
waited for; reading the figures, for which a GPU is waited for; the new weights."""
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
_PREFIX, _STEP = "signkit: ", "ProfilerStep*"


def part_of_step(name: str) -> record_function:
    """The context of one of `PARTS`; in a trace it has this name."""
    return record_function(_PREFIX + name)


@dataclass(frozen=True, slots=True)
class StepFigures:
    """What some steps took.

    Attributes:
        steps: how many.
        milliseconds: of a step, mean.
        parts: of these, by name of `PARTS`; what else a step does is the rest.
        operators: torch's, with the share of the time that each has by itself, on the GPU if there is one.
        waits: how often a step waited for the GPU; 0 without one.
    """

    steps: int
    milliseconds: float
    parts: dict[str, float]
    operators: Sequence[tuple[str, float]]
    waits: float


class StepProfile:
    """Watches steps after the first few, then writes ``profile/`` into a folder.

    Args:
        folder: of the run.
        steps: that are watched.
    """

    def __init__(self, folder: Path, steps: int) -> None:
        self.folder, self.steps = folder / FOLDER, steps
        self.figures: StepFigures | None = None
        self._ended = False
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # silences the profiler's messages
        cuda = [ProfilerActivity.CUDA] if torch.cuda.is_available() else []
        self._profiler: Any = torch.profiler.profile(
            activities=[ProfilerActivity.CPU, *cuda],
            schedule=schedule(wait=SKIPPED - 1, warmup=1, active=steps, repeat=1),
            on_trace_ready=self._write,
        )
        self._profiler.start()

    def stepped(self) -> list[str]:
        """To be called after each step; lines for a person after the last one that is watched."""
        if self._profiler is None:
            return []
        self._profiler.step()
        if self.figures is None:
            return []
        self._stop()
        return lines(self.figures, self.folder)

    def close(self) -> list[str]:
        """Stop watching; a line for a person if not all steps were done, of which nothing is written then."""
        if self._profiler is None:
            return []
        self._ended = True
        self._stop()
        steps = f"steps {SKIPPED + 1} to {SKIPPED + self.steps}"
        return [f"no profile was written: it is of {steps}, and the training ended before"]

    def _stop(self) -> None:
        self._profiler.stop()
        self._profiler = None  # and with it the events of the steps

    def _write(self, profiler: Any) -> None:
        if self._ended:
            return
        events = {event.key: event for event in profiler.key_averages()}
        steps = events[_STEP].count
        parts = {
            name: events[key].cpu_time_total / 1e3 / steps
            for name in PARTS
            if (key := _PREFIX + name) in events
        }
        cuda = torch.cuda.is_available()
        own = {
            key: float(event.self_device_time_total if cuda else event.self_cpu_time_total)
            for key, event in events.items()
            if not key.startswith((_PREFIX, _STEP))
        }
        whole = sum(own.values()) or 1.0
        first = sorted(own, key=lambda key: -own[key])[:OPERATORS]
        waits = sum(events[key].count for key in WAITS if key in events) / steps
        operators = [(key, own[key] / whole) for key in first]
        self.figures = StepFigures(steps, events[_STEP].cpu_time_total / 1e3 / steps, parts, operators, waits)
        self.folder.mkdir(exist_ok=True)
        profiler.export_chrome_trace(str(self.folder / TRACE))
        write_json(self.folder / FIGURES, asdict(self.figures))


def lines(figures: StepFigures, folder: Path) -> list[str]:
    """The figures for a person, and where the trace is."""
    whole = figures.milliseconds
    named = figures.parts | {"other": whole - sum(figures.parts.values())}
    parts = ", ".join(f"{name} {each:.1f} ms ({each / whole:.0%})" for name, each in named.items())
    operators = ", ".join(f"{name} {share:.0%}" for name, share in figures.operators)
    waits = f"; {figures.waits:.1f} waits for the GPU" if torch.cuda.is_available() else ""
    return [
        f"profile of {figures.steps} steps, {whole:.1f} ms each{waits}: {parts}",
        f"most of the time: {operators}",
        f"a trace for Perfetto or chrome://tracing: {folder / TRACE}",
    ]
