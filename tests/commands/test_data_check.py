"""`signkit data check` and `signkit data report`: every kind of fault, the exit status, what is printed."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import official
import pytest
from tiny import signkit, write_corpus, write_npz

from signkit.commands.data import check as data_check
from signkit.commands.data.check import Options, check_corpus
from signkit.commands.data.report import report_corpus
from signkit.data.corpora import phoenix2014
from signkit.errors import OperationalError, UserError
from signkit.report.corpus import page
from signkit.report.corpus.describe import Held, describe
from signkit.report.corpus.tokens import characters, few_frames, frames_each
from signkit.types import Corpus, Features, Sample, Video

FRAMES = f"phoenix-2014-multisigner/{official.FRAMES}"


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as large as was published: two, one and one."""
    monkeypatch.setitem(phoenix2014.PUBLISHED, "multisigner", {"train": 2, "dev": 1, "test": 1})
    return official.phoenix2014(tmp_path / "release")


def checked(capsys: pytest.CaptureFixture[str], ref: str, root: Path, **options: object) -> tuple[int, dict]:
    status = check_corpus(ref, Options(root=root, as_json=True, **options))
    out, err = capsys.readouterr()
    assert err == ""
    return status, json.loads(out)


def test_a_complete_folder(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, found = checked(capsys, "phoenix2014", release, frames="all")
    assert status == 0
    part = {"published": 1, "listed": 1, "usable": 1, "signers": 1}
    assert found == {
        "corpus": "phoenix2014",
        "parts": {
            "train": {"listed": 2, "published": 2, "usable": 2, "frames": 5, "signers": 2, "glosses": 5},
            "dev": {**part, "frames": 2, "glosses": 2},
            "test": {**part, "frames": 4, "glosses": 1},
        },
        "clips": 4, "decoded": 11, "lists": [], "missing": [], "unreadable": [], "why": {},
        "in_two_splits": [], "in_one_split_twice": [], "unseen": [], "glosses": [], "notices": [],
        "near_duplicates": [], "near_refused": False,
        "films": [],
        "complete": True,
    }  # fmt: skip


@pytest.mark.parametrize(("frames", "decoded"), [("none", 0), ("sample", 3 + 2 + 2 + 3), ("all", 11)])
def test_how_much_is_decoded(
    release: Path, capsys: pytest.CaptureFixture[str], frames: str, decoded: int
) -> None:
    assert checked(capsys, "phoenix2014", release, frames=frames)[1]["decoded"] == decoded


def test_lists_that_name_more_or_fewer_than_were_published(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = checked(capsys, "phoenix2014", official.phoenix2014(tmp_path))
    assert status == 2 and not found["complete"]
    assert found["lists"] == [
        "train: its list names 2 samples, 5,672 were published",
        "dev: its list names 1 samples, 540 were published",
        "test: its list names 1 samples, 629 were published",
    ]


@pytest.mark.parametrize(
    ("module", "config", "published"),
    [
        ("phoenix2014", {"part": "multisigner"}, (5672, 540, 629)),
        ("phoenix2014", {"part": "si5"}, (4376, 111, 180)),
        ("phoenix2014t", {}, (7096, 519, 642)),
        ("csl_daily", {}, (18401, 1077, 1176)),
    ],
)
def test_what_was_published(
    module: str,
    config: dict,
    published: tuple[int, int, int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if module == "phoenix2014":
        official.phoenix2014(tmp_path, config["part"])
    else:
        getattr(official, module)(tmp_path)
    overrides = tuple(f"data.{key}={value}" for key, value in config.items())
    parts = checked(capsys, module, tmp_path, overrides=overrides, frames="none")[1]["parts"]
    assert tuple(part["published"] for part in parts.values()) == published


def test_missing_and_unreadable_frames_are_told_apart(
    release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = release / FRAMES
    shutil.rmtree(frames / "train/monday-1")
    picture = frames / "test/friday-0/1/fn000002-0.png"
    picture.write_bytes(picture.read_bytes()[:50])
    row = f"{release}/phoenix-2014-multisigner/annotations/manual/train.corpus.csv:3"
    status, found = checked(capsys, "phoenix2014", release, frames="all")
    assert status == 2
    assert found["missing"] == [f"{frames}/train/monday-1/1: there is no such folder; it is that of {row}"]
    (fault,) = found["unreadable"]
    assert fault.startswith(f"{frames}/test/friday-0/1: frame 2 (fn000002-0.png) cannot be decoded; ")
    assert (found["decoded"], found["lists"], found["parts"]["train"]["usable"]) == (8, [], 1)


def test_faults_of_the_lists_do_not_hide_what_is_there(
    release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = release / "phoenix-2014-multisigner/annotations/manual/dev.corpus.csv"
    file.unlink()
    status, found = checked(capsys, "phoenix2014", release)
    assert status == 2
    assert found["lists"] == [
        f"{file}: there is no such file", "dev: its list names 0 samples, 1 were published",
    ]  # fmt: skip
    assert found["parts"]["train"]["usable"] == 2


def test_the_words_on_a_terminal(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(release / FRAMES / "dev")
    done = signkit("data", "check", "phoenix2014", "--root", release)  # a process of its own: as published
    lines = [line.strip() for line in done.out.splitlines() if line.strip()]
    assert (done.status, done.err) == (2, "")
    assert lines[0] == "phoenix2014"
    assert lines[1].split() == ["split", "listed", "published", "usable", "frames", "signers", "glosses"]
    assert lines[3].split() == ["train", "2", "5,672", "2", "5", "2", "5"]
    assert lines[6:] == [
        "faults of the lists: 3",
        "train: its list names 2 samples, 5,672 were published",
        "dev: its list names 1 samples, 540 were published",
        "test: its list names 1 samples, 629 were published",
        "clips that cannot be used: 1 (there is no such folder; it is that of … samples of dev: 1)",
        f"{release}/{FRAMES}/dev: there is no such folder; it is that of 1 samples of dev",
        "not complete; 8 frames of 3 clips were decoded",
    ]


def test_a_folder_that_is_not_the_corpus_and_a_corpus_that_is_none(tmp_path: Path) -> None:
    done = signkit("data", "check", "csl_daily", "--root", tmp_path)
    assert done.status == 2
    assert done.err == (
        f"error: {tmp_path}: no split_1.txt in it; "
        f"nor in {tmp_path}/sentence_label, {tmp_path}/CSL-Daily/sentence_label\n"
    )


def test_other_corpora_are_what_their_readers_give(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_corpus(tmp_path)
    status, found = checked(capsys, "manifest", tmp_path)
    assert status == 0 and found["complete"] and found["parts"]["train"]["published"] is None
    assert found["decoded"] == sum(part["usable"] for part in found["parts"].values())
    sizes = ("data.train=3", "data.dev=1", "data.test=1")
    made = json.loads(
        signkit("data", "check", "synthetic", "--json", *(f"--set={word}" for word in sizes)).out
    )
    assert (made["complete"], made["decoded"]) == (True, 5)


def test_everything_that_is_wrong_with_a_manifest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be used is counted by its kind, what can be used but looks wrong is named, of all clips."""
    write_corpus(tmp_path, train=60, dev=2, test=1)
    manifest = tmp_path / "manifest.csv"
    for name in ("train0", "train1", "dev1"):
        (tmp_path / f"{name}.npz").write_bytes(b"")
    (tmp_path / "train2.npz").unlink()
    for name, points in (("train3", slice(0, 2)), ("train4", slice(None))):
        with np.load(tmp_path / f"{name}.npz") as arrays:
            hidden = arrays["landmarks"].copy()
        hidden[:, points] = np.nan
        write_npz(tmp_path / f"{name}.npz", hidden)
    manifest.write_text(
        manifest.read_text()
        + "x,train5.npz,JOHN,test\ny,train5.npz,READ,train\nz,train6.npz,who\u200b,train\n,,,\n"
        "w,train7.npz,,train\n"
    )
    status, found = checked(capsys, "manifest", tmp_path)
    where = f"{manifest}:"
    reasons = "not a readable npz file; it may be truncated or damaged (File is not a zip file)"
    assert (status, found["complete"]) == (2, False)
    assert found["lists"] == [f"{where}69: the gloss is empty"]
    assert found["why"] == {"not a readable npz file": 3, "there is no such file": 1}
    assert found["missing"] == [
        f"{where}2: train0.npz: {reasons}", f"{where}3: train1.npz: {reasons}",
        f"{where}4: train2.npz: there is no such file", f"{where}63: dev1.npz: {reasons}",
    ]  # fmt: skip
    assert found["unseen"] == [
        f"{where}5: train3: neither hand is seen in any frame",
        f"{where}6: train4: no point is seen in any frame",
    ]  # fmt: skip
    assert found["in_two_splits"] == [
        f"{where}65: train5.npz is in two splits: train (id 'train5', line 7) and test (id 'x') here",
        f"{where}66: train5.npz is in two splits: test (id 'x', line 65) and train (id 'y') here",
    ]
    assert found["in_one_split_twice"] == [
        f"{where}67: train6.npz is twice in train: id 'train6', line 8, and id 'z' here"
    ]
    assert [each["kind"] for each in found["glosses"]] == ["invisible", "twins"]
    assert found["clips"] == found["decoded"] == 62
    assert check_corpus("manifest", Options(root=tmp_path)) == 2
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    titles = [line for line in lines if not line.startswith(str(tmp_path)) and ": " in line]
    assert titles == [
        "faults of the lists: 1",
        "clips that cannot be used: 4 (not a readable npz file: 3, there is no such file: 1)",
        "clips in two splits: 2 (`--set data.shared_clips=allow` if that is meant)",
        "clips twice in one split: 1",
        "clips that show no hand, of 62: 2 (they can be used all the same)",
        "to look at in the glosses: 2",
    ]


def test_what_only_looks_wrong_is_no_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_corpus(tmp_path)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("HOUSE", "HOUSE,", 1))
    manifest.write_text(manifest.read_text().replace("HOUSE,", "house", 1))
    status, found = checked(capsys, "manifest", tmp_path)
    assert (status, found["complete"]) == (0, True)
    assert [each["kind"] for each in found["glosses"]] == ["twins"]


def sample(name: str, split: str, glosses: str, signer: str = "", frames: int = 4) -> Sample:
    return Sample(
        name, split, tuple(glosses.split()), frames, lambda: Features(np.zeros((frames, 2))), signer=signer
    )


TINY = Corpus(
    "tiny",
    (
        sample("a", "train", "A B", "ada"), sample("b", "train", "A C", "bob"),
        sample("c", "dev", "A B", "ada"), sample("d", "dev", "D A D", "ada", 9), sample("e", "test", "C", ""),
    ),
    "",
    2,
)  # fmt: skip


def test_what_dev_has_that_train_has_not() -> None:
    described = describe(TINY)
    assert described.held == {
        "dev": Held(sentences=2, glosses=5, unknown={"D": 2}, touched=1, seen=1),
        "test": Held(sentences=1, glosses=1, unknown={}, touched=0, seen=0),
    }
    assert [*described.counts] == ["A", "B", "C", "D"]
    assert described.counts["A"] == {"train": 2, "dev": 2, "test": 0}
    assert described.signers["ada"] == {"train": (1, 4), "dev": (2, 13), "test": (0, 0)}


def test_characters_and_frames_for_each_token() -> None:
    """With the spaces between glosses, which models of characters write too."""
    dev = TINY.split("dev")
    assert characters(dev) == {"A": 2, "B": 1, "D": 2, " ": 3}
    assert [frames_each(sample, "gloss") for sample in dev] == [2.0, 3.0]
    assert [frames_each(sample, "character") for sample in dev] == [4 / 3, 9 / 5]
    assert few_frames(dev, "gloss") == {1: 0, 2: 0, 4: 2, 8: 2, 12: 2, 16: 2, 24: 2, 32: 2}
    assert few_frames(dev, "character") == {1: 0, 2: 2, 4: 2, 8: 2, 12: 2, 16: 2, 24: 2, 32: 2}
    assert frames_each(sample("x", "train", ""), "gloss") == float("inf")


def test_the_page_of_a_corpus_counts_clips_with_few_frames_and_its_own_rates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, frames in (("a", 6), ("b", 30), ("c", 60)):
        np.savez(tmp_path / f"{name}.npz", features=np.ones((frames, 2)))
    rows = "id,path,gloss,split,fps\na,a.npz,A B,train,10\nb,b.npz,AB,train,\nc,c.npz,C,test,60\n"
    (tmp_path / "manifest.csv").write_text(rows)
    assert report_corpus("manifest", tmp_path / "report.html", tmp_path, as_json=True) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["characters"] == {"A": 2, "B": 2, " ": 1, "C": 1}
    assert figures["few_frames"]["gloss"]["train"] == {
        "1": 0, "2": 0, "4": 1, "8": 1, "12": 1, "16": 1, "24": 1, "32": 2,
    }  # fmt: skip
    text = " ".join(re.sub(r"<[^>]+>", " ", (tmp_path / "report.html").read_text()).split())
    assert "4 for each gloss 1 (50.0 %) 0 (0.0 %)" in text
    assert "2 for each character 0 (0.0 %) 0 (0.0 %) 4 for each character 1 (50.0 %) 0 (0.0 %)" in text
    assert "Times at the frames a second of each clip, 10 to 60." in text
    assert "train 2 36 0.00 0.6 1.2 1.2" in text and "test 1 60 0.00 1.0 1.0 1.0" in text


def test_the_page_is_whole_and_needs_nothing_outside_it(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manual = release / "phoenix-2014-multisigner/annotations/manual"
    row = "tuesday-0|tuesday-0/1/*.png|Signer05|<script>alert(1)</script> NEU &amp; $x$"
    official.lines(manual / "dev.corpus.csv", [official.PHOENIX_HEADER, row])
    shutil.rmtree(release / FRAMES / "train/monday-1")
    page = tmp_path / "report.html"
    assert report_corpus("phoenix2014", page, release, as_json=True) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["samples"] == {"train": 1, "dev": 1, "test": 1}
    assert set(figures["out_of_vocabulary"]["dev"]) == {"<script>alert(1)</script>", "NEU", "&amp;", "$x$"}
    text = page.read_text(encoding="utf-8")
    assert text.count("<script") == 1 and "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert not re.findall(r"(?:src|href)=['\"]?(?!['\"]?(?:data:|#))", text)
    assert (
        text.count("<figure>") == 3
        and text.count("<img") == 5
        and "1 fault or missing sample; signkit data check names it." in text
    )


def test_a_page_of_landmarks_and_what_cannot_be_a_page(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    assert report_corpus("manifest", tmp_path / "new/report.html", tmp_path) == 0
    assert (tmp_path / "new/report.html").read_text().count("<figure>") > 0
    with pytest.raises(UserError, match="is a folder; name the page, such as report.html$"):
        report_corpus("manifest", tmp_path, tmp_path)


class Clip:
    """Four frames on a disk that fails at the third."""

    frames, fps = 4, 25.0

    def read(self, places: np.ndarray, size: object = None) -> np.ndarray:
        if 2 in places:
            raise OperationalError("clip: cannot be read: Input/output error")
        return np.zeros((len(places), 2, 2, 3), np.uint8)


def test_a_disk_that_fails_does_not_hide_the_other_frames() -> None:
    """And a clip of another length is not an unreadable frame."""
    clip = Sample("x", "train", ("A",), 5, lambda: Video(Clip()), source="list:3")
    assert data_check._decode(clip, every=True) == data_check.Decoded(
        3, ["list:3: x has 4 frames, not 5", "clip: cannot be read: Input/output error"]
    )

    def load() -> Video:
        raise OperationalError("clip: cannot be read: Permission denied")

    assert data_check._decode(Sample("x", "train", ("A",), 5, load), every=True) == data_check.Decoded(
        0, ["clip: cannot be read: Permission denied"]
    )


def test_a_clip_that_has_changed_since_it_was_counted() -> None:
    changed = Sample("x", "train", ("A",), 7, lambda: Features(np.zeros((5, 2), np.float32)), source="list:3")
    assert data_check._decode(changed, every=True) == data_check.Decoded(1, ["list:3: x has 5 frames, not 7"])


def test_the_axes_of_a_small_corpus_have_plain_numbers() -> None:
    """No markup of formulas, and whole numbers of clips, glosses and sentences."""
    samples = tuple(
        Sample(str(n), "train", ("A", "B")[: 1 + n % 2], 10 + n, lambda: Features(np.zeros((1, 1)), 25.0), "")
        for n in range(7)
    )
    figure = page._figure(describe(Corpus("small", samples, "", 1, (), "")), 25.0)
    figure.canvas.draw()
    durations, lengths, ranks = figure.axes
    for axis in (ranks.xaxis, ranks.yaxis):
        labels = [
            label.get_text() for which in ("major", "minor") for label in axis.get_ticklabels(which=which)
        ]
        assert any(labels) and not any("$" in label for label in labels)
    for axis in (durations.yaxis, lengths.xaxis, lengths.yaxis):
        assert all(float(tick).is_integer() for tick in axis.get_ticklocs())
