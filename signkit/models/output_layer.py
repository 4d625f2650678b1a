"""The one linear layer over glosses and blank, applied to the two sides of a sum apart."""

from collections.abc import Callable, Iterable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.models.encoders.protocol import EncoderOutput

USED = ("chunk", "video")
"""Levels that are decoded; the others of an encoder serve losses while training."""


class OutputLayer(nn.Module):
    """W x + bias, W and bias usable apart: W (l + b) + bias = W l + (W b + bias).

    Args:
        dim: width of the features.
        vocabulary: number of symbols, blank included.
        normalised: divide each symbol's weights by their norm, as published systems do.
    """

    def __init__(self, *, dim: int, vocabulary: int, normalised: bool) -> None:
        super().__init__()
        linear = nn.Linear(dim, vocabulary)
        self.weight, self.bias = linear.weight, linear.bias
        nn.init.zeros_(self.bias)
        self.normalised = normalised

    def forward(self, features: Float[Tensor, "*shape dim"]) -> Float[Tensor, "*shape vocab"]:
        """W x, without the bias."""
        weight = F.normalize(self.weight, dim=1) if self.normalised else self.weight
        return F.linear(features, weight)


def level_logits(
    encoded: EncoderOutput,
    output: OutputLayer,
    heads: nn.ModuleDict,
    dropout: Callable[[Tensor], Tensor],
    levels: Iterable[str],
) -> dict[str, Float[Tensor, "batch chunks vocab"]]:
    """W l_s of some levels, each through its own head or the shared layer; equal levels share one tensor.

    A head has a bias of its own, while all logits are read with that of the shared layer: the difference of
    the two is added here.
    """
    found: dict[str, Tensor] = {}
    for level in levels:
        features = encoded.levels[level]
        same = next((other for other in found if encoded.levels[other] is features), None)
        if same is not None:
            found[level] = found[same]
        elif level in heads:
            own = heads[level]
            assert isinstance(own, OutputLayer)
            found[level] = own(dropout(features)) + (own.bias - output.bias)
        else:
            found[level] = output(dropout(features))
    return found


def training_levels(heads: nn.ModuleDict) -> tuple[str, ...]:
    """Levels with a head that is used in training only."""
    return tuple(name for name in heads if name not in USED)


def drop_training_heads(model: nn.Module) -> None:
    """Take the heads out of a model that are used in training only: an export is without them."""
    heads = getattr(model, "heads", None)
    if isinstance(heads, nn.ModuleDict):
        for name in training_levels(heads):
            del heads[name]
