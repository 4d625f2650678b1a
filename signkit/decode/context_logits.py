"""Context rows of histories, and a chunk's distributions as a search asks for them.

The logits of a contextual model split, W(l_s + b_u) = A_s + C_u (this project, docs/c2st.md): the acoustic
row A_s is known before the search, the context row C_u depends on the history alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from jaxtyping import Float, Int
from torch import Tensor

from signkit.decode.history import Ints

Floats = npt.NDArray[np.float64]

ContextLogits = Callable[
    [Int[Tensor, "histories labels"], Int[Tensor, " histories"]], Float[Tensor, "histories vocab"]
]
"""From histories, zero where padded, and their lengths to the logits each adds to every chunk."""


@dataclass(frozen=True, slots=True)
class ConstantContextLogits:
    """The same row after every history, known as such to the decoder, which then never calls it."""

    row: Float[Tensor, " vocab"]

    def __call__(
        self, labels: Int[Tensor, "histories labels"], lengths: Int[Tensor, " histories"]
    ) -> Float[Tensor, "histories vocab"]:
        return self.row.expand(len(labels), -1)


def constant_context_logits(row: Float[Tensor, " vocab"]) -> ConstantContextLogits:
    """Context logits for a model without context, such as CTC: ``row`` [vocab] is its bias, or zeros."""
    return ConstantContextLogits(row)


@runtime_checkable
class ChunkScores(Protocol):
    """log P(v | chunk, history) for some utterances and the beam of each."""

    def at(self, slots: Ints, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n] after the histories in ``slots`` [batch, n] of the beams."""
        ...

    def of(self, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n] after every history: [batch, beam, n], or [batch, 1, n] where all
        histories have the same."""
        ...

    def likely(self, total: Floats, top_k: int, blank: int) -> Ints:
        """The ``top_k`` glosses of each utterance that are best after their best history, in ascending
        order; ``total`` [batch, beam] is the score of each history.

        With at least three times the beam, a search without scorers loses nothing by looking at these only.
        """
        ...

    def best(self) -> Ints:
        """The best symbol [batch] after the first history, the lowest of equal ones."""
        ...


@runtime_checkable
class Distributions(Protocol):
    """The distributions of all chunks after any history."""

    def scores(self, utterances: Ints, chunk: int, nodes: Ints) -> ChunkScores:
        """Those of one chunk of ``utterances`` [n] after the histories ``nodes`` [n, beam]."""
        ...


def checked_context_logits(rows: Tensor, shape: tuple[int, int], scale: float) -> Tensor:
    """Context rows times ``scale``.

    Raises:
        ValueError: they are of another shape, NaN or +inf, or forbid every label.
    """
    if tuple(rows.shape) != shape:
        raise ValueError(f"context rows have the shape {list(rows.shape)}, not {list(shape)}")
    if not bool(rows.amax(1).isfinite().all()):
        raise ValueError("a context row holds NaN or +inf, or forbids every label")
    if scale == 0:  # not a product, which would make NaN of -inf
        return rows.new_zeros(rows.shape)
    return rows if scale == 1 else rows * scale
