"""Alignment of transcripts that allow several wordings, with sclite's costs and choices.

Of all pairs of paths through two networks of words (see `signkit.eval.alternatives`) the pair that aligns at
least cost is taken.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.eval.alignment import SCLITE, Costs
from signkit.eval.alternatives import (
    NOTHING,
    Network,
    has_alternatives,
    parse,
    sclite_case,
    sclite_word,
    sclite_words,
)
from signkit.eval.transcripts import CORRECT, DELETION, INSERTION, SUBSTITUTION

__all__ = [
    "NOTHING",
    "Chosen",
    "Network",
    "align_networks",
    "has_alternatives",
    "parse",
    "sclite_case",
    "sclite_word",
    "sclite_words",
]

NOTHING_COST = 0.001
OPTIONAL_SHARE = 2 / 3
"""Of the cost of a deletion or insertion, for a word that may be left out: sclite's 2 to 3."""

Same = Callable[[str, str], bool]
Step = tuple[int, str | None, str | None]
Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The paths that were taken and their alignment.

    Attributes:
        steps: kind (0 correct, 1 substitution, 2 deletion, 3 insertion), word of the reference, word of
            the hypothesis; None where there is none. A word that may be left out, and was, is correct.
    """

    steps: tuple[Step, ...]

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Correct, substituted, deleted and inserted words."""
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
    same: Same | None = None,
) -> Chosen:
    """Align the two paths that align at least cost; of several the one that sclite takes.

    Args:
        optional: a word in parentheses may be left out, or put in, and counts as correct then (sclite's
            ``-D``); without it parentheses are part of the word.
        fragments: ``AB-`` is equal to any word that begins with AB, ``-AB`` to any that ends so (``-F``).
        same: whether two words are equal; without it, whether they are the same text.
    """
    equal = _equal(reference.words, hypothesis.words, optional, fragments, same)
    deletion = _prices(reference.words, costs.deletion, optional)
    insertion = _prices(hypothesis.words, costs.insertion, optional)
    cost = np.where(equal, 0, costs.substitution).astype(np.float32)
    cost[_places(reference.words)] = np.inf  # nothing has no partner
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
    """Least cost of the paths up to each pair of words, and the pair before it: [words + 1, words + 1(, 2)].

    In single precision, as sclite has it: where the thousandths of several ``@`` add up, its rounding
    decides ties.
    """
    rows, columns = len(reference.words) + 1, len(hypothesis.words) + 1
    table = np.zeros((rows, columns), dtype=np.float32)
    back = np.zeros((rows, columns, 2), dtype=np.intp)
    before = np.full((rows, columns), np.inf, dtype=np.float32)  # the best to insert a word after
    before_at = np.zeros((rows, columns), dtype=np.intp)
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
    """What it costs to delete or insert each word."""
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
    reference: Sequence[str], hypothesis: Sequence[str], optional: bool, fragments: bool, same: Same | None
) -> npt.NDArray[np.bool_]:
    """Which words are equal: [reference, hypothesis]."""
    left, right = (
        [word[1:-1] if optional and _is_optional(word) else word for word in words]
        for words in (reference, hypothesis)
    )
    if same is None and not fragments:
        number: dict[str, int] = {}
        rows, columns = (
            np.array([number.setdefault(word, len(number)) for word in words], dtype=np.intp)
            for words in (left, right)
        )
        return np.equal(rows[:, None], columns[None, :])
    cut = [[fragments and _is_fragment(word) for word in words] for words in (reference, hypothesis)]
    equal = np.zeros((len(left), len(right)), dtype=np.bool_)
    for i, r in enumerate(left):
        for j, h in enumerate(right):
            equal[i, j] = _fits(r, h, same) if cut[0][i] or cut[1][j] else _same(r, h, same)
    return equal


def _is_fragment(word: str) -> bool:
    return word.startswith("-") or word.endswith(("-", "-)"))


def _fits(left: str, right: str, same: Same | None) -> bool:
    """Whether two words, one of them perhaps a fragment, may be the same."""
    for part, whole in ((left, right), (right, left)):
        if len(part) > 1 and part.startswith("-"):
            return len(whole) >= len(part) - 1 and _same(part[1:], whole[1 - len(part) :], same)
        if len(part) > 1 and part.endswith("-"):
            return _same(part[:-1], whole[: len(part) - 1], same)
    return _same(left, right, same)


def _same(left: str, right: str, same: Same | None) -> bool:
    return left == right if same is None else same(left, right)
