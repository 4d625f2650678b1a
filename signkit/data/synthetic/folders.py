"""Synthetic clips in the shape of official folders, for which the readers of the licensed copies are written.

The frames have the size that is asked for, whatever the folder's name says. Labels that a release has
as a pickle are written in its text form alone.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from signkit.data.corpora.configs import SyntheticConfig
from signkit.data.synthetic import corpus as synthetic
from signkit.data.synthetic.video import draw_look, film
from signkit.data.video.h264 import SAME_BITS
from signkit.types import SPLITS, Landmarks, Sample

Frames = npt.NDArray[np.uint8]
Layout = Literal["phoenix2014", "phoenix2014t", "csl_daily", "mp4"]
LAYOUTS: tuple[Layout, ...] = ("phoenix2014", "phoenix2014t", "csl_daily", "mp4")
PHOENIX_FRAMES = "fullFrame-210x260px"
HELD_OUT_SIGNER = 5  # of the part SI5
SI5 = "phoenix-2014-signerindependent-SI5"
JPEG_QUALITY = 92
FPS = 25


@dataclass(frozen=True, kw_only=True)
class LayoutOptions:
    """How many clips of whom, in which layout. `size`: height and width of the frames."""

    layout: Layout
    signers: int = 5
    train: int = 400
    dev: int = 40
    test: int = 40
    glosses: int = 16
    size: tuple[int, int] = (260, 210)
    seed: int = 1


def write_layout(
    folder: Path, options: LayoutOptions, on_progress: Callable[[int], None] = lambda done: None
) -> None:
    """Write the clips and lists into a folder.

    Args:
        on_progress: called with the number of clips written so far.

    Raises:
        UserError: the glosses make too few sentences for the sizes asked for.
    """
    samples = _samples(options)
    write = _WRITERS[options.layout]
    for done, (sample, frames) in enumerate(_filmed(samples, options), 1):
        write.clip(folder, sample, frames)
        on_progress(done)
    write.lists(folder, samples)


def clips(options: LayoutOptions) -> int:
    """How many clips there are of all splits."""
    return options.train + options.dev + options.test


def _samples(options: LayoutOptions) -> tuple[Sample, ...]:
    corpus = synthetic.read(
        SyntheticConfig(
            seed=options.seed, train=options.train, dev=options.dev, test=options.test, extra_sentences=0,
            signs=options.glosses, homonyms=0.0, signers=options.signers, noise=0.0, gaps=0.0,
        )
    )  # fmt: skip
    return corpus.samples


def _filmed(samples: Sequence[Sample], options: LayoutOptions) -> Iterator[tuple[Sample, Frames]]:
    looks = {number: draw_look(number, options.seed) for number in range(options.signers)}
    for sample in samples:
        signal = sample.load()
        assert isinstance(signal, Landmarks)
        yield sample, film(signal.points, looks[_signer(sample) - 1], options.size)


def _signer(sample: Sample) -> int:
    """The signer's number, from 1."""
    return int(sample.signer.rpartition("-")[2])


@dataclass(frozen=True, slots=True)
class _Writer:
    """How a layout stores a clip, and its lists."""

    clip: Callable[[Path, Sample, Frames], None]
    lists: Callable[[Path, Sequence[Sample]], None]


def _phoenix2014_clip(folder: Path, sample: Sample, frames: Frames) -> None:
    place = folder / "phoenix-2014-multisigner/features" / PHOENIX_FRAMES / sample.split / sample.id / "1"
    _write_pictures(place, sample.id + ".avi_pid0_fn{:06d}-0.png", frames)


def _phoenix2014_lists(folder: Path, samples: Sequence[Sample]) -> None:
    header = "id|folder|signer|annotation"
    rows = {
        sample.id: f"{sample.id}|{sample.id}/1/*.png|Signer{_signer(sample):02d}|{' '.join(sample.reference)}"
        for sample in samples
    }
    multi = folder / "phoenix-2014-multisigner/annotations/manual"
    alone = folder / SI5 / "annotations/manual"
    parts = {split: [s for s in samples if s.split == split] for split in SPLITS}
    apart = {
        split: [s for s in parts[split] if (_signer(s) == HELD_OUT_SIGNER) != (split == "train")]
        for split in SPLITS
    }
    for split in SPLITS:
        _write_lines(multi / f"{split}.corpus.csv", [header, *(rows[s.id] for s in parts[split])])
        if all(apart.values()):
            _write_lines(alone / f"{split}.SI5.corpus.csv", [header, *(rows[s.id] for s in apart[split])])


