"""`signkit data prepare`: what it refuses, what it says, and how it goes on."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from clips import digests, same_samples, start_preparing, video_corpus
from test_shards import prepare, read_at
from tiny import signkit, write_corpus, write_recipe

from signkit.commands.data import prepare as data_prepare
from signkit.commands.data.chosen import chosen_corpus
from signkit.commands.data.prepare import Options, bytes_of, prepare_corpus
from signkit.data.shards import store
from signkit.errors import OperationalError, UserError, UserErrors
from signkit.types import Corpus

pytestmark = pytest.mark.slow


def refused(folder: Path, corpus: Corpus | None = None, **options: Any) -> str:
    """The message with which preparing ends."""
    with pytest.raises(UserError) as error:
        prepare(corpus or video_corpus(), folder, **options)
    return str(error.value)


def test_a_manifest_of_landmarks_end_to_end(tmp_path: Path) -> None:
    """Prepared by its name or by a recipe, it is read again, and a training on it is the same training."""
    source = write_corpus(tmp_path / "corpus")
    before = digests(source)
    done = signkit("data", "prepare", "manifest", "--root", source, "--out", tmp_path / "a", "--json")
    assert (done.status, done.err) == (0, "")
    found = json.loads(done.out)
    assert found["splits"]["all"]["clips"] == 19
    assert (found["files"], found["refused"], found["left_out"]) == (3, [], [])
    recipe = write_recipe(tmp_path / "tiny.yaml", source)
    done = signkit("data", "prepare", recipe, "--out", tmp_path / "b")
    assert done.status == 0
    assert done.out.splitlines()[-1] == str(tmp_path / "b" / "index.jsonl")
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert digests(source) == before
    packed = ("--set", f"data={{name: shards, root: {tmp_path / 'a'}}}")
    runs = [signkit("run", recipe, *more).run for more in ((), packed)]
    scores = [(run / "scores.json").read_bytes() for run in runs]
    assert scores[0] == scores[1]
    weights = [next(run.glob("export/*.safetensors")).read_bytes() for run in runs]
    assert weights[0] == weights[1]


def test_the_table_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = video_corpus(train=3, dev=1, test=1, frames=100)
    corpus = replace(corpus, left_out=("list.csv:3: clip is missing",))
    prepare(corpus, tmp_path / "out")
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert rows[0] == ["drawn,", "16", "x", "16", "pixels", "in", "3", "shards"]
    assert rows[1] == ["split", "clips", "frames", "hours", "size", "left", "out"]
    counts = {row[0]: (int(row[1]), int(row[2]), int(row[-1])) for row in rows[3:7]}
    frames = {split: sum(s.frames for s in corpus.split(split)) for split in ("train", "dev", "test")}
    assert counts == {
        "train": (3, frames["train"], 1),
        "dev": (1, frames["dev"], 0),
        "test": (1, frames["test"], 0),
        "all": (5, sum(frames.values()), 1),
    }
    assert " ".join(rows[7]) == f"a recipe reads it with data: {{name: shards, root: {tmp_path / 'out'}}}"


def test_finished_it_only_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus, folder = video_corpus(), tmp_path / "out"
    prepare(corpus, folder)
    first, before = capsys.readouterr().out, digests(folder)
    stamps = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    prepare(corpus, folder)
    assert capsys.readouterr().out == first
    assert digests(folder) == before
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == stamps


@pytest.mark.parametrize("format", ["shards", "mp4"])
def test_workers_do_not_change_a_bit(tmp_path: Path, format: str) -> None:
    corpus = video_corpus(train=9, dev=2, test=2)
    for workers in (1, 2, 3):
        process = start_preparing(
            corpus, tmp_path / str(workers), workers=workers, size=16, shard_size="30KB", format=format
        )
        process.join()
        assert process.exitcode == 0
    found = [digests(tmp_path / str(workers)) for workers in (1, 2, 3)]
    assert found[0] == found[1] == found[2]


HINT = "; mend it and run the same command again"
SKIP = ", or leave out such clips of train with --damaged skip"


def numbers_of(corpus: Corpus, split: str) -> list[int]:
    return [number for number, sample in enumerate(corpus.samples) if sample.split == split]


def test_a_damaged_clip_stops_it_until_it_is_mended(tmp_path: Path) -> None:
    sound = video_corpus()
    number = numbers_of(sound, "train")[2]
    folder = tmp_path / "out"
    message = f"clip-{number}.mp4: frame 2 cannot be decoded{HINT}{SKIP}"
    assert refused(folder, video_corpus(broken=[number]), shard_size="30KB") == message
    with pytest.raises(UserError) as error:
        read_at(folder)
    hint = "run the same `signkit data prepare` again, it goes on"
    assert str(error.value) == f"{folder}: has no index.jsonl: its preparing has not come to an end; {hint}"
    prepare(sound, folder, shard_size="30KB")
    assert digests(folder) == digests(prepare(sound, tmp_path / "unbroken", shard_size="30KB"))


def test_damaged_clips_of_train_are_left_out_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = video_corpus()
    broken = numbers_of(sound, "train")[1::2]
    folder = prepare(video_corpus(broken=broken), tmp_path / "out", damaged="skip", as_json=True)
    told = capsys.readouterr()
    lines = [f"clip-{number}.mp4: frame 2 cannot be decoded" for number in broken]
    assert [line for line in told.err.splitlines() if line] == [f"left out: {line}" for line in lines]
    figures = json.loads(told.out)
    assert [each["id"] for each in figures["refused"]] == [sound.samples[number].id for number in broken]
    assert figures["splits"]["train"]["refused"] == len(broken)
    found = read_at(folder)
    assert found.left_out == tuple(lines)
    kept = tuple(sample for number, sample in enumerate(sound.samples) if number not in broken)
    assert same_samples(found, replace(sound, samples=kept, left_out=tuple(lines)))


def test_a_clip_that_was_left_out_is_tried_again_when_not_to_be(tmp_path: Path) -> None:
    """A dev clip stops it after a train clip was left out; the same without the option, all mended."""
    sound = video_corpus()
    train, dev = numbers_of(sound, "train")[1], numbers_of(sound, "dev")[0]
    folder, options = tmp_path / "out", {"shard_size": "30KB"}
    message = f"clip-{dev}.mp4: frame 2 cannot be decoded{HINT}"
    assert refused(folder, video_corpus(broken=[train, dev]), damaged="skip", **options) == message
    assert refused(folder, video_corpus(broken=[train]), **options) == (
        f"clip-{train}.mp4: frame 2 cannot be decoded{HINT}{SKIP}"
    )
    prepare(sound, folder, **options)
    assert digests(folder) == digests(prepare(sound, tmp_path / "unbroken", **options))


def test_what_was_left_out_is_forgotten_when_it_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off when all but the index was written; then the clip is mended and the command given again."""
    sound = video_corpus()
    folder, usual = tmp_path / "out", store.write_text

    def full(path: Path, text: str) -> None:
        if path.name == "index.jsonl":
            raise OperationalError("the disk is full")
        usual(path, text)

    monkeypatch.setattr(store, "write_text", full)
    with pytest.raises(OperationalError):
        prepare(video_corpus(broken=[numbers_of(sound, "train")[1]]), folder, damaged="skip")
    monkeypatch.undo()
    assert (folder / "refused.jsonl").is_file()
    prepare(sound, folder)
    assert digests(folder) == digests(prepare(sound, tmp_path / "unbroken"))


