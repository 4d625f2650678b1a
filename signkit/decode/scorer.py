"""The protocol of external models in a search: language models and constraints.

Shallow fusion (Gulcehre et al. 2015) adds the weighted log scores of every token of a sequence and of its
end. A negative weight subtracts a model, as in the density ratio method (McDermott et al. 2019) or for an
internal language model.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from signkit.decode.context_logits import Floats
from signkit.decode.history import Ints

Singles = npt.NDArray[np.float32]


@runtime_checkable
class Scorer(Protocol):
    """Scores sequences of the recogniser's tokens from left to right, many at once.

    A state is an integer from 0 on. It stands for all histories after which the scorer gives the same scores.
    States should be numbered without large gaps, since arrays are indexed by them. Calling a method again
    with the same arguments must give the same result.
    """

    start: int
    """The state of the empty history."""

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The states [n] after ``states`` [n] and ``tokens`` [n], none of them the blank."""
        ...

    def rows(self, states: Ints) -> Singles:
        """log scores [n, vocab] of every next token; -inf forbids one. The blank's column is not read."""
        ...

    def ends(self, states: Ints) -> Floats:
        """log scores [n] of ending the sequence; -inf where it must not end."""
        ...


@dataclass(frozen=True, slots=True)
class Fused:
    """A scorer and its weight; a score of -inf forbids a token whatever the weight."""

    scorer: Scorer
    weight: float


@runtime_checkable
class Rescorer(Protocol):
    """Scores whole sequences, for an n-best list."""

    def totals(self, sequences: list[tuple[int, ...]]) -> Floats:
        """log scores [n] of sequences of the recogniser's tokens, including their ends."""
        ...
