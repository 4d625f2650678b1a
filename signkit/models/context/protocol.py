"""The protocols of contexts, which map every history of glosses to a vector."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import length_mask

START = 0
"""The start symbol before the first gloss. It has the blank's index, since a history never contains a
blank."""


@runtime_checkable
class Context(Protocol):
    """A context, an `nn.Module`.

    The vector b_u of a history y_1..y_u depends on these u glosses only, and b_0, of the empty history, on
    nothing. Indices after a sample's length must not have any influence.

    Attributes:
        dim: width of the vectors, which are added to the encoder's features.
    """

    dim: int

    def __call__(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories dim"]:
        """The vectors b_0, b_1, … b_labels; histories = labels + 1. They are finite where padded."""
        ...

    def last(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch dim"]:
        """The vector after the whole of each history: that of `__call__` at each sample's length."""
        ...


@runtime_checkable
class Stepping(Protocol):
    """An incremental reader of histories: it continues from a cached past, a symbol at a time.

    Attributes:
        cache_width: size of the past of one symbol.
        looks_back: whether a step needs the past of all symbols before it, as attention does, or of the last
            one only.
    """

    cache_width: int
    looks_back: bool

    def step(
        self,
        symbols: Int[Tensor, " batch"],
        past: Float[Tensor, "batch before cached"],
        lengths: Int[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch cached"]]:
        """Read one more symbol.

        Args:
            symbols: the next symbol of each history.
            past: the cached past of the symbols before it, the newest last, with zeros on the left.
            lengths: the number of symbols before it, which may be more than ``past`` holds.

        Returns:
            The state after the symbol, equal to that of a pass over the whole history, and the symbol's own
            past, to be cached.
        """
        ...


def with_start(
    history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
) -> Int[Tensor, "batch histories"]:
    """Prepend the start symbol to each history; padding is replaced by the start symbol, too."""
    padded = history.masked_fill(~length_mask(lengths, history.shape[1]), START)
    # Not `len`, which tracing a graph takes for a constant.
    return torch.cat([padded.new_full((padded.shape[0], 1), START), padded], dim=1)


def at_end(
    states: Float[Tensor, "batch histories width"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, "batch width"]:
    """The state after the whole of each history."""
    return states[torch.arange(states.shape[0], device=states.device), lengths]
