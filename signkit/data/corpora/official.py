"""Corpora as their makers packed them: lists of samples, a folder of frames for each, and what is missing.

Frames are counted by one look at each folder (`frame_folders`). Nothing is decoded here and no index is kept
next to the user's data.
"""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from signkit.data.corpora.frame_folders import THREADS, count_all
from signkit.data.corpora.shared import Shared
from signkit.data.corpora.table import fail_together
from signkit.data.landmark_files import landmark_header, read_landmarks
from signkit.data.npz import NpzHeader
from signkit.data.video import open_clip
from signkit.data.video.folder import KINDS
from signkit.errors import UserError
from signkit.runtime.files import plainly
from signkit.types import SPLITS, VIDEO, WRITTEN, Corpus, Features, Landmarks, Sample, Signal, Text, Video

LANDMARKS = (".npz", ".pose")


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of an official list.

    Attributes:
        where: the list and the line, for messages.
        frames: the folder of its frames.
        below: the same, from the folder of all frames.
    """

    id: str
    split: str
    reference: tuple[str, ...]
    where: str
    frames: Path
    below: Path
    signer: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples of a split without frames or landmarks: how many, and the fault that says so."""

    split: str
    samples: int
    fault: UserError


@dataclass(frozen=True, slots=True)
class Stock:
    """What there is of a corpus.

    Attributes:
        corpus: the samples that can be used; those that the recipe leaves out are not among them.
        listed: how many the lists name, by split.
        published: how many they should.
        faults: of the lists.
        gaps: samples of the lists that are not there.
        shared: rows that have a clip in common, of corpora that look for that.
        glosses: the glosses of each row as written, with the row's place; empty where that is not kept.
    """

    corpus: Corpus
    listed: dict[str, int]
    published: dict[str, int]
    faults: tuple[UserError, ...] = ()
    gaps: tuple[Gap, ...] = ()
    shared: tuple[Shared, ...] = ()
    glosses: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Lists:
    """What was read of the lists so far.

    Attributes:
        digest: of the files' contents.
    """

    listed: list[Listed] = field(default_factory=list)
    faults: list[UserError] = field(default_factory=list)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, row: Listed) -> None:
        """A row; of an empty reference or an unknown split it is a fault."""
        if not row.id:
            self.faults.append(UserError(row.where, "the name is empty"))
        elif row.split not in SPLITS:
            self.faults.append(UserError(row.where, f"split {row.split!r} is none of train, dev, test"))
        elif not row.reference:
            self.faults.append(UserError(row.where, f"{row.id} has no gloss"))
        elif "\0" in f"{row.id}{row.below}":
            self.faults.append(UserError(row.where, "the name or the folder has the character 0"))
        elif Path(row.id).is_absolute() or ".." in Path(row.id).parts:
            self.faults.append(UserError(row.where, f"{row.id} is a path, not a name"))
        elif row.below.is_absolute() or ".." in row.below.parts:
            what = f"the frames of {row.id} are said to be in {row.below}, which is not below the folder"
            self.faults.append(UserError(row.where, what))
        else:
            self.listed.append(row)

    def once(self) -> list[Listed]:
        """The rows by different names, the first of each; others become faults."""
        first: dict[str, Listed] = {}
        for row in self.listed:
            before = first.setdefault(row.id, row)
            if before is not row:
                self.faults.append(
                    UserError(
                        row.where, f"{row.id} is there twice, first in {_short(before.where, row.where)}"
                    )
                )
        return [*first.values()]


def take_stock_of(
    name: str,
    lists: Lists,
    published: dict[str, int],
    *,
    landmarks: str,
    leave_out: Sequence[str],
    fps: float,
    reference: Literal["gloss", "text"] = "gloss",
    written: bool = False,
) -> Stock:
    """Count the frames of what the lists name, or read the headers of its landmarks; of glosses that are
    read in place of recordings, neither."""
    rows = lists.once()
    wanted = [row for row in rows if row.id not in set(leave_out)]
    if written:
        present = _written(wanted)
    else:
        present = _landmarks(wanted, Path(landmarks), fps) if landmarks else _frames(wanted, fps)
    if reference == "text":
        present = _translated(present)
    lists.digest.update(repr([(sample.id, sample.frames) for sample in present.samples]).encode())
    if landmarks:
        lists.digest.update(repr((present.layout, present.width, present.checksums)).encode())
    return Stock(
        corpus=Corpus(
            name, tuple(present.samples), present.layout, present.width, fingerprint=lists.digest.hexdigest()
        ),
        listed={split: sum(row.split == split for row in rows) for split in SPLITS},
        published=published,
        faults=tuple(lists.faults),
        gaps=tuple(present.gaps),
    )


def usable(stock: Stock, missing: Literal["refuse", "skip"], where: str) -> Corpus:
    """The corpus of what there is.

    Args:
        missing: what is done about samples of train that are not there; of dev and test they are always
            refused, since a score on a part of them is another score.

    Raises:
        UserError: all faults of the lists and all that is missing, at once.
    """
    refused = [gap.fault for gap in stock.gaps if missing == "refuse" or gap.split != "train"]
    fail_together([*stock.faults, *refused], where)
    if not stock.corpus.split("train"):
        raise UserError(where, "there is no sample of train", str(stock.gaps[0].fault) if stock.gaps else "")
    return replace(stock.corpus, left_out=tuple(str(gap.fault) for gap in stock.gaps))


