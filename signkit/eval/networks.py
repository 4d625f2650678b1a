"""Alignment of transcripts with alternatives, with sclite's costs and tie-breaking.

Of all pairs of paths through two word networks (see `signkit.eval.alternatives`) the pair with the alignment
of least cost is found.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import eq

import numpy as np
import numpy.typing as npt

from signkit.eval.alignment import SCLITE, Costs
from signkit.eval.alternatives import NOTHING, Network
from signkit.eval.transcripts import CORRECT, DELETION, INSERTION, SUBSTITUTION

NOTHING_COST = 0.001
OPTIONAL_SHARE = 2 / 3
"""Cost of deleting or inserting an optional word, relative to other words: sclite's 2 to 3."""

Same = Callable[[str, str], bool]
Step = tuple[int, str | None, str | None]
Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The chosen paths through two networks, and their alignment.

    Attributes:
        steps: kind (0 correct, 1 substitution, 2 deletion, 3 insertion), word of the reference and word of
            the hypothesis, None where there is none. An optional word that was left out counts as correct.
    """

    steps: tuple[Step, ...]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Number of correct, substituted, deleted and inserted words."""
        kinds = [kind for kind, _, _ in self.steps]
        return kinds.count(CORRECT), kinds.count(SUBSTITUTION), kinds.count(DELETION), kinds.count(INSERTION)

    @property
    def reference(self) -> tuple[str, ...]:
        """The words of the path through the reference."""
        return tuple(word for _, word, _ in self.steps if word is not None)

    @property
    def hypothesis(self) -> tuple[str, ...]:
        """The words of the path through the hypothesis."""
        return tuple(word for _, _, word in self.steps if word is not None)


def align_networks(
    reference: Network,
    hypothesis: Network,
    costs: Costs = SCLITE,
    *,
    optional: bool = False,
    fragments: bool = False,
    same: Same = eq,
) -> Chosen:
    """Find the paths through two networks whose alignment has the least cost.

    Of several alignments of least cost the one that sclite takes is returned.

    Args:
        reference: network of the reference.
        hypothesis: network of the hypothesis.
        costs: costs of edits.
        optional: words in parentheses may be left out or inserted, which counts as correct (sclite's ``-D``);
            otherwise parentheses are part of the word.
        fragments: ``AB-`` equals any word that begins with AB, and ``-AB`` any that ends with AB (``-F``).
        same: tells whether two words are equal; by default, whether they are the same string.
    """
    equal = _equal(reference.words, hypothesis.words, optional, fragments, same)
    deletion = _prices(reference.words, costs.deletion, optional)
    insertion = _prices(hypothesis.words, costs.insertion, optional)
    cost = np.where(equal, 0, costs.substitution).astype(np.float32)
    cost[_places(reference.words)] = np.inf  # the word for "nothing" cannot be paired, only skipped
    cost[:, _places(hypothesis.words)] = np.inf
    table, back = _least_costs(reference, hypothesis, cost, deletion, insertion)
    ends = table[np.ix_(reference.ends, hypothesis.ends)]
    i, j = np.unravel_index(int(ends.argmin()), ends.shape)
    a, b = reference.ends[i], hypothesis.ends[j]
    steps: list[Step] = []
    while a or b:
        before_a, before_b = (int(n) for n in back[a, b])
        r = reference.words[a - 1] if a != before_a else None
        h = hypothesis.words[b - 1] if b != before_b else None
        if r is not None and h is not None:
            steps.append((CORRECT if equal[a - 1, b - 1] else SUBSTITUTION, r, h))
        elif NOTHING not in (r, h):
            kind = DELETION if h is None else INSERTION
            steps.append((CORRECT if optional and _is_optional(r or h or "") else kind, r, h))
        a, b = before_a, before_b
    return Chosen(tuple(reversed(steps)))


def _least_costs(
    reference: Network, hypothesis: Network, cost: Floats, deletion: Floats, insertion: Floats
) -> tuple[Floats, Places]:
    """Least cost of paths up to each pair of words, and the pair before it: [words + 1, words + 1(, 2)].

    Row and column 0 are the beginnings. As in a plain alignment, a cell is reached from the row above (a
    deletion), the cell to the left (an insertion) or the diagonal; but a word of a network has several
    predecessors, so "above" and "left" are the cheapest of those. Single precision, as in sclite: where the
    thousandths of several ``@`` add up, its rounding decides ties.
    """
    rows, columns = len(reference.words) + 1, len(hypothesis.words) + 1
    table = np.zeros((rows, columns), dtype=np.float32)
    back = np.zeros((rows, columns, 2), dtype=np.intp)
    before = np.full((rows, columns), np.inf, dtype=np.float32)  # cost of the cheapest cell to the left
    before_at = np.zeros((rows, columns), dtype=np.intp)  # its column
    for a in range(rows):
        row = table[a]
        if a:
            sources = np.array(reference.before[a - 1])
            deleted, paired = table[sources], before[sources]
            back[a, :, 0] = sources[deleted.argmin(axis=0)]
            back[a, :, 1] = np.arange(columns)
            without = deleted.min(axis=0) + deletion[a - 1]
            both = paired.min(axis=0)[1:] + cost[a - 1]
            pair_from = sources[paired.argmin(axis=0)]
            row[0] = without[0]
        for b in range(1, columns):
            last = min(hypothesis.before[b - 1], key=row.__getitem__)
            before[a, b], before_at[a, b] = row[last], last
            inserted = row[last] + insertion[b - 1]
            if a and both[b - 1] <= without[b] and both[b - 1] <= inserted:
                row[b] = both[b - 1]
                back[a, b] = pair_from[b], before_at[pair_from[b], b]
            elif a and without[b] < inserted:
                row[b] = without[b]
            else:
                row[b] = inserted
                back[a, b] = a, last
    return table, back


def _prices(words: Sequence[str], cost: int, optional: bool) -> Floats:
    """The cost of deleting or inserting each word."""
    return np.array(
        [
            NOTHING_COST
            if word == NOTHING
            else cost * OPTIONAL_SHARE
            if optional and _is_optional(word)
            else cost
            for word in words
        ],
        dtype=np.float32,
    )


def _is_optional(word: str) -> bool:
    return word.startswith("(") and word.endswith(")")


def _places(words: Sequence[str]) -> list[int]:
    return [place for place, word in enumerate(words) if word == NOTHING]


def _equal(
    reference: Sequence[str], hypothesis: Sequence[str], optional: bool, fragments: bool, same: Same
) -> npt.NDArray[np.bool_]:
    """Which words are equal: [reference words, hypothesis words]."""
    left, right = (
        [word[1:-1] if optional and _is_optional(word) else word for word in words]
        for words in (reference, hypothesis)
    )
    cut = [[fragments and _is_fragment(word) for word in words] for words in (reference, hypothesis)]
    equal = np.zeros((len(left), len(right)), dtype=np.bool_)
    for i, r in enumerate(left):
        for j, h in enumerate(right):
            equal[i, j] = _fits(r, h, same) if cut[0][i] or cut[1][j] else same(r, h)
    return equal


def _is_fragment(word: str) -> bool:
    return word.startswith("-") or word.endswith(("-", "-)"))


def _fits(left: str, right: str, same: Same) -> bool:
    """Whether two words, one of which may be a fragment, can be the same."""
    for part, whole in ((left, right), (right, left)):
        if len(part) > 1 and part.startswith("-"):
            return len(whole) >= len(part) - 1 and same(part[1:], whole[1 - len(part) :])
        if len(part) > 1 and part.endswith("-"):
            return same(part[:-1], whole[: len(part) - 1])
    return same(left, right)