def _phoenix2014t_clip(folder: Path, sample: Sample, frames: Frames) -> None:
    place = folder / "PHOENIX-2014-T/features" / PHOENIX_FRAMES / sample.split / sample.id
    _write_pictures(place, "images{:04d}.png", frames, first=1)


def _phoenix2014t_lists(folder: Path, samples: Sequence[Sample]) -> None:
    header = "name|video|start|end|speaker|orth|translation"
    for split in SPLITS:
        rows = [
            f"{s.id}|{s.id}/1/*.png|-1|-1|Signer{_signer(s):02d}|{' '.join(s.reference)}|{s.text}"
            for s in samples
            if s.split == split
        ]
        name = f"PHOENIX-2014-T/annotations/manual/PHOENIX-2014-T.{split}.corpus.csv"
        _write_lines(folder / name, [header, *rows])


def _csl_name(sample: Sample) -> str:
    number = SPLITS.index(sample.split) * 100_000 + int(sample.id.rpartition("-")[2])
    return f"S{number:06d}_P{_signer(sample) - 1:04d}_T00"


def _csl_clip(folder: Path, sample: Sample, frames: Frames) -> None:
    _write_pictures(folder / "sentence_frames-512x512" / _csl_name(sample), "{:06d}.jpg", frames)


def _csl_lists(folder: Path, samples: Sequence[Sample]) -> None:
    splits, labels = ["name|split"], ["index|name|length|gloss|char|word|postag"]
    for number, sample in enumerate(samples):
        name, words = _csl_name(sample), sample.text.split()
        letters = " ".join(letter for letter in sample.text if letter != " ")
        tags = " ".join("n" for _ in words)
        splits.append(f"{name}|{sample.split}")
        labels.append(
            f"{number}|{name}|{sample.frames}|{' '.join(sample.reference)}|{letters}|{' '.join(words)}|{tags}"
        )
    _write_lines(folder / "sentence_label/split_1.txt", splits)
    _write_lines(folder / "sentence_label/video_map.txt", labels)


def _mp4_clip(folder: Path, sample: Sample, frames: Frames) -> None:
    import av

    path = folder / _mp4_path(sample)
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = frames.shape[1:3]
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as file:
        stream = file.add_stream("libx264", rate=FPS, options={"crf": "18", "threads": "1", **SAME_BITS})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for pixels in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        file.mux(stream.encode(None))


def _mp4_path(sample: Sample) -> str:
    return f"clips/{sample.split}/{sample.id}.mp4"


def _mp4_lists(folder: Path, samples: Sequence[Sample]) -> None:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["id", "path", "gloss", "split", "text", "signer"])
    for s in samples:
        table.writerow([s.id, _mp4_path(s), " ".join(s.reference), s.split, s.text, s.signer])
    (folder / "manifest.csv").write_text(text.getvalue(), encoding="utf-8")


def _write_pictures(place: Path, name: str, frames: Frames, first: int = 0) -> None:
    from PIL import Image

    place.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"quality": JPEG_QUALITY} if name.endswith("jpg") else {"compress_level": 4}
    for number, pixels in enumerate(frames, first):
        Image.fromarray(pixels).save(place / name.format(number), **options)


def _write_lines(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


_WRITERS: dict[str, _Writer] = {
    "phoenix2014": _Writer(_phoenix2014_clip, _phoenix2014_lists),
    "phoenix2014t": _Writer(_phoenix2014t_clip, _phoenix2014t_lists),
    "csl_daily": _Writer(_csl_clip, _csl_lists),
    "mp4": _Writer(_mp4_clip, _mp4_lists),
}
