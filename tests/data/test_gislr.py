"""The folder of Kaggle's isolated signs: participants held out, and what is missing, word for word."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from isolated import PARTICIPANTS, gislr

from signkit.data.corpora import gislr as reader
from signkit.data.corpora.configs import GislrConfig
from signkit.errors import UserError
from signkit.testing import check_corpus
from signkit.types import Corpus, Landmarks

pytest.importorskip("pyarrow")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return gislr(tmp_path / "asl-signs")


def read(root: Path, **options: Any) -> Corpus:
    return reader.read(GislrConfig(**{"root": str(root), "folds": 3} | options))


def refused(root: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        read(root, **options)
    return str(caught.value)


def test_as_it_unpacks(root: Path) -> None:
    corpus = read(root)
    assert (corpus.name, corpus.layout, corpus.width, corpus.notes) == ("gislr", "holistic", 3, ())
    assert [(s.id, s.reference, s.signer, s.frames) for s in corpus.samples] == [
        ("1001", ("TV",), "16069", 4),
        ("1002", ("thank_you",), "16069", 2),
        ("1003", ("TV",), "25571", 3),
        ("1004", ("thank_you",), "25571", 4),
        ("1005", ("TV",), "36257", 2),
        ("1006", ("thank_you",), "36257", 3),
    ]
    signal = corpus.samples[0].load()
    assert isinstance(signal, Landmarks) and signal.points.shape == (4, 543, 3)
    assert np.isnan(signal.points).sum() == 4 * 21 * 3  # the left hand
    check_corpus(GislrConfig(root=str(root), folds=3), samples=2)


def test_each_participant_is_held_out_once(root: Path) -> None:
    tested = set()
    for fold in range(3):
        splits: dict[str, set[str]] = {}
        for sample in read(root, fold=fold).samples:
            splits.setdefault(sample.signer, set()).add(sample.split)
        assert sorted(splits) == sorted(PARTICIPANTS)
        assert sorted(map(sorted, splits.values())) == [["dev"], ["test"], ["train"]]
        tested |= {signer for signer, found in splits.items() if found == {"test"}}
    assert tested == set(PARTICIPANTS)


def test_frames_a_second_are_the_users(root: Path) -> None:
    assert {s.fps for s in read(root).samples} == {25.0}
    assert {s.fps for s in read(root, fps=30).samples} == {30.0}


def test_missing_files(root: Path) -> None:
    gone = root / "train_landmark_files/16069/1001.parquet"
    gone.unlink()
    assert refused(root) == f"{gone}: there is no such file; it is that of {root}/train.csv:2"
    corpus = read(root, missing="skip")
    assert len(corpus.samples) == 5
    assert len(corpus.left_out) + len(corpus.notes) == 1  # of train, or of dev or test


def test_a_damaged_file_is_named(root: Path) -> None:
    file = root / "train_landmark_files/16069/1001.parquet"
    file.write_bytes(file.read_bytes()[:200])
    assert refused(root).startswith(f"{file}: not a readable parquet file; it may be truncated or damaged")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("a.parquet,1,7,dog", "sign 'dog' is not in sign_to_prediction_index_map.json"),
        ("a.parquet,,7,wet", "participant_id is empty"),
        ("../a.parquet,1,7,wet", "path ../a.parquet is not below the folder"),
        ("a.parquet,1,1001,wet", "sequence 1001 is there twice, first in line 2"),
    ],
)
def test_faults_of_the_list(row: str, expected: str, root: Path) -> None:
    with (root / "train.csv").open("a") as file:
        file.write(row + "\n")
    assert refused(root) == f"{root}/train.csv:8: {expected}"


def test_without_the_map_any_sign_is_read(root: Path) -> None:
    (root / "sign_to_prediction_index_map.json").unlink()
    assert len(read(root).samples) == 6
    (root / "sign_to_prediction_index_map.json").write_text("[]")
    assert refused(root).endswith("map.json: is no object of signs with their numbers")


def test_fewer_participants_than_folds_without_a_wish_are_split_at_random(root: Path) -> None:
    assert read(root, folds=5).notes[0].startswith("split at random: signers are in several splits")
    assert refused(root, folds=5, split="signer") == f"{root}: has 3 signers for 5 folds; `folds: 3`"


def test_the_original_files(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    files = sorted((real_data("isolated_asl_landmarks") / "parquet_samples").iterdir())
    rows = [f"{each.name},{number % 3},{each.stem},hello" for number, each in enumerate(files)]
    for each in files:
        (tmp_path / each.name).symlink_to(each)
    (tmp_path / "train.csv").write_text("\n".join(["path,participant_id,sequence_id,sign", *rows]))
    corpus = read(tmp_path)
    assert [s.frames for s in corpus.samples] == [10, 17, 8, 8, 9, 17]
    assert all(len(s.load().points) == s.frames for s in corpus.samples)  # type: ignore[union-attr]
