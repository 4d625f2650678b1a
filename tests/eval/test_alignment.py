"""Alignments against exhaustive search, and their ties."""

from functools import cache

import numpy as np
import pytest

from signkit.eval.alignment import HTK, SCLITE, UNIT, Alignment, Costs, align


def cost(found: Alignment, costs: Costs) -> int:
    return (
        found.substitutions * costs.substitution
        + found.insertions * costs.insertion
        + found.deletions * costs.deletion
    )


def least_cost(reference: str, hypothesis: str, costs: Costs) -> int:
    """By the definition: every way to go on from the front."""

    @cache
    def rest(i: int, j: int) -> int:
        ways = [0] if i == len(reference) and j == len(hypothesis) else []
        if i < len(reference) and j < len(hypothesis):
            ways.append(rest(i + 1, j + 1) + (0 if reference[i] == hypothesis[j] else costs.substitution))
        if i < len(reference):
            ways.append(rest(i + 1, j) + costs.deletion)
        if j < len(hypothesis):
            ways.append(rest(i, j + 1) + costs.insertion)
        return min(ways)

    return rest(0, 0)


@pytest.mark.parametrize("costs", [SCLITE, UNIT, HTK, Costs(5, 1, 4), Costs(1, 7, 2)])
def test_cost_is_the_least_and_the_pairs_tell_it(costs: Costs) -> None:
    generator = np.random.default_rng(1)
    for _ in range(150):
        reference, hypothesis = (
            "".join(generator.choice(list("abc"), generator.integers(0, 8))) for _ in range(2)
        )
        found = align(reference, hypothesis, costs)
        assert cost(found, costs) == least_cost(reference, hypothesis, costs)
        assert [r for r, _ in found.pairs if r is not None] == list(range(len(reference)))
        assert [h for _, h in found.pairs if h is not None] == list(range(len(hypothesis)))
        both = [(reference[r], hypothesis[h]) for r, h in found.pairs if r is not None and h is not None]
        assert found.correct == sum(r == h for r, h in both)
        assert found.substitutions == len(both) - found.correct
        assert found.deletions == len(reference) - len(both)
        assert found.insertions == len(hypothesis) - len(both)


def test_known_alignment() -> None:
    assert align(["THE", "CAT", "SAT"], ["CAT", "SAT", "DOWN"]) == Alignment(
        correct=2, substitutions=0, deletions=1, insertions=1, pairs=((0, None), (1, 0), (2, 1), (None, 2))
    )


def test_empty_sides() -> None:
    assert align((), ()) == Alignment(0, 0, 0, 0, ())
    assert align("ab", "") == Alignment(0, 0, 2, 0, ((0, None), (1, None)))
    assert align("", "ab") == Alignment(0, 0, 0, 2, ((None, 0), (None, 1)))


def test_a_tie_takes_the_pair_at_the_end() -> None:
    assert align("aa", "a").pairs == ((0, None), (1, 0))
    assert align("a", "aa").pairs == ((None, 0), (0, 1))


def test_a_tie_takes_an_insertion_before_a_deletion_from_the_end() -> None:
    assert align("a", "b", Costs(7, 3, 3)).pairs == ((0, None), (None, 0))


def test_a_tie_decides_the_number_of_errors() -> None:
    found = align("abc", "cde")  # two deletions, c, two insertions cost 12 too
    assert (found.substitutions, found.errors, cost(found, SCLITE)) == (3, 3, 12)


def test_least_cost_is_not_the_fewest_errors() -> None:
    assert (align("ab", "bc").substitutions, align("ab", "bc", UNIT).substitutions) == (0, 2)
    assert (align("abxyz", "zpqab").errors, align("abxyz", "zpqab", UNIT).errors) == (6, 5)


def test_edit_counts_are_symmetric_and_obey_the_triangle() -> None:
    generator = np.random.default_rng(2)
    for _ in range(60):
        a, b, c = ("".join(generator.choice(list("ab"), generator.integers(0, 7))) for _ in range(3))
        assert align(a, b, UNIT).errors == align(b, a, UNIT).errors
        assert align(a, c, UNIT).errors <= align(a, b, UNIT).errors + align(b, c, UNIT).errors
        assert align(a, b, UNIT).errors <= align(a, b).errors


def test_kitten() -> None:
    found = align("kitten", "sitting", UNIT)
    assert (found.errors, found.substitutions, found.insertions, found.deletions) == (3, 2, 1, 0)


def test_costs_of_the_tools() -> None:
    assert [Costs(4, 3, 3), Costs(1, 1, 1), Costs(10, 7, 7)] == [SCLITE, UNIT, HTK]
    assert align("abc", "cde", HTK).errors == 4  # two deletions and two insertions cost 28, three pairs 30
    assert align("abc", "cde").errors == 3


def test_costs_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="costs must be at least 1"):
        Costs(0, 3, 3)
