"""What stands beside a recogniser in a search: language models and constraints, by one protocol.

Fusion is a sum over the tokens of a sequence and its end (shallow fusion, Gulcehre et al. 2015). A negative
weight subtracts a model: a density ratio (McDermott et al. 2019), or an internal language model.
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

    A state is a whole number from 0 on and stands for all histories after which the same is said; arrays
    are indexed by states, so they are numbered without large gaps. Nothing is changed by asking again.
    """

    start: int
    """The state of the empty history."""

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The states [n] after ``states`` [n] and ``tokens`` [n], none of them the blank."""
        ...

    def rows(self, states: Ints) -> Singles:
        """log scores [n, vocab] of every next token; -inf forbids one. The blank's column means nothing."""
        ...

    def ends(self, states: Ints) -> Floats:
        """log scores [n] of the sequence's end; -inf where it must not end."""
        ...


@dataclass(frozen=True, slots=True)
class Fused:
    """A scorer and the factor on its scores; a score of -inf forbids whatever the factor is."""

    scorer: Scorer
    weight: float


@runtime_checkable
class Rescorer(Protocol):
    """Scores whole sequences, for an n-best list."""

    def totals(self, sequences: list[tuple[int, ...]]) -> Floats:
        """log scores [n] of sequences of the recogniser's tokens, their ends included."""
        ...
