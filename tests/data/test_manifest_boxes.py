"""Clips of a manifest, cropped to boxes: videos, folders of frames, and segments of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from media import moving, write_frames, write_video

from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.hand_boxes import OF_CSV, write_boxes
from signkit.data.corpora.manifest import read
from signkit.errors import UserError
from signkit.testing import check_corpus
from signkit.types import Corpus, Video

ROWS = """id,path,gloss,split,start,end
"a, b",film.mp4,RED,train,,
part,film.mp4,BLUE,train,0.2,0.4
frames,frames,RED,dev,,
"""
BOXES = {"a, b": (2, 4, 20, 30), "part": (0, 0, 10, 12), "frames": (-5, -6, 10, 20)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_video(tmp_path / "film.mp4", moving(20))
    write_frames(tmp_path / "frames", moving(3))
    (tmp_path / "manifest.csv").write_text(ROWS, encoding="utf-8")
    write_boxes(tmp_path / "boxes.csv", BOXES)
    return tmp_path


def load(root: Path, **options: Any) -> Corpus:
    return read(ManifestConfig(**{"root": str(root), "boxes": str(root / "boxes.csv")} | options))


def refused(root: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        load(root, **options)
    return str(caught.value)


def test_every_kind_of_clip(root: Path) -> None:
    cropped, whole = load(root), load(root, boxes="")
    for ours, theirs in zip(cropped.samples, whole.samples, strict=True):
        signal, usual = ours.load(), theirs.load()
        assert isinstance(signal, Video) and isinstance(usual, Video)
        left, top, right, bottom = BOXES[ours.id]
        places = np.arange(ours.frames)
        shown = signal.clip.read(places)
        assert shown.shape == (theirs.frames, bottom - top, right - left, 3)
        inside = usual.clip.read(places)[:, max(0, top) : bottom, max(0, left) : right]
        np.testing.assert_array_equal(shown[:, max(0, -top) :, max(0, -left) :], inside)
    assert cropped.samples[1].frames == 5
    check_corpus(ManifestConfig(root=str(root), boxes=str(root / "boxes.csv")), samples=2)


def test_other_boxes_are_other_data(root: Path) -> None:
    write_boxes(root / "other.csv", BOXES | {"part": (0, 0, 10, 13)})
    prints = {load(root, boxes=boxes).fingerprint for boxes in ("", f"{root}/boxes.csv", f"{root}/other.csv")}
    assert len(prints) == 3


def test_clips_without_a_box(root: Path) -> None:
    write_boxes(root / "boxes.csv", {name: box for name, box in BOXES.items() if name != "part"})
    message = f"{root}/manifest.csv:3: no box of part in {root}/boxes.csv"
    assert refused(root) == message
    assert load(root, damaged="skip").left_out == (message,)


def test_landmarks_have_nothing_to_crop(root: Path) -> None:
    np.savez(root / "a.npz", landmarks=np.ones((4, 3, 2), np.float32), layout="boston104")
    (root / "manifest.csv").write_text("id,path,gloss,split\npart,a.npz,RED,train\n", encoding="utf-8")
    assert refused(root) == (
        f"{root}/manifest.csv:2: a.npz: is no video, and `data.boxes` crops video; leave it out"
    )


def test_squares_of_another_corpus(root: Path) -> None:
    (root / "boxes.json").write_text("{}", encoding="utf-8")
    message = f"{root}/boxes.json: is no file of boxes that is read; {OF_CSV}"
    assert refused(root, boxes=str(root / "boxes.json")) == message
