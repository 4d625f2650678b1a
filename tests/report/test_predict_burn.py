"""Glosses burnt into videos: where, when, and that nothing else changes."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signkit.errors import UserError
from signkit.report.clips.burn import burn, spread
from signkit.report.clips.cues import Cue, cues
from signkit.report.clips.lettering import Fonts
from signkit.types import Clip, Hypothesis, Video

av = pytest.importorskip("av", reason="av is not installed: the extra `video`")

from media import moving, write_frames, write_video  # noqa: E402

from signkit.data.video import open_clip  # noqa: E402
from signkit.data.video.array import ArrayClip  # noqa: E402
from signkit.data.video.times import bounds  # noqa: E402

EVERY = np.arange(20)


def burnt(path: Path, clip: Clip, *given: Cue) -> np.ndarray:
    told: list[None] = []
    burn(path, clip, given, Fonts("".join(cue.gloss for cue in given)), lambda: told.append(None))
    assert len(told) == clip.frames
    found = open_clip(path)
    assert (found.frames, found.fps) == (clip.frames, pytest.approx(clip.fps, rel=1e-4))
    return found.read(np.arange(clip.frames)).astype(int)


def test_glosses_are_burnt_in_at_their_times(tmp_path: Path) -> None:
    """The band is dark with white letters while a gloss lasts; all else is the clip but for the coding."""
    clip = open_clip(write_video(tmp_path / "in.mp4", moving(20, 240, 320), crf="5"))
    frames = burnt(tmp_path / "out" / "a.mp4", clip, Cue(200, 400, "HAUS", 0.5), Cue(600, 700, "ÄPFEL", 0.5))
    whole = clip.read(EVERY).astype(int)
    rows = round(1.8 * round(0.07 * 240))
    assert np.abs(frames[:, : -rows - 4] - whole[:, : -rows - 4]).mean() < 4
    shown = [*range(5, 10), *range(15, 18)]  # up to 17.5
    for place in EVERY:
        change = np.abs(frames[place, -rows + 4 :] - whole[place, -rows + 4 :]).mean()
        bright = (frames[place, -rows:].min(-1) > 220).sum()
        assert (change > 30) == (place in shown), place
        if place in shown:
            assert bright > 50
    sides = frames[6, -rows + 4 :, :40] - 0.4 * whole[6, -rows + 4 :, :40]
    assert np.abs(sides).mean() < 4
    assert not [*(tmp_path / "out").glob(".*")]
    with av.open(str(tmp_path / "out" / "a.mp4")) as file:
        assert [(s.type, s.codec_context.name) for s in file.streams] == [("video", "h264")]


@pytest.mark.parametrize("size", [(96, 128), (95, 128)])
def test_a_rate_that_varies_is_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    """Frames are shown when the clip's are, and glosses with the frames of their times."""
    times = [*range(0, 500, 50), *range(500, 1500, 100)]
    clip = open_clip(write_video(tmp_path / "in.mp4", moving(20, 96, 128), times=times, crf="5"))
    if size != (96, 128):  # MPEG-4
        clip = ArrayClip(clip.read(EVERY)[:, : size[0]], clip.fps, Video(clip).times)
    frames = burnt(tmp_path / "out.mp4", clip, Cue(450, 700, "HAUS", 0.5))
    assert Video(open_clip(tmp_path / "out.mp4")).times == pytest.approx(np.array(times) / 1000, abs=1e-4)
    change = np.abs(frames[:, -14:] - clip.read(EVERY)[:, -14:].astype(int)).mean((1, 2, 3))
    assert [place for place in EVERY if change[place] > 30] == [9, 10, 11]


@pytest.mark.parametrize(("height", "width"), [(49, 64), (48, 65), (51, 33)])
def test_odd_sides_stay_as_they_are(tmp_path: Path, height: int, width: int) -> None:
    clip = open_clip(write_frames(tmp_path / "in", moving(20, height, width)))
    frames = burnt(tmp_path / "a.mp4", clip, Cue(0, 800, "A", None))
    assert frames.shape == (20, height, width, 3)
    with av.open(str(tmp_path / "a.mp4")) as file:
        assert file.streams.video[0].codec_context.name == "mpeg4"


def test_a_gloss_is_made_small_enough_to_be_read_whole(tmp_path: Path) -> None:
    """Its letters do not touch the sides, in scripts that run to the right and one to the left."""
    clip = open_clip(write_frames(tmp_path / "in", np.zeros((3, 96, 160, 3), np.uint8)))
    for gloss in ("A-VERY-LONG-GLOSS-OF-MANY-WORDS", "ΔΡΟΜΟΣ", "ДОЖДЬ", "مدرسة"):
        bright = (burnt(tmp_path / "a.mp4", clip, Cue(0, 120, gloss, None))[1] > 120).any(-1)
        assert bright.any() and not bright[:, :2].any() and not bright[:, -2:].any(), gloss
        assert not bright[:70].any()


def test_letters_that_are_in_no_font() -> None:
    """Two code points that are no characters and never will be."""
    with pytest.raises(UserError) as failed:
        Fonts("A\ufdd0\ufdd1")
    hint = "install one that has, such as Noto Sans CJK for Chinese"
    assert str(failed.value) == f"--burn: no font of this machine has the letters \ufdd0\ufdd1; {hint}"


RATES = st.sampled_from([12.5, 25.0, float(Fraction(30000, 1001)), 60.0])


@given(st.sets(st.integers(0, 200), min_size=1, max_size=8), st.integers(1, 100), RATES)
def test_each_frame_shows_the_gloss_of_its_time(starts: set[int], rest: int, fps: float) -> None:
    """From the very frame at which it was emitted, though times are rounded."""
    places = sorted(starts)
    frames = places[-1] + rest
    times = tuple(round(place / fps, 3) for place in places)
    tokens = tuple("abcdefgh"[: len(places)])
    found = spread(cues(Hypothesis("x", tokens, "", 0.0, times), frames / fps), bounds(frames, fps, None))
    ends = [*places[1:], frames]
    expected = [""] * frames
    for token, start, end in zip(tokens, places, ends, strict=True):
        end = min(end, round(start + fps))
        expected[start:end] = [token] * (end - start)
    # A second may end a frame sooner or later, for half frames are rounded.
    assert sum(one != other for one, other in zip(found, expected, strict=True)) <= len(places)
    assert [found[start] for start in places] == [*tokens]
    assert [place for place in range(1, frames) if found[place] not in ("", found[place - 1])] == [
        place for place in places if place
    ]
