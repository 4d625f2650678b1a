"""WLASL's folder: subsets, splits, the frames of a sign, and what is missing, word for word."""

import json
from pathlib import Path
from typing import Any

import media
import numpy as np
import pytest
from isolated import instance, wlasl

from signkit.config.registry import build, config_class
from signkit.data.corpora import wlasl as reader
from signkit.data.corpora.configs import WlaslConfig
from signkit.data.corpora.folds import FoldsConfig
from signkit.errors import UserError
from signkit.testing import check_corpus
from signkit.types import VIDEO, Corpus, Video

SIGNS = {
    "book": [
        instance("00001", signer_id=4),
        instance("00002", "val"),
        instance("00003", "test", signer_id=-1),
    ],
    "thank you": [instance("00004"), instance("00005", "test")],
    "rare": [instance("00006")],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return wlasl(tmp_path / "WLASL", SIGNS)


def read(root: Path, **options: Any) -> Corpus:
    return reader.read(WlaslConfig(root=str(root), **options))


def refused(root: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read(root, **options)
    return str(caught.value)


def test_as_it_unpacks(root: Path) -> None:
    corpus = read(root)
    assert (corpus.name, corpus.layout, corpus.width, corpus.notes) == ("wlasl2000", VIDEO, 3, ())
    assert [(s.id, s.split, s.reference, s.signer, s.frames) for s in corpus.samples] == [
        ("00001", "train", ("book",), "4", 6),
        ("00002", "dev", ("book",), "1", 6),
        ("00003", "test", ("book",), "", 6),
        ("00004", "train", ("thank_you",), "1", 6),
        ("00005", "test", ("thank_you",), "1", 6),
        ("00006", "train", ("rare",), "1", 6),
    ]
    assert corpus.samples[3].source == f"{root}/WLASL_v0.3.json: thank_you, instance 1"
    check_corpus(WlaslConfig(root=str(root)), samples=2)
    assert config_class("corpora", "wlasl") is WlaslConfig


def test_a_subset_is_the_first_glosses_of_the_list(root: Path) -> None:
    corpus = read(root, glosses=2)
    assert corpus.name == "wlasl2"
    assert {s.reference[0] for s in corpus.samples} == {"book", "thank_you"}
    assert len(read(root, glosses=0).samples) == 6


def test_the_folder_above_is_the_same_corpus(root: Path) -> None:
    assert read(root.parent).fingerprint == read(root).fingerprint


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (1, -1, [0, 1, 2, 3, 4, 5]),
        (3, 5, [2, 3, 4]),  # of a film that is not cut
        (11, 16, [0, 1, 2, 3, 4, 5]),  # cut already: frame 16 is not in it
        (1, 6, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_the_frames_of_a_sign(start: int, end: int, expected: list[int], tmp_path: Path) -> None:
    whole = media.moving(6)
    root = wlasl(tmp_path, {"book": [instance("1", frame_start=start, frame_end=end)]})
    (sample,) = read(root).samples
    signal = sample.load()
    assert isinstance(signal, Video)
    assert sample.frames == signal.clip.frames == len(expected)
    seen = signal.clip.read(np.arange(sample.frames)).astype(int)
    distance = np.abs(seen[:, None] - whole[None].astype(int)).mean((2, 3, 4))  # [frames, frames of the film]
    assert distance.argmin(1).tolist() == expected


def test_landmarks_in_place_of_videos(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "landmarks"
    folder.mkdir()
    for number in range(1, 7):
        points = np.full((6, 543, 3), number, np.float32)
        np.savez(folder / f"0000{number}.npz", landmarks=points, layout="holistic", fps=30.0)
    corpus = read(root, landmarks=str(folder))
    assert (corpus.layout, corpus.width, {s.fps for s in corpus.samples}) == ("holistic", 3, {30.0})
    assert corpus.samples[4].load().points[0, 0, 0] == 5  # type: ignore[union-attr]
    (folder / "00005.npz").unlink()
    expected = f"{folder}/00005.npz: there is no such file; it is that of "
    assert refused(root, landmarks=str(folder)).startswith(expected)


def test_splits_by_signer(tmp_path: Path) -> None:
    signs = {"book": [instance(str(n), signer_id=n % 4) for n in range(12)]}
    corpus = build(WlaslConfig(root=str(wlasl(tmp_path, signs)), split="signer", folds=4))
    by_signer = {s.signer: s.split for s in corpus.samples}
    assert sorted(by_signer.values()) == ["dev", "test", "train", "train"]
    assert isinstance(WlaslConfig(root=str(tmp_path)), FoldsConfig)


def test_missing_videos_are_refused_or_left_out_and_counted(root: Path) -> None:
    for video in ("00001", "00002", "00005"):
        (root / "videos" / f"{video}.mp4").unlink()
    first = (
        f"{root}/videos/00001.mp4: there is no such file; "
        f"it is that of {root}/WLASL_v0.3.json: book, instance 1"
    )
    assert refused(root) == (
        f"{root}: 3 of 6 clips cannot be used (train 1, dev 1, test 1), the first: {first}; "
        "`data.missing: skip` leaves them out; `signkit data check` names all"
    )
    corpus = read(root, missing="skip")
    assert [s.id for s in corpus.samples] == ["00003", "00004", "00006"]
    assert corpus.left_out == (first,)
    assert corpus.notes == (
        "dev: 1 of 1 clips are left out, so its scores are not comparable with those on all",
        "test: 1 of 2 clips are left out, so its scores are not comparable with those on all",
    )
    stock = reader.take_stock(WlaslConfig(root=str(root)))
    assert stock.listed == {"train": 3, "dev": 1, "test": 2}
    assert [gap.split for gap in stock.gaps] == ["train", "dev", "test"]


def test_a_damaged_video_is_one_that_cannot_be_used(root: Path) -> None:
    media.cut(root / "videos/00004.mp4", 0.3)
    assert refused(root).startswith(f"{root}/videos/00004.mp4: ")
    assert len(read(root, missing="skip").samples) == 5


def test_no_video_of_train(root: Path) -> None:
    for path in (root / "videos").iterdir():
        path.unlink()
    message = refused(root, missing="skip")
    assert message.startswith(f"{root}: no clip of train can be used; {root}/videos/00001.mp4: there is no")
    (root / "videos").rmdir()
    assert refused(root) == (
        f"{root}/videos: there is no such folder; `data.videos` names that of the videos"
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"video_id": None}, "video_id is null, not the name of a video"),
        ({"video_id": ""}, 'video_id is "", not the name of a video'),
        ({"split": "valid"}, 'split "valid" is none of train, val, test'),
        ({"frame_start": 0}, "frames 0 to -1 are no interval from 1 on"),
        ({"frame_start": 9, "frame_end": 3}, "frames 9 to 3 are no interval from 1 on"),
        ({"frame_end": 2.5}, "frames 1 to 2.5 are no interval from 1 on"),
        ({"video_id": "00001"}, "video 00001 is there twice, first as 'book'"),
    ],
)
def test_faults_of_the_list(change: dict[str, Any], expected: str, root: Path) -> None:
    signs = SIGNS | {"rare": [instance("00006") | change]}
    entries = [{"gloss": gloss, "instances": instances} for gloss, instances in signs.items()]
    (root / "WLASL_v0.3.json").write_text(json.dumps(entries))
    assert refused(root) == f"{root}/WLASL_v0.3.json: rare, instance 1: {expected}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", ": is no list of glosses with their instances"),
        ("[1]", ": entry 1: has no gloss, or no list of instances"),
        ("[", ": not JSON: Expecting value: line 1 column 2 (char 1)"),
        ('[{"gloss": "a", "instances": [3]}]', ": a, instance 1: is no JSON object"),
    ],
)
def test_a_list_of_another_form(text: str, expected: str, root: Path) -> None:
    (root / "WLASL_v0.3.json").write_text(text)
    assert refused(root) == f"{root}/WLASL_v0.3.json{expected}"


def test_another_folder(tmp_path: Path) -> None:
    assert refused(tmp_path) == (
        f"{tmp_path}: no WLASL_v0.3.json in it; nor in {tmp_path}/start_kit, {tmp_path}/WLASL"
    )
