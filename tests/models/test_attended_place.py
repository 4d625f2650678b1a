"""The place that a clip's attention stays at: its middle cells, the best path, and what takes no part."""

import itertools

import numpy as np
import pytest

from signkit.models.attended_place import APART, LEAST_OVERLAP, SMOOTHING, WINDOW, attended_place


def test_the_mean_of_the_path() -> None:
    """Of all attention at one cell a frame, the mean of the cells' middles."""
    looking = np.zeros((4, 10, 20), np.float32)
    looking[range(4), (2, 2, 3, 3), (5, 7, 7, 5)] = 1
    assert attended_place(looking) == (6.5 / 20, 3.0 / 10)


def test_frames_without_attention_take_no_part() -> None:
    looking = np.zeros((3, 4, 4), np.float32)
    looking[1, 0, 3] = 0.5
    assert attended_place(looking) == (3.5 / 4, 0.5 / 4)
    assert attended_place(np.zeros((3, 4, 4), np.float32)) == (0.5, 0.5)


def test_a_map_of_one_place() -> None:
    assert attended_place(np.ones((5, 1, 1), np.float32)) == (0.5, 0.5)


def test_a_place_that_lasts_is_better_than_a_jump() -> None:
    """In one frame another place is attended to a little more, as by a passer-by; the path stays."""
    looking = np.zeros((7, 21, 21), np.float32)
    looking[:, 2, 2] = 1
    looking[3, 2, 2], looking[3, 19, 19] = 0.49, 0.51
    looking[:, 2, 3] = 0.1  # the second place of most frames is next to the first
    looking[3, 2, 3] = 0
    assert attended_place(looking) == (2.5 / 21, 2.5 / 21)


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_best_of_all_paths(seed: int) -> None:
    """Of six frames with two places each there are 64."""
    looking = np.random.default_rng(seed).random((6, 11, 9)) ** 8
    best = [np.unravel_index(frame.argsort(axis=None)[-2:], frame.shape) for frame in looking]

    def inside(frame: int, row: int, column: int) -> float:
        y, x = np.mgrid[:11, :9]
        near = (np.abs(y - row) <= WINDOW / 2 * 11) & (np.abs(x - column) <= WINDOW / 2 * 9)
        return float(looking[frame][near].sum()) / (WINDOW**2 * 11 * 9)

    def overlap(first: tuple[int, int], second: tuple[int, int]) -> float:
        high, wide = (max(0, WINDOW - abs(a - b) / n) for a, b, n in zip(first, second, (11, 9), strict=True))
        share = high * wide / (2 * WINDOW**2 - high * wide)
        return SMOOTHING * (share if share > LEAST_OVERLAP else APART)

    def total(path: tuple[int, ...]) -> float:
        cells = [(int(rows[k]), int(columns[k])) for (rows, columns), k in zip(best, path, strict=True)]
        seen = sum(inside(frame, *cell) for frame, cell in enumerate(cells))
        return seen + sum(overlap(a, b) for a, b in itertools.pairwise(cells))

    path = max(itertools.product((0, 1), repeat=6), key=total)
    cells = np.array([(rows[k], columns[k]) for (rows, columns), k in zip(best, path, strict=True)])
    y, x = (cells + 0.5).mean(0) / (11, 9)
    assert attended_place(looking) == pytest.approx((x, y))
