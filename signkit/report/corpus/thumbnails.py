"""Strips of frames of some clips, or of landmarks drawn as a skeleton."""

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from signkit.config.registry import extra_for
from signkit.data.layouts import layout
from signkit.report.sections import Shot
from signkit.runtime.progress import Watch
from signkit.types import Features, Landmarks, Sample, Signal, Video, fps_of

CLIPS, FRAMES = 8, 4  # of a split, and of a clip
CLASSES, EXAMPLES = 60, 6  # of a corpus of classes, and of a class
HEIGHT = 150  # of a frame in pixels
MARGIN = 0.05

Picture = npt.NDArray[np.uint8]


def strips(samples: dict[str, tuple[Sample, ...]], watch: Watch) -> tuple[tuple[Shot, ...], float]:
    """Clips of each split, evenly from its first to its last, and the frames a second of most of them.

    Raises:
        UserError: one of them cannot be read.
    """
    chosen = []
    for split, some in samples.items():
        places = np.unique(np.rint(np.linspace(0, len(some) - 1, min(CLIPS, len(some)))).astype(int))
        chosen += [(split, some[place]) for place in places]
    shots, rates = [], []
    with watch.bar("thumbnails", len(chosen)) as bar:
        for done, (split, sample) in enumerate(chosen, 1):
            signal = sample.load()
            fps = fps_of(signal)
            rates.append(fps)
            about = ", ".join(filter(None, (split, sample.signer, f"{sample.frames / fps:.1f} s")))
            shots.append(Shot(strip(signal), sample.id, about, " ".join(sample.reference)))
            bar.at(done)
    return tuple(shots), max(set(rates), key=rates.count)


def class_examples(samples: Sequence[Sample], watch: Watch) -> tuple[Shot, ...]:
    """A strip of samples of each class, one picture of each sample; none where references are sentences and
    no classes: more than `CLASSES` different ones, or hardly one that is there twice.

    Raises:
        UserError: one of them cannot be read.
    """
    by_class: dict[str, list[Sample]] = {}
    for sample in samples:
        by_class.setdefault(" ".join(sample.reference), []).append(sample)
    if not 1 < len(by_class) <= CLASSES or len(samples) < 2 * len(by_class):
        return ()
    shots = []
    with watch.bar("classes", len(by_class)) as bar:
        for done, (name, some) in enumerate(sorted(by_class.items()), 1):
            places = np.unique(np.rint(np.linspace(0, len(some) - 1, min(EXAMPLES, len(some)))).astype(int))
            drawn = [_pictures(some[place].load()) for place in places]
            count = f"{len(some):,} sample{'s' * (len(some) > 1)}"
            shots.append(Shot(_encoded([each[len(each) // 2] for each in drawn]), name, count))
            bar.at(done)
    return tuple(shots)


def strip(signal: Signal) -> bytes:
    """Some frames of a clip side by side, or its one picture, as a JPEG file."""
    return _encoded(_pictures(signal))


def _places(frames: int) -> npt.NDArray[np.int64]:
    """The middles of equal parts of a clip."""
    parts = min(FRAMES, frames)
    return ((np.arange(parts) + 0.5) * frames / parts).astype(np.int64)


def _pictures(signal: Signal) -> list[Picture]:
    if isinstance(signal, Video):
        return list(signal.clip.read(_places(signal.clip.frames)))
    if isinstance(signal, Landmarks):
        return _skeletons(signal)
    if isinstance(signal, Features):
        return [_heat(part) for part in np.array_split(signal.vectors, FRAMES) if len(part)]
    return []


def _skeletons(signal: Landmarks) -> list[Picture]:
    """Points and edges as lines of the ink, at the scale of the whole clip."""
    from PIL import Image, ImageDraw

    points = signal.points[_places(len(signal.points))][:, :, :2]
    known = signal.points[np.isfinite(signal.points).all(-1)][:, :2]
    if not len(known):
        known = np.zeros((1, 2), np.float32)  # nothing was seen in the whole clip: empty pictures
    low, high = known.min(0), known.max(0)
    scale = HEIGHT * (1 - 2 * MARGIN) / max(float((high - low).max()), 1e-6)
    placed = (points - (low + high) / 2) * scale + HEIGHT / 2
    dot = 1 if points.shape[1] > 10 else 5
    pictures = []
    for frame in placed:
        canvas = Image.new("RGB", (HEIGHT, HEIGHT), "#f1f3f6")
        draw = ImageDraw.Draw(canvas)
        seen = np.isfinite(frame).all(1)
        for start, end in layout(signal.layout).edges:
            if seen[start] and seen[end]:
                draw.line([tuple(frame[start]), tuple(frame[end])], fill="#9db8d9", width=2)
        for x, y in frame[seen]:
            draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill="#30343b")
        pictures.append(np.asarray(canvas))
    return pictures


def _heat(vectors: npt.NDArray[np.float32]) -> Picture:
    """Features as grey: a column a frame."""
    low, high = float(vectors.min()), float(vectors.max())
    grey = (255 * (vectors.T - low) / max(high - low, 1e-6)).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _encoded(pictures: list[Picture]) -> bytes:
    """The pictures side by side, all of one height, as a JPEG file."""
    with extra_for("signkit data report"):
        from PIL import Image
    row = [Image.fromarray(picture) for picture in pictures]
    row = [each.resize((max(1, round(each.width * HEIGHT / each.height)), HEIGHT)) for each in row]
    strip = Image.new("RGB", (sum(each.width for each in row), HEIGHT))
    left = 0
    for each in row:
        strip.paste(each, (left, 0))
        left += each.width
    file = io.BytesIO()
    strip.save(file, "JPEG", quality=80)
    return file.getvalue()
