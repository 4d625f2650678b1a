"""Context logits of histories, and the distributions of a chunk as a search reads them.

The logits of a contextual model are a sum, W(l_s + b_u) = A_s + C_u (this project, docs/c2st.md). The
acoustic logits A_s of every chunk s are known before the search; the context logits C_u depend on the history
u alone.
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
"""A function of histories and their lengths that returns their context logits C.

It is called with new histories only, ``labels`` [histories, labels], int64 and padded with zeros, and their
``lengths`` [histories]; a length of 0 is the empty history. It returns [histories, vocab], floating-point
numbers on the device of the acoustic logits and without what those have already, such as a bias. A row must
depend on its own history only: rows are cached.
"""


@dataclass(frozen=True, slots=True)
class ConstantContextLogits:
    """The same context logits after every history.

    The decoders recognise this class and compute all distributions before the search; they never call it.
    """

    row: Float[Tensor, " vocab"]

    def __call__(
        self, labels: Int[Tensor, "histories labels"], lengths: Int[Tensor, " histories"]
    ) -> Float[Tensor, "histories vocab"]:
        return self.row.expand(len(labels), -1)


def constant_context_logits(row: Float[Tensor, " vocab"]) -> ConstantContextLogits:
    """Context logits of a model without context, such as CTC: ``row`` [vocab] is its bias, or zeros."""
    return ConstantContextLogits(row)


@runtime_checkable
class ChunkScores(Protocol):
    """log P(v | chunk, history) for some utterances and the beam of each."""

    def at(self, slots: Ints, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n] after the histories in ``slots`` [batch, n] of the beams."""
        ...

    def of(self, tokens: Ints) -> Floats:
        """log P of ``tokens`` [batch, n] after every history: [batch, beam, n], or [batch, 1, n] if it is
        the same after all of them."""
        ...

    def likely(self, total: Floats, top_k: int, blank: int) -> Ints:
        """The ``top_k`` most promising glosses of each utterance, [batch, top_k], in ascending order.

        A gloss is ranked by its score after the history where it scores best; ``total`` [batch, beam] is the
        score of each history. If ``top_k`` is at least three times the beam, a search without scorers finds
        the same result as with all glosses.
        """
        ...

    def best(self) -> Ints:
        """The best symbol [batch] after the first history of each beam; of equal ones the lowest."""
        ...


@runtime_checkable
class Distributions(Protocol):
    """The distributions of all chunks of a batch after any history."""

    def scores(self, utterances: Ints, chunk: int, nodes: Ints) -> ChunkScores:
        """The distributions of one chunk of ``utterances`` [n] after the histories ``nodes`` [n, beam]."""
        ...


def checked_context_logits(rows: Tensor, shape: tuple[int, int], scale: float) -> Tensor:
    """Context logits [histories, vocab] times ``scale``.

    Raises:
        TypeError: they are no tensor.
        ValueError: they have another shape than ``shape``, hold NaN or +inf, or are -inf for every symbol.
    """
    if not isinstance(rows, Tensor):
        raise TypeError(f"context gives a {type(rows).__name__}, not a tensor {list(shape)}")
    if tuple(rows.shape) != shape:
        raise ValueError(f"context rows have the shape {list(rows.shape)}, not {list(shape)}")
    if not bool(rows.amax(1).isfinite().all()):
        raise ValueError("a context row holds NaN or +inf, or forbids every label")
    if scale == 0:  # 0 * -inf would be NaN
        return rows.new_zeros(rows.shape)
    return rows if scale == 1 else rows * scale
