"""A model divided into stages, each of which can be run and differentiated alone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from signkit.data.loader import Batch
from signkit.models.encoders.protocol import EncoderOutput
from signkit.models.encoders.temporal import TemporalEncoder
from signkit.train.loop import mean_loss
from signkit.train.task import Task

AT_THE_END = 1 - 1e-9
"""The point of the training at which the loss is computed, with all terms that count until the end."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a training step.

    Attributes:
        name: for the table.
        run: its forward pass; returns the tensors to differentiate.
        parameters: of the stage.
        inside: whether it is a module within the encoder, which has to be given the encoder's precision.
    """

    name: str
    run: Callable[[], tuple[Tensor, ...]]
    parameters: tuple[nn.Parameter, ...]
    inside: bool = False


def stages_of(task: Task, model: Any, batch: Batch, encoder_name: str) -> Iterator[Stage]:
    """The stages of a model: encoder (its backbone and its temporal modules, if it has these), context, loss,
    and the whole step.

    The input of each stage is the detached output of the one before. Parts that the model lacks have no
    stage.

    Args:
        task: of the model.
        model: in train mode, on the device of the batch.
        batch: to run the model on.
        encoder_name: for the stages' names.
    """
    reads = _what_they_read(model, batch)
    encoder = getattr(model, "encoder", None)
    if isinstance(encoder, TemporalEncoder):
        frame_encoder, temporal = encoder.frames, encoder.temporal
        name = f"backbone ({encoder_name})"
        yield Stage(name, lambda: _tensors(frame_encoder(batch)), _parameters(frame_encoder), inside=True)
        frames, mask = reads[temporal.local]
        local = temporal.local
        yield Stage("local temporal", _of(local, _fresh(frames), mask), _parameters(local), inside=True)
        if temporal.recurrent is not None:
            chunks, lengths = reads[temporal.recurrent]
            module = temporal.recurrent
            run = _of(module, _fresh(chunks), lengths)
            yield Stage("global temporal", run, _parameters(module), inside=True)
    elif encoder is not None:
        yield Stage(f"encoder ({encoder_name})", lambda: _tensors(encoder(batch)), _parameters(encoder))
    context = getattr(model, "context", None)
    if context is not None and context in reads:
        yield Stage("context", _of(context, *reads[context]), _parameters(context))
    with torch.no_grad():
        output = _fresh_copy(model(batch), {})
    yield Stage("loss", lambda: (loss(task, model, lambda _: output, batch),), ())
    yield Stage("forward and backward", lambda: (loss(task, model, model, batch),), _parameters(model))


def loss(task: Task, model: Any, forward: Callable[[Batch], Any], batch: Batch) -> Tensor:
    """The loss of a step at the end of the training."""
    weights = {name: float(each.sum()) for name, each in task.weights(model, batch).items()}
    return mean_loss(task.loss(model, forward, batch, AT_THE_END), weights)


def _fresh_copy(value: Any, known: dict[int, Tensor]) -> Any:
    """A copy of a model's output in which every tensor is a leaf that requires a gradient.

    A tensor that occurs twice is copied once, since the loss recognises equal levels by identity.
    """
    if isinstance(value, Tensor):
        if value.is_floating_point():
            return known.setdefault(id(value), _fresh(value))
        return value
    if isinstance(value, Mapping):
        return {key: _fresh_copy(each, known) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_fresh_copy(each, known) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        given = [f.name for f in fields(value) if f.init]
        return replace(value, **{name: _fresh_copy(getattr(value, name), known) for name in given})
    return value


def _what_they_read(model: Any, batch: Batch) -> dict[nn.Module, tuple[Any, ...]]:
    """The inputs of every module in a forward pass of the whole model."""
    reads: dict[nn.Module, tuple[Any, ...]] = {}

    def keep(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        reads[module] = inputs

    hooks = [module.register_forward_pre_hook(keep) for module in model.modules()]
    try:
        with torch.no_grad():
            model(batch)
    finally:
        for hook in hooks:
            hook.remove()
    return reads


def _of(module: nn.Module, *inputs: Any) -> Callable[[], tuple[Tensor, ...]]:
    return lambda: _tensors(module(*inputs))


def _tensors(output: Any) -> tuple[Tensor, ...]:
    """The tensors of a module's output that can be differentiated."""
    if isinstance(output, EncoderOutput):
        output = (*output.levels.values(), output.auxiliary)
    parts = output if isinstance(output, tuple) else (output,)
    return tuple(part for part in parts if isinstance(part, Tensor) and part.is_floating_point())


def _fresh(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_()


def _parameters(module: nn.Module) -> tuple[nn.Parameter, ...]:
    return tuple(module.parameters())
