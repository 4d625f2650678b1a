"""Alignment of a hypothesis with its reference, at the costs sclite uses."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from signkit.config.strict_yaml import Range


@dataclass(frozen=True, slots=True)
class Costs:
    """What an edit costs; a correct token costs nothing. The defaults are sclite's.

    The alignment of least cost need not be the one with the fewest edits: it takes a deletion and an
    insertion around correct tokens (6) before two substitutions (8), and two of each (12) cost as much
    as three substitutions.
    """

    substitution: Annotated[int, Range(1, 1000)] = 4
    insertion: Annotated[int, Range(1, 1000)] = 3
    deletion: Annotated[int, Range(1, 1000)] = 3

    def __post_init__(self) -> None:
        if min(self.substitution, self.insertion, self.deletion) < 1:
            raise ValueError(f"costs must be at least 1: {self}")


SCLITE = Costs()
UNIT = Costs(1, 1, 1)
HTK = Costs(10, 7, 7)
"""What HTK's HResults aligns with."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """An alignment of least cost.

    Attributes:
        pairs: places in reference and hypothesis, in order; None where the other has no partner.
    """

    correct: int
    substitutions: int
    deletions: int
    insertions: int
    pairs: tuple[tuple[int | None, int | None], ...]

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions


def align(reference: Sequence[Hashable], hypothesis: Sequence[Hashable], costs: Costs = SCLITE) -> Alignment:
    """Align two sequences at least cost.

    Of several such alignments one is taken always, sclite's: from the end, a pair before an insertion
    before a deletion. The number of errors can depend on it (three substitutions cost as much as two
    deletions and two insertions).
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


def edit_counts(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> Alignment:
    """The alignment with the fewest edits (Levenshtein): its `errors` is the edit distance."""
    return align(reference, hypothesis, UNIT)


def _equal(reference: Sequence[Hashable], hypothesis: Sequence[Hashable]) -> npt.NDArray[np.bool_]:
    """Which tokens are equal: [reference, hypothesis]."""
    number: dict[Hashable, int] = {}
    rows, columns = (
        np.array([number.setdefault(token, len(number)) for token in tokens], dtype=np.int64)
        for tokens in (reference, hypothesis)
    )
    return np.equal(rows[:, None], columns[None, :])


def _least_costs(same: npt.NDArray[np.bool_], costs: Costs) -> npt.NDArray[np.int64]:
    """Least cost of every pair of beginnings: [reference + 1, hypothesis + 1].

    A row at once: a run of k insertions costs k * insertion, so with that slope taken out the best
    place to begin the run is a running minimum.
    """
    slope = costs.insertion * np.arange(same.shape[1] + 1, dtype=np.int64)
    table = np.empty((same.shape[0] + 1, same.shape[1] + 1), dtype=np.int64)
    table[0] = slope
    for i, equal in enumerate(same):
        row = table[i] + costs.deletion
        np.minimum(row[1:], table[i, :-1] + np.where(equal, 0, costs.substitution), out=row[1:])
        table[i + 1] = np.minimum.accumulate(row - slope) + slope
    return table
