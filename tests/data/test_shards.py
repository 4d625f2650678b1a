"""Prepared corpora: what comes out is what went in; damage is named with file and place."""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from clips import DrawnClip, digests, same_samples, video_corpus
from hypothesis import given, settings
from hypothesis import strategies as st

from signkit.commands.data import prepare as data_prepare
from signkit.config.recipe import LandmarksConfig, VideoConfig
from signkit.data.examples import Examples
from signkit.data.motion import motion_maps
from signkit.data.shards.clip import ShardClip
from signkit.data.shards.configs import ShardsConfig
from signkit.data.shards.corpus import read
from signkit.data.shards.index import read_entry
from signkit.data.shards.tar import member, room, starts
from signkit.data.shards.verify import verify
from signkit.errors import UserError, UserErrors
from signkit.testing import check_corpus
from signkit.types import Corpus, Features, Landmarks, Video

SIZE = 16
AGAIN = "copy or prepare it again"


def prepare(corpus: Corpus, folder: Path, **options: object) -> Path:
    """Prepare a corpus in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data_prepare, "build_corpus", lambda config: corpus)
        chosen = data_prepare.Options(**{"out": folder, "workers": 1, "size": SIZE, **options})  # type: ignore[arg-type]
        assert data_prepare.prepare_corpus("synthetic", chosen) == 0
    return folder


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return video_corpus()


@pytest.fixture(scope="module")
def shards(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several shards of train, one of dev and of test."""
    return prepare(corpus, tmp_path_factory.mktemp("shards") / "out", shard_size="30KB")


@pytest.fixture(scope="module")
def films(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(corpus, tmp_path_factory.mktemp("films") / "out", format="mp4", size=32)


@pytest.fixture
def copy(shards: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shards, tmp_path / "copy"))


def read_at(root: Path) -> Corpus:
    return read(ShardsConfig(root=str(root)))


def test_it_holds_to_the_laws_of_corpora(shards: Path) -> None:
    check_corpus(ShardsConfig(root=str(shards)), samples=2)


def frames_of(corpus: Corpus, number: int, places: list[int], side: int | None = None) -> np.ndarray:
    signal = corpus.samples[number].load()
    assert isinstance(signal, Video)
    return signal.clip.read(np.array(places), (side, side) if side else None)


def close(one: np.ndarray, other: np.ndarray) -> bool:
    """Alike but for what a compression takes away from noise."""
    return one.shape == other.shape and abs(one.astype(int) - other.astype(int)).mean() < 12


def test_the_files_of_a_prepared_corpus(shards: Path) -> None:
    assert [path.name for path in sorted(shards.iterdir())] == [
        "SHA256SUMS", "corpus.json", "dev-000000.tar", "dev-000001.tar", "extra_text.jsonl", "index.jsonl",
        "test-000000.tar", "train-000000.tar", "train-000001.tar", "train-000002.tar",
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["shards", "films"])
def test_everything_said_of_a_clip_survives(
    corpus: Corpus, form: str, request: pytest.FixtureRequest
) -> None:
    found = read_at(request.getfixturevalue(form))
    assert same_samples(found, corpus)
    for before, after in zip(corpus.samples, found.samples, strict=True):
        signals = before.load(), after.load()
        assert all(isinstance(signal, Video) for signal in signals)
        one, other = (signal.clip for signal in signals if isinstance(signal, Video))
        assert (one.fps, one.frames) == (other.fps, other.frames)


@pytest.mark.parametrize(("form", "side"), [("shards", SIZE), ("films", 32)])
def test_frames_are_those_of_the_source(
    corpus: Corpus, form: str, side: int, request: pytest.FixtureRequest
) -> None:
    found = read_at(request.getfixturevalue(form))
    for number, sample in enumerate(corpus.samples):
        places = list(range(sample.frames))
        assert close(frames_of(found, number, places), frames_of(corpus, number, places, side))


