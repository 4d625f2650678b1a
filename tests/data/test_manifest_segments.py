"""Frame rates and segments in a manifest: what a row's fps, start and end make of its clip."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from signkit.commands.data import prepare as data_prepare
from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.manifest import read
from signkit.data.corpora.media import Numbers, open_media, segment_of
from signkit.data.shards.configs import ShardsConfig
from signkit.data.shards.corpus import read as read_shards
from signkit.errors import UserError
from signkit.types import Corpus, Features, Landmarks, Sample, Video, fps_of

FRAMES = 20


def npz(path: Path, fps: float | None = None) -> None:
    """Landmarks whose coordinates are 1 + the number of the frame."""
    points = np.repeat(np.arange(1.0, FRAMES + 1), 6).reshape(FRAMES, 3, 2)
    more: dict[str, Any] = {} if fps is None else {"fps": fps}
    np.savez(path, landmarks=points, layout="boston104", **more)


def features(path: Path) -> None:
    np.savez(path, features=np.repeat(np.arange(FRAMES), 4).reshape(FRAMES, 4))


def frames(path: Path) -> None:
    """A folder of grey pictures, each as bright as its number times ten."""
    path.mkdir()
    for number in range(FRAMES):
        Image.new("RGB", (8, 8), (number * 10,) * 3).save(path / f"{number:04d}.png")


def openpose(path: Path) -> None:
    path.mkdir()
    for number in range(FRAMES):
        person = {"pose_keypoints_2d": [number, 1, 1] * 25, "hand_left_keypoints_2d": [number, 2, 1] * 21}
        file = path / f"a_{number:012d}_keypoints.json"
        file.write_text(json.dumps({"people": [person]}))


def segments(root: Path, cell: str, **row: str) -> list[tuple[str, int, int]]:
    """Of the glosses A, B in a clip of 20 frames, 25 a second."""
    npz(root / "a.npz")
    (sample,) = corpus_of(root, [{"path": "a.npz", "gloss": "A B", "segments": cell, **row}]).samples
    return [(each.gloss, each.start, each.end) for each in sample.segments]


@pytest.mark.parametrize(
    ("cell", "row", "expected"),
    [
        ("", {}, []),
        ("0.04-0.2 0.2-0.8", {}, [("A", 1, 5), ("B", 5, 20)]),
        ("0-0.07 0.4-0.84", {}, [("A", 0, 2), ("B", 10, 20)]),
        ("0.24-0.4 0.4-0.6", {"start": "0.2", "end": "0.6"}, [("A", 1, 5), ("B", 5, 10)]),
        ("0.04-0.1 0.2-0.4", {"fps": "50"}, [("A", 2, 5), ("B", 10, 20)]),
    ],
    ids=["empty", "nearest frames", "a frame after the clip", "of the file", "at its rate"],
)
def test_when_each_gloss_begins_and_ends(
    cell: str, row: dict[str, str], expected: list[tuple[str, int, int]], tmp_path: Path
) -> None:
    assert segments(tmp_path, cell, **row) == expected


FORM = "a begin and an end a gloss, in seconds of the file: 0.33-0.7 0.77-1.2"


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("0-0.2", f"segments has 1 spans, and there are 2 glosses; {FORM}"),
        ("0-0.2 x", f"segments has 'x', no span; {FORM}"),
        ("0-0.2 0.16-0.3", "B at 0.16-0.3 s is not after the gloss before it"),
        ("0-0.2 0.21-0.21", "B at 0.21-0.21 s has no frame, or is not in the clip"),
        ("0-0.2 0.7-0.9", "B at 0.7-0.9 s has no frame, or is not in the clip"),
    ],
)
def test_segments_that_cannot_be(cell: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        segments(tmp_path, cell)
    assert str(caught.value) == f"{tmp_path / 'manifest.csv'}:2: {message}"


def of_json(root: Path, value: object) -> Sample:
    npz(root / "a.npz")
    row = {"id": "a", "path": "a.npz", "gloss": ["A", "B"], "split": "train", "segments": value}
    (root / "m.jsonl").write_text(json.dumps(row))
    (sample,) = read(ManifestConfig(root=str(root), file="m.jsonl")).samples
    return sample


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([[0.04, 0.2], [0.2, 0.8]], [(1, 5), (5, 20)]),
        ("0.04-0.2 0.2-0.8", [(1, 5), (5, 20)]),
        (None, []),
        (float("nan"), []),
    ],
    ids=["pairs", "text", "null", "NaN"],
)
def test_segments_in_json(value: object, expected: list[tuple[int, int]], tmp_path: Path) -> None:
    assert [(each.start, each.end) for each in of_json(tmp_path, value).segments] == expected


@pytest.mark.parametrize("value", [[0.1, 0.2], [[0.1, "0.2"]], [[0.1]], 3, {"a": 1}])
def test_segments_in_json_that_cannot_be(value: object, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        of_json(tmp_path, value)
    what = f"segments is {json.dumps(value)}, no list of [begin, end]"
    assert str(caught.value) == f"{tmp_path / 'm.jsonl'}:1: {what}; {FORM}"


MAKERS = {"npz": npz, "features": features, "frames": frames, "openpose": openpose}


def corpus_of(root: Path, rows: list[dict[str, str]], **options: Any) -> Corpus:
    columns = ["id", "path", "gloss", "split", *{key: None for row in rows for key in row}]
    with (root / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*dict.fromkeys(columns)], restval="")
        writer.writeheader()
        for number, row in enumerate(rows):
            writer.writerow({"id": f"c{number}", "gloss": "TREE", "split": "train", "path": "a", **row})
    return read(ManifestConfig(root=str(root), **options))


def message(root: Path, row: dict[str, str], **options: Any) -> str:
    with pytest.raises(UserError) as error:
        corpus_of(root, [row], **options)
    return str(error.value).replace(f"{root}/", "")


def shown(sample: Sample) -> list[int]:
    """The numbers of the frames of a sample's signal, from what they hold."""
    signal = sample.load()
    if isinstance(signal, Video):
        pixels = signal.clip.read(np.arange(signal.clip.frames))
        return [round(int(p) / 10) for p in pixels[:, 0, 0, 0]]
    if isinstance(signal, Features):
        return [int(v) for v in signal.vectors[:, 0]]
    assert isinstance(signal, Landmarks)
    if signal.layout == "openpose":
        return [int(p) for p in signal.points[:, 0, 0]]
    return [int(p) - 1 for p in signal.points[:, 0, 0]]


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize(
    ("cell", "option", "expected"),
    [("", 0.0, 25.0), ("", 50.0, 50.0), ("10", 50.0, 10.0), ("29.97", 0.0, 29.97)],
)
def test_the_rate_of_a_clip_that_does_not_say(
    tmp_path: Path, kind: str, cell: str, option: float, expected: float
) -> None:
    path = "a.npz" if kind in ("npz", "features") else "a"
    MAKERS[kind](tmp_path / path)
    (sample,) = corpus_of(tmp_path, [{"path": path, "fps": cell}], fps=option).samples
    assert (sample.fps, fps_of(sample.load())) == (expected, expected)