def tree(places: Sequence[Path], marks: Sequence[str]) -> Path:
    """The folder of a release: the first of these places that has one of the marks.

    Args:
        places: what the user names, and where a release has its folder in that.
        marks: files, by their path in it.

    Raises:
        UserError: none of them has one.
        OperationalError: one of them cannot be read.
    """
    for place in places:
        with plainly(place, "read"):
            if any((place / mark).exists() for mark in marks):
                return place
    what = f"no {' or '.join(marks)} in it"
    raise UserError(str(places[0]), what, f"nor in {', '.join(map(str, places[1:]))}")


@dataclass(frozen=True, slots=True)
class _Present:
    """The samples that are there, and the others. `checksums`: of the samples' files of landmarks."""

    samples: list[Sample]
    gaps: list[Gap]
    layout: str
    width: int
    checksums: tuple[int, ...] = ()


def _frames(rows: list[Listed], fps: float) -> _Present:
    gaps = _gone(rows)
    gone = {gap.split for gap in gaps}
    samples = []
    for row, counted in zip(rows, count_all([row.frames for row in rows]), strict=True):
        if counted.fault:
            gaps.append(Gap(row.split, 1, counted.fault))
        elif counted.frames > 0:
            samples.append(_sample(row, counted.frames, fps, partial(load_frames, counted.folder, fps)))
        elif row.split not in gone:
            what = "there is no such folder" if counted.frames < 0 else f"the folder has no frames ({KINDS})"
            gaps.append(Gap(row.split, 1, UserError(str(row.frames), what, f"it is that of {row.where}")))
    return _Present(samples, gaps, VIDEO, 3)


def _written(rows: list[Listed]) -> _Present:
    samples = [_sample(row, len(row.reference), Text.fps, partial(Text, row.reference)) for row in rows]
    return _Present(samples, [], WRITTEN, 1)


def _translated(present: _Present) -> _Present:
    """The samples with their texts as references; one without a text is missing."""
    samples, gaps = list[Sample](), list(present.gaps)
    for sample in present.samples:
        words = tuple(sample.text.split())
        if words:
            samples.append(replace(sample, reference=words, glosses=sample.reference))
        else:
            gaps.append(Gap(sample.split, 1, UserError(sample.source, f"{sample.id} has no translation")))
    return replace(present, samples=samples, gaps=gaps)


def _gone(rows: list[Listed]) -> list[Gap]:
    """Splits whose whole folder is missing: one fault instead of thousands."""
    gaps = []
    for split in SPLITS:
        mine = [row for row in rows if row.split == split]
        tops = {row.frames.parents[max(0, len(row.below.parts) - 2)] for row in mine}
        if len(tops) != 1:
            continue
        top = tops.pop()
        with plainly(top, "read"):
            there = top.is_dir()
        if not there:
            what = f"there is no such folder; it is that of {len(mine)} samples of {split}"
            gaps.append(Gap(split, len(mine), UserError(str(top), what)))
    return gaps


def _landmarks(rows: list[Listed], folder: Path, fps: float) -> _Present:
    with ThreadPoolExecutor(THREADS) as pool:
        files = [*pool.map(partial(_landmark_file, folder), rows)]
    samples, gaps, checksums = [], [], []
    layout, width, first = "", 0, ""
    for row, file in zip(rows, files, strict=True):
        if isinstance(file, UserError):
            gaps.append(Gap(row.split, 1, file))
            continue
        path, header = file
        if not first:
            layout, width, first = header.layout, header.width, path.name
        if (header.layout, header.width) != (layout, width):
            what = f"has the layout {header.layout!r} of width {header.width}"
            fault = UserError(str(path), what, f"{first} has {layout!r} of width {width}")
            gaps.append(Gap(row.split, 1, fault))
        else:
            samples.append(_sample(row, header.frames, fps, partial(load_landmarks, path, fps)))
            checksums.append(header.checksum)
    return _Present(samples, gaps, layout, width, tuple(checksums))


def _landmark_file(folder: Path, row: Listed) -> tuple[Path, NpzHeader] | UserError:
    """The file of a sample: named as its frames are, or by its name alone."""
    stems = (row.below, row.below / "1", Path(row.split) / row.id, Path(row.id))
    paths = [folder / stem.with_name(stem.name + ending) for stem in stems for ending in LANDMARKS]
    for path in paths:
        with plainly(path, "read"):
            there = path.is_file()
        if there:
            try:
                return path, landmark_header(path)
            except UserError as fault:
                return fault
    return UserError(str(paths[0]), "there is no such file", f"it is that of {row.where}")


def _sample(row: Listed, frames: int, fps: float, load: Callable[[], Signal]) -> Sample:
    return Sample(
        id=row.id, split=row.split, reference=row.reference, frames=frames, load=load,
        source=row.where, signer=row.signer, text=row.text, fps=fps,
    )  # fmt: skip


def load_frames(folder: Path, fps: float) -> Signal:
    """The clip of a folder of frames."""
    return Video(open_clip(folder, fps=fps))


def load_landmarks(path: Path, fps: float) -> Signal:
    """Landmarks, a frame each, at the corpus's frames a second: those made of pictures cannot know it."""
    signal = read_landmarks(path)
    return replace(signal, fps=fps) if isinstance(signal, Landmarks | Features) else signal


def _short(before: str, here: str) -> str:
    """Where something was before: its line alone if it is in the same file."""
    file, _, line = before.rpartition(":")
    return f"line {line}" if here.startswith(file + ":") else before
