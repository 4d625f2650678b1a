"""Which frames of a clip are used, where a model needs a fixed number of them."""

import numpy as np
import pytest

from signkit.config.recipe import LandmarksConfig, SamplingConfig, VideoConfig
from signkit.data.examples import Examples
from signkit.data.sampling import sampled_frames, used_frames
from signkit.data.video.array import ArrayClip
from signkit.errors import UserError
from signkit.types import VIDEO, Features, Sample, Video

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


def test_frames_at_even_times() -> None:
    """HearAI's loader: the frames whose number is a multiple of so many seconds; here of fractions too."""
    config = SamplingConfig(how="timed", seconds=0.1)
    for rng in (None, np.random.default_rng(0)):
        assert sampled_frames(10, config, rng, 20.0).tolist() == [0, 2, 4, 6, 8]
        assert sampled_frames(11, config, rng, 20.0).tolist() == [0, 2, 4, 6, 8, 10]
    assert sampled_frames(10, config, None, 25.0).tolist() == [0, 2, 5, 7]
    assert sampled_frames(4, config, None, 5.0).tolist() == [0, 1, 2, 3]  # no frame is used twice
    assert sampled_frames(1, config, None, 50.0).tolist() == [0]
    few = SamplingConfig(how="timed", seconds=0.1, frames=3)
    assert sampled_frames(10, few, None, 20.0).tolist() == [0, 2, 4]
    assert [used_frames(10, each, 20.0) for each in (config, few)] == [5, 3]
    assert used_frames(10, config) == 4  # at 25 frames a second


def test_seconds_are_for_times_alone() -> None:
    hint = "`{how: timed, seconds: 0.1}` takes ten frames a second"
    with pytest.raises(UserError) as caught:
        SamplingConfig(how="timed", frames=8)
    assert str(caught.value) == f"how: `timed` needs a number of seconds; {hint}"
    with pytest.raises(UserError) as caught:
        SamplingConfig(how="spaced", seconds=0.1)
    assert str(caught.value) == f"seconds: is not for `spaced`; {hint}"


@pytest.mark.parametrize("rate", [20.0, None])
def test_a_clip_by_times_has_their_rate(rate: float | None) -> None:
    """Also one that says its frames a second when it is loaded only."""
    vectors = np.arange(10, dtype=np.float32)[:, None]
    sample = Sample("a", "test", ("x",), 10, lambda: Features(vectors, 20.0), fps=rate)
    examples = Examples(
        [sample],
        layout="",
        width=1,
        encode=lambda tokens: (0,),
        landmarks=LandmarksConfig(),
        sampling=SamplingConfig(how="timed", seconds=0.2),
    )
    example = examples.example(0)
    assert example.inputs[:, 0].tolist() == [0, 4, 8]
    assert example.fps == 5.0


@pytest.mark.parametrize("rate", [20.0, None])
def test_a_video_by_times(rate: float | None) -> None:
    pixels = np.repeat(np.arange(10, dtype=np.uint8)[:, None, None, None], 3, 3).repeat(8, 1).repeat(8, 2)
    sample = Sample("a", "test", ("x",), 10, lambda: Video(ArrayClip(pixels, 20.0)), fps=rate)
    examples = Examples(
        [sample],
        layout=VIDEO,
        width=3,
        encode=lambda tokens: (0,),
        landmarks=LandmarksConfig(),
        video=VideoConfig(resize=8, crop=8),
        sampling=SamplingConfig(how="timed", seconds=0.2, frames=2),
    )
    example = examples.example(0)
    assert example.inputs[:, 0, 0, 0].tolist() == [0, 4]
    assert example.fps == 5.0
