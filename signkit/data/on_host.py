"""Tensors on a GPU whose values the host knows too, so that it need not wait to read them."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

import torch
from torch import Tensor

_KNOWN = "known_on_host"
T = TypeVar("T")


def pinned(batch: T) -> T:
    """A batch, which is a dataclass, with its tensors in page-locked memory, from which they are copied to a
    GPU without waiting."""
    record: Any = batch
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    there = {name: each.pin_memory() for name, each in values.items() if isinstance(each, Tensor)}
    locked: T = replace(record, **there)
    return locked


def moved(tensor: Tensor, device: torch.device | str) -> Tensor:
    """The tensor on a device, without waiting for the copy; `on_host` gives the original back, until one of
    the two is changed in place."""
    there = sent(tensor, device)
    if tensor.device.type == "cpu":
        remember(there, tensor)
    return there


def sent(tensor: Tensor, device: torch.device | str) -> Tensor:
    """The tensor on a device. The copy is waited for on the CPU alone, where it could be read too soon."""
    return tensor.to(device, non_blocking=torch.device(device).type != "cpu")


def on_host(tensor: Tensor) -> Tensor:
    """Its values on the CPU. If they are not known there, they are read, once, for which the device is waited
    for."""
    if tensor.device.type == "cpu":
        return tensor
    found = _known(tensor)
    if found is None:
        found = tensor.cpu()
        remember(tensor, found)
    return found


def is_known(tensor: Tensor) -> bool:
    """Whether its values are known on the host."""
    return tensor.device.type == "cpu" or _known(tensor) is not None


def remember(tensor: Tensor, values: Tensor) -> None:
    """Note the values of a tensor, on the CPU."""
    if tensor.device.type != "cpu":
        setattr(tensor, _KNOWN, (values, _changes(tensor), _changes(values)))


def _known(tensor: Tensor) -> Tensor | None:
    """The values that were noted, unless they or the tensor were changed in place since then."""
    values, *changes = getattr(tensor, _KNOWN, (None, 0, 0))
    return values if values is not None and changes == [_changes(tensor), _changes(values)] else None


def _changes(tensor: Tensor) -> int:
    """How often it was changed in place; tensors of `torch.inference_mode` do not count that."""
    return 0 if tensor.is_inference() else tensor._version


def on_both(compute: Callable[[Tensor], Tensor], tensor: Tensor) -> Tensor:
    """What is computed of a tensor; known on the host where the tensor is."""
    there = compute(tensor)
    if tensor.device.type != "cpu" and is_known(tensor):
        remember(there, compute(on_host(tensor)))
    return there