def test_kept_without_loss_of_place(tmp_path: Path) -> None:
    """Frames of one colour each, which no compression mixes up, come back in their order."""
    corpus = video_corpus(train=2, dev=0, test=0, frames=40)
    for form in ("shards", "mp4"):
        found = read_at(prepare(corpus, tmp_path / form, format=form, quality=100))
        for number, sample in enumerate(corpus.samples):
            places = list(range(sample.frames))
            wanted, got = frames_of(corpus, number, places, SIZE), frames_of(found, number, places)
            distance = abs(got.astype(int)[:, None] - wanted.astype(int)[None]).mean((2, 3, 4))
            assert distance.argmin(1).tolist() == places


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_random_access_equals_sequential(shards: Path, films: Path, data: st.DataObject) -> None:
    found = read_at(data.draw(st.sampled_from([shards, films])))
    number = data.draw(st.integers(0, len(found.samples) - 1))
    frames = found.samples[number].frames
    places = sorted(data.draw(st.lists(st.integers(0, frames - 1), min_size=1, max_size=12)))
    side = data.draw(st.sampled_from([None, SIZE, 8, 20]))
    whole = frames_of(found, number, list(range(frames)), side)
    assert np.array_equal(frames_of(found, number, places, side), whole[places])


def test_only_the_frames_asked_for_are_read(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One reading, from the first byte of the first to the last byte of the last."""
    clip = read_at(shards).samples[0].load()
    assert isinstance(clip, Video) and isinstance(clip.clip, ShardClip)
    asked = []
    import signkit.data.shards.clip as module

    usual = module.read_range
    monkeypatch.setattr(
        module,
        "read_range",
        lambda path, begin, size, where: (asked.append((begin, size)), usual(path, begin, size, where))[1],
    )
    clip.clip.read(np.array([2, 3, 3]))
    first, last = clip.clip.starts[2], clip.clip.starts[3] + clip.clip.sizes[3]
    assert asked == [(first, last - first)]


def test_a_shard_is_a_tar_of_pictures(corpus: Corpus, shards: Path) -> None:
    """Any program for tar files reads it; the place of each member is the one of the index."""
    for line in lines_of(shards):
        entry = read_entry(line, "")
        with tarfile.open(shards / entry.file) as archive:
            inside = [m for m in archive.getmembers() if entry.offset <= m.offset < entry.end]
        assert [m.size for m in inside[:-1]] == entry.sizes.tolist()
        assert [m.offset_data for m in inside[:-1]] == (entry.offset + starts(entry.sizes)).tolist()
        key = f"{[s.id for s in corpus.samples].index(entry.id):08d}"
        names = [f"{key}.{frame:06d}.jpg" for frame in range(entry.frames)]
        assert [m.name for m in inside] == [*names, f"{key}.json"]


@given(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=9))
def test_places_follow_from_sizes(sizes: list[int]) -> None:
    members = [member(f"{number}.jpg", bytes(size)) for number, size in enumerate(sizes)]
    assert [len(each) for each in members] == [room(size) for size in sizes]
    begin = np.cumsum([0, *map(len, members)])[:-1] + 512
    assert starts(np.array(sizes)).tolist() == begin.tolist()


def test_shards_are_closed_at_their_size(corpus: Corpus, tmp_path: Path) -> None:
    """None is larger unless one clip alone is; none could have taken the next clip."""
    limit = 30_000
    folder = prepare(corpus, tmp_path / "out", shard_size=str(limit))
    entries = [read_entry(line, "") for line in (folder / "index.jsonl").read_text("utf-8").split("\n")[:-1]]
    train = [entry for entry in entries if entry.split == "train"]
    for before, after in zip(train, train[1:], strict=False):
        if before.file == after.file:
            assert after.end <= limit
        else:
            assert before.end + after.bytes > limit
    assert len({entry.file for entry in train}) == 3


@pytest.mark.parametrize("form", ["shards", "mp4"])
def test_landmarks_and_features_pass_to_the_bit(form: str, tmp_path: Path) -> None:
    from dataclasses import replace

    rng = np.random.default_rng(3)
    points = rng.normal(size=(7, 3, 2)).astype(np.float32)
    points[2, 1] = np.nan
    signals = {
        "boston104": Landmarks(points, "boston104", 29.97, np.array([0, 1, 2, 3, 5, 6, 9]) / 30),
        "": Features(rng.normal(size=(7, 5)).astype(np.float32), 50.0),
    }
    for layout, signal in signals.items():
        whole = video_corpus()
        samples = tuple(
            replace(s, load=lambda signal=signal: signal, frames=7, segments=(), fps=signal.fps)
            for s in whole.samples
        )
        corpus = replace(whole, samples=samples, layout=layout, width=2 if layout else 5)
        found = read_at(prepare(corpus, tmp_path / f"{layout}-{form}", format=form))
        assert same_samples(found, corpus)
        for sample in found.samples:
            back = sample.load()
            if isinstance(signal, Landmarks):
                assert isinstance(back, Landmarks) and (back.layout, back.fps) == (signal.layout, signal.fps)
                assert back.points.tobytes() == signal.points.tobytes()
                assert back.times is not None and np.array_equal(back.times, signal.times)
            else:
                assert isinstance(back, Features) and back.fps == signal.fps
                assert back.vectors.tobytes() == signal.vectors.tobytes()


def test_prepared_again_it_is_the_same_again(shards: Path, tmp_path: Path) -> None:
    """A prepared corpus is a corpus: packed once more nothing but the pictures' compression changes."""
    first = read_at(shards)
    again = read_at(prepare(first, tmp_path / "out"))
    assert same_samples(again, first)


def test_whole(shards: Path, films: Path) -> None:
    seen: list[tuple[int, int]] = []
    assert verify(shards, lambda done, total: seen.append((done, total))) == []
    assert (
        seen[-1][0]
        == seen[-1][1]
        == sum(p.stat().st_size for p in shards.iterdir() if p.name != "SHA256SUMS")
    )
    assert verify(films) == []


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def messages(root: Path) -> list[str]:
    return [str(fault) for fault in verify(root)]


def test_a_damaged_shard(corpus: Corpus, copy: Path) -> None:
    """A flipped bit is found and its clip named; the size is right, so that opening it says nothing."""
    entry = read_entry((copy / "index.jsonl").read_text("utf-8").split("\n")[0], "")
    shard = copy / entry.file
    flip(shard, entry.offset + 700)
    assert len(read_at(copy).samples) == len(corpus.samples)
    place = f"is damaged in clip {entry.id!r}, bytes {entry.offset} to {entry.end}"
    assert messages(copy) == [f"{shard}: {place}; {AGAIN}"]
    flip(shard, entry.offset + 700)
    flip(shard, shard.stat().st_size - 1)
    assert messages(copy) == [f"{shard}: is damaged: its SHA-256 is not the one in SHA256SUMS; {AGAIN}"]


def test_a_frame_that_is_no_picture(copy: Path) -> None:
    found = read_at(copy)
    clip = found.samples[0].load()
    assert isinstance(clip, Video) and isinstance(clip.clip, ShardClip)
    content = bytearray(clip.clip.path.read_bytes())
    start = int(clip.clip.starts[2])
    content[start : start + 20] = bytes(20)
    clip.clip.path.write_bytes(content)
    assert clip.clip.read(np.array([0, 1])).shape == (2, SIZE, SIZE, 3)
    with pytest.raises(UserError) as error:
        clip.clip.read(np.array([1, 2]))
    shard, name = clip.clip.path, found.samples[0].id
    hint = "the shard is damaged: copy or prepare it again"
    assert str(error.value) == f"{shard}: clip {name!r}, frame 2: cannot be decoded; {hint}"


def test_a_truncated_shard(copy: Path) -> None:
    shard = copy / "train-000001.tar"
    size = shard.stat().st_size
    found = read_at(copy)
    shard.write_bytes(shard.read_bytes()[:1000])
    message = f"{shard}: is truncated: 1000 bytes, not {size}; {AGAIN}"
    assert messages(copy) == [message]
    with pytest.raises(UserError) as error:
        read_at(copy)
    assert str(error.value) == message
    sample = next(s for s in found.samples if "train-000001.tar" in repr(s.load()))
    clip = sample.load()
    assert isinstance(clip, Video) and isinstance(clip.clip, ShardClip)
    end = int(clip.clip.starts[-1] + clip.clip.sizes[-1])
    with pytest.raises(UserError) as error:
        clip.clip.read(np.arange(clip.clip.frames))
    what = f"the file ends at byte 1000, before byte {end}; it is truncated: copy it again"
    assert str(error.value) == f"{shard}: clip {sample.id!r}: {what}"


def test_a_longer_shard(copy: Path) -> None:
    shard = copy / "dev-000000.tar"
    size = shard.stat().st_size
    shard.write_bytes(shard.read_bytes() + b"x")
    assert messages(copy) == [f"{shard}: {size + 1} bytes, not {size}; {AGAIN}"]


def test_missing_shards(copy: Path) -> None:
    gone = [copy / "train-000000.tar", copy / "test-000000.tar"]
    for path in gone:
        path.unlink()
    lines = {f"{path}: is missing (No such file or directory); {AGAIN}" for path in gone}
    assert set(messages(copy)) == lines
    with pytest.raises(UserErrors) as error:
        read_at(copy)
    assert set(str(error.value).splitlines()) == lines


def lines_of(root: Path) -> list[str]:
    return (root / "index.jsonl").read_text(encoding="utf-8").split("\n")[:-1]


def change(root: Path, number: int, **values: object) -> None:
    """Other values in a line of the index."""
    lines = lines_of(root)
    lines[number - 1] = json.dumps(json.loads(lines[number - 1]) | values)
    (root / "index.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"offset": 512}, "`offset` is 512, not 0, of the first clip"),
        ({"offset": "0"}, '`offset` is "0", not a whole number'),
        ({"frames": 7.5}, "`frames` is 7.5, not a whole number"),
        ({"frames": True}, "`frames` is true, not a whole number"),
        ({"frames": 3}, "`sizes` has 6 numbers, not 3"),
        ({"fps": 0}, "`fps` must be a positive number, not 0"),
        ({"kind": "mp4"}, "`kind` 'mp4' is not that of test-000000.tar"),
        ({"id": "\ud800"}, "not JSON: it has half a character, a lone surrogate"),
        ({"split": "valid"}, "split 'valid' is none of train, dev, test"),
        ({"kind": "gif"}, "`kind` 'gif' is none of jpeg, mp4, npz"),
        ({"file": "../secret.tar"}, "`file` '../secret.tar' is not a file of a prepared corpus"),
        ({"file": "/etc/passwd"}, "`file` '/etc/passwd' is not a file of a prepared corpus"),
        ({"reference": "HAUS"}, '`reference` is "HAUS", not a list'),
        ({"reference": [1]}, "`reference` is not a list of glosses"),
        ({"sizes": [1, 2, 3, 4, 5, -6]}, "`sizes` are not all positive whole numbers"),
        ({"bytes": 512}, "`bytes` is 512, which does not fit `sizes`"),
        ({"segments": [["A", 3, 3]]}, '`segments` has ["A", 3, 3], not [gloss, start, end]'),
        ({"labels": ["B"]}, '`labels` is ["B"], not a section'),
        ({"labels": {"handshape": 3}}, "`labels` is not an object of texts"),
        ({"colour": 1}, "unknown key 'colour'"),
    ],
)
def test_a_wrong_line_of_the_index(copy: Path, values: dict[str, object], what: str) -> None:
    change(copy, 1, **values)
    with pytest.raises(UserError) as error:
        read_at(copy)
    first = str(error.value).splitlines()[0]
    assert first == f"{copy / 'index.jsonl'}:1: {what}"
    assert first in messages(copy)


