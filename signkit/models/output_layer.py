"""The linear output layer over glosses and blank, applied to encoder features and context vectors
separately."""

from collections.abc import Callable, Iterable

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.models.encoders.protocol import EncoderOutput

USED = ("chunk", "video")
"""Levels that can be decoded; the encoder's other levels are for losses in training only."""


class OutputLayer(nn.Module):
    """A linear layer whose weight and bias are applied separately: W (l + b) + bias = W l + (W b + bias).

    The bias is zero at the start.

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
    """The logits W l_s of some levels, without the shared layer's bias.

    A level with a head of its own is computed by that head, others by the shared layer. Levels whose features
    are the same tensor share one tensor of logits, because losses recognise equal levels by identity.

    Args:
        encoded: the encoder's features.
        output: the shared layer.
        heads: output layers of levels that have their own.
        dropout: applied to the features.
        levels: names of the levels to compute.
    """
    logits: dict[str, Tensor] = {}
    for level in levels:
        features = encoded.levels[level]
        same = next((other for other in logits if encoded.levels[other] is features), None)
        if same is not None:
            logits[level] = logits[same]
        elif level in heads:
            own = heads[level]
            assert isinstance(own, OutputLayer)
            # All logits are read with the shared bias added, so this swaps it for the head's own.
            logits[level] = own(dropout(features)) + (own.bias - output.bias)
        else:
            logits[level] = output(dropout(features))
    return logits


def training_levels(heads: nn.ModuleDict) -> tuple[str, ...]:
    """The levels whose heads are used in training only."""
    return tuple(name for name in heads if name not in USED)


def drop_training_heads(model: nn.Module) -> None:
    """Remove what is used in training only, in place: an export does not have it.

    That is what the model names in ``training_only``, and heads next to an `OutputLayer`; the heads of a
    classifier are all used.
    """
    for name in getattr(model, "training_only", ()):
        setattr(model, name, None)
    heads = getattr(model, "heads", None)
    if isinstance(heads, nn.ModuleDict) and isinstance(getattr(model, "output", None), OutputLayer):
        for name in training_levels(heads):
            del heads[name]
