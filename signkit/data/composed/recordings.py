"""Recordings of single letters by several people, and words spelled from those of one person."""

import hashlib
import io
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signkit.data.composed.timeline import MOVING, REST, SPACE, Piece, blended, course_of, length, shifts
from signkit.data.corpora.table import read_rows
from signkit.data.npz import DAMAGED, read_npy
from signkit.data.synthetic import hand
from signkit.data.synthetic.draw import Array, bell, below, between, stream
from signkit.data.synthetic.hand_clip import PARENT, Stage, by_another_camera, from_bones, in_picture
from signkit.errors import UserError
from signkit.runtime.files import read_bytes, read_text

INDEX, POINTS = "index.csv", "landmarks.npz"
COLUMNS = ("signer", "label", "offset", "frames")
PALM = ((0, 5), (0, 9), (0, 17), (5, 17))
"""Of these distances the longest is the size of a hand."""
STILL = (0.2, 0.8)
"""The part of a recording from which a letter that does not move is taken."""


@dataclass(frozen=True, slots=True)
class Recordings:
    """Recordings of letters: the wrist's mean place in each is 0, the size of the palm 1.

    Attributes:
        points: all of them, one after the other [frames, 21, 3], and a hand at rest of each person.
        letters: of each person, by letter, where each recording begins and how many frames it has.
        rest: of each person the frame of the hand at rest, the mean of all letters.
        handless: recordings without a hand, left out.
        digest: of the files.
    """

    points: npt.NDArray[np.float32]
    letters: Mapping[str, Mapping[str, tuple[tuple[int, int], ...]]]
    rest: Mapping[str, int]
    handless: int
    digest: str