def test_more_frames_a_second_than_a_number_holds(copy: Path) -> None:
    change(copy, 1, fps=10**400)
    begin = f"{copy / 'index.jsonl'}:1: `fps` must be a positive number, not 1000000"
    assert messages(copy)[0].startswith(begin)


def test_lines_that_are_no_json(copy: Path) -> None:
    lines = lines_of(copy)
    lines[1], lines[2] = "[1]", lines[2][:-5]
    (copy / "index.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(UserErrors) as error:
        read_at(copy)
    index = copy / "index.jsonl"
    found = str(error.value).splitlines()
    assert found[0] == f"{index}:2: not a JSON object"
    assert found[1].startswith(f"{index}:3: not JSON: ")


def resum(root: Path, name: str) -> None:
    """The checksum of a file that was changed, as whoever changes it on purpose writes it."""
    lines = (root / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    digest = hashlib.sha256((root / name).read_bytes()).hexdigest()
    lines = [f"{digest}  {name}" if line.endswith(f"  {name}") else line for line in lines]
    (root / "SHA256SUMS").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_kind_that_is_not_that_of_the_file(films: Path, tmp_path: Path) -> None:
    """A JPEG file a frame is in shards alone: an mp4 file holds one clip from its first byte."""
    copy = Path(shutil.copytree(films, tmp_path / "copy"))
    size = json.loads(lines_of(copy)[0])["sizes"][0]
    change(copy, 1, kind="jpeg", frames=2, sizes=[size, 5])
    assert messages(copy)[0] == f"{copy / 'index.jsonl'}:1: `kind` 'jpeg' is not that of test/00000000.mp4"


def test_the_last_line_of_the_index_without_its_end(corpus: Corpus, copy: Path) -> None:
    index = copy / "index.jsonl"
    index.write_bytes(index.read_bytes()[:-1])
    resum(copy, "index.jsonl")
    assert same_samples(read_at(copy), corpus)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("5", "is not a list of glosses"),
        ("[1]", "is not a list of glosses"),
        ('"HAUS"', "is not a list of glosses"),
        ("HAUS", "not JSON: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_a_wrong_line_of_extra_text(copy: Path, line: str, what: str) -> None:
    path = copy / "extra_text.jsonl"
    path.write_text(f'["HAUS"]\n{line}\n', encoding="utf-8")
    resum(copy, "extra_text.jsonl")
    with pytest.raises(UserError) as error:
        read_at(copy)
    assert str(error.value) == f"{path}:2: {what}"


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "dev-000000.tar/../x"])
def test_checksums_lead_nowhere_else(copy: Path, name: str) -> None:
    sums = copy / "SHA256SUMS"
    count = len(sums.read_text(encoding="utf-8").splitlines())
    sums.write_text(sums.read_text(encoding="utf-8") + f"{'0' * 64}  {name}\n", encoding="utf-8")
    message = f"{sums}:{count + 1}: names {name!r}, which is not a file of a prepared corpus"
    assert messages(copy) == [message]


def test_an_index_that_was_changed(copy: Path) -> None:
    """A line that could be right is not."""
    change(copy, 3, reference=["ANDERS"])
    message = f"{copy / 'index.jsonl'}: is damaged: its SHA-256 is not the one in SHA256SUMS; {AGAIN}"
    with pytest.raises(UserError) as error:
        read_at(copy)
    assert str(error.value) == message
    assert messages(copy) == [message]


def test_clips_after_one_another(copy: Path) -> None:
    """The second clip of a shard cannot lie over the first."""
    lines = [json.loads(line) for line in lines_of(copy)]
    number, entry = next((n, e) for n, e in enumerate(lines, 1) if e["offset"])
    change(copy, number, offset=entry["offset"] - 512)
    with pytest.raises(UserError) as error:
        read_at(copy)
    end, file = entry["offset"], entry["file"]
    what = f"`offset` is {end - 512}, but the clip before it in {file} ends at {end}"
    assert str(error.value).splitlines()[0] == f"{copy / 'index.jsonl'}:{number}: {what}"


def test_what_is_no_prepared_corpus(copy: Path, tmp_path: Path) -> None:
    hint = "give the --out of `signkit data prepare`"
    cases = [(tmp_path, f"{tmp_path}: has no corpus.json; {hint}")]
    (copy / "SHA256SUMS").unlink()
    cases.append((copy, f"{copy / 'SHA256SUMS'}: there is no such file"))
    for root, message in cases:
        with pytest.raises(UserError) as error:
            read_at(root)
        assert str(error.value) == message
        assert messages(root) == [message]
    (copy / "index.jsonl").unlink()
    hint = "run the same `signkit data prepare` again, it goes on"
    with pytest.raises(UserError) as error:
        read_at(copy)
    assert str(error.value) == f"{copy}: has no index.jsonl: its preparing has not come to an end; {hint}"
    (copy / "corpus.json").write_text('{"form": "other"}')
    with pytest.raises(UserError) as error:
        read_at(copy)
    hint = "prepare the corpus with this version of signkit"
    assert str(error.value) == f"{copy / 'corpus.json'}: is not a 'signkit prepared corpus 1'; {hint}"


def test_a_damaged_film(films: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(films, tmp_path / "copy"))
    file = sorted(copy.glob("*/*.mp4"))[0]
    size = file.stat().st_size
    flip(file, size // 2)
    entry = next(
        e
        for e in (read_entry(line, "") for line in lines_of(copy))
        if e.file == file.relative_to(copy).as_posix()
    )
    assert messages(copy) == [f"{file}: is damaged in clip {entry.id!r}, bytes 0 to {size}; {AGAIN}"]
    file.unlink()
    assert messages(copy) == [f"{file}: is missing (No such file or directory); {AGAIN}"]


def test_the_fingerprint_is_that_of_the_content(corpus: Corpus, shards: Path, tmp_path: Path) -> None:
    same = prepare(corpus, tmp_path / "same", shard_size="30KB")
    assert digests(same) == digests(shards)
    assert read_at(same).fingerprint == read_at(shards).fingerprint
    other = prepare(corpus, tmp_path / "other", shard_size="30KB", quality=50)
    assert read_at(other).fingerprint != read_at(shards).fingerprint


@pytest.fixture(autouse=True)
def _quiet(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    capsys.readouterr()


def test_the_drawn_clips_differ_in_every_frame() -> None:
    """What the tests above stand on."""
    frames = DrawnClip(1, 9, 25.0).read(np.arange(9))
    assert len({frame.tobytes() for frame in frames}) == 9


def test_motion_is_packed_with_the_frames(corpus: Corpus, shards: Path, tmp_path: Path) -> None:
    """Its maps are those of the frames before they were compressed, and the frames are as without."""
    packed = prepare(corpus, tmp_path / "out", motion="difference", shard_size="30KB")
    assert verify(packed) == []
    for number, sample in enumerate(read_at(packed).samples[:4]):
        signal = sample.load()
        assert isinstance(signal, Video) and isinstance(signal.clip, ShardClip)
        places = list(range(sample.frames))
        whole = frames_of(corpus, number, places, SIZE)
        assert np.array_equal(signal.clip.motion_maps("difference"), motion_maps(whole, "difference"))
        assert signal.clip.motion_maps("farneback") is None
        assert np.array_equal(
            frames_of(read_at(packed), number, places), frames_of(read_at(shards), number, places)
        )
    (without,) = {read_at(shards).samples[0].load().clip.motion_maps("difference") is None}  # type: ignore[union-attr]
    assert without and "motion" not in (shards / "corpus.json").read_text(encoding="utf-8")


def test_packed_motion_is_used_in_training(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the size of the recipe's frames, and without computing it again."""
    packed = read_at(prepare(corpus, tmp_path / "out", motion="difference"))
    monkeypatch.setattr("signkit.data.examples.motion_maps", None)
    video = VideoConfig(resize=SIZE, crop=SIZE - 4, motion="difference")
    for memory in (0, 1 << 30):
        examples = Examples(
            packed.samples[:2], layout="video", width=3, encode=lambda tokens: (2,) * len(tokens),
            landmarks=LandmarksConfig(), video=video, cache_bytes=memory,
        )  # fmt: skip
        for number in (0, 1, 1):
            whole = frames_of(corpus, number, list(range(packed.samples[number].frames)), SIZE)
            expected = motion_maps(whole, "difference")[:, 1:-1, 1:-1]
            assert np.array_equal(examples.example(number).motion, expected)
    batch = examples.collate([examples.example(0), examples.example(1)])
    assert batch.motion is not None and batch.motion.shape[2:] == (SIZE // 2 - 2, SIZE // 2 - 2)


def test_motion_of_films_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        prepare(corpus, tmp_path / "out", motion="difference", format="mp4")
    assert str(caught.value) == (
        "--motion: is for shards, and --format is mp4; it is computed in training then"
    )
