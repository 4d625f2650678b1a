"""Encoders on clips that come frame by frame: the same features as of the whole clip, with bounded memory.

An encoder is a chain of stages. For every new output, a stage of bounded reach computes a window of its
inputs again; a recurrent one keeps its state.

    inputs     . . . [ before | answered now | after ] . . .
    window           [---- computed as a clip ------]
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.errors import UserError
from signkit.types import USUAL_FPS

Inputs = Shaped[Tensor, "_ ..."]
"""Of a stage, [inputs, …]."""
Outputs = Float[Tensor, "_ _"]
"""Of a stage, [outputs, width]."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What an output of a module depends on.

    Attributes:
        before, after: inputs before the first and after the last of its own, at most.
        stride: inputs that an output has of its own.
        unit: inputs that are answered together, a multiple of ``stride``; what is computed may depend on
            where such units begin.
    """

    before: int = 0
    after: int = 0
    stride: int = 1
    unit: int = 1


@runtime_checkable
class Stage(Protocol):
    """A part of an encoder on one clip whose inputs come one after another."""

    reach: Reach

    def push(self, inputs: Inputs) -> Outputs | None:
        """The outputs that can be answered now; None if none can be."""
        ...

    def finish(self) -> Outputs | None:
        """The outputs that are left; then the next clip may begin."""
        ...

    def held(self) -> int:
        """Numbers of the state."""
        ...


@runtime_checkable
class Streamable(Protocol):
    """An encoder that can be streamed."""

    def stages(self) -> tuple[Sequence[Stage], Sequence[Stage]]:
        """The stages from frames to the level ``chunk``, and from there to ``video``, none if it is the same.

        Raises:
            UserError: an option of it needs the whole clip; the option is named.
        """
        ...


class Windowed:
    """A module of bounded reach.

    Args:
        compute: the outputs of some inputs as if they were a clip, ceil(inputs / stride).
    """

    def __init__(self, compute: Callable[[Inputs], Outputs], reach: Reach) -> None:
        self._compute, self.reach = compute, reach
        self._begin()

    def _begin(self) -> None:
        self._window: Inputs | None = None
        self._start = self._done = 0  # places in the clip: of the window, and of what is not answered yet

    def push(self, inputs: Inputs) -> Outputs | None:
        """The outputs whose reach is there."""
        self._window = inputs if self._window is None else torch.cat([self._window, inputs])
        return self._answer(self._whole(self._start + len(self._window) - self.reach.after))

    def finish(self) -> Outputs | None:
        """The outputs that are left."""
        outputs = None if self._window is None else self._answer(self._start + len(self._window))
        self._begin()
        return outputs

    def held(self) -> int:
        """Numbers of the window."""
        return 0 if self._window is None else self._window.numel()

    def _whole(self, place: int) -> int:
        """The beginning of the unit that a place is in."""
        return max(0, place // self.reach.unit * self.reach.unit)

    def _answer(self, end: int) -> Outputs | None:
        if self._window is None or end <= self._done:
            return None
        stride = self.reach.stride
        first, last = (self._done - self._start) // stride, -((self._start - end) // stride)
        outputs = self._compute(self._window)[first:last]
        self._done, start = end, self._whole(end - self.reach.before)
        self._window = self._window[start - self._start :].clone()  # a view would hold on to the whole
        self._start = start
        return outputs


class Recurrent:
    """A recurrent network in one direction, whose output is that of ``after`` inputs later.

    Args:
        network: an LSTM or a GRU.
    """

    def __init__(self, network: nn.LSTM | nn.GRU, after: int) -> None:
        self._network, self.reach = network, Reach(after=after)
        self._begin()

    def _begin(self) -> None:
        self._state: Any = None
        self._skipped = 0

    def push(self, inputs: Inputs) -> Outputs | None:
        """The outputs whose later inputs are there."""
        outputs, self._state = self._network(inputs[None], self._state)
        skip = min(self.reach.after - self._skipped, len(inputs))
        self._skipped += skip
        return outputs[0, skip:] if skip < len(inputs) else None

    def finish(self) -> Outputs | None:
        """The outputs that are left, after zeros."""
        begun = self._state is not None and self.reach.after
        weight = next(self._network.parameters())
        outputs = self.push(weight.new_zeros(self.reach.after, self._network.input_size)) if begun else None
        self._begin()
        return outputs

    def held(self) -> int:
        """Numbers of the state."""
        state = self._state if isinstance(self._state, tuple) else (self._state,)
        return sum(each.numel() for each in state if each is not None)


class EncoderStream:
    """An encoder on a clip whose frames come one after another.

    Args:
        encoder: in eval mode.

    Attributes:
        delay: frames that have to follow a frame, at most, until its chunk is answered.

    Raises:
        UserError: the encoder cannot be streamed, with the option that is in the way.

    Example:
        stream = EncoderStream(model.encoder)
        levels = stream.push(frames)  # [frames, points, 2], NaN where not seen
        last = stream.finish()
    """

    def __init__(self, encoder: Any) -> None:
        if not isinstance(encoder, Streamable):
            what = f"{type(encoder).__name__} reads whole clips and cannot be streamed"
            raise UserError("encoder.name", what, "`gcn`, `kinematic`, `points`, `features` and `timm` can")
        self._local, self._over = encoder.stages()
        self._chunks: Outputs | None = None  # those whose video features are not there yet
        self.delay = _delay([each.reach for each in (*self._local, *self._over)])

    @torch.no_grad()
    def push(self, frames: Inputs) -> dict[str, Outputs]:
        """The features of the chunks that can be answered now, by level; empty if there are none.

        Args:
            frames: landmarks [frames, points, coordinates], NaN where not seen, features [frames, width], or
                video in 8 bits [frames, height, width, 3].
        """
        if not len(frames):
            return {}
        chunks = _pushed(self._local, frames)
        return self._paired(chunks, chunks if chunks is None else _pushed(self._over, chunks))

    @torch.no_grad()
    def finish(self) -> dict[str, Outputs]:
        """The features of the chunks that are left; then the next clip may begin."""
        chunks = _finished(self._local, None)
        levels = self._paired(chunks, _finished(self._over, chunks))
        self._chunks = None
        return levels

    def held(self) -> int:
        """Numbers of the state, of all stages."""
        waiting = 0 if self._chunks is None else self._chunks.numel()
        return waiting + sum(each.held() for each in (*self._local, *self._over))

    def _paired(self, chunks: Outputs | None, video: Outputs | None) -> dict[str, Outputs]:
        if not self._over:
            return {} if chunks is None else {"chunk": chunks, "video": chunks}
        waiting = [each for each in (self._chunks, chunks) if each is not None]
        self._chunks = torch.cat(waiting) if waiting else None
        if video is None or self._chunks is None:
            return {}
        levels = {"chunk": self._chunks[: len(video)], "video": video}
        self._chunks = self._chunks[len(video) :].clone()
        return levels


def _pushed(stages: Sequence[Stage], inputs: Inputs) -> Outputs | None:
    for stage in stages:
        outputs = stage.push(inputs)
        if outputs is None:
            return None
        inputs = outputs
    return inputs


def _finished(stages: Sequence[Stage], inputs: Inputs | None) -> Outputs | None:
    """What is left when ``inputs`` are the last that the first stage is given."""
    for stage in stages:
        parts = [None if inputs is None else stage.push(inputs), stage.finish()]
        there = [each for each in parts if each is not None]
        inputs = torch.cat(there) if there else None
    return inputs


def _delay(stages: Sequence[Reach]) -> int:
    """By counting alone: how many frames follow a frame, at most, when its chunk is answered."""
    period, rate = 1, 1
    for reach in stages:
        period, rate = lcm(period, reach.unit * rate), rate * reach.stride
    after, rate = period, 1
    for reach in stages:
        after, rate = after + reach.after * rate, rate * reach.stride
    most = frame = 0
    for known in range(1, 3 * (period + after)):
        count, each = known, 1
        for reach in stages:
            count = max(0, (count - reach.after) // reach.unit * reach.unit) // reach.stride
            each *= reach.stride
        if count * each > frame:
            most = max(most, known - 1 - frame)
            frame = count * each
    return most


def one_clip(inputs: Inputs) -> Batch:
    """A batch of one clip without a reference, of what `EncoderStream.push` is given."""
    count = len(inputs)
    seen = torch.ones(1, count, 1, dtype=torch.bool, device=inputs.device)
    if inputs.is_floating_point() and inputs.ndim == 3:
        seen = ~inputs.isnan().any(-1)[None]
        inputs = inputs.nan_to_num(0.0)
    return Batch(
        ids=("",),
        inputs=inputs[None],
        seen=seen,
        lengths=torch.tensor([count], device=inputs.device),
        targets=torch.zeros(1, 0, dtype=torch.long, device=inputs.device),
        target_lengths=torch.zeros(1, dtype=torch.long, device=inputs.device),
        frame_labels=torch.full((1, count), -100, device=inputs.device),
        fps=torch.full((1,), USUAL_FPS, device=inputs.device),
    )


def shared_lookahead(natural: Sequence[tuple[int, int]], lookahead: int | None) -> tuple[int, ...]:
    """How far each of some convolutions looks ahead, the first ones first, in frames at its own rate.

    Args:
        natural: how far each would look, and the frames a step at its rate.
        lookahead: frames in all, at most; None: as far as each would.
    """
    if lookahead is None:
        return tuple(reach for reach, _ in natural)
    given = []
    for reach, rate in natural:
        given.append(min(reach, lookahead // rate))
        lookahead -= given[-1] * rate
    return tuple(given)
