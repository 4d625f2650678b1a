"""What a context is: the glosses so far in, one vector for each history out."""

from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from signkit.data.batch import length_mask

START = 0
"""What stands before the first gloss: the blank's index, since a history never holds a blank."""


@runtime_checkable
class Context(Protocol):
    """Any `nn.Module` with these. ``dim`` is the width of the features that its vectors are added to.

    The vector b_u of a history y_1..y_u depends on these u glosses only; b_0, of the empty history,
    on nothing. What follows a sample's length has no influence, whatever its indices.
    """

    dim: int

    def __call__(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories dim"]:
        """b_0, b_1, … b_labels in one pass; histories = labels + 1, finite where padded."""
        ...

    def last(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch dim"]:
        """The vector of each whole history, as in the pass over all of them."""
        ...


@runtime_checkable
class Stepping(Protocol):
    """A reader of histories that can go on from what it kept of them, a symbol at a time.

    Attributes:
        kept: numbers kept of each symbol that was read.
        looks_back: whether a step needs those of all symbols before, as attention does, or of the last alone.
    """

    kept: int
    looks_back: bool

    def step(
        self,
        symbols: Int[Tensor, " batch"],
        past: Float[Tensor, "batch before kept"],
        lengths: Int[Tensor, " batch"],
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch kept"]]:
        """The state after one symbol more, as in the pass over all of them, and what is kept of it.

        Args:
            past: what was kept of the symbols before, the newest last; zero where there were none.
            lengths: how many there were, of which ``past`` has the newest.
        """
        ...


def with_start(
    history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
) -> Int[Tensor, "batch histories"]:
    """The start symbol before each history; padding becomes the start symbol too."""
    kept = history.masked_fill(~length_mask(lengths, history.shape[1]), START)
    return torch.cat([kept.new_full((len(kept), 1), START), kept], dim=1)


def at_end(
    states: Float[Tensor, "batch histories width"], lengths: Int[Tensor, " batch"]
) -> Float[Tensor, "batch width"]:
    """The state after each whole history."""
    return states[torch.arange(len(states), device=states.device), lengths]
