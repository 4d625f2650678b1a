"""A user's own corpus: a manifest of clips with their glosses, and a file or folder for each clip.

The manifest is a table with a header (`signkit.runtime.tables`) or JSON, in UTF-8. Columns: ``id``, ``path``
(below the manifest's folder), ``gloss`` (separated by spaces; in JSON a list too), ``split``
(train, dev or test), and if wanted ``text``, ``signer``, ``fps``, ``start`` and ``end`` of a segment, and
columns of labels.
A path leads to landmarks or features (`signkit.data.npz`, `signkit.data.landmark_files`) or to video
(`signkit.data.video`), see `signkit.data.corpora.media`.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from operator import itemgetter
from pathlib import Path

from signkit.data.corpora.configs import ManifestConfig
from signkit.data.corpora.hand_boxes import boxes_file, read_boxes
from signkit.data.corpora.manifest_rows import (
    COLUMNS,
    check_id,
    labels_of,
    line_of,
    manifest_rows,
    manifest_text,
    other_case,
    reference_of,
    row_path,
    signer_faults,
)
from signkit.data.corpora.manifest_segments import segments_of
from signkit.data.corpora.media import Media, Numbers, numbers_of, open_all, segment_of
from signkit.data.corpora.official import Gap, Stock
from signkit.data.corpora.shared import Place, shared_clips
from signkit.data.corpora.table import Row, fail_together
from signkit.data.gloss_checks import check_glosses
from signkit.data.landmarks import NOTHING
from signkit.data.notices import summed
from signkit.data.video.crop import Box, load_cropped
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.text.vocabulary import composed
from signkit.types import SPLITS, VIDEO, Corpus, Sample

MANY = 0.05
"""Share of the frames from which on a run names what is odd in the landmarks."""

MEANT = {
    **{split: split for split in SPLITS},
    **dict.fromkeys(("val", "valid", "validation"), "dev"),
    **dict.fromkeys(("training", "trn"), "train"),
    **dict.fromkeys(("testing", "tst"), "test"),
}
"""Splits by what others call them, in small letters."""


@dataclass(frozen=True, slots=True)
class _Clip:
    """A row whose cells can be used."""

    number: int
    row: Row
    split: str
    reference: tuple[str, ...]
    path: Path
    numbers: Numbers
    fps: float | None

    @property
    def id(self) -> str:
        """The id of its sample."""
        return self.row.cells["id"].strip()

    @property
    def shown(self) -> str:
        """The path as it is written."""
        return self.row.cells["path"].strip()

    @property
    def where(self) -> str:
        """For messages about the clip."""
        return f"{self.row.where}: {self.shown}"


@dataclass(slots=True)
class _Contents:
    """What was read of a manifest so far. Faults are numbered by their rows.

    Attributes:
        glosses: the cell of each row that has one, with the place of the row.
        listed: rows by split.
        media, places: of each sample.
        faults: of the manifest.
        gaps: clips that cannot be used.
        skipped: clips of train that show no hand, if those are left out.
        unseen: how many samples of each split show no hand.
        boxes: that clips are cropped to, by their ids; None: clips are whole.
    """

    text: str
    boxes: dict[str, Box] | None = None
    glosses: list[tuple[str, str]] = field(default_factory=list)
    listed: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    media: list[Media] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    faults: list[tuple[int, UserError]] = field(default_factory=list)
    gaps: list[tuple[int, Gap]] = field(default_factory=list)
    skipped: list[tuple[int, Gap]] = field(default_factory=list)
    unseen: Counter[str] = field(default_factory=Counter)


def read(config: ManifestConfig, *, to_train: bool = True) -> Corpus:
    """The corpus of a manifest. Every fault of it is found, each with its line.

    Args:
        to_train: whether rows of train are needed, which they are not where a finished run is scored.

    Raises:
        UserError: of the manifest, not UTF-8, columns missing, no row of train; of a row, not readable, an
            empty cell, an unknown split, an id used twice or in two splits, a path that is not below the
            folder, a file that cannot be used (see `open_media`) or has another layout than the first, a
            segment that is not in it (see `segment_of`); a signer in two splits, when `signer_independent` is
            claimed. A clip of train that cannot be used, or shows no hand, is left out if the recipe says so.
    """
    contents, file = _contents(config), Path(config.root) / config.file
    refused = [
        (number, gap.fault)
        for number, gap in contents.gaps
        if config.damaged == "refuse" or gap.split != "train"
    ]
    fail_together(_in_order([*contents.faults, *refused]), str(file))
    left_out = tuple(str(gap.fault) for gap in _gaps(contents))
    if to_train and not any(sample.split == "train" for sample in contents.samples):
        what = "no file of train can be used" if left_out else "no row has the split train"
        raise UserError(str(file), what, left_out[0] if left_out else "")
    notes = (
        *_unseen_notes(contents),
        *_shared_notes(contents, config),
        *_gloss_notes(contents),
        *_landmark_notes(contents),
    )
    return replace(_corpus(config, contents), left_out=left_out, notes=notes)


def take_stock(config: ManifestConfig) -> Stock:
    """What there is of a manifest, and every fault of it. Clips that are copies of each other are looked for.

    Raises:
        UserError: the manifest as a whole cannot be read.
    """
    contents = _contents(config)
    faults = _in_order(contents.faults)
    if not any(sample.split == "train" for sample in contents.samples):
        faults.append(UserError(str(Path(config.root) / config.file), "no row of train can be used"))
    return Stock(
        corpus=_corpus(config, contents),
        listed={split: contents.listed[split] for split in SPLITS},
        published={},
        faults=tuple(faults),
        gaps=tuple(_gaps(contents)),
        shared=tuple(shared_clips(contents.places)) if config.shared_clips == "report" else (),
        glosses=tuple(contents.glosses),
    )


def _contents(config: ManifestConfig) -> _Contents:
    file = Path(config.root) / config.file
    text = manifest_text(file, "--set data.file")
    columns = tuple(config.reference if name == "gloss" else name for name in COLUMNS)
    columns = (*columns, "signer") if config.signer_independent else columns
    rows = manifest_rows(file, text, columns, config.labels)
    contents = _Contents(text)
    if config.boxes:
        contents.boxes = read_boxes(boxes_file(config.boxes, config.zoom), None)[0]
    clips = _clips(rows, config, contents)
    first_rows = {(clip.path, clip.fps): clip.where for clip in reversed(clips)}
    opened = open_all(first_rows, config.missing)
    for clip in clips:
        medium = opened[clip.path, clip.fps]
        if isinstance(medium, UserError):
            contents.gaps.append(
                (clip.number, Gap(clip.split, 1, _of_row(medium, clip, first_rows[clip.path, clip.fps])))
            )
            continue
        try:
            medium = segment_of(medium, clip.numbers, clip.where)
            if contents.boxes is None:
                _add(clip, medium, config, contents)
            elif (box := contents.boxes.get(clip.id)) is not None:
                _add(clip, _cropped(medium, box, clip), config, contents)
            else:
                fault = UserError(clip.row.where, f"no box of {clip.id} in {config.boxes}")
                contents.gaps.append((clip.number, Gap(clip.split, 1, fault)))
        except UserError as fault:
            contents.faults.append((clip.number, fault))
    if config.signer_independent:
        contents.faults += signer_faults(rows)
    if contents.media and all(medium.unseen == NOTHING for medium in contents.media):
        what = "no point is seen in any clip: every coordinate is missing"
        contents.faults.append((len(rows), UserError(str(file), what)))
    return contents


def _clips(rows: Sequence[Row | UserError], config: ManifestConfig, contents: _Contents) -> list[_Clip]:
    """The rows whose cells can be used; the faults of the others are added to the contents."""
    first: dict[str, Row] = {}
    clips = []
    for number, row in enumerate(rows):
        if isinstance(row, UserError):
            contents.faults.append((number, row))
            continue
        if config.reference == "gloss":
            contents.glosses.append((row.where, row.cells["gloss"]))
        split = row.cells["split"].strip()
        contents.listed[split] += 1
        try:
            check_id(row, first)
            path, numbers = row_path(row, Path(config.root)), numbers_of(row)
            reference = reference_of(row, config.reference)
            if split not in SPLITS:
                meant = MEANT.get(split.casefold())
                hint = f"did you mean {meant}?" if meant else ""
                raise UserError(row.where, f"split {split!r} is none of train, dev, test", hint)
            fps = numbers.fps or config.fps or None
            clips.append(_Clip(number, row, split, reference, path, numbers, fps))
        except UserError as fault:
            contents.faults.append((number, fault))
    return clips


def _add(clip: _Clip, medium: Media, config: ManifestConfig, contents: _Contents) -> None:
    """A clip that can be read, as a sample.

    Raises:
        UserError: it is of another kind than the first, its segments cannot be, or it shows no hand and such
            clips are refused.
    """
    row = clip.row
    _check_same_kind(clip, medium, contents)
    if medium.unseen:
        fault = UserError(clip.where, medium.unseen, "`data.unseen: use` takes such clips as they are")
        if config.unseen == "refuse":
            raise fault
        if config.unseen == "skip" and clip.split == "train":
            fault = UserError(clip.where, medium.unseen)
            contents.skipped.append((clip.number, Gap(clip.split, 1, fault)))
            return
        contents.unseen[clip.split] += 1
    sample = Sample(
        id=clip.id,
        split=clip.split,
        reference=clip.reference,
        frames=medium.frames,
        load=medium.load,
        source=row.where,
        signer=composed(row.cells.get("signer", "").strip()),
        text=row.cells.get("text", "").strip(),
        segments=segments_of(row, clip.reference, medium),
        labels=labels_of(row, config.labels),
        fps=medium.fps,
    )
    start, end = clip.numbers.start or 0.0, math.inf if clip.numbers.end is None else clip.numbers.end
    contents.samples.append(sample)
    contents.media.append(medium)
    place = Place(row.where, sample.id, clip.split, clip.path, clip.shown, start, end, medium.contentless)
    contents.places.append(place)


def _cropped(medium: Media, box: Box, clip: _Clip) -> Media:
    """A clip of video of which the box is shown.

    Raises:
        UserError: it is none.
    """
    if medium.layout != VIDEO:
        raise UserError(clip.where, "is no video, and `data.boxes` crops video", "leave it out")
    return replace(medium, load=partial(load_cropped, medium.load, box, clip.where))


def _corpus(config: ManifestConfig, contents: _Contents) -> Corpus:
    held_out = {sample.reference for sample in contents.samples if sample.split != "train"}
    more = _extra_text(Path(config.root), config.extra_text)
    digest = hashlib.sha256(contents.text.encode())
    digest.update(repr([medium.checksum for medium in contents.media]).encode())
    digest.update(repr(more).encode())
    if contents.boxes is not None:
        digest.update(repr(contents.boxes).encode())
    return Corpus(
        name=Path(config.file).stem,
        samples=tuple(contents.samples),
        layout=contents.media[0].layout if contents.media else "",
        width=contents.media[0].width if contents.media else 0,
        extra_text=tuple(sentence for sentence in more if sentence not in held_out),
        fingerprint=digest.hexdigest(),
    )


def _in_order(faults: Sequence[tuple[int, UserError]]) -> list[UserError]:
    return [fault for _, fault in sorted(faults, key=itemgetter(0))]


def _gaps(contents: _Contents) -> list[Gap]:
    """The clips that are left out, in the order of the rows."""
    return [gap for _, gap in sorted([*contents.gaps, *contents.skipped], key=itemgetter(0))]


def _of_row(fault: UserError, clip: _Clip, first: str) -> UserError:
    """The fault of a file, which names its first row, as that of this one."""
    inside = fault.where.removeprefix(first).removeprefix(str(clip.path))
    hint = fault.hint
    if fault.what == "there is no such file" and (name := other_case(clip.path)):
        hint = f"there is {name}: capitals count"
    return UserError(clip.where + (inside if inside != fault.where else ""), fault.what, hint)


def _unseen_notes(contents: _Contents) -> list[str]:
    count = contents.unseen.total()
    if not count:
        return []
    where = ", ".join(f"{split} {contents.unseen[split]}" for split in SPLITS if contents.unseen[split])
    what = f"{count:,} of {len(contents.samples):,} clips show no hand in any frame ({where})"
    if count == len(contents.samples) > 1:
        what = f"none of the {count:,} clips shows a hand in any frame ({where})"
    return [
        f"{what}: used, with all points of the hands missing; `data.unseen: skip` leaves those of train out"
    ]


def _shared_notes(contents: _Contents, config: ManifestConfig) -> list[str]:
    if config.shared_clips == "allow":
        return []
    shared = [each for each in shared_clips(contents.places, contents=False) if len({*each.splits}) > 1]
    if not shared:
        return []
    what = f"{len(shared):,} clip{'s are' if len(shared) > 1 else ' is'} in two splits, so scores mean little"
    return [f"{what}: {shared[0].fault}{'; …' if len(shared) > 1 else ''} (`signkit data check` names all)"]


def _gloss_notes(contents: _Contents) -> list[str]:
    """Of what looks wrong in the glosses that which hardly is meant."""
    odd = [
        each
        for each in check_glosses(contents.glosses)
        if each.kind in ("list", "quotes", "empty", "invisible")
    ]
    more = f" (and {len(odd) - 1} more: `signkit data check` names all)" if len(odd) > 1 else ""
    return [f"look at the glosses: {odd[0]}{more}"] if odd else []


def _landmark_notes(contents: _Contents) -> list[str]:
    """Of landmarks that can be used, but may not mean what they should; nothing of a few frames of zeros."""
    media = {place.path: medium for place, medium in zip(contents.places, contents.media, strict=True)}
    notices = [notice for medium in media.values() for notice in medium.notices]
    frames = Counter[str]()
    for notice in notices:
        frames[notice.kind] += notice.frames
    few = MANY * sum(medium.frames for medium in media.values())
    many = [each for each in notices if not each.frames or frames[each.kind] >= few]
    return [f"look at the landmarks: {line}" for line in summed(many, len(media))]


def _check_same_kind(clip: _Clip, medium: Media, contents: _Contents) -> None:
    kinds = []
    for each in (contents.media[0] if contents.media else medium, medium):
        kind = f"layout {each.layout!r}" if each.layout else "features"
        kinds.append(VIDEO if each.layout == VIDEO else f"{kind} of width {each.width}")
    if kinds[0] != kinds[1]:
        line = line_of(contents.samples[0].source)
        raise UserError(clip.row.where, f"{clip.shown} has {kinds[1]}, but {line} has {kinds[0]}")


def _extra_text(root: Path, name: str) -> tuple[tuple[str, ...], ...]:
    if not name:
        return ()
    return tuple(
        tuple(line.split()) for line in composed(read_text(root / name)).splitlines() if line.strip()
    )
