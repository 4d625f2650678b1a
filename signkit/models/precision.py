"""The precision that a model computes in: float32, or half precision in the passes of its large parts.

Half precision is for the encoder, the reader of the context and the attention decoder; what they return is
float32 again. So everything behind them, which is output layers, losses and search, computes in float32, in a
training and after it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from functools import wraps
from typing import Any, Literal

import torch
from torch import Tensor, nn

from signkit.errors import UserError

Precision = Literal["float32", "bf16", "fp16"]
HALF: Mapping[str, torch.dtype] = {"bf16": torch.bfloat16, "fp16": torch.float16}
PASSES = ("forward", "both_sides")
"""Methods of a part that are passes over whole batches; single steps of a search are none."""


def precision_on(
    device: torch.device | str, asked: str, recorded: str = "", *, key: str = "train.precision"
) -> Precision:
    """What to compute in on a device.

    Args:
        asked: ``auto``, or a precision.
        recorded: what ``auto`` was in the training; "" if that is not known.
        key: of the recipe, for the message.

    Raises:
        UserError: fp16 is asked for on a CPU.
    """
    cuda = torch.device(device).type == "cuda"
    if asked == "fp16" and not cuda:
        hint = "take float32, or bf16 if the CPU has AVX-512"
        raise UserError(key, "fp16 needs a GPU with CUDA, and this is computed on a CPU", hint)
    if asked in ("float32", "bf16", "fp16"):
        return asked  # type: ignore[return-value]
    if not cuda or recorded == "float32":
        return "float32"
    # Without that argument an older card says yes, and computes bf16 slowly in float32.
    return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"


def is_emulated(precision: str, device: torch.device | str) -> bool:
    """Whether a CPU computes bf16 without instructions for it or for 512 bits: a product takes ten times as
    long as in float32."""
    on_cpu = torch.device(device).type == "cpu"
    return on_cpu and precision == "bf16" and torch.backends.cpu.get_cpu_capability() in {"AVX2", "NO AVX"}


def autocast(precision: str, device: torch.device | str) -> torch.autocast:
    """The context of passes in a precision."""
    return torch.autocast(torch.device(device).type, HALF.get(precision), precision in HALF)


@contextmanager
def tf32(allowed: bool) -> Iterator[None]:
    """Whether a GPU may round the factors of float32 products and convolutions to 10 bits within the block.

    It is a setting of the whole process, and torch's own is one of each kind: no for products, yes for
    convolutions and recurrent networks. What has to be exact is computed in ``tf32(False)``.
    """
    products, others = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, others.allow_tf32
    products.allow_tf32 = others.allow_tf32 = allowed
    try:
        yield
    finally:
        products.allow_tf32, others.allow_tf32 = before


def compute_in(model: nn.Module, precision: Precision, *, rounded: bool = False) -> None:
    """Let a model compute in a precision from now on; its weights stay float32.

    Args:
        rounded: whether the parts' float32 products may be those of `tf32`.
    """
    changes = precision in HALF or torch.cuda.is_available()
    for part in _parts(model):
        part.__dict__["computes_in"] = precision
        for name in PASSES:
            part.__dict__.pop(name, None)  # of an earlier call; the method of the class is left
            if changes and hasattr(part, name):
                setattr(part, name, _within(getattr(part, name), part, precision, rounded))


def precision_of(part: nn.Module) -> str:
    """What a part of a model computes in, for those who call other methods than `PASSES`."""
    return str(getattr(part, "computes_in", "float32"))


def in_float32(layer: Callable[[Tensor], Any], x: Tensor) -> Tensor:
    """An output layer within a part that computes in half precision."""
    if not torch.is_autocast_enabled(x.device.type):
        return layer(x)  # type: ignore[no-any-return]
    with torch.autocast(x.device.type, enabled=False):
        return layer(x.float())  # type: ignore[no-any-return]


def _parts(model: nn.Module) -> Iterator[nn.Module]:
    for name in ("encoder", "context", "decoder", "backwards"):
        part = getattr(model, name, None)
        # The context's last layers are small, and `last` of a context calls its reader as a whole pass does.
        part = getattr(part, "reader", part) if name == "context" else part
        if isinstance(part, nn.Module):
            yield part


def _within(method: Callable[..., Any], part: nn.Module, precision: str, rounded: bool) -> Callable[..., Any]:
    @wraps(method)
    def computed(*args: Any, **options: Any) -> Any:
        weight = next(part.parameters(), None)
        device = torch.device("cpu") if weight is None else weight.device
        # A model that was moved to a CPU, as for tuning: fp16 is not for it.
        own = "float32" if precision == "fp16" and device.type == "cpu" else precision
        with tf32(rounded), autocast(own, device):
            found = method(*args, **options)
        return _widened(found, {})

    return computed


def _widened(value: Any, done: dict[int, Tensor]) -> Any:
    """The same in float32. Equal tensor objects stay equal: a single level is recognised by its identity."""
    if isinstance(value, Tensor):
        if value.dtype not in HALF.values():
            return value
        return done.setdefault(id(value), value.float())
    if isinstance(value, Mapping):
        return {key: _widened(each, done) for key, each in value.items()}
    if isinstance(value, tuple):
        each = [_widened(item, done) for item in value]
        return type(value)(*each) if hasattr(value, "_fields") else tuple(each)
    if is_dataclass(value) and not isinstance(value, type):
        given = [f.name for f in fields(value) if f.init]
        return replace(value, **{name: _widened(getattr(value, name), done) for name in given})
    return value
