"""Normalisation with statistics of real frames only, so that padding never changes a result.

Tensors are channels-last, and masked values come out as zero.
"""

import torch
import torch.distributed as dist
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.models.encoders.packing import packing


class MaskedBatchNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy 2015) over the real frames of all processes.

    Without padding and in a single process it equals `torch.nn.BatchNorm1d`. The running statistics of a
    channel with fewer than two real values in a batch are left unchanged.

    Args:
        channels: size of the last dimension.
        affine: learn a scale and a shift. Without them the module z-scores its input, with running estimates
            of the mean and variance of the training set.
        eps: added to the variance.
        momentum: weight of a new batch in the running statistics.
    """

    running_mean: Float[Tensor, " channels"]
    running_var: Float[Tensor, " channels"]

    def __init__(
        self, channels: int, *, affine: bool = True, eps: float = 1e-5, momentum: float = 0.1
    ) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(
        self, x: Float[Tensor, "*places channels"], mask: Bool[Tensor, "..."] | None = None
    ) -> Float[Tensor, "*places channels"]:
        """Normalise ``x`` over all dimensions but the last.

        Args:
            x: channels-last values.
            mask: True where real: [batch, frames] for the first two dimensions of ``x``, or of the shape of
                ``x`` for single values; None if all are real.
        """
        if mask is not None and mask.ndim == x.ndim:
            return self._values(x, mask)
        if mask is None:
            return self._rows(x)
        real = packing(mask)
        return real.unpack(self._rows(real.pack(x)))

    def _rows(self, x: Float[Tensor, "*places channels"]) -> Float[Tensor, "*places channels"]:
        """Without a mask: by torch's kernel, the fastest, where its statistics are the right ones."""
        if torch.onnx.is_in_onnx_export():  # its batch_norm asks for sizes that tracing does not keep
            return self._by_estimates(x)
        rows = x.reshape(-1, x.shape[-1])
        # torch's kernel refuses a single row, and knows only this process's part of the batch
        if self.training and (len(rows) < 2 or processes() > 1):
            return self._by_formula(x, torch.ones_like(x, dtype=torch.bool))
        stats = (self.running_mean, self.running_var)
        normed = F.batch_norm(rows, *stats, self.weight, self.bias, self.training, self.momentum, self.eps)
        return normed.view(x.shape)

    def _by_estimates(self, x: Float[Tensor, "*places channels"]) -> Float[Tensor, "*places channels"]:
        """Of evaluation: a factor and a summand for each channel."""
        factor = torch.rsqrt(self.running_var + self.eps)
        if self.weight is None or self.bias is None:
            return (x - self.running_mean) * factor
        return x * (self.weight * factor) + (self.bias - self.running_mean * self.weight * factor)

    def _values(
        self, x: Float[Tensor, "*places channels"], mask: Bool[Tensor, "*places channels"]
    ) -> Float[Tensor, "*places channels"]:
        """With a mask for every value."""
        normed = self._by_formula(x, mask) if self.training else self._rows(x)
        return normed.masked_fill(~mask, 0)

    def _by_formula(
        self, x: Float[Tensor, "*places channels"], mask: Bool[Tensor, "*places channels"]
    ) -> Float[Tensor, "*places channels"]:
        """By sums over the mask and over processes.

        Mean first, then squared deviations from it: E[x^2] - E[x]^2 would lose all digits in float32.
        """
        values = at_least_float32(x)
        keep = mask.to(values.dtype)
        over = tuple(range(x.ndim - 1))
        count, total = sum_processes(torch.stack([keep.sum(over), (values * keep).sum(over)]))
        mean = total / count.clamp(min=1)
        centred = (values - mean) * keep
        squares = sum_processes(centred.square().sum(over))
        self._follow(count.detach(), mean.detach(), squares.detach())
        normed = centred * torch.rsqrt(squares / count.clamp(min=1) + self.eps)
        if self.weight is not None and self.bias is not None:
            normed = normed * self.weight + self.bias
        narrow: Tensor = normed.to(x.dtype)
        return narrow

    def _follow(
        self,
        count: Float[Tensor, " channels"],
        mean: Float[Tensor, " channels"],
        squares: Float[Tensor, " channels"],
    ) -> None:
        """Update the running statistics, with the unbiased variance as in torch."""
        rate = self.momentum * (count > 1).to(mean.dtype)
        self.running_mean.lerp_(mean, rate)
        self.running_var.lerp_(squares / (count - 1).clamp(min=1), rate)


class MaskedInstanceNorm(nn.Module):
    """Instance normalisation (Ulyanov et al. 2016) over the real frames of each sample.

    Args:
        channels: size of the last dimension; each has a learned scale and shift.
        eps: added to the variance.
    """

    def __init__(self, channels: int, *, eps: float = 1e-5) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(
        self, x: Float[Tensor, "batch frames channels"], mask: Bool[Tensor, "batch frames"]
    ) -> Float[Tensor, "batch frames channels"]:
        values = at_least_float32(x)
        keep = mask.unsqueeze(-1).to(values.dtype)
        count = keep.sum(1, keepdim=True).clamp(min=1)
        centred = (values - (values * keep).sum(1, keepdim=True) / count) * keep
        variance = centred.square().sum(1, keepdim=True) / count
        normed = centred * torch.rsqrt(variance + self.eps) * self.weight + self.bias
        return (normed * keep).to(x.dtype)


def masked_mean(
    x: Float[Tensor, "batch frames channels"], mask: Bool[Tensor, "batch frames"]
) -> Float[Tensor, " batch"]:
    """Mean of each sample over its real frames and all channels, in float32."""
    values = at_least_float32(x).mean(-1) * mask
    return values.sum(1) / mask.sum(1).clamp(min=1)


def mask_out(
    x: Float[Tensor, "batch frames *rest"], mask: Bool[Tensor, "batch frames"]
) -> Float[Tensor, "batch frames *rest"]:
    """Set the padding to zero, even where it holds NaN."""
    return x.masked_fill(~mask.reshape(mask.shape + (1,) * (x.ndim - 2)), 0)


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision is converted to float32; float64 is left as it is."""
    wide: Tensor = x.to(torch.promote_types(x.dtype, torch.float32))
    return wide


def processes() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def sum_processes(x: Tensor) -> Tensor:
    """The sum over all processes, also in the backward pass."""
    if processes() == 1:
        return x
    total: Tensor = _SumProcesses.apply(x)  # type: ignore[no-untyped-call]
    return total


class _SumProcesses(torch.autograd.Function):
    """All-reduce with gradient: every process's loss depends on every part, so gradients are summed too."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        return _all_reduced(x)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, grad: Tensor) -> Tensor:
        return _all_reduced(grad)


def _all_reduced(x: Tensor) -> Tensor:
    total = x.clone(memory_format=torch.contiguous_format)
    dist.all_reduce(total)
    return total
