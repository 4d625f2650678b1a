"""Kaggle's folder of spelled phrases: what is read, by which rows, and what is missing, word for word."""

from collections.abc import Callable
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fingerspelled import COLUMNS, PHRASES, aslfr, long_file, wide, write

from signkit.commands.data.check import stock_of
from signkit.config.recipe import AugmentConfig, LandmarksConfig
from signkit.data.corpora import aslfr as reader
from signkit.data.corpora.configs import AslfrConfig
from signkit.data.examples import Examples
from signkit.data.landmark_files import read_landmarks, sequences
from signkit.data.landmark_files import wide as wide_module
from signkit.data.landmark_files.wide import WideFile
from signkit.data.layouts import layout, subset
from signkit.data.loader import Step, train_steps
from signkit.errors import UserError
from signkit.testing import check_corpus
from signkit.types import Corpus, Landmarks

pytest.importorskip("pyarrow")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sequences, "cache_folder", lambda name: tmp_path / "cache" / name)
    return tmp_path / "cache/sequences"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return aslfr(tmp_path / "asl-fingerspelling")


def read(root: Path, **options: Any) -> Corpus:
    return reader.read(AslfrConfig(**{"root": str(root), "folds": 3} | options))


def refused(root: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read(root, **options)
    return str(caught.value)


def loaded(corpus: Corpus, sample: str) -> np.ndarray:
    signal = next(each for each in corpus.samples if each.id == sample).load()
    assert isinstance(signal, Landmarks)
    return signal.points


def test_as_it_unpacks(root: Path) -> None:
    corpus = read(root)
    assert (corpus.name, corpus.layout, corpus.width) == ("aslfr", "fingerspelling", 3)
    assert corpus.notes == corpus.left_out == ()
    assert [(s.id, s.text, s.signer, s.frames) for s in corpus.samples] == [
        ("10", PHRASES[0], "71", 8),
        ("11", PHRASES[1], "72", 10),
        ("12", PHRASES[2], "70", 12),
        ("13", PHRASES[3], "71", 14),
        ("14", PHRASES[4], "72", 16),
        ("15", PHRASES[5], "70", 18),
    ]
    assert corpus.samples[0].reference == ("3", "creekhouse")
    assert {s.fps for s in corpus.samples} == {30.0}
    assert {len({s.split for s in corpus.samples if s.signer == who}) for who in ("70", "71", "72")} == {1}
    check_corpus(AslfrConfig(root=str(root), folds=3), samples=2)


@pytest.mark.parametrize(
    ("points", "group"),
    [("fingerspelling", None), ("fingerspelling", 7), ("hand_and_arm", 7), ("signing", None), ("all", 7)],
)
def test_points_are_those_of_the_columns(points: Any, group: int | None, tmp_path: Path) -> None:
    """By the reader of single sequences, which reads all points."""
    root = aslfr(tmp_path / "grouped", group)
    corpus = read(root, points=points)
    chosen = subset(layout("holistic"), points)[1]
    for sample in corpus.samples[2:4]:
        file = f"train_landmarks/{'101' if sample.id < '13' else '102'}.parquet"
        whole = read_landmarks(root / f"{file}#{sample.id}")
        assert isinstance(whole, Landmarks)
        np.testing.assert_array_equal(loaded(corpus, sample.id), whole.points[:, chosen])


def test_in_any_order_and_by_any_steps_the_same_rows(tmp_path: Path) -> None:
    """Steps of a few rows, across groups, forwards, backwards and far ahead."""
    values = np.arange(90, dtype=np.float32)
    write(tmp_path / "a.parquet", {"a": values, "b": -values}, group=20)
    spans = [*pairwise((0, 3, 25, 41, 90)), (0, 90), (85, 90), (1, 2), (38, 62), (19, 21), (60, 61)]
    file = WideFile(tmp_path / "a.parquet", ("b", "a"), step=6 * 8, retained=3 * 8)
    for first, last in (*spans, *reversed(spans)):
        expected = np.stack([-values[first:last], values[first:last]], axis=1)
        np.testing.assert_array_equal(file.rows(first, last), expected)


def test_in_the_order_of_the_file_each_row_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.parquet", {"a": np.arange(1000.0)}, group=300)
    decoded, usual = [], wide_module.numbers_of
    monkeypatch.setattr(
        wide_module,
        "numbers_of",
        lambda batch, *names: decoded.append(batch.num_rows) or usual(batch, *names),
    )
    file = WideFile(tmp_path / "a.parquet", ("a",), step=40, retained=80)
    for first in range(0, 1000, 7):
        file.rows(first, min(first + 7, 1000))
    assert sum(decoded) == 1000 and max(decoded) == 10
    file.rows(650, 660)  # the group that begins with row 600
    assert sum(decoded) == 1060


def test_what_is_missing_is_nan_and_a_gap_in_the_frames_too(root: Path) -> None:
    write(root / "train_landmarks/101.parquet", wide({10: [5, 6, 9], 11: [1], 12: [3, 2]}))
    corpus = read(root, points="hands")
    points = loaded(corpus, "10")
    assert points.shape == (5, 42, 3)
    seen = ~np.isnan(points).any(-1)
    assert seen[:, 21:].all(1).tolist() == [True, False, False, False, True]
    assert not seen[:, :21].any()
    table = wide({10: [5, 6, 9], 11: [1], 12: [3, 2]})
    assert points[4, 21, 0] == table["x_right_hand_0"][2]
    assert loaded(corpus, "12")[1, 21, 0] == table["x_right_hand_0"][4]  # frame 3, in row 4


def test_y_in_the_unit_of_x(root: Path) -> None:
    one, two = (loaded(read(root, aspect=aspect), "10") for aspect in (1, 1.5))
    np.testing.assert_array_equal(two, one * np.float32([1, 1.5, 1]))


def test_a_clip_of_one_frame_is_the_same_when_it_is_loaded_again(root: Path) -> None:
    """It is a whole step of its file, of which other clips may be read."""
    write(root / "train_landmarks/101.parquet", wide({10: [0]}))
    corpus = read(root, aspect=1.5, missing="skip")
    first = loaded(corpus, "10").copy()
    np.testing.assert_array_equal(loaded(corpus, "10"), first)


def test_a_folder_without_the_supplement(root: Path) -> None:
    (root / "supplemental_metadata.csv").unlink()
    with pytest.raises(UserError) as caught:
        read(root, supplemental=True)
    what = "supplemental_metadata.csv: there is no such file; data.supplemental: false does without"
    assert str(caught.value) == f"{root}/{what}"


def test_the_supplement_joins_train_without_participants_of_dev_and_test(root: Path) -> None:
    corpus = read(root, supplemental=True)
    more = [sample for sample in corpus.samples if sample.id.startswith("supplemental")]
    held_out = {sample.signer for sample in corpus.samples if sample.split != "train"}
    people = {"70": ("supplemental-10", 20), "71": ("supplemental-21", 9)}
    expected = [found for who, found in people.items() if who not in held_out]
    assert [(s.id, s.frames) for s in more] == expected and len(expected) < 2
    rest = "those of participants of dev and test are left out"
    assert corpus.notes == (f"{len(expected)} of 2 supplemental clips join train: {rest}",)
    whole = read(root, supplemental=True, split="random")
    assert [(s.id, s.split) for s in whole.samples[-2:]] == [
        ("supplemental-10", "train"),
        ("supplemental-21", "train"),
    ]


def test_filters_leave_out_clips_of_train(root: Path) -> None:
    corpus = read(root, split="random", least_frames_per_character=1)
    train = {s.id for s in read(root, split="random").samples if s.split == "train"}
    frames = {"10": (8, 12), "11": (10, 15), "12": (12, 3), "13": (14, 17), "14": (16, 12), "15": (18, 2)}
    short = [name for name, (count, characters) in frames.items() if count < characters and name in train]
    assert short and len(short) < len(train)
    assert corpus.left_out == tuple(
        f"{root}/train.csv:{int(name) - 8}: sequence {name} is left out: "
        f"{frames[name][0]} frames for {frames[name][1]} characters"
        for name in short
    )
    assert {s.id for s in corpus.samples} == set(frames) - set(short)


def test_filter_by_frames_with_a_hand(root: Path) -> None:
    """Sequence 12 has 6 such frames and 3 characters, 15 has 9 and 2; the others have fewer than one each."""
    splits = ({s.id: s.split for s in read(root, split="random", fold_seed=n).samples} for n in range(99))
    seed = next(n for n, found in enumerate(splits) if found["12"] == found["15"] == "train")
    for factor, left_out in ((1.9, 0), (2, 1)):
        corpus = read(root, split="random", fold_seed=seed, least_hand_frames=factor)
        assert len(corpus.left_out) == left_out and len(corpus.samples) == 6 - left_out
    where = f"{root}/train.csv:4: sequence 12 is left out"
    assert corpus.left_out == (f"{where}: 6 frames with a hand for 3 characters",)
    with pytest.raises(UserError) as caught:
        read(root, split="random", fold_seed=seed, least_hand_frames=5)
    assert (
        str(caught.value)
        == f"{root}: no clip of train is left; {where}: 6 frames with a hand for 3 characters"
    )


@pytest.fixture
def handless(root: Path) -> Path:
    columns = wide({13: range(4), 14: range(3), 15: range(3)})
    for name in COLUMNS:
        if "hand" in name:
            columns[name][columns["sequence_id"] != 15] = np.nan
    write(root / "train_landmarks/102.parquet", columns)
    return root


def test_clips_without_a_hand(handless: Path) -> None:
    note = read(handless).notes[0]
    assert note.startswith("2 of 6 clips show no hand in any frame (")
    assert note.endswith("): used; `data.unseen: skip` leaves those of train out")
    hint = "neither hand is seen in any frame; `data.unseen: use` takes such clips as they are"
    assert refused(handless, unseen="refuse") == "\n".join(
        f"{handless}/train.csv:{n}: {hint}" for n in (5, 6)
    )
    skipped = read(handless, unseen="skip")
    gone = [s for s in read(handless).samples if s.id in ("13", "14") and s.split == "train"]
    assert len(skipped.left_out) == len(gone) == 6 - len(skipped.samples)
    assert all(line.endswith("is left out: neither hand is seen in any frame") for line in skipped.left_out)


def test_a_missing_file(root: Path) -> None:
    gone = root / "train_landmarks/101.parquet"
    gone.unlink()
    message = refused(root, split="random")
    assert message.startswith(f"{root}: 3 of 6 clips cannot be used (")
    assert f"the first: {gone}: there is no such file; " in message
    stock = stock_of(AslfrConfig(root=str(root), folds=3))
    assert sum(gap.samples for gap in stock.gaps) == 3
    assert sorted(str(gap.fault) for gap in stock.gaps)[0].endswith(
        f"should be in it, the first in {root}/train.csv:2"
    )
    assert {s.id for s in read(root, missing="skip").samples} == {"13", "14", "15"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({10: [1, 2], 12: [1]}, "3: sequence 11 of 101.parquet: it is not there"),
        ({10: [1, 2], 11: [1, 1], 12: [1]}, "3: sequence 11 of 101.parquet: it has a frame twice"),
        (
            {10: [1, 2], 11: [1, 30_000], 12: [1]},
            "3: sequence 11 of 101.parquet: its frames have no numbers, or numbers far apart",
        ),
    ],
)
def test_a_sequence_that_cannot_be_read(change: dict[int, list[int]], expected: str, root: Path) -> None:
    write(root / "train_landmarks/101.parquet", wide(change))
    assert refused(root) == f"{root}/train.csv:{expected}"
    assert [s.id for s in read(root, missing="skip").samples] == ["10", "12", "13", "14", "15"]


