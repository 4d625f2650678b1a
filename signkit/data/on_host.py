"""Tensors on a GPU whose values the host knows too, so that it need not wait to read them."""

import torch
from torch import Tensor

_KNOWN = "known_on_host"


def moved(tensor: Tensor, device: torch.device | str) -> Tensor:
    """The tensor on a device, without waiting for the copy; `on_host` gives the original back.

    It must not be changed in place afterwards, nor the original: one would not know of the other.
    """
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
    if getattr(tensor, _KNOWN, None) is None:
        remember(tensor, tensor.cpu())
    known: Tensor = getattr(tensor, _KNOWN)
    return known


def is_known(tensor: Tensor) -> bool:
    """Whether its values are known on the host."""
    return tensor.device.type == "cpu" or getattr(tensor, _KNOWN, None) is not None


def remember(tensor: Tensor, values: Tensor) -> None:
    """Note the values of a tensor, on the CPU."""
    if tensor.device.type != "cpu":
        setattr(tensor, _KNOWN, values)


def every(mask: Tensor, step: int) -> Tensor:
    """Every `step`-th place of the second axis, from the first on; known on the host where the mask is."""
    there = mask[:, ::step]
    if is_known(mask):
        remember(there, on_host(mask)[:, ::step])
    return there
