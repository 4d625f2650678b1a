"""RWTH-BOSTON-104: 201 real continuous ASL sentences as tracks of both hands and the nose.

Source: the four CSV files of the public repository udacity/AIND-Recognizer (MIT); positions derived
from RWTH-BOSTON-104 (Dreuw et al., Interspeech 2007: recorded at 30 frames a second, 312 x 242
pixels). Train and test are the official ones; dev is taken from train.
"""

import hashlib
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signkit.data.corpora.configs import Boston104Config
from signkit.data.corpora.table import Row, read_rows
from signkit.data.fetch import cache_folder
from signkit.data.synthetic.draw import shuffled, stream
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.types import Corpus, Landmarks, Sample, Segment

FPS = 30.0
SEEN_SHARE = 0.65  # of test's sentences, those that are in train word by word
TRACKS = ("left-x", "left-y", "right-x", "right-y", "nose-x", "nose-y")
WORDS = ("video", "speaker", "word", "startframe", "endframe")
FILES = {
    "hands_condensed.csv": ("video", "frame", *TRACKS),
    "speaker.csv": ("video", "speaker"),
    "train_words.csv": WORDS,
    "test_words.csv": WORDS,
}
COPY = "@train"  # added to the id of a dev sample's copy in train

Points = npt.NDArray[np.float32]


def read(config: Boston104Config) -> Corpus:
    """The corpus from its four CSV files; sample ids are the ``video`` column.

    With ``dev_in_train`` the dev samples keep their ids and train has copies of them whose ids end
    in ``@train``. A gloss that begins in the frame in which another ends has that frame.

    Raises:
        UserError: a file or a column is missing, a cell is wrong (with its line), a word lies
            outside its video, or a video is in both parts.
    """
    root = _root(config.root)
    texts = {name: read_text(root / name) for name in FILES}
    rows = {name: read_rows(root / name, texts[name], columns) for name, columns in FILES.items()}
    tracks = _tracks(rows["hands_condensed.csv"])
    speakers = _speakers(rows["speaker.csv"])
    train = _samples(rows["train_words.csv"], "train", tracks, speakers)
    test = _samples(rows["test_words.csv"], "test", tracks, speakers)
    return Corpus(
        name="boston104",
        samples=(*_with_dev(train, config), *test),
        layout="boston104",
        width=2,
        fingerprint=hashlib.sha256("\0".join(texts.values()).encode()).hexdigest(),
    )


def dev_fold(sentences: list[tuple[str, ...]], config: Boston104Config) -> list[int]:
    """Which of train's sentences are dev, by index.

    ``strict`` divides the different sentences into folds of about equal size, so that none of dev is
    in the rest. ``seen`` takes a share of `SEEN_SHARE` of sentences that the rest has too. Train has
    too few of these for folds that divide it: folds of ``seen`` share some of them, but no unseen ones.
    """
    order = shuffled(stream(config.fold_seed), range(len(sentences)))
    if config.dev == "strict":
        return sorted(_strict_fold(sentences, order, config))
    return sorted(_seen_fold(sentences, order, config))


def _strict_fold(sentences: list[tuple[str, ...]], order: list[int], config: Boston104Config) -> list[int]:
    groups: dict[tuple[str, ...], list[int]] = {}
    for index in order:
        groups.setdefault(sentences[index], []).append(index)
    folds: list[list[int]] = [[] for _ in range(config.folds)]
    for members in sorted(groups.values(), key=len, reverse=True):
        min(folds, key=len).extend(members)
    return folds[config.fold]


def _seen_fold(sentences: list[tuple[str, ...]], order: list[int], config: Boston104Config) -> list[int]:
    left = Counter(sentences)
    once = [index for index in order if left[sentences[index]] == 1]
    often = [index for index in order if left[sentences[index]] > 1]
    size = len(sentences) / config.folds
    first = len(often) * config.fold // config.folds
    seen: list[int] = []
    for index in often[first:] + often[:first]:
        # the rest of train must keep the sentence
        if len(seen) < round(SEEN_SHARE * size) and left[sentences[index]] > 1:
            left[sentences[index]] -= 1
            seen.append(index)
    unseen = round(len(seen) * (1 - SEEN_SHARE) / SEEN_SHARE)
    slot = len(once) * config.fold // config.folds
    end = len(once) * (config.fold + 1) // config.folds
    return seen + once[slot:end][:unseen]


