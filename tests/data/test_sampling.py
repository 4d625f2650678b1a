"""Which frames of a clip are used, where a model needs a fixed number of them."""

import numpy as np
import pytest

from signkit.config.recipe import SamplingConfig
from signkit.data.sampling import sampled_frames, used_frames

WAYS = ("segments", "spaced", "random")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("frames", [1, 3, 8, 50])
@pytest.mark.parametrize("training", [False, True])
def test_so_many_of_them_in_their_order(how: str, frames: int, training: bool) -> None:
    config = SamplingConfig(frames=8, how=how)  # type: ignore[arg-type]
    for seed in range(20):
        places = sampled_frames(frames, config, np.random.default_rng(seed) if training else None)
        assert len(places) == 8 == used_frames(frames, config)
        assert (np.diff(places) >= 0).all() and places[0] >= 0 and places[-1] < frames


def test_the_middles_of_equal_parts() -> None:
    for how in WAYS:
        config = SamplingConfig(frames=4, how=how)  # type: ignore[arg-type]
        assert sampled_frames(12, config, None).tolist() == [1, 4, 7, 10]


def test_one_of_each_part_is_drawn() -> None:
    config = SamplingConfig(frames=4, how="segments")
    drawn = np.array([sampled_frames(12, config, np.random.default_rng(seed)) for seed in range(200)])
    for part in range(4):
        assert set(drawn[:, part]) == {3 * part, 3 * part + 1, 3 * part + 2}


def test_any_frames_are_drawn_once_where_there_are_enough() -> None:
    config = SamplingConfig(frames=4, how="random")
    drawn = [sampled_frames(6, config, np.random.default_rng(seed)).tolist() for seed in range(200)]
    assert all(len(set(places)) == 4 for places in drawn)
    assert len({tuple(places) for places in drawn}) == 15  # all choices of 4 of 6


def test_all_of_them_without_a_number() -> None:
    assert sampled_frames(5, SamplingConfig(), np.random.default_rng(0)).tolist() == [0, 1, 2, 3, 4]
    assert used_frames(5, SamplingConfig()) == 5
