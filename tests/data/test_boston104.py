"""RWTH-BOSTON-104: the real counts, the dev folds, and every fault of its files by its message."""

from dataclasses import replace

import numpy as np
import pytest

from signkit.data import fetch
from signkit.data.corpora.boston104 import dev_fold, read
from signkit.data.corpora.configs import Boston104Config
from signkit.errors import UserError

HEADER = "video,frame,left-x,left-y,right-x,right-y,nose-x,nose-y\n"
WORDS = "video,speaker,word,startframe,endframe\n"
SENTENCES = {1: "A B", 2: "A B", 3: "A C", 4: "B C", 5: "C A"}


@pytest.fixture
def root(tmp_path):
    """A tiny corpus: videos 1 to 4 are train, 5 is test; ten frames each."""
    hands = [f"{v},{f},{100 + f},{200 + v},150,{180 - f},161,62\n" for v in SENTENCES for f in range(10)]
    (tmp_path / "hands_condensed.csv").write_text(HEADER + "".join(hands))
    (tmp_path / "speaker.csv").write_text("video,speaker\n" + "".join(f"{v},s{v % 2}\n" for v in SENTENCES))
    for name, videos in (("train", (1, 2, 3, 4)), ("test", (5,))):
        lines = [
            f"{v},s{v % 2},{gloss},{1 + 4 * k},{4 + 4 * k}\n"
            for v in videos
            for k, gloss in enumerate(SENTENCES[v].split())
        ]
        (tmp_path / f"{name}_words.csv").write_text(WORDS + "".join(lines))
    return tmp_path


def config(root, **options):
    return Boston104Config(root=str(root), **{"folds": 2, "dev": "strict", **options})


