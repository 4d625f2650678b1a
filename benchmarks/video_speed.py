"""Time the decoding of video on one core: bare PyAV and Pillow beside a corpus's clips, in turn.

    python benchmarks/video_speed.py [--clips 4] [--frames 120] [--repeats 7] [--resize 256] [--only mp4]
    python benchmarks/video_speed.py --workers 0 1 2

The films are made: 210 x 260 pixels (PHOENIX-2014's) with moving slopes and grain, as mp4 (H.264), as
folders of PNG and of JPEG, and as the mp4 files and the shards of --resize pixels that
`signkit data prepare` makes of the first.

`bare` decodes to RGB arrays and nothing else: PyAV with one thread and one swscale context for all
frames, Pillow's `open` (of shards: of the JPEG files in the tar). `resized` is bare and then Pillow's
resize. `read` is a clip of this project as it is stored; `example` is what training gets, resized and cut
to 7/8; `augmented` has crop, mirror and rescale, `colour` other colours too, and their frames are
counted as they are shown. Frames a second of processor time, which other processes do not take from, of
the shortest and the middle run, and their share of bare's.

With --workers it is the way of a training: steps of two clips from the shards, augmented and with other
colours, as batches that the training process has received; frames a second by the clock, of an idle machine,
for each number of processes that load.
"""

import argparse
import os
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import av
import numpy as np
import torch
from av.video.reformatter import VideoReformatter
from PIL import Image

from signkit.commands.data.prepare import Options, prepare_corpus
from signkit.config.recipe import AugmentConfig, LandmarksConfig, VideoConfig
from signkit.data.examples import Examples, opened
from signkit.data.loader import train_steps
from signkit.data.shards.configs import ShardsConfig
from signkit.data.shards.corpus import read as read_shards
from signkit.data.video import open_clip
from signkit.types import VIDEO, Sample, Video

KINDS = ["mp4", "png", "jpg", "prepared", "shards"]
HEIGHT, WIDTH = 260, 210
AUGMENT = AugmentConfig(crop=True, mirror=0.5, rescale=0.2)
COLOUR = AugmentConfig(crop=True, mirror=0.5, rescale=0.2, colour=0.2)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clips", type=int, default=4)
    arguments.add_argument("--frames", type=int, default=120)
    arguments.add_argument("--repeats", type=int, default=7)
    arguments.add_argument("--resize", type=int, default=256)
    arguments.add_argument("--workers", type=int, nargs="+")
    arguments.add_argument("--only", choices=KINDS)
    chosen = arguments.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = made(folder, chosen.clips, chosen.frames)
        for kind in ["shards"] if chosen.workers else [chosen.only] if chosen.only else KINDS:
            if kind == "shards":
                bare, samples = bare_shards, packed(folder, paths["mp4"], chosen.resize, "shards")
                paths[kind] = sorted((folder / "shards").rglob("*.tar"))
            elif kind == "prepared":
                bare, samples = bare_film, packed(folder, paths["mp4"], chosen.resize, "mp4")
                paths[kind] = sorted((folder / "mp4").rglob("*.mp4"))
            else:
                bare = bare_film if kind == "mp4" else bare_pictures
                samples = [sample(path) for path in paths[kind]]
            if chosen.workers:
                for workers in chosen.workers:
                    report_steps(examples(samples, chosen.resize, COLOUR), workers, chosen.repeats)
                continue
            report(kind, ways(partial(all_of, bare, paths[kind]), samples, chosen.resize), chosen.repeats)


def all_of(bare: Callable[[Path, int | None], int], paths: list[Path], resize: int | None) -> int:
    return sum(bare(path, resize) for path in paths)


def made(folder: Path, clips: int, frames: int) -> dict[str, list[Path]]:
    """The films, each in every form."""
    paths: dict[str, list[Path]] = {"mp4": [], "png": [], "jpg": []}
    for number in range(clips):
        pixels = film(frames, number)
        path = folder / f"{number}.mp4"
        with av.open(str(path), "w") as file:
            stream = file.add_stream("libx264", rate=25)
            stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
            for picture in pixels:
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            file.mux(stream.encode(None))
        paths["mp4"].append(path)
        for ending in ("png", "jpg"):
            below = folder / f"{number}_{ending}"
            below.mkdir()
            for place, picture in enumerate(pixels):
                Image.fromarray(picture).save(below / f"images{place:04}.{ending}")
            paths[ending].append(below)
    return paths


def packed(folder: Path, films: list[Path], resize: int, form: str) -> Sequence[Sample]:
    """The mp4 files as `signkit data prepare` stores them."""
    rows = [f"{path.stem},{path.name},A,train" for path in films]
    (folder / "manifest.csv").write_text("\n".join(["id,path,gloss,split", *rows]))
    out = folder.with_name(f"{folder.name}_{form}")
    prepare_corpus("manifest", Options(out=out, root=folder, size=resize, format=form))
    out.rename(folder / form)
    return read_shards(ShardsConfig(root=str(folder / form))).samples


