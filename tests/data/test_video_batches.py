"""Video on its way to a model: frames chosen in time, resized, cropped, changed, in batches of 8 bits."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from matplotlib.figure import Figure
from media import moving, put, write_frames, write_video

from signkit.config.recipe import AugmentConfig, LandmarksConfig, VideoConfig
from signkit.config.registry import config_class
from signkit.data.batch import Batch
from signkit.data.collate import collate
from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.manifest import read
from signkit.data.examples import Examples, prepare_signal
from signkit.data.frames_augment import (
    augment_frames,
    chosen_frames,
    mirrored,
    recoloured,
    turned,
)
from signkit.data.loader import Step, eval_batches, train_steps
from signkit.data.video.pixels import resized
from signkit.errors import UserError
from signkit.models.assemble import check_reads
from signkit.tasks.transcripts import picture
from signkit.types import VIDEO, Features, Sample, Segment, Signal, Video

AUGMENT = AugmentConfig(rescale=0.2, warp=0.2, freeze=0.3, crop=True, mirror=0.5, colour=0.3, drop_frames=0.1)
SIZE = VideoConfig(resize=24, crop=20)


def middle(pixels: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    top, left = (round((size - side) / 2) for size in pixels.shape[1:3])
    return pixels[:, top : top + side, left : left + side]


@dataclass(frozen=True)
class Film:
    """A clip in memory that notes what is read."""

    pixels: npt.NDArray[np.uint8]
    reads: list[list[int]]
    fps: float = 30.0

    @property
    def frames(self) -> int:
        return len(self.pixels)

    def read(
        self, places: npt.NDArray[np.int64], size: tuple[int, int] | None = None
    ) -> npt.NDArray[np.uint8]:
        self.reads.append(places.tolist())
        return resized(self.pixels[places], size)


def film(length: int, reads: list[list[int]]) -> Signal:
    return Video(Film(moving(length), reads))


def encode(tokens: Sequence[str]) -> tuple[int, ...]:
    return tuple({"A": 1, "B": 2}[token] for token in tokens)


def samples(lengths: Sequence[int], reads: list[list[int]]) -> list[Sample]:
    return [
        Sample(
            id=f"s{i}",
            split="train",
            reference=("A", "B")[: 1 + i % 2],
            frames=length,
            load=partial(film, length, reads),
            segments=(Segment("A", 2, 5),),
        )
        for i, length in enumerate(lengths)
    ]


def examples(
    augment: AugmentConfig | None = None,
    reads: list[list[int]] | None = None,
    lengths: Sequence[int] = (20, 31, 9, 40, 25),
    cache: int = 0,
    least: Sequence[int] | None = None,
) -> Examples:
    return Examples(
        samples(lengths, [] if reads is None else reads),
        layout=VIDEO,
        width=3,
        encode=encode,
        landmarks=LandmarksConfig(origin="none"),
        video=SIZE,
        augment=augment,
        seed=7,
        least_frames=least,
        cache_bytes=cache,
    )


def same(one: Batch, two: Batch) -> bool:
    pairs = [(getattr(one, f.name), getattr(two, f.name)) for f in fields(Batch)]
    return all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in pairs)


def same_steps(one: list[Step], two: list[Step]) -> bool:
    return all(
        same(*parts) for a, b in zip(one, two, strict=True) for parts in zip(a.parts, b.parts, strict=True)
    )


def test_unchanged_frames_are_resized_and_cut_in_the_middle() -> None:
    example = examples().example(1)
    assert example.inputs.dtype == np.uint8 and example.fps == 30.0
    assert np.array_equal(example.inputs, resized(moving(31), (24, 24))[:, 2:22, 2:22])
    assert example.frame_labels.tolist() == [-100, -100, 1, 1, 1] + [-100] * 26
    assert (example.id, example.targets) == ("s1", (1, 2))


def test_a_batch_is_in_eight_bits_and_padding_is_zero() -> None:
    source = examples()
    batch = collate([source.example(i) for i in (0, 1)])
    assert batch.inputs.dtype == torch.uint8 and batch.inputs.shape == (2, 31, 20, 20, 3)
    assert batch.seen.shape == (2, 31, 1) and batch.lengths.tolist() == [20, 31]
    assert torch.equal(batch.seen[..., 0], torch.arange(31) < batch.lengths[:, None])
    assert not batch.inputs[0, 20:].any() and batch.inputs[0, 19].any()
    assert torch.equal(batch.inputs[1], torch.from_numpy(source.example(1).inputs))


def test_a_sample_changes_with_the_epoch_and_only_with_it() -> None:
    source = examples(AUGMENT)
    one, again, later = source.example(3, 1), examples(AUGMENT).example(3, 1), source.example(3, 2)
    assert np.array_equal(one.inputs, again.inputs) and np.array_equal(one.frame_labels, again.frame_labels)
    assert one.inputs.shape != later.inputs.shape or not np.array_equal(one.inputs, later.inputs)
    assert np.array_equal(source.example(3).inputs, examples().example(3).inputs)


@pytest.mark.parametrize("cache", [0, 50_000, 1 << 30])
def test_workers_and_memory_change_nothing(cache: int) -> None:
    wanted = list(islice(train_steps(examples(AUGMENT), 2, 3), 9))
    for workers in (0, 2):
        found = list(islice(train_steps(examples(AUGMENT, cache=cache), 2, 3, workers=workers), 9))
        assert same_steps(found, wanted)
    whole = [list(eval_batches(examples(cache=cache), 2, workers=workers)) for workers in (0, 2)]
    assert all(map(same, *whole)) and len(whole[0]) == 3


def test_a_stream_is_taken_up_where_it_stopped() -> None:
    wanted = list(islice(train_steps(examples(AUGMENT), 2, 3), 9))
    rest = list(islice(train_steps(examples(AUGMENT), 2, 3, start_step=4), 5))
    assert same_steps(rest, wanted[4:])


def test_only_the_frames_that_are_shown_are_decoded() -> None:
    reads: list[list[int]] = []
    example = examples(AugmentConfig(rescale=0.5), reads).example(3, 0)
    (places,) = reads
    assert places == sorted(places) and len(places) == len(example.inputs) != 40
    assert np.array_equal(example.inputs, middle(resized(moving(40)[places], (24, 24)), 20))


def test_clips_are_kept_in_memory_as_far_as_they_have_room() -> None:
    reads: list[list[int]] = []
    room = 60 * 24 * 24 * 3
    source = examples(None, reads, lengths=(20, 40, 30), cache=room)
    for _ in range(2):
        for index in range(3):
            source.example(index)
    assert [len(places) for places in reads] == [20, 40, 30, 30]


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_lengths_of_a_rescaled_clip_are_spread_evenly(share: float) -> None:
    config = AugmentConfig(rescale=share)
    lengths = [len(chosen_frames(100, config, np.random.default_rng(i))) for i in range(2000)]
    assert (min(lengths), max(lengths)) == (round(100 * (1 - share)), round(100 * (1 + share)))
    assert np.mean(lengths) == pytest.approx(100, abs=1.5)
    assert np.std(lengths) == pytest.approx(200 * share / np.sqrt(12), rel=0.05)


def test_a_clip_is_never_shorter_than_its_reference_needs() -> None:
    config = AugmentConfig(rescale=0.9, rate=1.0)
    for seed in range(200):
        places = chosen_frames(50, config, np.random.default_rng(seed), least_frames=45)
        assert len(places) >= 45 and places[0] == 0 and places[-1] == 49 and (np.diff(places) >= 0).all()
    shortest = [examples(config, least=[1, 1, 1, 38, 1]).example(3, epoch) for epoch in range(40)]
    assert min(len(example.inputs) for example in shortest) == 38


def test_labels_follow_their_frames() -> None:
    reads: list[list[int]] = []
    example = examples(AugmentConfig(rescale=0.5, freeze=0.9), reads).example(3, 2)
    assert example.frame_labels.tolist() == [1 if 2 <= place < 5 else -100 for place in reads[0]]


def test_a_crop_is_one_square_for_the_whole_clip_anywhere() -> None:
    pixels = np.zeros((5, 6, 7, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.mgrid[:6, :7]
    config, found = AugmentConfig(crop=True), set()
    for seed in range(200):
        cut = augment_frames(pixels, 4, config, np.random.default_rng(seed))[0]
        assert (cut == cut[0]).all()
        found.add(tuple(cut[0, 0, 0, :2].tolist()))
    assert found == {(top, left) for top in range(3) for left in range(4)}
    rng = np.random.default_rng(0)
    assert np.array_equal(augment_frames(pixels, 4, AugmentConfig(), rng)[0], middle(pixels, 4))


def test_a_mirror_turns_all_frames_or_none() -> None:
    pixels = moving(4)
    assert np.array_equal(mirrored(pixels), pixels[:, :, ::-1])
    config, seen = AugmentConfig(mirror=0.25), 0
    for seed in range(400):
        turned = augment_frames(pixels, 32, config, np.random.default_rng(seed))[0]
        seen += np.array_equal(turned, middle(pixels, 32)[:, :, ::-1])
        assert np.array_equal(turned, middle(pixels, 32)) or seen
    assert 70 < seen < 130


def test_colours_change_by_their_formula() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    assert np.array_equal(recoloured(pixels, 1.0, 1.0, 1.0), pixels)
    assert np.abs(recoloured(pixels, 0.5, 1.0, 1.0) - pixels * 0.5).max() <= 0.5
    weights = np.array([0.299, 0.587, 0.114])
    grey = np.repeat((pixels @ weights)[..., None], 3, -1)
    assert np.abs(recoloured(pixels, 1.0, 1.0, 0.0) - grey).max() <= 0.51
    mean = (pixels[:, ::4, ::4].reshape(-1, 3).mean(0) * weights).sum()
    assert np.abs(recoloured(pixels, 1.0, 0.0, 1.0) - mean).max() <= 0.51
    wanted = np.clip(1.2 * (0.8 * (1.5 * pixels - 0.5 * grey) + 0.2 * mean), 0, 255)
    assert np.abs(recoloured(pixels, 1.2, 0.8, 1.5) - wanted).max() <= 0.51


def test_a_turned_frame_is_turned_clockwise() -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (2, 8, 8, 3)).astype(np.uint8)
    same = np.ones(2)
    assert (turned(pixels, 0.0, same) == pixels).all()
    assert (turned(pixels, np.pi / 2, same) == np.rot90(pixels, -1, (1, 2))).all()
    oblong = pixels[:, :, :5]
    assert (turned(oblong, np.pi, same) == oblong[:, ::-1, ::-1]).all()


def test_a_larger_frame_shows_its_middle() -> None:
    pixels = np.zeros((1, 8, 8, 3), np.uint8)
    pixels[:, 2:6, 2:6] = 200
    larger = turned(pixels, 0.0, np.array([2.0, 2.0]))
    assert (larger[:, 1:7, 1:7] == 200).all()


def test_dropped_frames_are_black_and_one_is_kept() -> None:
    pixels = np.full((30, 4, 4, 3), 9, np.uint8)
    for seed in range(50):
        kept = augment_frames(pixels, 4, AugmentConfig(drop_frames=0.95), np.random.default_rng(seed))[0]
        assert set(np.unique(kept.reshape(30, -1).mean(1)).tolist()) <= {0.0, 9.0} and kept.any()


@pytest.mark.parametrize("key", ["shift", "part_shift", "drift", "noise", "drop_parts"])
def test_changes_of_landmarks_are_refused_for_video(key: str) -> None:
    with pytest.raises(UserError) as caught:
        examples(replace(AUGMENT, **{key: 0.1}))
    assert str(caught.value) == (
        f"augment.{key}: changes landmarks, and the corpus has video; leave it out; video knows rate, "
        "rescale, resample, resample_from, resample_to, warp, freeze, crop, rotate, scale, mirror, colour, "
        "drop_frames"
    )


@pytest.mark.parametrize("key", ["crop", "colour"])
def test_changes_of_video_are_refused_for_others(key: str) -> None:
    sample = replace(samples((9,), [])[0], load=lambda: Features(np.zeros((9, 4), np.float32)))
    config = AugmentConfig(crop=True) if key == "crop" else AugmentConfig(colour=0.1)
    with pytest.raises(UserError) as caught:
        Examples([sample], layout="", width=4, encode=encode, landmarks=LandmarksConfig(), augment=config)
    assert str(caught.value) == f"augment.{key}: changes video, and the corpus has none; leave it out"


def test_a_signal_of_another_kind_is_named() -> None:
    features = Features(np.zeros((9, 4), np.float32))
    source = examples(lengths=(9,))
    source.samples = (replace(source.samples[0], load=lambda: features),)
    with pytest.raises(UserError, match="^s0: has features, not video$"):
        source.example(0)
    with pytest.raises(UserError, match="^x.npz: has video, not features$"):
        prepare_signal(film(9, []), "", 4, LandmarksConfig(), "x.npz")
    source.samples = (replace(source.samples[0], load=partial(film, 8, [])),)
    with pytest.raises(UserError, match="^s0: sample 's0' has 8 frames, not 9$"):
        source.example(0)


def manifest(folder: Path, damaged: str = "refuse", split: str = "train") -> ManifestConfig:
    write_video(folder / "a.mp4", moving(12))
    write_frames(folder / "b", moving(9))
    put(folder / "c.mp4", "")
    lines = ["id,path,gloss,split", "a,a.mp4,A,train", "b,b,A B,dev", f"c,c.mp4,A,{split}"]
    put(folder / "manifest.csv", "\n".join(lines))
    return ManifestConfig(root=str(folder), damaged=damaged)  # type: ignore[arg-type]


def test_a_manifest_has_films_and_folders_of_frames(tmp_path: Path) -> None:
    config = manifest(tmp_path)
    put(tmp_path / "manifest.csv", (tmp_path / "manifest.csv").read_text().rpartition("\n")[0])
    corpus = read(config)
    assert (corpus.layout, corpus.width, corpus.left_out) == (VIDEO, 3, ())
    assert [(s.id, s.frames) for s in corpus.samples] == [("a", 12), ("b", 9)]
    signal = corpus.samples[1].load()
    assert isinstance(signal, Video) and np.array_equal(signal.clip.read(np.arange(9)), moving(9))
    write_frames(tmp_path / "b", moving(10))
    assert read(config).fingerprint != corpus.fingerprint


def test_damaged_clips_are_refused_or_left_out_of_train(tmp_path: Path) -> None:
    message = f"{tmp_path}/manifest.csv:4: c.mp4: the file is empty"
    with pytest.raises(UserError) as caught:
        read(manifest(tmp_path))
    assert str(caught.value) == message
    corpus = read(manifest(tmp_path, "skip"))
    assert [s.id for s in corpus.samples] == ["a", "b"] and corpus.left_out == (message,)
    with pytest.raises(UserError) as caught:  # what is measured is not chosen by what can be read
        read(manifest(tmp_path, "skip", "test"))
    assert str(caught.value) == message


def test_kinds_are_not_mixed(tmp_path: Path) -> None:
    config = manifest(tmp_path)
    np.savez(tmp_path / "c.npz", features=np.zeros((5, 4), np.float32))
    put(tmp_path / "manifest.csv", "id,path,gloss,split\na,a.mp4,A,train\nc,c.npz,A,train\n")
    with pytest.raises(UserError) as caught:
        read(config)
    assert str(caught.value) == (
        f"{tmp_path}/manifest.csv:3: c.npz has features of width 4, but line 2 has video"
    )


def test_a_clip_that_breaks_while_training_is_named_whoever_loads_it(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "b", moving(9))
    put(folder / "images0004.png", "x")
    put(tmp_path / "manifest.csv", "id,path,gloss,split\nb,b,A,train\n")
    corpus = read(ManifestConfig(root=str(tmp_path)))
    for workers in (0, 2):
        source = Examples(
            corpus.samples, layout=VIDEO, width=3, encode=encode, landmarks=LandmarksConfig(), video=SIZE
        )
        with pytest.raises(UserError) as caught:
            next(train_steps(source, 1, 0, workers=workers))
        assert str(caught.value) == (
            f"{tmp_path}/manifest.csv:2: b: frame 3 (images0004.png) cannot be decoded; "
            "it may be truncated or damaged"
        )


def test_an_encoder_of_another_kind_is_refused() -> None:
    timm, gcn = (config_class("encoders", name)() for name in ("timm", "gcn"))
    assert config_class("encoders", "swin") is type(timm)
    messages = {
        ("gcn", VIDEO): "'gcn' reads landmarks, and the corpus has video; take 'timm', or track the "
        "signers with `signkit landmarks CLIPS --out FOLDER` and use its files (docs/landmarks.md)",
        ("timm", ""): "'timm' reads video, and the corpus has feature vectors; take 'features'",
        ("timm", "hands"): "'timm' reads video, and the corpus has landmarks (hands); take 'gcn'",
    }
    for (name, layout), message in messages.items():
        with pytest.raises(UserError) as caught:
            check_reads({"timm": timm, "gcn": gcn}[name], layout)
        assert str(caught.value) == f"encoder.name: {message}"
    check_reads(timm, VIDEO)
    check_reads(gcn, "hands")


def test_a_picture_of_a_run_shows_frames_of_the_clip() -> None:
    reads: list[list[int]] = []
    figure = Figure()
    axes = list(figure.subplots(1, 6))
    picture._clip(axes, samples((31,), reads)[0])
    assert reads == [[0, 6, 12, 18, 24, 30]]
    shown = [np.asarray(place.images[0].get_array()) for place in axes]
    assert np.array_equal(np.stack(shown), moving(31)[reads[0]])
    assert [place.get_title() for place in axes][:2] == ["s0, 0.00 s", "0.20 s"]
