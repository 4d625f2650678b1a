"""Filling: what was seen stays, what is made up lies on the line and is told by its confidence."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.data.layouts import layout
from signkit.data.tracking.fill import FILLED, SEEN, fill, marked
from signkit.data.tracking.tracker import Tracked

HANDS = layout("hands")
LEFT = list(HANDS.parts["left_hand"])


def moving(frames: int) -> Tracked:
    """Two hands of 20 pixels across that move evenly."""
    rng = np.random.default_rng(0)
    shape = rng.uniform(-10, 10, (1, 42, 3)) + np.arange(frames)[:, None, None] * np.array([5, -3, 1])
    return Tracked(shape.astype(np.float32) + 100, np.ones((frames, 42), np.float32), (320, 240))


def without(tracked: Tracked, gone: np.ndarray) -> Tracked:
    points, sure = tracked.points.copy(), tracked.confidence.copy()
    points[gone], sure[gone] = np.nan, 0
    return Tracked(points, sure, tracked.size)


def lost(frames: int, span: slice) -> np.ndarray:
    gone = np.zeros((frames, 42), bool)
    gone[span, LEFT] = True
    return gone


def test_a_gap_of_a_fifth_of_a_second_is_filled() -> None:
    whole = moving(20)
    for span, fps, is_filled in (
        (slice(5, 10), 25.0, True),
        (slice(5, 11), 25.0, False),
        (slice(5, 11), 30.0, True),
    ):
        gone = lost(20, span)
        found = fill(without(whole, gone), HANDS, fps)
        assert np.array_equal(
            found.confidence[gone], np.full(gone.sum(), FILLED if is_filled else 0, np.float32)
        )
        if is_filled:
            np.testing.assert_allclose(found.points, whole.points, atol=1e-3)
        else:
            assert np.isnan(found.points[gone]).all()


def test_nothing_is_added_before_the_first_frame_and_after_the_last() -> None:
    gone = lost(12, slice(0, 3)) | lost(12, slice(10, 12))
    found = fill(without(moving(12), gone), HANDS, 25.0)
    assert np.isnan(found.points[gone]).all() and (found.confidence[gone] == 0).all()


def test_a_part_that_jumps_away_for_a_frame_is_put_back() -> None:
    """As when a tracker takes the other hand for this one."""
    whole = moving(12)
    points = whole.points.copy()
    points[6, LEFT, 0] += 200
    found = fill(Tracked(points, whole.confidence, whole.size), HANDS, 25.0)
    np.testing.assert_allclose(found.points, whole.points, atol=1e-3)
    assert np.argwhere(found.confidence == np.float32(FILLED)).tolist() == [[6, point] for point in LEFT]


def test_a_hand_that_has_moved_stays_where_it_is() -> None:
    points = moving(12).points.copy()
    points[6:, LEFT, 0] += 200
    found = fill(Tracked(points, np.ones((12, 42), np.float32), (320, 240)), HANDS, 25.0)
    assert np.array_equal(found.points, points) and (found.confidence == 1).all()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), share=st.floats(0, 0.9), frames=st.integers(1, 30))
def test_laws(seed: int, share: float, frames: int) -> None:
    rng = np.random.default_rng(seed)
    tracked = without(moving(frames), rng.random((frames, 42)) < share)
    sure = np.where(tracked.confidence > 0, rng.uniform(0, 1, (frames, 42)), 0).astype(np.float32)
    before = marked(Tracked(tracked.points, sure, tracked.size))
    after = fill(before, HANDS, 25.0)
    seen, now = ~np.isnan(before.points).any(-1), ~np.isnan(after.points).any(-1)
    assert (before.confidence[seen] >= np.float32(SEEN)).all() and (before.confidence[~seen] == 0).all()
    assert np.array_equal(after.points[seen], before.points[seen])
    assert np.array_equal(after.confidence[seen], before.confidence[seen])
    assert (now >= seen).all() and np.array_equal(after.confidence > 0, now)
    assert np.array_equal((after.confidence > 0) & (after.confidence < np.float32(SEEN)), now & ~seen)
    again = fill(after, HANDS, 25.0)
    assert np.array_equal(again.points, after.points, equal_nan=True)
