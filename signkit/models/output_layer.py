"""The one linear classifier over glosses and blank, applied to the two sides of a sum apart."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class Classifier(nn.Module):
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
