"""Segments from the probabilities of frames."""

import numpy as np
import pytest

from signkit.decode.configs import SegmentsConfig
from signkit.decode.segments import found_segments

CONFIG = SegmentsConfig(threshold=0.5, onset_threshold=0.3, min_frames=3)


def spans(
    sign: str, begin: dict[int, float] | None = None, config: SegmentsConfig = CONFIG
) -> list[list[int]]:
    """Segments of frames with a sign, ``#``, or without one, ``.``; ``begin`` has probabilities by frame."""
    chances = np.zeros(len(sign))
    for place, chance in (begin or {}).items():
        chances[place] = chance
    return found_segments(np.array([0.9 if c == "#" else 0.2 for c in sign]), chances, config).tolist()


@pytest.mark.parametrize(
    ("sign", "expected"),
    [
        ("..####..###", [[2, 6], [8, 11]]),
        ("######", [[0, 6]]),
        ("......", []),
        ("##.###", [[3, 6]]),
        ("#", []),
    ],
    ids=["runs", "a whole clip", "none", "too short", "one frame"],
)
def test_segments_are_runs_that_are_long_enough(sign: str, expected: list[list[int]]) -> None:
    assert spans(sign) == expected


def test_a_frame_at_the_threshold_is_a_sign() -> None:
    sign, config = np.full(4, 0.6), SegmentsConfig(threshold=0.6, min_frames=1)
    assert found_segments(sign, np.zeros(4), config).tolist() == [[0, 4]]
    assert found_segments(np.nextafter(sign, 0), np.zeros(4), config).tolist() == []


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        ({6: 0.3}, [[2, 6], [6, 12]]),
        ({6: 0.29}, [[2, 12]]),
        ({6: 0.4, 8: 0.5}, [[2, 8], [8, 12]]),
        ({6: 0.5, 8: 0.5}, [[2, 6], [6, 12]]),
        ({6: 0.4, 9: 0.4}, [[2, 6], [6, 9], [9, 12]]),
        ({4: 0.9}, [[2, 12]]),
        ({0: 0.9, 13: 0.9}, [[2, 12]]),
        ({10: 0.9}, [[2, 10]]),
    ],
    ids=[
        "at",
        "below",
        "the highest",
        "of equal ones the first",
        "apart",
        "at once",
        "outside",
        "a short end",
    ],
)
def test_a_run_is_cut_where_another_sign_begins(begin: dict[int, float], expected: list[list[int]]) -> None:
    assert spans("..##########..", begin) == expected


def test_a_threshold_of_zero_cuts_nowhere_where_beginnings_are_not_known() -> None:
    assert spans("######", config=SegmentsConfig(onset_threshold=0.0, min_frames=1)) == [[0, 6]]
