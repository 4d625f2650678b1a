"""From frames of the page to a corpus: what was recorded is what is learnt from, and what is read later."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from live_page import NODE

from signkit.commands.live.reader import Floats, HandReader, Hold, LiveModel, Reading
from signkit.data.corpora.configs import TakesConfig
from signkit.data.corpora.takes import read
from signkit.types import Landmarks

GONE = np.full((42, 3), np.nan, np.float32)


def frames() -> tuple[list[float], Floats]:
    """Of a camera that is not steady, in seconds; the left hand comes late and goes early, and neither is
    there at the ends and once in the middle."""

    rng = np.random.default_rng(3)
    times = np.cumsum(rng.uniform(0.02, 0.15, 24))
    points = rng.normal(300, 80, (24, 42, 3)).astype(np.float32)
    points[[0, 1, 10, 22, 23]] = np.nan
    points[[2, 3, 4, 20, 21], :21] = np.nan
    return times.tolist(), points


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_what_is_recorded_is_what_is_read_later_in_the_page_and_on_the_terminal(tmp_path: Path) -> None:
    times, points = frames()
    given = [
        {
            "time": 1000 * time,
            **{
                side: None if np.isnan(hand[0, 0]) else hand.ravel().tolist()
                for side, hand in (("left", frame[:21]), ("right", frame[21:]))
            },
        }
        for time, frame in zip(times, points, strict=True)
    ]
    ran = subprocess.run(
        [str(NODE), str(Path(__file__).with_name("takes_of_frames.mjs"))],
        input=json.dumps(given), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = json.loads(ran.stdout)
    (tmp_path / "signs.jsonl").write_text(found["file"], encoding="utf-8")
    (sample,) = read(TakesConfig(file=str(tmp_path / "signs.jsonl"))).samples
    take = sample.load()
    assert isinstance(take, Landmarks)
    assert (sample.reference, take.layout, take.fps) == (("TREE",), "hands", 25.0)

    in_page = np.array(found["given"], dtype=np.float32).reshape(-1, 42, 3)
    asked: list[Floats] = []

    def infer(clip: Floats) -> Floats:
        asked.append(clip[0])
        return np.zeros(2, np.float32)

    model = LiveModel(infer, ("TREE", "SUN"), layout="hands", letters=False)
    terminal = HandReader(model, Hold(), "hands")
    for time, frame in zip(times, points, strict=True):
        terminal.read(time, frame)
    assert len(take.points) == int((times[21] - times[2]) * 25 + 1e-6) + 1
    np.testing.assert_allclose(take.points, in_page, rtol=0, atol=1e-6)
    np.testing.assert_allclose(take.points, asked[-1], rtol=0, atol=1e-3)  # pixels of another rounding
    assert np.isnan(take.points[0, :21]).all()
    assert not np.isnan(take.points[0, 21:]).any()


def test_the_terminal_types_a_sign_when_the_hands_are_gone() -> None:
    sure = LiveModel(
        lambda clip: np.array([0, -20], np.float32), ("TREE", "SUN"), layout="hands", letters=False
    )
    assert sure.signs
    reader = HandReader(sure, Hold(), "hands")
    hand = np.zeros((42, 3), np.float32)

    def signed(start: float, seconds: float) -> Reading:
        for n in range(int(seconds * 25) + 1):
            assert reader.read(start + n / 25, hand).typed == ()
        reader.read(start + seconds + 0.4, GONE)
        return reader.read(start + seconds + 0.6, GONE)

    assert signed(0, 1).typed == ("TREE",)
    assert signed(3, 0.16).typed == ()  # a hand on its way through the picture
    assert reader.read(5, GONE) == Reading()
    reader.read(6, hand)
    assert reader.read(10.04, hand).typed == ("TREE",)  # longer than a sign
    reader.read(10.5, hand)
    assert reader.end().typed == ("TREE",)
    assert reader.end() == Reading()
