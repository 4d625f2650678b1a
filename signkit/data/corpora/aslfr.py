"""Google's ASL Fingerspelling Recognition (Kaggle, 2023) as it unpacks: MediaPipe's points of phrases.

    train.csv                 path,file_id,sequence_id,participant_id,phrase
    train_landmarks/5414471.parquet             about a thousand sequences a file
    supplemental_metadata.csv, supplemental_landmarks/    phrases of a list, spelled by the same people

A file has a row a frame, with the coordinates of 543 points, or a row a point, as GISLR's have. The
collection has no splits: whole participants are held out, by folds. x and y are fractions of the picture.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signkit.data.corpora.clip_files import usable_clips
from signkit.data.corpora.configs import AslfrConfig
from signkit.data.corpora.folds import split_by_folds
from signkit.data.corpora.media import THREADS
from signkit.data.corpora.official import Gap, Lists, Stock, tree
from signkit.data.corpora.sequence_lists import sequences_listed
from signkit.data.corpora.table import Row
from signkit.data.landmark_files import parquet
from signkit.data.landmark_files.sequences import FAULTS, SequenceEntry, Sequences, sequences_of
from signkit.data.landmark_files.wide import rows_of
from signkit.data.landmarks import NO_HAND
from signkit.data.layouts import Layout, Which, layout, subset
from signkit.errors import UserError
from signkit.types import SPLITS, Corpus, Landmarks, Sample, Signal

MANY = 20_000
"""Rows in a group from which on clips in random order are read slowly: half of a group is decoded for one."""
LIST, SUPPLEMENT = "train.csv", "supplemental_metadata.csv"
COLUMNS = ("path", "sequence_id", "participant_id", "phrase")


@dataclass(frozen=True, slots=True)
class _Listed:
    """A row of a list whose cells can be used."""

    id: str
    sequence: str
    path: Path
    where: str
    signer: str
    words: tuple[str, ...]

    @property
    def characters(self) -> int:
        """How many the phrase has, spaces included."""
        return len(" ".join(self.words))


@dataclass(slots=True)
class _Found:
    """What was found of the listed clips.

    Attributes:
        filtered: clips of train that the recipe's filters leave out, and why.
        unseen: how many clips of each split show no hand and are used.
        faults: clips that show no hand, if those are refused.
    """

    samples: list[Sample] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    filtered: list[UserError] = field(default_factory=list)
    unseen: Counter[str] = field(default_factory=Counter)
    faults: list[UserError] = field(default_factory=list)


def read(config: AslfrConfig) -> Corpus:
    """The corpus of the unpacked folder; ids are the numbers of sequences, references the words of phrases.

    Raises:
        UserError: no such folder; all faults of the lists; files and sequences that are missing or cannot be
            used, if those are refused.
    """
    stock, filtered = _stock(config)
    if filtered and not stock.corpus.split("train"):
        raise UserError(config.root, "no clip of train is left", str(filtered[0]))
    corpus = usable_clips(stock, config.missing, config.root)
    return replace(corpus, left_out=(*corpus.left_out, *map(str, filtered)))


def take_stock(config: AslfrConfig) -> Stock:
    """What there is, without refusing what is missing.

    Raises:
        UserError: the folder is not the collection's, or its list cannot be read.
    """
    return _stock(config)[0]


def _stock(config: AslfrConfig) -> tuple[Stock, list[UserError]]:
    """What there is, and the clips of train that the recipe's filters leave out."""
    given, lists = Path(config.root), Lists()
    root = tree((given, given / "asl-fingerspelling"), [LIST])
    clips = sequences_listed(root / LIST, COLUMNS, lists, partial(_clip, root, ""))
    signers = [clip.signer for clip in clips]  # phrases are hardly ever there twice: no labels
    splits, notes = split_by_folds(str(root), config, labels=[""] * len(clips), signers=signers)
    if config.supplemental:
        places = {*zip(signers, splits, strict=True)}
        by_signer = len(places) == len({*signers})
        held_out = {who for who, split in places if split != "train" and by_signer}
        if not (root / SUPPLEMENT).is_file():
            hint = "data.supplemental: false does without"
            raise UserError(str(root / SUPPLEMENT), "there is no such file", hint)
        more = sequences_listed(root / SUPPLEMENT, COLUMNS, lists, partial(_clip, root, "supplemental-"))
        joined = [clip for clip in more if clip.signer not in held_out]
        if lost := len(more) - len(joined):
            people = "those of participants of dev and test are left out"
            notes = (
                *notes,
                f"{len(joined):,} of {lost + len(joined):,} supplemental clips join train: {people}",
            )
        clips, splits = [*clips, *joined], [*splits, *["train"] * len(joined)]
    chosen, _, columns = _points(config.points)
    files = _sequences({clip.path for clip in clips}, columns)
    found = _samples(clips, splits, files, config)
    indexed = [(path.name, each.checksum) for path, each in files.items() if isinstance(each, Sequences)]
    samples = [(each.id, each.split, each.frames) for each in found.samples]
    lists.digest.update(repr((config.points, config.aspect, indexed, samples)).encode())
    digest = lists.digest.hexdigest()
    notes = (*notes, *_notes(found, files))
    corpus = Corpus("aslfr", tuple(found.samples), chosen.name, 3, fingerprint=digest, notes=notes)
    listed = {split: splits.count(split) for split in SPLITS}
    return Stock(corpus, listed, {}, (*lists.faults, *found.faults), tuple(found.gaps)), found.filtered