def change(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def message(root):
    with pytest.raises(UserError) as error:
        read(config(root))
    return str(error.value).replace(f"{root}/", "").replace(str(root), "ROOT")


def test_samples(root):
    corpus = read(config(root))
    assert (corpus.name, corpus.layout, corpus.width) == ("boston104", "boston104", 2)
    sample = next(s for s in corpus.samples if s.id == "3")
    assert (sample.reference, sample.signer, sample.frames) == (("A", "C"), "s1", 10)
    assert [(s.gloss, s.start, s.end) for s in sample.segments] == [("A", 1, 5), ("C", 5, 9)]
    signal = sample.load()
    assert (signal.layout, signal.fps, signal.points.shape, signal.points.dtype) == (
        "boston104",
        30.0,
        (10, 3, 2),
        np.float32,
    )
    assert signal.points[4].tolist() == [[104, 203], [150, 176], [161, 62]]
    assert [s.id for s in corpus.split("test")] == ["5"]


def test_a_shared_frame_belongs_to_the_later_word(root):
    change(root / "train_words.csv", "1,s1,B,5,8", "1,s1,B,4,8")
    sample = next(s for s in read(config(root)).samples if s.id == "1")
    assert [(s.start, s.end) for s in sample.segments] == [(1, 4), (4, 9)]


def test_dev_in_train_copies(root):
    plain, both = read(config(root)), read(config(root, dev_in_train=True))
    dev = {s.id: s.reference for s in plain.split("dev")}
    assert {s.id: s.reference for s in both.split("dev")} == dev
    assert sorted(s.id for s in both.split("train")) == sorted(
        [*(s.id for s in plain.split("train")), *(f"{name}@train" for name in dev)]
    )
    assert both.fingerprint == plain.fingerprint


def test_real_counts(real_data):
    corpus = read(Boston104Config(root=str(real_data("boston104_hands"))))
    test = corpus.split("test")
    assert len(corpus.samples) == 201
    assert sum(sample.frames for sample in corpus.samples) == 15_746
    assert min(s.frames for s in corpus.samples) == 41 and max(s.frames for s in corpus.samples) == 162
    assert (len(test), sum(len(s.reference) for s in test)) == (40, 178)
    rest = [s for s in corpus.samples if s.split != "test"]
    assert (len(rest), sum(len(s.reference) for s in rest)) == (161, 710)
    assert len({g for s in rest for g in s.reference}) == 112
    assert len({g for s in test for g in s.reference}) == 66
    assert {s.signer for s in corpus.samples} == {"man-1", "woman-1", "woman-2"}
    strings = {s.reference for s in rest}
    assert sum(s.reference in strings for s in test) == 26  # 65 %
    assert all(s.load().points.shape == (s.frames, 3, 2) for s in corpus.samples)


def test_real_seen_folds(real_data):
    options = Boston104Config(root=str(real_data("boston104_hands")))
    sentences = [s.reference for s in read(options).samples if s.split != "test"]
    unseen_before = set()
    for fold in range(5):
        dev = set(dev_fold(sentences, replace(options, fold=fold)))
        rest = {sentence for i, sentence in enumerate(sentences) if i not in dev}
        unseen = {i for i in dev if sentences[i] not in rest}
        assert (len(dev), len(unseen)) == (32, 11)
        assert not unseen & unseen_before
        unseen_before |= unseen


def test_real_strict_folds_divide_train(real_data):
    options = Boston104Config(root=str(real_data("boston104_hands")), dev="strict")
    sentences = [s.reference for s in read(options).samples if s.split != "test"]
    divided = []
    for fold in range(5):
        dev = dev_fold(sentences, replace(options, fold=fold))
        rest = {sentence for i, sentence in enumerate(sentences) if i not in dev}
        assert not rest & {sentences[i] for i in dev}
        assert 32 <= len(dev) <= 33
        divided += dev
    assert sorted(divided) == list(range(161))


def test_folds_follow_the_seed():
    sentences = [(f"S{i}",) for i in range(20)] + [("X",), ("X",), ("Y",), ("Y",)]
    for dev in ("seen", "strict"):
        folds = [dev_fold(sentences, Boston104Config(dev=dev, fold_seed=seed)) for seed in (1, 1, 2)]
        assert folds[0] == folds[1] != folds[2]


def test_an_empty_root_is_the_cache(root, monkeypatch):
    monkeypatch.setattr("signkit.data.corpora.boston104.cache_folder", lambda name: root)
    assert len(read(config("")).samples) == 5


def test_nothing_fetched_yet(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "user_cache_dir", lambda *_, **__: str(tmp_path))
    with pytest.raises(UserError) as error:
        read(Boston104Config())
    assert str(error.value) == (
        f"{tmp_path}/boston104: missing: hands_condensed.csv, speaker.csv, train_words.csv, test_words.csv; "
        "run `signkit data fetch boston104`, or set data.root to the folder of the four CSV files"
    )


def test_missing_file(root):
    (root / "speaker.csv").unlink()
    assert message(root) == (
        "ROOT: missing: speaker.csv; "
        "run `signkit data fetch boston104`, or set data.root to the folder of the four CSV files"
    )


def test_fold_out_of_range(root):
    with pytest.raises(UserError) as error:
        read(config(root, fold=2))
    assert str(error.value) == "fold: 2 is not one of the 2 folds, which begin with 0"


def test_not_utf8(root):
    file = root / "train_words.csv"
    file.write_bytes(file.read_bytes().replace(b"C,5,8", b"CAF\xc9,5,8", 1))
    assert message(root) == "train_words.csv:7: byte 0xC9 is not UTF-8; save the file as UTF-8"


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        (
            "hands_condensed.csv",
            "right-x,",
            "rite-x,",
            "hands_condensed.csv:1: column missing: right-x; "
            "there are: video, frame, left-x, left-y, rite-x, right-y, nose-x, nose-y",
        ),
        (
            "train_words.csv",
            "startframe,endframe",
            "start,end",
            "train_words.csv:1: columns missing: startframe, endframe; "
            "there are: video, speaker, word, start, end",
        ),
        (
            "hands_condensed.csv",
            "1,2,102,201",
            "1,2,1O2,201",
            "hands_condensed.csv:4: left-x is '1O2', not a number",
        ),
        (
            "hands_condensed.csv",
            "1,2,102,201",
            "1,2,nan,201",
            "hands_condensed.csv:4: left-x is 'nan', not a place in a picture",
        ),
        (
            "hands_condensed.csv",
            "1,2,102",
            "1,3,102",
            "hands_condensed.csv:4: video 1 has frame 3 where frame 2 should be",
        ),
        (
            "hands_condensed.csv",
            "1,2,102",
            "1,-2,102",
            "hands_condensed.csv:4: frame is '-2', not a whole number",
        ),
        (
            "hands_condensed.csv",
            "1,2,102,",
            "1,2,",
            "hands_condensed.csv:4: the row has 7 cells, the header 8",
        ),
        (
            "train_words.csv",
            "3,s1,A",
            "9,s1,A",
            "train_words.csv:6: video 9 has no frames in hands_condensed.csv",
        ),
        (
            "train_words.csv",
            "C,5,8",
            "C,5,10",
            "train_words.csv:7: 'C' has frames 5 to 10, but the video has 10 (counted from 0)",
        ),
        (
            "train_words.csv",
            "B,5,8",
            "B,1,8",
            "train_words.csv:3: 'B' begins in frame 1, 'A' before it in frame 1",
        ),
        ("train_words.csv", "B,5,8", ",5,8", "train_words.csv:3: word '' is not one gloss"),
        (
            "train_words.csv",
            "B,5,8",
            "B,five,8",
            "train_words.csv:3: startframe is 'five', not a whole number",
        ),
        (
            "train_words.csv",
            "1,s1,A",
            "1,s0,A",
            "train_words.csv:2: the speaker of video 1 is 's0' here, 's1' in speaker.csv",
        ),
        ("speaker.csv", "3,s1", "2,s1", "speaker.csv:4: video 2 is there twice"),
        (
            "speaker.csv",
            "5,s1\n",
            "",
            "test_words.csv:2: the speaker of video 5 is 's1' here, not in speaker.csv",
        ),
        (
            "test_words.csv",
            "5,s1,C",
            "1,s1,C",
            "test_words.csv:2: sample '1' is in two splits, dev and test",
        ),
    ],
)
def test_faults(root, file, old, new, expected):
    change(root / file, old, new)
    assert message(root) == expected