def test_frames_that_are_not_as_many_as_said(tmp_path: Path) -> None:
    whole = video_corpus(train=1, dev=0, test=0)
    sample = replace(whole.samples[0], frames=5)
    message = refused(tmp_path / "out", replace(whole, samples=(sample,)))
    assert message == f"drawn 0: sample 'a/b.c0' has 6 frames, not 5{HINT}{SKIP}"


def test_another_size_than_begun_with(tmp_path: Path) -> None:
    folder = prepare(video_corpus(), tmp_path / "out")
    what = "was begun with other settings; take the change back, or choose another --out:"
    message = refused(folder, size=8, quality=50)
    assert message == f"{folder}: {what}\n  `size`: 16, now 8\n  `quality`: 92, now 50"


def test_another_corpus_than_begun_with(tmp_path: Path) -> None:
    folder = prepare(video_corpus(), tmp_path / "out")
    what = "was begun from another corpus, or the corpus has changed since; choose another --out:"
    message = refused(folder, replace(video_corpus(), fingerprint="99"))
    assert message == f"{folder}: {what}\n  `fingerprint`: 1234, now 99"


def test_where_it_must_not_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_corpus(tmp_path / "data" / "corpus")
    before = digests(tmp_path)
    (tmp_path / "link").symlink_to(source)
    own, other = "choose a folder of its own", "choose a new or an empty folder"
    cases = {
        source: f"{source} is inside the source, {source}; {own}",
        source / "out": f"{source / 'out'} is inside the source, {source}; {own}",
        tmp_path / "link" / "out": f"{tmp_path / 'link' / 'out'} is inside the source, {source}; {own}",
        tmp_path / "data": f"{tmp_path / 'data'} holds the source, {source}; {own}",
        source / "manifest.csv": f"{source / 'manifest.csv'} is a file",
    }
    for out, message in cases.items():
        with pytest.raises(UserError) as error:
            prepare_corpus("manifest", Options(out=out, root=source))
        assert str(error.value) == f"--out: {message}"
    elsewhere = tmp_path / "else"
    elsewhere.mkdir()
    (elsewhere / "thesis.tex").write_text("x")
    with pytest.raises(UserError) as error:
        prepare_corpus("manifest", Options(out=elsewhere, root=source))
    assert str(error.value) == f"--out: {elsewhere} holds something else (thesis.tex); {other}"
    (elsewhere / "thesis.tex").unlink()
    elsewhere.rmdir()
    (tmp_path / "link").unlink()
    assert digests(tmp_path) == before


