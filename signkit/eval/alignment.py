"""Alignment of a hypothesis with its reference by edit costs, with sclite's costs by default."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from signkit.config.strict_yaml import Range


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of edits; correct tokens cost nothing. The defaults are sclite's.

    With these the alignment of least cost need not have the fewest edits: a deletion and an insertion around
    correct tokens (6) are cheaper than two substitutions (8), and two of each (12) cost as much as three
    substitutions.
    """

    substitution: Annotated[int, Range(1, 1000)] = 4
    insertion: Annotated[int, Range(1, 1000)] = 3
    deletion: Annotated[int, Range(1, 1000)] = 3

    def __post_init__(self) -> None:
        if min(self.substitution, self.insertion, self.deletion) < 1:
            raise ValueError(f"costs must be at least 1: {self}")


SCLITE = Costs()
UNIT = Costs(1, 1, 1)
"""Costs by which `Alignment.errors` is the Levenshtein distance."""
HTK = Costs(10, 7, 7)
"""The costs of HTK's HResults."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """An alignment of least cost.

    Attributes:
        correct: number of correct tokens.
        substitutions: number of substitutions.
        deletions: number of deletions.
        insertions: number of insertions.
        pairs: index in the reference and index in the hypothesis, in order; None where there is no partner.
    """

    correct: int
    substitutions: int
    deletions: int
    insertions: int
    pairs: tuple[tuple[int | None, int | None], ...]

    @property
    def errors(self) -> int:
        """The number of substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions


def align(reference: Sequence[Hashable], hypothesis: Sequence[Hashable], costs: Costs = SCLITE) -> Alignment:
    """Align two sequences at least cost.

    Of several alignments of least cost the one that sclite takes is returned: going back from the end, a pair
    is preferred to an insertion, and that to a deletion. The choice can change the number of errors, since
    three substitutions cost as much as two deletions and two insertions.

    Args:
        reference: tokens of the reference.
        hypothesis: tokens of the hypothesis.
        costs: costs of edits.

    Example:
        >>> alignment = align(["MY", "NAME", "ANN"], ["MY", "DOG", "NAME"])
        >>> alignment.correct, alignment.deletions, alignment.insertions
        (2, 1, 1)
        >>> alignment.pairs
        ((0, 0), (None, 1), (1, 2), (2, None))
    """
    same = _equal(reference, hypothesis)
    table = _least_costs(same, costs)
    pairs: list[tuple[int | None, int | None]] = []
    i, j = len(reference), len(hypothesis)
    correct = 0
    while i or j:
        if i and j and table[i, j] == table[i - 1, j - 1] + (0 if same[i - 1, j - 1] else costs.substitution):
            i, j = i - 1, j - 1
            correct += bool(same[i, j])
            pairs.append((i, j))
        elif j and table[i, j] == table[i, j - 1] + costs.insertion:
            j -= 1
            pairs.append((None, j))
        else:
            i -= 1
            pairs.append((i, None))
    insertions = sum(r is None for r, _ in pairs)
    deletions = sum(h is None for _, h in pairs)
    substitutions = len(pairs) - correct - insertions - deletions
    return Alignment(correct, substitutions, deletions, insertions, tuple(reversed(pairs)))


def _equal(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> npt.NDArray[np.bool_]:
    """Which tokens are equal: [reference tokens, hypothesis tokens]."""
    number: dict[Hashable, int] = {}
    rows, columns = (
        np.array([number.setdefault(token, len(number)) for token in tokens], dtype=np.int64)
        for tokens in (reference, hypothesis)
    )
    return np.equal(rows[:, None], columns[None, :])


def _least_costs(same: npt.NDArray[np.bool_], costs: Costs) -> npt.NDArray[np.int64]:
    """Least cost of aligning every pair of prefixes: [reference tokens + 1, hypothesis tokens + 1].

    Filled row by row. Insertions within a row are a chain: row[j] = min over i <= j of row[i] + (j - i) *
    insertion. Less the slope j * insertion that is a running minimum, so no loop over columns is needed.
    """
    slope = costs.insertion * np.arange(same.shape[1] + 1, dtype=np.int64)
    table = np.empty((same.shape[0] + 1, same.shape[1] + 1), dtype=np.int64)
    table[0] = slope
    for i, equal in enumerate(same):
        row = table[i] + costs.deletion
        np.minimum(row[1:], table[i, :-1] + np.where(equal, 0, costs.substitution), out=row[1:])
        table[i + 1] = np.minimum.accumulate(row - slope) + slope
    return table