def test_rows_of_a_sequence_in_two_places(root: Path) -> None:
    columns = wide({10: [1, 2], 11: [1], 9: [3], 12: [1]})
    columns["sequence_id"][columns["sequence_id"] == 9] = 10
    write(root / "train_landmarks/101.parquet", columns)
    assert refused(root) == f"{root}/train.csv:2: sequence 10 of 101.parquet: its rows are not together"


def test_missing_columns(root: Path) -> None:
    columns = wide({10: [1, 2], 11: [1], 12: [1]})
    del columns["y_face_61"], columns["z_pose_11"]
    write(root / "train_landmarks/101.parquet", columns)
    file = root / "train_landmarks/101.parquet"
    message = refused(root, missing="refuse")
    assert f"the first: {file}: lacks 2 of the 391 columns that are read, such as y_face_61; " in message
    assert len(read(root, points="hands").samples) == 6


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("train_landmarks/101.parquet,101,11,70,again", "sequence 11 is there twice, first in line 3"),
        ("train_landmarks/101.parquet,101,99,70, ", "phrase is empty"),
        ("../101.parquet,101,99,70,hi", "path ../101.parquet is not below the folder"),
    ],
)
def test_faults_of_the_list(row: str, expected: str, root: Path) -> None:
    with (root / "train.csv").open("a") as file:
        file.write(row + "\n")
    assert refused(root) == f"{root}/train.csv:8: {expected}"