def test_the_corpus_by_name() -> None:
    with pytest.raises(UserError) as error:
        chosen_corpus("synthetic", Path(), [])
    assert str(error.value) == "--root: the corpus 'synthetic' reads no folder"
    with pytest.raises(UserError) as error:
        chosen_corpus("manifest", Path("nowhere"), [])
    assert str(error.value) == "--root: there is no folder nowhere"
    with pytest.raises(UserError) as error:
        chosen_corpus("manifest", None, [])
    assert str(error.value) == "--root: the corpus 'manifest' needs its folder; manifest --root DIR"
    with pytest.raises(UserErrors) as error:
        chosen_corpus("synthetic", None, ["data.trian=3"])
    assert str(error.value) == "--set data.trian=3: unknown key `data.trian`; did you mean `train`?"
    assert chosen_corpus("synthetic", None, ["data.train=3"]).train == 3


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GB", 10**9), ("500MB", 5 * 10**8), ("2 gb", 2 * 10**9), ("64KB", 64_000), ("12345", 12345)],
)
def test_sizes(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "0", "0GB", "-1", "1.5GB", "1TB", "GB", "1GB 2"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UserError) as error:
        bytes_of(text)
    assert str(error.value) == f"--shard-size: {text!r} is not a size; for example 500MB or 2GB"


def test_odd_mp4(tmp_path: Path) -> None:
    message = refused(tmp_path / "out", format="mp4", size=15)
    assert message == "--size: 15 is odd, and mp4 files need an even one"
    assert not (tmp_path / "out").exists()


def test_without_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    message = refused(tmp_path / "out", executor="ray")
    assert message == "--executor ray: needs the package ray; pip install 'signkit[cluster]'"
    message = refused(tmp_path / "out", executor="spark")
    assert message == "--executor: 'spark' is none of local, ray"
    message = refused(tmp_path / "out", address="here:6379")
    assert message == "--address: is that of a ray cluster; add --executor ray"
    assert not (tmp_path / "out").exists()


def test_quality_of_mp4() -> None:
    from signkit.data.shards.pack import constant_rate

    rates = [constant_rate(quality) for quality in range(1, 101)]
    assert (rates[0], rates[91], rates[-1]) == (51, 14, 0)
    assert rates == sorted(rates, reverse=True)


def test_the_name_of_the_builder_is_what_tests_replace() -> None:
    """`clips` and `test_shards` put a corpus of theirs in its place."""
    assert data_prepare.build_corpus.__module__ == "signkit.data.corpora.build"
