"""Attention and z-scores over the real frames and the seen points of landmarks."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from signkit.data.on_host import on_host
from signkit.models.encoders.masked_norm import mask_out

Mask = Bool[Tensor, "batch frames"] | None
"""Which frames are real; None: all."""


def attended(
    query: Float[Tensor, "batch heads frames head"],
    key: Float[Tensor, "batch heads frames head"],
    value: Float[Tensor, "batch heads frames head"],
    mask: Mask,
) -> Float[Tensor, "batch heads frames head"]:
    """softmax(query . key / sqrt(width of a head)) value, over the real frames."""
    if torch.onnx.is_in_onnx_export():  # torch's own looks for NaN in every weight there
        weights = (query / math.sqrt(query.shape[-1])) @ key.transpose(-1, -2)
        return weights.softmax(-1) @ value
    return F.scaled_dot_product_attention(query, key, value, None if mask is None else mask[:, None, None])


def z_scored(
    points: Float[Tensor, "batch frames points coords"],
    seen: Bool[Tensor, "batch frames points"],
    over: tuple[int, ...],
) -> Float[Tensor, "batch frames points coords"]:
    """Each coordinate minus its mean, divided by its standard deviation over the seen points of dimensions
    ``over``; 0 where a point was not seen, as it must be before, and where all are at one place."""
    count = seen.sum(over, keepdim=True)[..., None].clamp(min=1)
    mean = points.sum(over, keepdim=True) / count
    centred = points - seen[..., None] * mean
    deviation = (centred.square().sum(over, keepdim=True) / count).sqrt()
    return centred / deviation.clamp(min=1e-6)


def unless_all(inside: Bool[Tensor, "batch frames"]) -> Mask:
    """The mask, or None where all frames are real, as of the one clip of an exported graph: masking takes a
    fourth of the time there."""
    return None if torch.onnx.is_in_onnx_export() or bool(on_host(inside).all()) else inside


def unpadded(x: Float[Tensor, "batch frames *rest"], mask: Mask) -> Float[Tensor, "batch frames *rest"]:
    """Zeros in the padding."""
    return x if mask is None else mask_out(x, mask)