def _clip(root: Path, prefix: str, cells: dict[str, str], row: Row) -> _Listed:
    number, words = cells["sequence_id"], tuple(cells["phrase"].split())
    path = root / cells["path"]
    return _Listed(f"{prefix}{number}", number, path, row.where, cells["participant_id"], words)


def _sequences(paths: set[Path], columns: Sequence[str]) -> dict[Path, Sequences | UserError]:
    """The sequences of each file, or why it cannot be used."""

    def one(path: Path) -> Sequences | UserError:
        try:
            found = sequences_of(path, str(path))
        except UserError as fault:
            return fault
        gone = [] if found.long else [name for name in (*columns, "frame") if name not in found.columns]
        if not gone:
            return found
        what = f"lacks {len(gone):,} of the {len(columns) + 1:,} columns that are read, such as {gone[0]}"
        return UserError(str(path), what)

    files = sorted(paths)
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(files, pool.map(one, files), strict=True))


def _samples(
    clips: Sequence[_Listed],
    splits: Sequence[str],
    files: dict[Path, Sequences | UserError],
    config: AslfrConfig,
) -> _Found:
    """The clips that can be used, and what becomes of the others by the recipe's policies."""
    found = _Found()
    lost: dict[tuple[Path, str], list[str]] = defaultdict(list)
    for clip, split in zip(clips, splits, strict=True):
        file = files[clip.path]
        if isinstance(file, UserError):
            lost[clip.path, split].append(clip.where)
            continue
        sequence = file.by_id.get(clip.sequence) or file.by_id.get("")
        if sequence is None or sequence.fault:
            what = FAULTS[sequence.fault] if sequence else "it is not there"
            gap = UserError(clip.where, f"sequence {clip.sequence} of {clip.path.name}: {what}")
            found.gaps.append(Gap(split, 1, gap))
        elif split == "train" and (what := _filtered(clip, sequence, config)):
            found.filtered.append(UserError(clip.where, f"sequence {clip.sequence} is left out: {what}"))
        elif not sequence.hand and config.unseen == "refuse":
            hint = "`data.unseen: use` takes such clips as they are"
            found.faults.append(UserError(clip.where, NO_HAND, hint))
        else:
            found.unseen[split] += not sequence.hand
            found.samples.append(_sample(clip, split, sequence, file.long, config))
    for (path, split), rows in lost.items():
        fault = files[path]
        if isinstance(fault, UserError):
            count = f"{len(rows):,} clips" if len(rows) > 1 else "one clip"
            hint = f"{count} of {split} should be in it, the first in {rows[0]}"
            hint = f"{fault.hint}; {hint}" if fault.hint else hint
            found.gaps.append(Gap(split, len(rows), UserError(fault.where, fault.what, hint)))
    return found


