"""Pooling of two frames into one: temporal lift pooling (Hu et al. 2022) and max pooling."""

from typing import cast

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.data.on_host import on_both
from signkit.models.encoders.masked_norm import MaskedInstanceNorm, mask_out, masked_mean

Pooled = tuple[
    Float[Tensor, "batch pairs channels"], Bool[Tensor, "batch pairs"], Float[Tensor, " batch"]
]  # the pooled frames, which of them are real, the auxiliary loss of each sample


class TimeConv(nn.Module):
    """1-D convolution over time, channels-last, that keeps the number of frames (zero padding).

    Args:
        after: frames after its own that an output reads, at most; None: as many as before it.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        *,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        after: int | None = None,
    ) -> None:
        super().__init__()
        reach = dilation * (kernel // 2)
        centred = after is None or after == reach
        self.edges = None if centred else (2 * reach - cast(int, after), cast(int, after))
        self.conv = nn.Conv1d(
            inputs,
            outputs,
            kernel,
            padding=reach if centred else 0,
            dilation=dilation,
            groups=groups,
            bias=bias,
        )
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        if self.conv.bias is not None:
            nn.init.zeros_(self.conv.bias)

    def forward(self, x: Float[Tensor, "batch frames inputs"]) -> Float[Tensor, "batch frames outputs"]:
        x = x.transpose(1, 2)
        convolved: Tensor = self.conv(x if self.edges is None else F.pad(x, self.edges))
        return convolved.transpose(1, 2)


class MaxPool(nn.Module):
    """The larger of each pair of frames, channel by channel."""

    def forward(
        self, x: Float[Tensor, "batch frames channels"], mask: Bool[Tensor, "batch frames"]
    ) -> Pooled:
        even, odd, real = pairs(x, mask)
        return torch.maximum(even, odd), real, even.new_zeros(len(even), dtype=torch.float32)


class LiftPool(nn.Module):
    """Temporal lift pooling (Hu et al. 2022): predict the odd frames, update the even ones, weigh both.

    With x_e and x_o the even and odd frames:

        detail   d = x_o - P(x_e)           what the even frame does not predict of the odd one
        smooth   s = x_e + U(d)
        output   w(s) + w'(d)               w(x) = x + x (sigmoid(InstanceNorm(conv5(x))) - 1/2)

    P and U are initialised to zero and both w to the identity, so a new module computes x_e + x_o. The
    auxiliary loss is penalty (|s - x_o| + |d|), means over the real pairs and channels of each sample.

    Args:
        channels: of the frames, in and out.
        penalty: weight of the auxiliary loss.
    """

    def __init__(self, channels: int, *, penalty: float = 1e-3) -> None:
        super().__init__()
        self.penalty = penalty
        self.predict, self.update = _lifter(channels), _lifter(channels)
        self.weigh_smooth, self.weigh_detail = _Weigh(channels), _Weigh(channels)

    def forward(
        self, x: Float[Tensor, "batch frames channels"], mask: Bool[Tensor, "batch frames"]
    ) -> Pooled:
        even, odd, real = pairs(x, mask)
        detail = mask_out(odd - self.predict(even), real)
        smooth = mask_out(even + self.update(detail), real)
        pooled = self.weigh_smooth(smooth, real) + self.weigh_detail(detail, real)
        auxiliary = masked_mean((smooth - odd).abs(), real) + masked_mean(detail.abs(), real)
        return pooled, real, self.penalty * auxiliary


class _Weigh(nn.Module):
    """x + x (sigmoid(InstanceNorm(conv5(x))) - 1/2); the convolution is initialised to zero."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        # no bias: the normalisation would remove it
        self.conv = TimeConv(channels, channels, 5, bias=False)
        self.norm = MaskedInstanceNorm(channels)
        nn.init.zeros_(self.conv.conv.weight)

    def forward(
        self, x: Float[Tensor, "batch pairs channels"], real: Bool[Tensor, "batch pairs"]
    ) -> Float[Tensor, "batch pairs channels"]:
        gate: Tensor = torch.sigmoid(self.norm(self.conv(x), real)) - 0.5
        return x + x * gate


def _lifter(channels: int) -> nn.Sequential:
    """Depthwise convolution, ReLU, pointwise convolution (initialised to zero), tanh."""
    pointwise = TimeConv(channels, channels, 1)
    nn.init.zeros_(pointwise.conv.weight)
    return nn.Sequential(TimeConv(channels, channels, 3, groups=channels), nn.ReLU(), pointwise, nn.Tanh())


def pairs(
    x: Float[Tensor, "batch frames channels"], mask: Bool[Tensor, "batch frames"]
) -> tuple[
    Float[Tensor, "batch pairs channels"], Float[Tensor, "batch pairs channels"], Bool[Tensor, "batch pairs"]
]:
    """Even frames, odd frames, and which pairs are real.

    In a sample of odd length the last frame is repeated to complete the last pair. Padding must be zero, and
    stays zero.
    """
    ragged, first = x.shape[1] % 2, on_both(lambda places: places[:, ::2], mask)
    if ragged or torch.onnx.is_in_onnx_export():  # a graph takes clips of either kind
        x, mask = F.pad(x, (0, 0, 0, ragged)), F.pad(mask, (0, ragged))
    even, odd = x[:, 0::2], x[:, 1::2]
    # where the odd frame is padding: a real even frame is repeated, a padded one is zero
    odd = torch.where(mask[:, 1::2].unsqueeze(-1), odd, even)
    return even, odd, first
