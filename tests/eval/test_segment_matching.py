"""Found segments against true ones."""

import numpy as np
import pytest

from signkit.eval.segments import inside, matched


def spans(*pairs: tuple[int, int]) -> np.ndarray:
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


@pytest.mark.parametrize(
    ("found", "true", "expected"),
    [
        ([(0, 10)], [(0, 10)], [[0, 0]]),
        ([(0, 10)], [(0, 5)], [[0, 0]]),
        ([(0, 11)], [(0, 5)], []),
        ([(0, 10)], [(10, 20)], []),
        ([(0, 10), (10, 20)], [(2, 12), (11, 19)], [[1, 1], [0, 0]]),
        ([(0, 8), (1, 9)], [(1, 9)], [[1, 0]]),
        ([], [(1, 9)], []),
        ([(1, 9)], [], []),
    ],
    ids=["equal", "half", "less", "beside", "best first", "one to one", "none found", "none true"],
)
def test_matched(found: list, true: list, expected: list) -> None:
    assert matched(spans(*found), spans(*true)).tolist() == expected


def test_inside() -> None:
    assert inside(spans((1, 3), (2, 4), (6, 7)), 8).astype(int).tolist() == [0, 1, 1, 1, 0, 0, 1, 0]
    assert not inside(spans(), 3).any()