def test_a_clip_that_says_keeps_its_rate(tmp_path: Path) -> None:
    npz(tmp_path / "a.npz", fps=29.97)
    for row in ({}, {"fps": "30"}):
        (sample,) = corpus_of(tmp_path, [{"path": "a.npz", **row}], fps=50.0).samples
        assert (sample.fps, fps_of(sample.load())) == (29.97, 29.97)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"fps": "25"},
            "manifest.csv:2: a.npz: has 29.97 frames a second, but the column fps says 25; "
            "the column is for clips that do not say: leave the cell empty",
        ),
        ({"fps": "fast"}, "manifest.csv:2: fps is 'fast', not a number of frames a second, such as 29.97"),
        ({"fps": "0"}, "manifest.csv:2: fps is 0; leave the cell empty where it is not known"),
        ({"fps": "-1"}, "manifest.csv:2: fps is '-1', not a number of frames a second, such as 29.97"),
        ({"start": "nan"}, "manifest.csv:2: start is 'nan', not a number of seconds, such as 12.48"),
        ({"start": "0:01"}, "manifest.csv:2: start is '0:01', not a number of seconds, such as 12.48"),
        ({"end": "inf"}, "manifest.csv:2: end is 'inf', not a number of seconds, such as 12.48"),
        (
            {"start": "0.5", "end": "9"},
            "manifest.csv:2: a.npz: the segment 0.5 to 9 s is not in the clip of 0.667 s",
        ),
        ({"start": "0.7"}, "manifest.csv:2: a.npz: the segment 0.7 s is not in the clip of 0.667 s"),
        ({"start": "0.4", "end": "0.4"}, "manifest.csv:2: a.npz: the segment 0.4 to 0.4 s has no frame"),
        ({"start": "0.5", "end": "0.2"}, "manifest.csv:2: a.npz: the segment 0.5 to 0.2 s has no frame"),
    ],
)
@pytest.mark.parametrize("damaged", ["refuse", "skip"])
def test_numbers_that_do_not_fit_their_clip(
    tmp_path: Path, row: dict[str, str], expected: str, damaged: str
) -> None:
    """They are the manifest's faults, not the file's: no option leaves them out."""
    npz(tmp_path / "a.npz", fps=29.97)
    assert message(tmp_path, {"path": "a.npz", **row}, damaged=damaged) == expected


