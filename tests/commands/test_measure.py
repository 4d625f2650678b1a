import numpy as np
import pytest

from signkit.eval.measure import Measure, ratio

LARGE = 2**40


@pytest.mark.parametrize(
    "statistics",
    [
        [[3, 1], [2, 5], [3, 1], [0, 0]],
        [[-3, 1], [2, 5], [-3, 1], [-3, 0]],
        [[0.5, 1], [0.25, 1], [0.5, 1], [0, 0]],
        [[LARGE, 1, LARGE], [LARGE, 0, 2], [LARGE, 1, LARGE], [1, 1, 1]],
        [[True, True], [False, True], [True, True], [False, False]],
    ],
    ids=["counts", "negative", "fractions", "large", "booleans"],
)
def test_equal_sentences_are_kept_once_and_each_knows_its_row(statistics: list[list[float]]) -> None:
    given = np.array(statistics)
    found = Measure.of("x", given, ratio, "")
    assert len(found.rows) == 3
    assert found.rows[found.row].tolist() == given.astype(float).tolist()
    assert [tuple(row) for row in found.rows] == sorted({tuple(row) for row in found.rows})


def test_totals_of_all_and_of_some() -> None:
    found = Measure.of("wer", np.array([[1, 4], [0, 2], [3, 3]]), ratio, "")
    assert found.total() == 4 / 9
    chosen = np.array([True, False, True])
    assert found.total(chosen) == found.part(chosen, "part", "note").total() == 4 / 7
    assert np.isnan(found.total(np.zeros(3, dtype=bool)))
    part = found.part(chosen, "part", "note")
    assert (part.name, part.note, part.row.tolist()) == ("part", "note", found.row[chosen].tolist())


def test_no_sentences() -> None:
    found = Measure.of("wer", np.zeros((0, 2), dtype=np.int64), ratio, "")
    assert found.rows.shape == (0, 2)
    assert np.isnan(found.total())
