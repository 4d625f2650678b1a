"""Words of continuous signing on the terminal: by a stream of the run, with its search."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from media import moving, write_frames
from predicting import VIDEO_RECIPE, exported, write_manifest
from tiny import C2ST, write_corpus

import signkit
from signkit import UserError
from signkit.commands.live.reader import Reading
from signkit.commands.live.streamed import LiveStream, StreamReader
from signkit.commands.live.verb import LiveOptions, run_live

ONE_WAY = {
    "local_temporal": {"kind": "tcn", "width": 8, "pooling": "max", "lookahead": 0},
    "global_temporal": {"layers": 1, "width": 8, "bidirectional": False},
}


def test_words_of_a_video(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    films = [write_frames(tmp_path / f"clip{n}", moving(40, 48, 64)) for n in range(3)]
    recipe = {**C2ST, "video": VIDEO_RECIPE["video"], "encoder": {**VIDEO_RECIPE["encoder"], **ONE_WAY}}  # type: ignore[dict-item]
    run = exported(tmp_path / "run", write_manifest(tmp_path, [film.name for film in films]), recipe)
    expected = signkit.load(run).predict(films[0]).text
    assert len(expected.split()) > 1
    assert run_live(str(run), LiveOptions(video=films[0], stable_after=1000)) == 0
    assert capsys.readouterr().out == expected + "\n"
    assert run_live(str(run), LiveOptions(video=films[0], stable_after=2, as_json=True)) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    typed = [event for event in events if event["event"] == "typed"]
    assert {event["event"] for event in events} == {"partial", "typed"}
    assert [event["ended"] for event in typed] == [False] * (len(typed) - 1) + [True]
    assert typed[0]["seconds"] < typed[-1]["seconds"] == round(39 / 25, 3)


class Words:
    """A stream that reads a word in each frame, of which the last two may change."""

    def __init__(self) -> None:
        self.given: list[Any] = []
        self.settled = 0

    def push(self, frames: Any) -> Any:
        self.given += frames[:, 0, 0].tolist()
        self.settled = max(0, len(self.given) - 2)
        return SimpleNamespace(tokens=tuple(f"{x:g}" for x in self.given))

    def finish(self) -> Any:
        tokens, self.given, self.settled = self.given, [], 0
        return SimpleNamespace(tokens=tuple(f"{x:g}" for x in tokens))


def test_frames_of_any_times_come_at_the_streams_rate() -> None:
    """Words are typed as they settle; a second in which nobody is seen ends a text."""
    stream: Any = Words()
    reader = StreamReader(LiveStream(stream, "hand", 2, 10.0, False), lambda frame: not np.isnan(frame).all())

    def read(seconds: float, x: float) -> Reading:
        return reader.read(seconds, np.full((1, 2), x, dtype=np.float32))

    assert read(5, np.nan) == reader.end() == Reading()
    assert read(6, 1) == Reading(partial=("1",))
    assert read(6.05, 9) == Reading(partial=("1",))
    assert read(6.3, 4) == Reading(typed=("1", "8"), partial=("6", "4"))
    assert read(6.4, np.nan) == Reading(typed=("6",), partial=("4", "nan"))
    assert read(7.31, np.nan) == Reading(typed=("4", "nan"), ended=True)
    assert read(7.4, np.nan) == Reading()
    assert read(8, 2) == Reading(partial=("2",))
    assert reader.end() == Reading(typed=("2",), ended=True)


def test_pixels_are_those_of_the_frame_before() -> None:
    stream: Any = Words()
    reader = StreamReader(LiveStream(stream, "video", 3, 10.0, False))
    for seconds, x in ((0.0, 1), (0.15, 5), (0.3, 7)):
        reader.read(seconds, np.full((1, 2), x, dtype=np.uint8))
    assert stream.given == [1, 1, 5, 7]


def test_a_search_that_cannot_be_streamed(tmp_path: Path) -> None:
    run = exported(tmp_path / "run", write_corpus(tmp_path / "corpus"), C2ST)
    with pytest.raises(UserError) as caught:
        run_live(str(run), LiveOptions(video=tmp_path))
    what = "a network in both directions reads a clip from its end and cannot be streamed"
    assert str(caught.value) == f"encoder.global_temporal.bidirectional: {what}; `false`, of twice the width"