@pytest.mark.parametrize("kind", MAKERS)
def test_segments_are_parts_of_their_clip(tmp_path: Path, kind: str) -> None:
    """At 10 frames a second; those that touch share no frame, and have all of them."""
    path = "a.npz" if kind in ("npz", "features") else "a"
    MAKERS[kind](tmp_path / path)
    spans = [("", "0.5"), ("0.5", "1.33"), ("1.33", ""), ("1.9", "2.1"), ("0.04", "0.06")]
    rows = [{"path": path, "fps": "10", "start": start, "end": end} for start, end in spans]
    corpus = corpus_of(tmp_path, rows)
    expected = [range(5), range(5, 13), range(13, 20), range(19, 20), range(1)]
    assert [shown(sample) for sample in corpus.samples] == [[*each] for each in expected]
    assert [sample.frames for sample in corpus.samples] == [len(each) for each in expected]
    assert {sample.fps for sample in corpus.samples} == {10.0}


def test_where_a_segment_begins(tmp_path: Path) -> None:
    """At the first of its frames, by the frames' own times if the rate varies."""
    npz(tmp_path / "even.npz", 20.0)
    own = np.cumsum(np.linspace(0.02, 0.4, FRAMES))
    points = np.ones((FRAMES, 3, 2))
    np.savez(tmp_path / "varies.npz", landmarks=points, layout="boston104", fps=20.0, times=own)
    for name, times in (("even", np.arange(FRAMES) / 20), ("varies", own)):
        whole = open_media(tmp_path / f"{name}.npz", name, None)
        assert segment_of(whole, Numbers(None, None, None), name).begin == 0.0
        for first in (0, 7, FRAMES - 1):
            part = segment_of(whole, Numbers(None, float(times[first]) + 0.001, None), name)
            assert part.begin == pytest.approx(times[first], abs=1e-12)
            assert part.frames == FRAMES - first


def test_numbers_of_json(tmp_path: Path) -> None:
    npz(tmp_path / "a.npz")
    row = {"id": 1, "path": "a.npz", "gloss": ["TREE"], "split": "train", "fps": 10, "start": 0.5, "end": 1}
    (tmp_path / "manifest.jsonl").write_text(json.dumps(row))
    (sample,) = read(ManifestConfig(root=str(tmp_path), file="manifest.jsonl")).samples
    assert (shown(sample), sample.fps) == ([5, 6, 7, 8, 9], 10.0)


def test_the_fingerprint_follows_the_segment(tmp_path: Path) -> None:
    npz(tmp_path / "a.npz")
    found = [
        corpus_of(tmp_path, [{"path": "a.npz", "end": end}]).fingerprint for end in ("0.4", "0.6", "0.4")
    ]
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize("kind", ["features", "npz", "frames"])
def test_segments_are_packed_with_their_rate(tmp_path: Path, kind: str) -> None:
    path = "a" if kind == "frames" else "a.npz"
    (tmp_path / "clips").mkdir()
    MAKERS[kind](tmp_path / "clips" / path)
    spans = [("0.3", "0.7"), ("1", "")]
    rows = [{"path": path, "fps": "10", "start": start, "end": end} for start, end in spans]
    corpus = corpus_of(tmp_path / "clips", rows)
    options = data_prepare.Options(
        out=tmp_path / "packed", root=tmp_path / "clips", workers=1, size=8, quality=100
    )
    assert data_prepare.prepare_corpus("manifest", options) == 0
    packed = read_shards(ShardsConfig(root=str(tmp_path / "packed"))).samples
    assert [shown(sample) for sample in packed] == [[3, 4, 5, 6], [*range(10, 20)]]
    assert [(s.frames, s.fps) for s in packed] == [(s.frames, s.fps) for s in corpus.samples]
    assert [fps_of(sample.load()) for sample in packed] == [10.0, 10.0]
