"""HearAI's folders: what their own loader reads of them, and one message for each fault."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hearai import CLASSES, GLOSSES, write_hearai, write_points
from official import lines

from signkit.data.corpora.configs import HearaiConfig
from signkit.data.corpora.hearai import HEADS, read
from signkit.errors import UserError, UserErrors
from signkit.testing import check_corpus
from signkit.types import Features, Landmarks, Video


def config(root: Path, **options: object) -> HearaiConfig:
    return HearaiConfig(root=str(root), folds=3, **options)  # type: ignore[arg-type]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_hearai(tmp_path / "clips")


def test_the_real_clips_are_what_their_loader_reads(real_data: Callable[[str], Path]) -> None:
    """`VideoRecord`: the end is included, the gloss is the fourth cell, the classes are the cells from it."""
    corpus = read(config(real_data("hearai_clips")))
    assert sorted(sample.id for sample in corpus.samples) == ["1", "2", "3"]
    for sample in corpus.samples:
        assert (sample.frames, sample.reference, sample.fps) == (8, ("8",), 25.0)
        assert [sample.labels[head] for head in HEADS[:8]] == ["0", "1", "1", "1", "1", "1", "1", "1"]
        signal = sample.load()
        assert isinstance(signal, Video)
        assert signal.clip.read(np.arange(8)).shape == (8, 100, 100, 3)


def test_a_folder_of_frames(root: Path) -> None:
    corpus = check_corpus(config(root))
    found = {sample.id: sample for sample in corpus.samples}
    assert [*found] == ["a", "b-0-3", "b-4-5", "c"]
    assert (corpus.layout, corpus.width) == ("video", 3)
    assert {name: sample.frames for name, sample in found.items()} == {"a": 3, "b-0-3": 4, "b-4-5": 2, "c": 2}
    assert {name: sample.reference for name, sample in found.items()} == {
        "a": ("7",),
        "b-0-3": ("12",),
        "b-4-5": ("7",),
        "c": (),
    }
    assert dict(found["a"].labels) == dict(zip(HEADS, "012345678", strict=True))
    assert "hand_shape_bending" not in found["b-0-3"].labels
    assert len(found["b-0-3"].labels) == 7
    assert (found["a"].fps, found["c"].fps) == (29.97, 25.0)
    signal = found["b-4-5"].load()
    assert isinstance(signal, Video)
    assert signal.clip.read(np.array([0, 1]))[:, 0, 0, 0].tolist() == pytest.approx([40, 50], abs=3)
    assert corpus.notes == (
        "split at random, since signers are not known: scores say nothing of new signers",
    )


def test_one_annotation_file_is_enough(root: Path) -> None:
    (root / "test_gloss.txt").unlink()
    corpus = read(config(root))
    assert {sample.reference for sample in corpus.samples} == {()}
    assert corpus.notes[0] == f"{root}/test_gloss.txt is not there"
    (root / "test_hamnosys.txt").unlink()
    assert message(root) == f"{root}: has no test_gloss.txt and no test_hamnosys.txt"
    assert message(root, gloss="", hamnosys="x.txt") == f"{root}: has no x.txt"
    assert message(root, gloss="", hamnosys="") == f"{root}: has no annotation file"


def message(root: Path, **options: object) -> str:
    with pytest.raises((UserError, UserErrors)) as caught:
        read(config(root, **options))
    return str(caught.value)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("a 0", "has 2 columns; a line is NAME START END and its labels"),
        ("a x 2 0 1 2 3 4 5 6 7", "START is 'x', not a whole number"),
        ("a 0 2.0 0 1 2 3 4 5 6 7", "END is '2.0', not a whole number"),
        ("a 2 1 0 1 2 3 4 5 6 7", "frames 2 to 1 are not an interval"),
        ("../a 0 2 0 1 2 3 4 5 6 7", "../a is a path, not the name of a folder"),
        ("a 0 2 0 1 2 3 4 5 6", f"has 7 classes, not 8 or 9; their order is {', '.join(HEADS)}"),
        ("a 0 2 0 1 2 3 4 5 6 7 8 9", f"has 10 classes, not 8 or 9; their order is {', '.join(HEADS)}"),
        ("a 0 2 0 1 2 8.0 4 5 6 7", "hand_shape_bending is '8.0', not a whole number"),
        ("a 0 2 0 1 2 -1 4 5 6 7", "hand_shape_bending is '-1', not a whole number"),
        (f"a 0 2 {CLASSES}\na 0 2 {CLASSES}", "a, frames 0 to 2, is there twice, first in line 3"),
    ],
)
def test_lines_that_are_wrong(root: Path, row: str, what: str) -> None:
    file = root / "test_hamnosys.txt"
    lines(file, ["name start end symmetry", "", *row.split("\n")])
    assert message(root) == f"{file}:{3 + row.count(chr(10))}: {what}"


def test_a_header_is_the_first_line_alone(root: Path) -> None:
    file = root / "test_gloss.txt"
    lines(file, [*GLOSSES, "name start end gloss"])
    assert message(root) == f"{file}:{len(GLOSSES) + 1}: START is 'start', not a whole number"


def test_frames_that_are_missing(root: Path) -> None:
    (root / "b/b_2.jpg").unlink()
    at = f"{root}/b: has no b_2.jpg; {root}/test_gloss.txt:3 is of frames 0 to 3"
    assert message(root) == at
    (root / "a").rename(root / "A")
    assert message(root).splitlines() == [
        f"{root}/a: there is no such folder; it is that of {root}/test_gloss.txt:2",
        at,
    ]


def test_a_clip_of_train_may_be_left_out(root: Path) -> None:
    whole = [read(config(root, fold=fold)).samples for fold in range(3)]
    splits = [next(s.split for s in samples if s.id == "b-0-3") for samples in whole]
    assert sorted(splits) == ["dev", "test", "train"]
    (root / "b/b_2.jpg").unlink()
    what = f"{root}/b: has no b_2.jpg; {root}/test_gloss.txt:3 is of frames 0 to 3"
    for fold, split in enumerate(splits):
        if split == "train":
            corpus = read(config(root, missing="skip", fold=fold))
            assert corpus.left_out == (what,)
            assert "b-0-3" not in {sample.id for sample in corpus.samples}
        else:
            assert message(root, missing="skip", fold=fold) == what


def test_properties_that_are_none(root: Path) -> None:
    file = root / "a/a_properties.json"
    for text in ("{", "[]", "{}", '{"FPS": 0}', '{"FPS": "fast"}', '{"FPS": null}'):
        file.write_text(text)
        assert message(root) == f"{file}: has no `FPS` that is a number of frames a second"


def test_landmarks_of_their_tool(root: Path) -> None:
    """Places of the points, by part; one that was filled in is missing."""
    arrays = write_points(root)
    corpus = check_corpus(config(root, signal="landmarks"))
    assert (corpus.layout, corpus.width) == ("holistic", 3)
    signal = next(sample for sample in corpus.samples if sample.id == "b-4-5").load()
    assert isinstance(signal, Landmarks)
    left = arrays["b"]["left_hand"].reshape(6, 21, 8)
    np.testing.assert_array_equal(signal.points[:, 501:522], left[4:6, :, :3])
    right = arrays["b"]["right_hand"].reshape(6, 21, 8)[4:6]
    assert np.isnan(signal.points[0, 522 + 3]).all()  # `write_points` marks it
    np.testing.assert_array_equal(signal.points[1, 522:], right[1, :, :3])
    np.testing.assert_array_equal(signal.points[:, :33], arrays["b"]["pose"].reshape(6, 33, 8)[4:6, :, :3])
    assert np.isnan(signal.points[:, 33:501]).all()


def test_all_numbers_as_features(root: Path) -> None:
    arrays = write_points(root)
    arrays["a"]["pose"][1, 5] = np.nan
    np.savez(root / "a/a.npz", **arrays["a"])
    corpus = check_corpus(config(root, signal="features"))
    assert (corpus.layout, corpus.width) == ("", 8 * (33 + 21 + 21))
    signal = next(sample for sample in corpus.samples if sample.id == "a").load()
    assert isinstance(signal, Features)
    assert signal.vectors[1, 5] == 0
    np.testing.assert_array_equal(signal.vectors[2, 264:432], arrays["a"]["left_hand"][2])


def test_landmarks_that_are_wrong(root: Path) -> None:
    where = f"{root}/test_gloss.txt"
    assert message(root, signal="landmarks").splitlines()[0].endswith("a/a.npz: there is no such file")
    arrays = write_points(root)
    file = root / "b/b.npz"
    np.savez(file, **{**arrays["b"], "pose": arrays["b"]["pose"][:5]})
    assert message(root, signal="landmarks") == f"{file}: `pose` has 5 frames; {where}:4 ends at frame 5"
    np.savez(file, **{**arrays["b"], "left_hand": arrays["b"]["left_hand"][:, :63]})
    faults = message(root, signal="landmarks").splitlines()
    assert faults[0].endswith(
        "`left_hand` has 63 numbers a frame, not 8 for each of 21 points; `signal: features` takes any"
    )
    faults = message(root, signal="features").splitlines()
    assert faults[0].endswith(f"{file}: has 495 numbers a frame; the clips before have 600")
    np.savez(file, **{name: array for name, array in arrays["b"].items() if name != "pose"})
    assert "no array `pose`" in message(root, signal="features")
