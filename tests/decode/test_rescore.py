"""N-best lists in a new order, by hand-worked totals."""

import math

import numpy as np
import pytest

from signkit.decode import Candidate
from signkit.decode.rescore import rescore
from signkit.decode.scorer import Rescorer

INF = math.inf
A, B, C = (Candidate((1,), -1.0, (0,), (0.9,)), Candidate((2, 1), -2.0, (0, 4)), Candidate((), -3.0, ()))


class Table:
    """Totals by sequence; remembers what it was asked."""

    def __init__(self, totals):
        self.table, self.asked = totals, []

    def totals(self, sequences):
        self.asked.append(sequences)
        return np.array([self.table[sequence] for sequence in sequences])


def short(found):
    return [[(c.tokens, c.score) for c in nbest] for nbest in found]


def test_scores_add_up_and_the_order_changes():
    first = Table({(1,): -4.0, (2, 1): 0.0, (): -1.0})
    second = Table({(1,): 0.0, (2, 1): 1.0, (): -1.0})
    assert isinstance(first, Rescorer)
    found = rescore([[A, B, C], [B]], [(first, 0.5), (second, -1.0)])
    assert short(found) == [[((), -2.5), ((1,), -3.0), ((2, 1), -3.0)], [((2, 1), -3.0)]]
    assert found[0][2].chunks == (0, 4) and found[0][1].confidences == ()
    assert first.asked == second.asked == [[(1,), (2, 1), (), (2, 1)]]


def test_equal_scores_keep_their_order():
    found = rescore([[A, B, C]], [(Table({(1,): 0.0, (2, 1): 1.0, (): 2.0}), 1.0)])
    assert short(found) == [[((1,), -1.0), ((2, 1), -1.0), ((), -1.0)]]


def test_no_rescorer_and_weight_zero_change_no_score():
    assert rescore([[A, B]], []) == [[A, B]]
    assert short(rescore([[A, B, C]], [(Table({(1,): 1.0, (2, 1): 1.0, (): 1.0}), 0.0)])) == short(
        [[A, B, C]]
    )
    assert rescore([], [(Table({}), 1.0)]) == []


@pytest.mark.parametrize("weight", [2.0, 0.0, -2.0])
def test_what_is_forbidden_is_left_out_whatever_the_weight(weight):
    table = Table({(1,): -INF, (2, 1): 0.0, (): -INF})
    assert short(rescore([[A, B, C], [A]], [(table, weight)])) == [[((2, 1), -2.0)], [((), -INF)]]


@pytest.mark.parametrize("value", [math.nan, INF])
def test_faulty_totals_are_named(value):
    good, bad = Table({(1,): 0.0, (2, 1): 0.0}), Table({(1,): 0.0, (2, 1): value})
    with pytest.raises(ValueError, match=r"^rescorer 1 \(Table\) gives NaN or \+inf for sequence 1$"):
        rescore([[A, B]], [(good, 1.0), (bad, 1.0)])


def test_totals_are_one_a_sequence():
    class Short:
        def totals(self, sequences):
            return np.zeros(1)

    with pytest.raises(ValueError, match=r"^rescorer 0 \(Short\) gives the shape \[1\], not \[2\]$"):
        rescore([[A, B]], [(Short(), 1.0)])
    with pytest.raises(ValueError, match=r"^the weight of rescorer 0 \(Short\) is nan$"):
        rescore([[A]], [(Short(), math.nan)])
