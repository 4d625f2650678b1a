"""A model cut into stages that can be run, and differentiated, each alone."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.models.encoders.protocol import EncoderOutput
from signkit.models.encoders.temporal import Temporal
from signkit.models.losses.configs import LossTerm
from signkit.models.losses.logits import SplitLogits
from signkit.models.losses.terms import Term
from signkit.models.protocol import Language
from signkit.tasks.recognition.proposals import proposer

Terms = Sequence[tuple[LossTerm, Term]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a training step.

    Attributes:
        run: its forward pass; gives what is differentiated.
        parameters: its own.
    """

    name: str
    run: Callable[[], tuple[Tensor, ...]]
    parameters: tuple[nn.Parameter, ...]


def stages_of(model: Any, batch: Batch, terms: Terms, encoder_name: str) -> Iterator[Stage]:
    """Encoder (backbone, local and global temporal module, where it has these), context, loss, and the whole.

    Each reads what the one before gave, detached. What is not there has no stage.
    """
    reads = _what_they_read(model, batch)
    temporal = getattr(model.encoder, "temporal", None)
    if isinstance(model, Language):
        pass  # it sees nothing
    elif isinstance(temporal, Temporal):
        yield Stage(
            f"backbone ({encoder_name})",
            lambda: _without_temporal(model.encoder, batch),
            _parameters(model.encoder, without=temporal),
        )
        frames, mask = reads[temporal.local]
        yield Stage("local temporal", _of(temporal.local, _fresh(frames), mask), _parameters(temporal.local))
        if temporal.recurrent is not None:
            chunks, lengths = reads[temporal.recurrent]
            module = temporal.recurrent
            yield Stage("global temporal", _of(module, _fresh(chunks), lengths), _parameters(module))
    else:
        yield Stage(
            f"encoder ({encoder_name})",
            lambda: _tensors(model.encoder(batch)),
            _parameters(model.encoder),
        )
    context = getattr(model, "context", None)
    if context is not None and not model.context_free and context in reads:
        yield Stage("context", _of(context, *reads[context]), _parameters(context))
    yield Stage("loss", _loss_alone(model, batch, terms), ())
    yield Stage(
        "forward and backward", lambda: (loss(model, model(batch), batch, terms),), _parameters(model)
    )


def loss(model: Any, logits: SplitLogits, batch: Batch, terms: Terms) -> Tensor:
    """What a step at the end of a run minimises, as `signkit.train.loop.update` sums it."""
    logits = logits.float()
    total = logits.auxiliary + 0.0 * logits.anchor()
    for term, compute in terms:
        if term.end == 1.0:
            total = total + term.weight * compute(logits, batch, proposer(model, logits))
    return total.mean()


def _loss_alone(model: Any, batch: Batch, terms: Terms) -> Callable[[], tuple[Tensor, ...]]:
    with torch.no_grad():
        found: SplitLogits = model(batch)
    one_level = found.chunk is found.video
    leaves = {key: _fresh(getattr(found, key)) for key in ("chunk", "video", "context", "bias")}
    if one_level:
        leaves["chunk"] = leaves["video"]
    logits = replace(found, **leaves)
    return lambda: (loss(model, logits, batch, terms),)


def _what_they_read(model: Any, batch: Batch) -> dict[nn.Module, tuple[Any, ...]]:
    """What each module was given in one forward pass of the whole."""
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


class _Through(nn.Module):
    """In the temporal modules' place: the frames' vectors themselves."""

    def forward(self, frames: Tensor, lengths: Tensor) -> EncoderOutput:
        nothing = frames.new_zeros(len(frames))
        return EncoderOutput(chunk=frames, video=frames, lengths=lengths, auxiliary=nothing)


@contextmanager
def _replaced(encoder: Any, temporal: nn.Module) -> Iterator[None]:
    own = encoder.temporal
    encoder.temporal = temporal
    try:
        yield
    finally:
        encoder.temporal = own


def _without_temporal(encoder: Any, batch: Batch) -> tuple[Tensor, ...]:
    with _replaced(encoder, _Through()):
        return (encoder(batch).video,)


def _of(module: nn.Module, *inputs: Any) -> Callable[[], tuple[Tensor, ...]]:
    return lambda: _tensors(module(*inputs))


def _tensors(output: Any) -> tuple[Tensor, ...]:
    """The tensors of a module's output that can be differentiated."""
    if isinstance(output, EncoderOutput):
        output = (output.chunk, output.video, output.auxiliary)
    parts = output if isinstance(output, tuple) else (output,)
    return tuple(part for part in parts if isinstance(part, Tensor) and part.is_floating_point())


def _fresh(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_()


def _parameters(module: nn.Module, without: nn.Module | None = None) -> tuple[nn.Parameter, ...]:
    others = {id(parameter) for parameter in without.parameters()} if without is not None else set()
    return tuple(parameter for parameter in module.parameters() if id(parameter) not in others)
