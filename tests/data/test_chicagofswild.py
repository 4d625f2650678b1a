"""The folders of fingerspelling in the wild: lists, frames, boxes, and what is missing, word for word."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fingerspelled import chicagofswild
from media import moving

from signkit.commands.data.check import stock_of
from signkit.data.corpora import chicagofswild as reader
from signkit.data.corpora.configs import ChicagofswildConfig
from signkit.data.corpora.hand_boxes import READ, read_boxes, write_boxes, zoom_file
from signkit.data.corpora.official import Lists
from signkit.data.video.crop import CroppedClip
from signkit.data.video.pixels import resized
from signkit.errors import UserError
from signkit.testing import check_corpus
from signkit.types import Corpus, Video

CLIPS = [f"aslized/{split}_000{n}_(nad)" for n, split in enumerate(("train", "train", "dev", "test", "test"))]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return chicagofswild(tmp_path / "ChicagoFSWild")


def read(root: Path, **options: Any) -> Corpus:
    return reader.read(ChicagofswildConfig(**{"root": str(root)} | options))


def refused(root: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read(root, **options)
    return str(caught.value)


def squares(root: Path, **changes: Any) -> Path:
    """Boxes as MiCT-RANet has them; each number is a square of its own."""
    clip = {"label": "x", "frames": 3, "pad": {"l": 0, "u": 9, "r": 0, "d": 0}} | {
        str(n): {"cx": 20 + n, "cy": 5, "r": 12 - n} for n in range(1, 5)
    }
    file = root / "boxes.json"
    file.write_text(json.dumps({name: clip | changes.get(name, {}) for name in CLIPS}))
    return file


def test_as_it_unpacks(root: Path) -> None:
    corpus = read(root)
    assert (corpus.name, corpus.layout, corpus.width, corpus.notes) == ("chicagofswild", "video", 3, ())
    assert [(s.id, s.split, s.reference, s.text, s.frames, s.signer, s.fps) for s in corpus.samples] == [
        (CLIPS[0], "train", ("asl",), "asl", 3, "s0", 25.0),
        (CLIPS[1], "train", ("new", "york"), "new york", 4, "s1", 25.0),
        (CLIPS[2], "dev", ("b&b",), "b&b", 5, "s2", 25.0),
        (CLIPS[3], "test", ("jack's",), "jack's", 6, "s3", 25.0),
        (CLIPS[4], "test", ("a.s.l.",), "a.s.l.", 7, "s4", 25.0),
    ]
    assert read(root.parent).fingerprint == corpus.fingerprint
    check_corpus(ChicagofswildConfig(root=str(root)), samples=1)


@pytest.mark.parametrize(
    "frames",
    ["ChicagoFSWild-Frames/ChicagoFSWild-Frames", "frames", ".", "frames/ChicagoFSWild", "somewhere/else"],
)
def test_where_frames_may_lie(frames: str, tmp_path: Path) -> None:
    root = chicagofswild(tmp_path / "x", frames)
    options = {"frames": frames} if frames == "somewhere/else" else {}
    assert len(read(root, **options).samples) == 5


def test_the_larger_corpus(tmp_path: Path) -> None:
    root = chicagofswild(tmp_path / "ChicagoFSWildPlus", "ChicagoFSWildPlus", "ChicagoFSWildPlus")
    assert len(read(root).samples) == len(read(tmp_path, part="plus").samples) == 5
    assert stock_of(ChicagofswildConfig(root=str(root))).published["test"] == 1715
    message = f"{root}: no ChicagoFSWild.csv in it; nor in {root}/ChicagoFSWild, {root}/ChicagoFSWildPlus"
    assert refused(root, part="fswild") == message


def test_frames_are_cropped_to_the_square(root: Path) -> None:
    """Square 2: x from 12 to 32, y from -5 to 15; above the frame it is black."""
    boxes = squares(root)
    signal = read(root, boxes=str(boxes)).samples[1].load()
    assert isinstance(signal, Video) and signal.clip.frames == 4
    usual = read(root).samples[1].load()
    assert isinstance(usual, Video)
    whole = usual.clip.read(np.array([0, 2, 2]))
    expected = np.zeros((3, 20, 20, 3), np.uint8)
    expected[:, 5:] = whole[:, :15, 12:32]
    np.testing.assert_array_equal(signal.clip.read(np.array([0, 2, 2])), expected)
    small = signal.clip.read(np.array([0, 2, 2]), (8, 8))
    np.testing.assert_array_equal(small, resized(expected, (8, 8)))
    narrow = read(root, boxes=str(boxes), box=4)
    signal = narrow.samples[1].load()
    assert isinstance(signal, Video) and signal.clip.read(np.array([1])).shape == (1, 16, 16, 3)
    assert len({read(root).fingerprint, read(root, boxes=str(boxes)).fingerprint, narrow.fingerprint}) == 3


def test_boxes_of_a_table(root: Path) -> None:
    file = root / "boxes.csv"
    lines = ["filename,x0,y0,x1,y1", *(f"{clip},5,6,25,36" for clip in CLIPS)]
    file.write_text("\n".join(lines))
    signal = read(root, boxes=str(file)).samples[0].load()
    whole = read(root).samples[0].load()
    assert isinstance(signal, Video) and isinstance(whole, Video)
    places = np.arange(3)
    np.testing.assert_array_equal(signal.clip.read(places), whole.clip.read(places)[:, 6:36, 5:25])
    check_corpus(ChicagofswildConfig(root=str(root), boxes=str(file)), samples=1)


def test_boxes_of_a_run(root: Path) -> None:
    """By the zoom; those of another one are not there."""
    run = root / "run"
    run.mkdir()
    (run / "resolved.yaml").touch()
    write_boxes(zoom_file(run, 0.5), dict.fromkeys(CLIPS, (5, 6, 25, 36)))
    signal = read(root, boxes=str(run), zoom=0.5).samples[0].load()
    assert isinstance(signal, Video) and isinstance(signal.clip, CroppedClip)
    assert signal.clip.box == (5, 6, 25, 36)
    message = (
        f"{run}: the run has no boxes of a zoom of 0.8 yet; `signkit data zoom {run} --zoom 0.8` computes"
    )
    assert refused(root, boxes=str(run), zoom=0.8) == f"{message} them"
    assert ChicagofswildConfig(root=str(root), boxes=str(run)).prediction_note == ""
    gone = f"{root}/gone: there is no such run, by whose attention frames are cropped"
    assert refused(root, boxes=f"{root}/gone") == gone


class Film:
    """Twenty frames, read in several steps."""

    frames, fps, seconds = 20, 25.0, None

    def read(self, places: np.ndarray, size: Any = None) -> np.ndarray:
        assert len(places) < 20 and size is None
        return moving(20, 30, 40)[places]


@pytest.mark.parametrize("box", [(0, 0, 40, 30), (-3, -4, 50, 60), (10, 5, 12, 9)])
def test_a_crop_of_many_frames(box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    large = np.zeros((20, 130, 140, 3), np.uint8)
    large[:, 50:80, 50:90] = moving(20, 30, 40)
    expected = large[:, 50 + top : 50 + bottom, 50 + left : 50 + right]
    clip = CroppedClip(Film(), box, "a.mp4")
    np.testing.assert_array_equal(clip.read(np.arange(20)), expected)


def test_a_box_outside_of_the_frame() -> None:
    with pytest.raises(UserError) as caught:
        CroppedClip(Film(), (40, 0, 50, 10), "x.csv:2").read(np.array([3]))
    assert str(caught.value) == "x.csv:2: the box 40, 0 to 50, 10 is outside of the frames of 40x30 pixels"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", "1,2,3,4", f": is no file of boxes that is read; {READ}"),
        ("BBox", None, f": is no file of boxes that is read; {READ}"),
        ("x.json", "[1]", f": is no object of clips with their squares; {READ}"),
        (
            "x.json",
            '{"a": {"2": {"cx": 1, "cy": 2}}}',
            f": a has no square 2 with cx, cy and r in pixels; {READ}",
        ),
        ("x.json", '{"a": {"2": {"cx": 1, "cy": 2, "r": 0}}}', ": the box of a is 1, 2 to 1, 2: empty"),
        (
            "x.csv",
            "filename,x0,y0,x1,y1\na,1,2,3,b",
            ":2: the box is 1, 2, 3, b, not four whole numbers of pixels",
        ),
        ("x.csv", "filename,x0,y0,x1,y1\na,1,2,3,4\na,1,2,3,4", ":3: a is there twice"),
        ("x.json", "{}", f": has no boxes; {READ}"),
        ("x.csv", "filename,x0,y0,x1,y1\n", f": has no boxes; {READ}"),
    ],
)
def test_other_files_of_boxes(name: str, content: str | None, message: str, tmp_path: Path) -> None:
    file = tmp_path / name
    if content is None:
        file.mkdir()
    else:
        file.write_text(content)
    with pytest.raises(UserError) as caught:
        read_boxes(file, 2)
    assert str(caught.value) == f"{file}{message}"


def test_boxes_are_of_frames_not_of_landmarks() -> None:
    with pytest.raises(UserError) as caught:
        ChicagofswildConfig(root="x", boxes="boxes.json", landmarks="points")
    message = "boxes: crop frames, and landmarks are read in their place; leave out boxes"
    assert str(caught.value) == message


def test_predictions_of_a_model_of_crops_have_a_note() -> None:
    assert ChicagofswildConfig(root="x").prediction_note == ""
    note = ChicagofswildConfig(root="x", boxes="boxes.json").prediction_note
    assert note == (
        "the model was trained on frames that were cropped to the hand (data.boxes), and the clips are read "
        "whole: crop them first"
    )


def test_clips_without_a_box(root: Path) -> None:
    file = root / "boxes.csv"
    file.write_text("\n".join(["filename,x0,y0,x1,y1", *(f"{clip},5,6,25,36" for clip in CLIPS[1:])]))
    message = f"{file}: no box of {CLIPS[0]}; it is in {root}/ChicagoFSWild.csv:2"
    assert refused(root, boxes=str(file)) == message
    assert read(root, boxes=str(file), missing="skip").left_out == (message,)


def test_clips_without_frames(root: Path) -> None:
    folder = root / "ChicagoFSWild-Frames" / CLIPS[0]
    shutil.rmtree(folder)
    message = f"{folder}: there is no such folder; it is that of {root}/ChicagoFSWild.csv:2"
    assert refused(root) == message
    assert read(root, missing="skip").left_out == (message,)
    gone = root / "ChicagoFSWild-Frames" / CLIPS[1] / "0002.jpg"
    gone.unlink()
    assert f"{gone.parent}: " in refused(root)


def test_fewer_frames_than_the_list_says_are_noted(root: Path) -> None:
    (root / "ChicagoFSWild-Frames" / CLIPS[4] / "0007.jpg").unlink()
    note = f"1 clips have more or fewer frames than the list says: {CLIPS[4]} has 6, not 7"
    assert read(root).notes == (note,)


def test_frames_that_are_still_packed(root: Path) -> None:
    shutil.rmtree(root / "ChicagoFSWild-Frames")
    assert refused(root) == "\n".join(
        [f"{root}: no folder with the frames of the first clips, such as {CLIPS[0]}; `data.frames` names it"]
        * 3
    )
    (root / "ChicagoFSWild-Frames.tgz").touch()
    packed = f"{root}/ChicagoFSWild-Frames.tgz: the frames are still packed"
    assert refused(root).startswith(f"{packed}; unpack them: tar -xzf ChicagoFSWild-Frames.tgz")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("train,s0", "val,s0"), "split 'val' is none of train, dev, test"),
        ((CLIPS[1], CLIPS[0]), f"{CLIPS[0]} is there twice, first in line 2"),
        ((CLIPS[0], "../x"), "../x is a path, not a name"),
        ((",3,60", ",three,60"), "number_of_frames is 'three', not a whole number"),
    ],
)
def test_faults_of_the_list(change: tuple[str, str], expected: str, root: Path) -> None:
    file = root / "ChicagoFSWild.csv"
    file.write_text(file.read_text().replace(*change))
    line = 3 if "twice" in expected else 2
    assert f"{file}:{line}: {expected}" in refused(root)


def test_the_list_of_mict_ranet(root: Path) -> None:
    """Without a header; it has test clips alone, so nothing can be trained on it."""
    (root / "ChicagoFSWild.csv").unlink()
    (root / "test.csv").write_text(f"{CLIPS[3]},jack's,6\n{CLIPS[4]},a.s.l.,7\n")
    stock = stock_of(ChicagofswildConfig(root=str(root)))
    assert [(s.id, s.split, s.frames, s.source) for s in stock.corpus.samples] == [
        (CLIPS[3], "test", 6, f"{root}/test.csv:1"),
        (CLIPS[4], "test", 7, f"{root}/test.csv:2"),
    ]
    assert refused(root) == f"{root}: there is no sample of train"


def test_the_test_clips_of_mict_ranet(real_data: Callable[[str], Path]) -> None:
    """The counts of its source, from its list and its boxes alone: no frames are there."""
    root = real_data("chicagofswild_boxes")
    config = ChicagofswildConfig(root=str(root), boxes=str(root / "lambda_x_test.json"))
    _, part, rows = reader.spelled(config, lists := Lists())
    texts = "".join(row.text for row in rows)
    counts = (len(rows), sum(row.frames for row in rows), len(texts), texts.count(" "))
    assert (part, counts, lists.faults) == ("mict", (2583, 72_626, 13_313, 458), [])
    assert [row.text for row in rows if row.text != " ".join(row.text.split())] == [" but", " all"]
    for scale in range(1, 5):
        boxes, _ = read_boxes(root / "lambda_x_test.json", scale)
        assert boxes.keys() == {row.id for row in rows}
    stock = stock_of(config)
    assert (stock.listed, stock.published) == ({"train": 0, "dev": 0, "test": 2583},) * 2
    assert [(gap.split, gap.samples) for gap in stock.gaps] == [("test", 2583)]
