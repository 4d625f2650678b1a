"""Shards as a stream: `webdataset` reads them, and however they are dealt each sample comes once."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from clips import video_corpus
from test_shards import SIZE, prepare, read_at

from signkit.config.recipe import LandmarksConfig, VideoConfig
from signkit.data.examples import Examples
from signkit.data.loader import train_steps
from signkit.data.shards.stream import sample_of, stream
from signkit.errors import UserError
from signkit.types import Corpus, Sample, Video

webdataset = pytest.importorskip("webdataset")
# It leaves closing the shards to the collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return video_corpus(train=9, dev=2, test=2, frames=3)


@pytest.fixture(scope="module")
def shards(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare(corpus, tmp_path_factory.mktemp("stream") / "out", shard_size="1")  # a clip a shard


def urls(root: Path, split: str = "*") -> list[str]:
    return sorted(str(path) for path in root.glob(f"{split}-*.tar"))


def test_webdataset_reads_them_and_decodes_their_pictures(corpus: Corpus, shards: Path) -> None:
    """As it is, with nothing of this package."""
    found = webdataset.WebDataset(urls(shards), shardshuffle=False, empty_check=False).decode("rgb8")
    clips = {record["json"]["id"]: record for record in found}
    assert set(clips) == {sample.id for sample in corpus.samples}
    for sample in read_at(shards).samples:
        signal, record = sample.load(), clips[sample.id]
        assert isinstance(signal, Video)
        names = sorted(name for name in record if name.endswith(".jpg"))
        assert names == [f"{frame:06d}.jpg" for frame in range(sample.frames)]
        frames = np.stack([record[name] for name in names])
        assert np.array_equal(frames, signal.clip.read(np.arange(sample.frames)))
        assert record["json"]["reference"] == list(sample.reference)


def test_a_stream_gives_the_samples_of_the_index(shards: Path) -> None:
    indexed = {sample.id: sample for sample in read_at(shards).samples}
    streamed = list(stream(urls(shards)))
    assert len(streamed) == len(indexed)
    for sample in streamed:
        other = indexed[sample.id]
        assert (sample.split, sample.reference, sample.frames) == (other.split, other.reference, other.frames)
        assert (sample.signer, sample.text, sample.segments) == (other.signer, other.text, other.segments)
        assert sample.labels == other.labels
        one, two = sample.load(), other.load()
        assert isinstance(one, Video) and isinstance(two, Video)
        assert (one.clip.fps, one.clip.frames) == (two.clip.fps, two.clip.frames)
        places = np.array([0, 1, 1])
        assert np.array_equal(one.clip.read(places, (8, 8)), two.clip.read(places, (8, 8)))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("shuffle", [0, 4])
def test_two_workers_in_two_processes(
    shards: Path, count: int, shuffle: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sample once, also where there are fewer shards than workers."""
    from torch.utils.data import DataLoader

    chosen = urls(shards, "train")[:count]
    whole = [sample.id for sample in stream(chosen)]
    assert len(whole) == count
    monkeypatch.setenv("WORLD_SIZE", "2")
    seen: Counter[str] = Counter()
    shares = []
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        loader = DataLoader(
            stream(chosen, shuffle=shuffle), batch_size=None, num_workers=2, collate_fn=_name_and_worker
        )
        mine = list(loader)
        shares.append({name for name, _ in mine})
        seen.update(name for name, _ in mine)
        assert len({process for _, process in mine} - {os.getpid()}) == len({p for _, p in mine})
    assert seen == Counter(whole)
    assert not shares[0] & shares[1]


def _name_and_worker(sample: Sample) -> tuple[str, int]:
    return sample.id, os.getpid()


def test_the_trainings_loader_gives_each_sample_once(corpus: Corpus, shards: Path) -> None:
    """By the index: 2 workers in each of 2 processes, whatever shards the clips lie in."""
    samples = read_at(shards).split("train")
    examples = Examples(
        samples,
        layout="video",
        width=3,
        encode=lambda tokens: [1] * len(tokens),
        landmarks=LandmarksConfig(),
        video=VideoConfig(resize=SIZE, crop=SIZE),
    )
    seen: Counter[str] = Counter()
    for rank in (0, 1):
        steps = train_steps(examples, 4, seed=3, rank=rank, world=2, workers=2)
        for step in steps:
            if step.epoch > 0:
                break
            seen.update(name for batch in step.parts for name in batch.ids)
    assert seen == Counter(sample.id for sample in samples)


def test_landmarks_in_a_stream(tmp_path: Path) -> None:
    from dataclasses import replace

    from signkit.types import Landmarks

    points = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    whole = video_corpus(train=2, dev=0, test=0)
    samples = tuple(
        replace(s, load=lambda: Landmarks(points, "boston104", 30.0), frames=4, segments=())
        for s in whole.samples
    )
    folder = prepare(replace(whole, samples=samples, layout="boston104", width=2), tmp_path / "out")
    for sample in stream(urls(folder)):
        signal = sample.load()
        assert isinstance(signal, Landmarks)
        assert (signal.layout, signal.fps) == ("boston104", 30.0)
        assert signal.points.tobytes() == points.tobytes()


def test_a_tar_of_something_else() -> None:
    with pytest.raises(UserError) as error:
        sample_of({"__key__": "a", "__url__": "s3/x.tar", "txt": b""})
    what = "is not a clip of `signkit data prepare` (KeyError: 'json')"
    assert str(error.value) == f"s3/x.tar: clip a: {what}"
