"""`signkit.stream`: the text of frames as they come is that of the clip, with times and confidences."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from media import moving, write_frames
from predicting import VIDEO_RECIPE, exported, write_manifest
from tiny import C2ST, CTC, FEATURES, write_corpus

import signkit
from signkit import UserError
from signkit.commands.predict.streamed import opened_stream
from signkit.config.recipe_file import load_recipe
from signkit.data.npz import read_npz
from signkit.train.streams import StreamOptions
from signkit.types import Hypothesis

ONE_WAY = {
    "local_temporal": {"kind": "tcn", "width": 8, "pooling": "max", "lookahead": 2},
    "global_temporal": {"layers": 1, "width": 8, "bidirectional": False, "lookahead": 1},
}
PAST = {"landmarks": {"origin": "past", "scale": "past"}}
GCN = {**C2ST, **PAST, "encoder": {"name": "gcn", "channels": [4], "fusion_width": 8, **ONE_WAY}}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained C2ST over hand tracks."""
    folder = tmp_path_factory.mktemp("stream")
    return exported(folder, write_corpus(folder / "corpus"), GCN)


def points(run: Path, number: int) -> np.ndarray[Any, Any]:
    found = read_npz(run.parent / "corpus" / f"test{number}.npz")
    clip = np.tile(found.points, (3, 1, 1))  # type: ignore[union-attr]
    clip[5:9, 1] = np.nan
    return clip


def text(model: Any, clip: np.ndarray[Any, Any]) -> Hypothesis:
    return replace(model.predict(clip).outputs["text"], id="stream")  # type: ignore[no-any-return]


def same(one: Hypothesis, other: Hypothesis) -> None:
    assert (one.tokens, one.times, [each.tokens for each in one.others]) == (
        other.tokens, other.times, [each.tokens for each in other.others]
    )  # fmt: skip
    assert one.score == pytest.approx(other.score, abs=1e-4)
    assert one.confidences == pytest.approx(other.confidences, abs=1e-3)


@pytest.mark.parametrize("level", ["video", "sum"])
def test_frames_as_they_come_have_the_text_of_the_clip(run: Path, level: str) -> None:
    model, cuts = signkit.load(run, decode={"beam": 3, "nbest": 2, "level": level}), random.Random(0)
    stream = signkit.stream(model)
    assert stream.delay == 2 + 2 + 4 + 3
    for number in range(2):
        clip, place, tokens = points(run, number), 0, 0
        while place < len(clip):
            some = cuts.choice([1, 2, 5])
            tokens = max(tokens, len(stream.push(clip[place : place + some]).tokens))
            place += some
        assert tokens > 0
        same(stream.finish(), text(model, clip))


def test_what_is_settled_stays(run: Path) -> None:
    stream, fixed = signkit.stream(run, stable_after=1), ()
    for frame in points(run, 0):
        tokens = stream.push(frame[None]).tokens
        assert tokens[: len(fixed)] == fixed
        fixed = tokens[: stream.settled]
    assert fixed


def test_features_and_video(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "features", features=True)
    features = exported(tmp_path / "one", corpus, {**FEATURES, "encoder": {"name": "features", **ONE_WAY}})
    frames = np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32)
    model = signkit.load(features)
    stream = signkit.stream(model)
    for some in np.split(frames, [1, 2, 20]):
        stream.push(some)
    same(stream.finish(), text(model, frames))
    films = [write_frames(tmp_path / f"clip{n}", moving(9, 48, 64)) for n in range(3)]
    manifest = write_manifest(tmp_path, [film.name for film in films])
    recipe = {**VIDEO_RECIPE, "encoder": {**VIDEO_RECIPE["encoder"], **ONE_WAY}}  # type: ignore[dict-item]
    model = signkit.load(exported(tmp_path / "two", manifest, recipe))
    stream = signkit.stream(model)
    pixels = np.random.default_rng(1).integers(0, 255, (18, 30, 36, 3), dtype=np.uint8)
    for some in np.split(pixels, [3, 4, 11]):
        stream.push(some)
    same(stream.finish(), text(model, pixels))


def test_an_empty_clip_has_no_text(run: Path) -> None:
    assert signkit.stream(run).finish().text == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            np.zeros((3, 3)),
            "the model reads landmarks of layout 'boston104', [frames, points, 2], not float64 [3, 3]",
        ),
        (np.zeros((1, 4, 2)), "layout 'boston104' has 3 points but the file has 4"),
    ],
)
def test_other_frames_are_refused(run: Path, given: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        signkit.stream(run).push(given)
    assert str(caught.value) == f"frames: {message}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"landmarks": {"origin": "clip", "scale": "past"}},
            "landmarks.origin: `clip` needs the whole clip, and has no stream; `past`, of the frames so far; "
            "or `none`",
        ),
        (
            {"landmarks": {"origin": "none"}},
            "landmarks.scale: `clip` needs the whole clip, and has no stream; `past`, of the frames so far",
        ),
        (
            {"sampling": {"frames": 24}},
            "sampling.frames: chooses frames of a whole clip, and has no stream; 0, all",
        ),
        (
            {"encoder": C2ST["encoder"]},
            "encoder.global_temporal.bidirectional: a network in both directions reads a clip from its end "
            "and cannot be streamed; `false`, of twice the width",
        ),
    ],
)
def test_what_needs_whole_clips(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    base = {**CTC, **PAST, "encoder": {"name": "kinematic", **ONE_WAY}}
    run = exported(tmp_path / "run", write_corpus(tmp_path / "corpus"), {**base, **change})
    with pytest.raises(UserError) as caught:
        signkit.stream(run)
    assert str(caught.value) == message


def test_other_tasks_and_ensembles(run: Path) -> None:
    (trained,) = signkit.load(run)._models
    with pytest.raises(UserError) as caught:
        opened_stream(run, [replace(trained, recipe=load_recipe("composed_attention"))], StreamOptions())
    what = "a model of the task sequence reads whole clips and cannot be streamed; `ctc` and `c2st` can be"
    assert str(caught.value) == f"{run}: {what}"
    with pytest.raises(UserError) as caught:
        opened_stream(run, [trained, trained], StreamOptions())
    assert str(caught.value) == "decode.ensemble: an ensemble has no stream; leave it out"
    with pytest.raises(UserError) as caught:
        signkit.stream(run, stable_after=-1)
    assert str(caught.value) == "stable_after: is -1; a number of chunks, 0 or more"