def sample(path: Path) -> Sample:
    """As the corpus `manifest` has it: the clip's index is made once."""
    clip = open_clip(path)
    return Sample(id=path.name, split="train", reference=(), frames=clip.frames, load=partial(Video, clip))


def film(frames: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t, y, x = np.mgrid[:frames, :HEIGHT, :WIDTH].astype(np.float32)
    body = 90 * np.exp(
        -(((x - 105 - 40 * np.sin(t / 9)) / 30) ** 2) - ((y - 130 - 30 * np.cos(t / 7)) / 40) ** 2
    )
    grain = rng.normal(0, 2, (frames, HEIGHT, WIDTH)).astype(np.float32)
    light = np.clip(60 + x / 4 + y / 8 + body + grain, 0, 255)
    return np.stack([light, 0.8 * light, 255 - light], -1).astype(np.uint8)


def ways(
    bare: Callable[[int | None], int], samples: Sequence[Sample], resize: int
) -> dict[str, Callable[[], int]]:
    """What is timed: each gives the number of frames it decoded."""
    found = {
        "bare": partial(bare, None),
        "bare, resized": partial(bare, resize),
        "read": lambda: sum(len(read(each)) for each in samples),
    }
    epoch = iter(range(1, 1 << 30))
    for name, augment in (("example", None), ("augmented", AUGMENT), ("colour", COLOUR)):
        source = examples(samples, resize, augment)
        found[name] = partial(shown, source, epoch if augment else None)
    return found


def bare_film(path: Path, resize: int | None) -> int:
    to_rgb = VideoReformatter()
    with av.open(str(path)) as file:
        file.streams.video[0].thread_count = 1
        decoded = (to_rgb.reformat(frame, format="rgb24", threads=1) for frame in file.decode(video=0))
        frames = [frame.to_ndarray() for frame in decoded]
    return len([pillow_resized(frame, resize) for frame in frames])


def bare_pictures(path: Path, resize: int | None) -> int:
    names = sorted(os.listdir(path))
    frames = [np.asarray(Image.open(path / name)) for name in names]
    return len([pillow_resized(frame, resize) for frame in frames])


def bare_shards(path: Path, resize: int | None) -> int:
    with tarfile.open(path) as tar:
        files = [tar.extractfile(member) for member in tar if member.name.endswith(".jpg")]
        frames = [np.asarray(Image.open(file)) for file in files if file is not None]
    return len([pillow_resized(frame, resize) for frame in frames])


def pillow_resized(frame: np.ndarray, resize: int | None) -> np.ndarray:
    if resize is None or frame.shape[:2] == (resize, resize):
        return frame
    return np.asarray(Image.fromarray(frame).resize((resize, resize), Image.Resampling.BILINEAR))


def read(each: Sample) -> np.ndarray:
    clip = opened(each)
    return clip.read(np.arange(clip.frames))


def examples(samples: Sequence[Sample], resize: int, augment: AugmentConfig | None) -> Examples:
    return Examples(
        samples,
        layout=VIDEO,
        width=3,
        encode=lambda tokens: [0] * len(tokens),
        landmarks=LandmarksConfig(),
        video=VideoConfig(resize=resize, crop=resize * 7 // 8),
        augment=augment,
        cache_bytes=0,
    )


def shown(source: Examples, epoch: Iterator[int] | None) -> int:
    number = None if epoch is None else next(epoch)
    return sum(len(source.example(index, number).inputs) for index in range(len(source)))


def report_steps(source: Examples, workers: int, repeats: int) -> None:
    steps = train_steps(source, 2, 1, workers=workers)
    for _ in range(2 + 2 * workers):  # what the processes have made beforehand
        next(steps)
    rates = []
    for _ in range(repeats):
        start = time.perf_counter()
        frames = sum(int(part.lengths.sum()) for step in islice(steps, 10) for part in step.parts)
        rates.append(frames / (time.perf_counter() - start))
    print(
        f"workers {workers}: {max(rates):,.0f} / {statistics.median(rates):,.0f} frames a second", flush=True
    )


def report(kind: str, ways: dict[str, Callable[[], int]], repeats: int) -> None:
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats + 1):
        for name, way in ways.items():  # in turn, so that a busy moment strikes all alike
            start = time.process_time()
            frames = way()
            rates[name].append(frames / (time.process_time() - start))
    best = {name: max(rate[1:]) for name, rate in rates.items()}
    middle = {name: statistics.median(rate[1:]) for name, rate in rates.items()}
    for name in ways:
        shares = f"{best[name] / best['bare']:5.2f}x {middle[name] / middle['bare']:5.2f}x of bare"
        print(
            f"{kind:4} {name:14} best {best[name]:6.0f}   middle {middle[name]:6.0f} frames/s   {shares}",
            flush=True,
        )


if __name__ == "__main__":
    main()