def _filtered(clip: _Listed, sequence: SequenceEntry, config: AslfrConfig) -> str:
    """Why a clip of train is not used by the recipe's filters; "" if it is."""
    if sequence.frames < config.least_frames_per_character * clip.characters:
        return f"{sequence.frames} frames for {clip.characters} characters"
    if config.least_hand_frames and sequence.hand <= config.least_hand_frames * clip.characters:
        return f"{sequence.hand} frames with a hand for {clip.characters} characters"
    return NO_HAND if config.unseen == "skip" and not sequence.hand else ""


def _sample(clip: _Listed, split: str, sequence: SequenceEntry, long: bool, config: AslfrConfig) -> Sample:
    return Sample(
        id=clip.id,
        split=split,
        reference=clip.words,
        frames=sequence.frames,
        load=partial(_load_long if long else _load, clip.path, clip.sequence, sequence, config),
        source=clip.where,
        signer=clip.signer,
        text=" ".join(clip.words),
        fps=config.fps,
    )


def _notes(found: _Found, files: dict[Path, Sequences | UserError]) -> list[str]:
    notes = []
    if count := found.unseen.total():
        where = ", ".join(f"{split} {found.unseen[split]:,}" for split in SPLITS if found.unseen[split])
        what = f"{count:,} of {len(found.samples):,} clips show no hand in any frame ({where}): used"
        notes.append(f"{what}; `data.unseen: skip` leaves those of train out")
    known = [file for file in files.values() if isinstance(file, Sequences) and not file.long]
    rows = sum(each.rows for file in known for each in file.by_id.values())
    if known and rows > MANY * (groups := sum(file.groups for file in known)):
        slow = (
            f"its files have {rows / groups:,.0f} rows in a group, so clips in random order are read slowly"
        )
        notes.append(f"{slow}: pack the corpus once with `signkit data prepare`")
    return notes


@cache
def _points(which: Which) -> tuple[Layout, tuple[int, ...], tuple[str, ...]]:
    """The layout of a choice of points, their indices in ``holistic``, and their columns, point by point."""
    chosen, places = subset(layout("holistic"), which)
    name_of = {place: name for name, place in parquet.wide_columns().items()}
    columns = tuple(name_of[point, axis] for point in places.tolist() for axis in range(3))
    return chosen, tuple(places.tolist()), columns


def _load(path: Path, sequence_id: str, sequence: SequenceEntry, config: AslfrConfig) -> Signal:
    """A sequence of a file with a row a frame; a frame without one, between others, is NaN."""
    chosen, _, columns = _points(config.points)
    rows = rows_of(path, (*columns, "frame"), sequence.first, sequence.first + sequence.rows)
    points = rows[:, :-1].reshape(len(rows), -1, 3)
    places = rows[:, -1].astype(np.int64) - sequence.start
    if sequence.frames > len(rows) or (np.diff(places) != 1).any():
        if places.min() < 0 or places.max() >= sequence.frames:
            raise UserError(f"{path}#{sequence_id}", "has changed since the corpus was read")
        spread = np.full((sequence.frames, *points.shape[1:]), np.nan, np.float32)
        spread[places] = points
        points = spread
    return _landmarks(points, chosen, config)


def _load_long(path: Path, sequence_id: str, sequence: SequenceEntry, config: AslfrConfig) -> Signal:
    """A sequence of a file with a row a point, one of several or the only one."""
    chosen, places, _ = _points(config.points)
    only = "" in sequences_of(path, str(path)).by_id
    signal = parquet.read(path if only else path.with_name(f"{path.name}#{sequence_id}"))
    return _landmarks(signal.points[:, places], chosen, config)


def _landmarks(points: npt.NDArray[np.float32], chosen: Layout, config: AslfrConfig) -> Landmarks:
    if config.aspect != 1:
        points[..., 1] *= np.float32(config.aspect)
    return Landmarks(np.ascontiguousarray(points), chosen.name, config.fps)