def read(root: Path) -> Recordings:
    """Recordings of a folder with ``index.csv`` (signer, label, offset, frames; labels are letters) and
    ``landmarks.npz`` (``xyz`` [frames, 21, 3], MediaPipe's hand, NaN where there is none, or no depth).

    Raises:
        UserError: a file is missing or of another form, or a row is wrong.
    """
    index, file = root / INDEX, root / POINTS
    text, data = read_text(index), read_bytes(file)
    points = _points(data, str(file))
    pieces, handless = list[npt.NDArray[np.float32]](), 0
    letters: defaultdict[str, defaultdict[str, list[tuple[int, int]]]]
    letters = defaultdict(lambda: defaultdict(list))
    begin = 0
    for row in read_rows(index, text, COLUMNS):
        label, start, frames = (
            row.cells["label"].strip(),
            row.whole_number("offset"),
            row.whole_number("frames"),
        )
        if not (label.isascii() and label.isalpha() and len(label) == 1):
            raise UserError(row.where, f"label {label!r} is no letter from A to Z")
        if not frames or start + frames > len(points):
            what = f"frames {start} to {start + frames} are not in {POINTS}, which has {len(points)}"
            raise UserError(row.where, what)
        clip = _filled(points[start : start + frames])
        if clip is None:
            handless += 1
            continue
        pieces.append(_scaled(clip))
        letters[row.cells["signer"].strip()][label.lower()].append((begin, len(clip)))
        begin += len(clip)
    if not pieces:
        raise UserError(str(index), "has no recording with a hand")
    every, rest = np.concatenate(pieces), dict[str, int]()
    resting = list[npt.NDArray[np.float32]]()
    for person, of_letter in letters.items():
        middles = [start + frames // 2 for places in of_letter.values() for start, frames in places]
        rest[person] = len(every) + len(resting)
        resting.append((every[middles] - every[middles][:, :1]).mean(0))
    return Recordings(
        points=np.concatenate([every, np.stack(resting)]),
        letters={who: {key: tuple(of) for key, of in some.items()} for who, some in letters.items()},
        rest=rest,
        handless=handless,
        digest=hashlib.sha256(text.encode() + data).hexdigest(),
    )


def _points(data: bytes, where: str) -> npt.NDArray[np.float32]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            points = read_npy(archive, "xyz")
    except (KeyError, *DAMAGED) as error:
        raise UserError(where, "is no npz file with the array `xyz`") from error
    if points.ndim != 3 or points.shape[1:] != (hand.POINTS, 3) or points.dtype.kind != "f":
        raise UserError(where, f"`xyz` must be numbers [frames, 21, 3], not {list(points.shape)}")
    return points.astype(np.float32)


def _filled(clip: npt.NDArray[np.float32]) -> npt.NDArray[np.float32] | None:
    """The frames from the first to the last with a hand, gaps between them filled, depth 0 where there is
    none; None without a hand."""
    seen = np.flatnonzero(np.isfinite(clip[..., :2]).all((1, 2)))
    if not len(seen):
        return None
    at = np.arange(seen[0], seen[-1] + 1)
    later = np.searchsorted(seen, at)
    before, after = seen[np.maximum(later - (seen[later] != at), 0)], seen[later]
    share = ((at - before) / np.maximum(after - before, 1)).astype(np.float32)[:, None, None]
    found = clip[before] + share * (clip[after] - clip[before])
    found[..., 2] = np.where(np.isfinite(found[..., 2]), found[..., 2] - found[:, :1, 2], 0)
    return np.asarray(found, dtype=np.float32)


def _scaled(clip: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Counted from the wrist's mean place, in palms."""
    ends = np.array(PALM)
    palms = length((clip[:, ends[:, 0]] - clip[:, ends[:, 1]]).astype(np.float64))
    size = max(float(np.median(palms.max(1))), 1e-6)
    found = clip.copy()
    found[..., :2] -= clip[:, :1, :2].mean(0, keepdims=True)
    return (found / size).astype(np.float32)


def spell(
    recordings: Recordings,
    person: str,
    pieces: Sequence[Piece],
    stage: Stage,
    key: tuple[int, ...],
) -> npt.NDArray[np.float32]:
    """Points [frames, 21, 3] of a word, in a picture, from a person's recordings drawn at random.

    Args:
        stage: without variation the hand is as it was recorded; else a camera of the clip's own sees it, with
            bones of other lengths and a tracker's jitter.
    """
    bits = stream(*key)
    places = [_places(recordings, person, piece, bits) for piece in pieces]
    course = course_of(pieces, places)
    points = blended(recordings.points, course) + shifts(pieces, course, bits)
    if stage.variation:
        points = _seen_anew(points, stage, bits)
    return in_picture(points, stage, bits)


def _places(recordings: Recordings, person: str, piece: Piece, bits: np.random.PCG64) -> Array:
    """The frames of the recordings that a piece is made of; the first and the last are whole numbers."""
    if piece.letter in (REST, SPACE):
        return np.full(piece.frames, float(recordings.rest[person]))
    takes = recordings.letters[person][piece.letter]
    start, frames = takes[below(bits, len(takes))]
    low, high = 0, frames - 1
    if piece.letter not in MOVING:
        low, high = int(STILL[0] * high), int(STILL[1] * high + 0.5)
        low += below(bits, max(1, high - low + 2 - piece.frames))
        high = min(high, low + piece.frames - 1)
    return np.asarray(start + np.linspace(low, high, piece.frames), dtype=np.float64)


def _seen_anew(points: Array, stage: Stage, bits: np.random.PCG64) -> Array:
    """By another camera, and with bones of other lengths, as `signkit.data.synthetic.hand_clip.seen_anew`."""
    bones = points - points[:, PARENT]
    bones = bones * (1 + stage.variation * 0.08 * bell(bits, 21))[:, None]
    seen = by_another_camera(from_bones(bones), (16.0, 16.0, 6.0), stage, bits) + points[:, :1]
    seen += between(bits, 0.0, 0.5) * stage.noise * bell(bits, seen.size).reshape(seen.shape)
    seen[..., 2] -= seen[:, :1, 2].copy()
    seen[..., 2] *= max(between(bits, -0.3, 1.1), 0.0)
    return seen