def _with_dev(train: list[Sample], config: Boston104Config) -> list[Sample]:
    chosen = set(dev_fold([sample.reference for sample in train], config))
    out = []
    for index, sample in enumerate(train):
        if index not in chosen:
            out.append(sample)
            continue
        out.append(replace(sample, split="dev"))
        if config.dev_in_train:
            out.append(replace(sample, id=sample.id + COPY))
    return out


def _root(root: str) -> Path:
    folder = Path(root) if root else cache_folder("boston104")
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        hint = "run `signkit data fetch boston104`, or set data.root to the folder of the four CSV files"
        raise UserError(str(folder), f"missing: {', '.join(missing)}", hint)
    return folder


def _tracks(rows: list[Row]) -> dict[str, Points]:
    """Left hand, right hand and nose of each video: [frames, 3, 2] in pixels."""
    frames: dict[str, list[tuple[float, ...]]] = {}
    for row in rows:
        video = row.cells["video"].strip()
        track = frames.setdefault(video, [])
        frame = row.whole_number("frame")
        if frame != len(track):
            raise UserError(row.where, f"video {video} has frame {frame} where frame {len(track)} should be")
        track.append(tuple(_pixel(row, column) for column in TRACKS))
    return {video: np.array(track, dtype=np.float32).reshape(-1, 3, 2) for video, track in frames.items()}


def _pixel(row: Row, column: str) -> float:
    cell = row.cells[column].strip()
    try:
        value = float(cell)
    except ValueError as error:
        raise UserError(row.where, f"{column} is {cell!r}, not a number") from error
    if not abs(value) < 1e6:
        raise UserError(row.where, f"{column} is {cell!r}, not a place in a picture")
    return value


def _speakers(rows: list[Row]) -> dict[str, str]:
    speakers: dict[str, str] = {}
    for row in rows:
        video = row.cells["video"].strip()
        if video in speakers:
            raise UserError(row.where, f"video {video} is there twice")
        speakers[video] = row.cells["speaker"].strip()
    return speakers


def _samples(
    rows: list[Row], split: str, tracks: dict[str, Points], speakers: dict[str, str]
) -> list[Sample]:
    words: dict[str, list[Segment]] = {}
    where: dict[str, str] = {}
    for row in rows:
        video = row.cells["video"].strip()
        if video not in tracks:
            raise UserError(row.where, f"video {video} has no frames in hands_condensed.csv")
        speaker = row.cells["speaker"].strip()
        if speakers.get(video) != speaker:
            known = f"{speakers[video]!r} in speaker.csv" if video in speakers else "not in speaker.csv"
            raise UserError(row.where, f"the speaker of video {video} is {speaker!r} here, {known}")
        where.setdefault(video, row.where)
        _append(words.setdefault(video, []), row, len(tracks[video]))
    return [
        Sample(
            id=video,
            split=split,
            reference=tuple(segment.gloss for segment in segments),
            frames=len(tracks[video]),
            load=partial(Landmarks, tracks[video], "boston104", FPS),
            source=where[video],
            signer=speakers[video],
            segments=tuple(segments),
            fps=FPS,
        )
        for video, segments in words.items()
    ]


def _append(segments: list[Segment], row: Row, frames: int) -> None:
    """Add a word; its last frame is given inclusively."""
    gloss = row.cells["word"].strip()
    start, last = row.whole_number("startframe"), row.whole_number("endframe")
    if not gloss or " " in gloss:
        raise UserError(row.where, f"word {gloss!r} is not one gloss")
    if not start <= last < frames:
        what = f"{gloss!r} has frames {start} to {last}, but the video has {frames} (counted from 0)"
        raise UserError(row.where, what)
    if segments:
        before = segments[-1]
        if start <= before.start:
            what = f"{gloss!r} begins in frame {start}, {before.gloss!r} before it in frame {before.start}"
            raise UserError(row.where, what)
        segments[-1] = Segment(before.gloss, before.start, min(before.end, start))
    segments.append(Segment(gloss, start, last + 1))