def test_another_folder(tmp_path: Path) -> None:
    there = f"nor in {tmp_path}/asl-fingerspelling"
    assert refused(tmp_path) == f"{tmp_path}: no train.csv in it; {there}"


def test_a_file_with_a_row_a_point(root: Path) -> None:
    file = root / "train_landmarks/103.parquet"
    long_file(file, 4)
    with (root / "train.csv").open("a") as rows:
        rows.write("train_landmarks/103.parquet,103,16,70,a long one\n")
    corpus = read(root)
    assert [(s.id, s.frames) for s in corpus.samples][-1] == ("16", 4)
    whole = read_landmarks(file)
    assert isinstance(whole, Landmarks)
    chosen = subset(layout("holistic"), "fingerspelling")[1]
    np.testing.assert_array_equal(loaded(corpus, "16"), whole.points[:, chosen])


def test_files_are_looked_up_once_and_again_when_they_change(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, usual = [], sequences._indexed
    monkeypatch.setattr(
        sequences, "_indexed", lambda path, where: looked.append(path.name) or usual(path, where)
    )
    first = read(root)
    assert read(root).fingerprint == first.fingerprint
    assert sorted(looked) == ["101.parquet", "102.parquet"] and len([*cache.iterdir()]) == 2
    write(root / "train_landmarks/102.parquet", wide({13: range(4), 14: range(3), 15: range(3)}))
    changed = read(root)
    assert looked[2:] == ["102.parquet"] and changed.fingerprint != first.fingerprint
    for kept in cache.iterdir():
        kept.write_bytes(kept.read_bytes()[:99])
    assert read(root).fingerprint == changed.fingerprint and len(looked) == 5


def test_a_cache_that_cannot_be_written_is_done_without(root: Path, cache: Path) -> None:
    cache.parent.write_text("no folder")
    assert len(read(root).samples) == 6


def test_large_groups_are_noted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MANY", 38)
    assert read(root).notes == (
        "its files have 39 rows in a group, so clips in random order are read slowly: pack the corpus once "
        "with `signkit data prepare`",
    )
    assert read(aslfr(root.parent / "grouped", 10)).notes == ()


@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_that_is_resumed_reads_the_same_batches(workers: int, root: Path) -> None:
    """Whoever reads them, and whatever was read before: batches from step 3 on are those of a run from its
    beginning. Nothing is kept in memory between them."""

    def steps(start: int, workers: int) -> list[Step]:
        samples = read(root, split="random", fold_seed=2).samples
        examples = Examples(
            samples,
            layout="fingerspelling",
            width=3,
            encode=lambda words: tuple(map(len, words)),
            landmarks=LandmarksConfig(points="hand_and_arm", hand="signing"),
            augment=AugmentConfig(rate=0.2, noise=0.02, mirror=0.5),
            seed=7,
            cache_bytes=0,
        )
        return [*islice(train_steps(examples, 2, 3, start_step=start, workers=workers), 8 - start)]

    for one, two in zip(steps(0, 0)[3:], steps(3, workers), strict=True):
        assert (one.step, one.epoch) == (two.step, two.epoch)
        for ours, theirs in zip(one.parts, two.parts, strict=True):
            assert ours.ids == theirs.ids
            assert torch.equal(ours.inputs, theirs.inputs) and torch.equal(ours.targets, theirs.targets)


def test_the_original_files(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Of the isolated signs, in the form with a row a point."""
    files = sorted((real_data("isolated_asl_landmarks") / "parquet_samples").iterdir())
    lines = [f"{each.name},1,{each.stem},{number % 3},hello" for number, each in enumerate(files)]
    for each in files:
        (tmp_path / each.name).symlink_to(each)
    header = "path,file_id,sequence_id,participant_id,phrase"
    (tmp_path / "train.csv").write_text("\n".join([header, *lines]))
    corpus = read(tmp_path)
    assert [s.frames for s in corpus.samples] == [10, 17, 8, 8, 9, 17]
    assert all(loaded(corpus, s.id).shape == (s.frames, 130, 3) for s in corpus.samples)
