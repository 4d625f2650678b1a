"""`signkit data check`: what there is of a corpus, what is missing, and which frames cannot be read."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import numpy as np

from signkit.commands.data.chosen import chosen_corpus
from signkit.config.registry import ComponentConfig
from signkit.data.corpora.build import build_corpus
from signkit.data.corpora.official import Gap, Stock
from signkit.data.corpora.table import MOST_FAULTS
from signkit.data.gloss_checks import Finding, check_glosses
from signkit.data.landmarks import layout, unseen
from signkit.data.near_duplicates import FRAMES, NearDuplicate, Signature, near_duplicates, signature
from signkit.data.notices import Notice, notices_of, summed
from signkit.errors import SignkitError, UserError
from signkit.runtime.pool import processors
from signkit.runtime.progress import Watch
from signkit.types import SPLITS, VIDEO, Clip, Corpus, Landmarks, Sample, Video

SAMPLED_CLIPS, SAMPLED_FRAMES = 50, FRAMES  # of a split, and of each of those clips
AT_ONCE = 16  # frames of a clip that are decoded together


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is checked; the options of the command."""

    root: str | Path | None = None
    overrides: tuple[str, ...] = ()
    frames: Literal["none", "sample", "all"] = "sample"
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """A split in figures.

    Attributes:
        listed: samples that its list names. published: how many it should; None where that is unknown.
        usable: samples that are there. frames: theirs.
        glosses: different ones in its references.
    """

    listed: int
    published: int | None
    usable: int
    frames: int
    signers: int
    glosses: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What there is of a corpus, and its faults.

    Attributes:
        clips, decoded: clips that were opened, and frames of them that were read; of landmarks or
            features each clip counts as one.
        lists, missing, unreadable: faults of the lists, of samples that are not there or cannot be used, and
            of frames, a line each.
        why: samples of `missing` by what is wrong with them.
        in_two_splits: clips that are in two splits; faults too.
        in_one_split_twice: of those no fault is made.
        unseen: clips whose landmarks show no hand; they can be used.
        glosses: what looks wrong in the glosses; it may be meant.
        notices: of landmarks that can be used, a line for each kind (`signkit.commands.data.notices`).
        near_duplicates: clips of dev and test that are nearly those of another split; faults if the recipe
            refuses them, which `near_refused` says.
    """

    corpus: str
    parts: dict[str, Part]
    clips: int
    decoded: int
    lists: tuple[str, ...]
    missing: tuple[str, ...]
    unreadable: tuple[str, ...]
    why: dict[str, int]
    in_two_splits: tuple[str, ...]
    in_one_split_twice: tuple[str, ...]
    unseen: tuple[str, ...]
    glosses: tuple[Finding, ...]
    notices: tuple[str, ...]
    near_duplicates: tuple[NearDuplicate, ...]
    near_refused: bool

    @property
    def complete(self) -> bool:
        """Whether there is no fault."""
        near = self.near_duplicates if self.near_refused else ()
        return not (self.lists or self.missing or self.unreadable or self.in_two_splits or near)


def check_corpus(ref: str, options: Options) -> int:
    """Check a corpus and print what is found; returns 0 if it is complete, 2 if not.

    Args:
        ref: the name of a corpus, or a recipe.

    Raises:
        UserError: no such corpus, a wrong option, or a folder that is not the corpus's at all.
    """
    config = chosen_corpus(ref, options.root, options.overrides)
    stock = stock_of(config)
    chosen = _chosen(stock.corpus, options)
    decoded = _decode_all(chosen, options)
    policy = getattr(config, "near_duplicates", "report")
    near = near_duplicates(chosen, decoded.signatures) if policy != "allow" else []
    shared: dict[bool, list[str]] = {True: [], False: []}
    for each in stock.shared:
        shared[each.splits[0] != each.splits[1]].append(str(each.fault))
    checked = Checked(
        corpus=stock.corpus.name,
        parts={split: _part(stock, split) for split in SPLITS},
        clips=len(chosen),
        decoded=decoded.frames,
        lists=(*map(str, stock.faults), *_miscounts(stock)),
        missing=tuple(str(gap.fault) for gap in stock.gaps),
        unreadable=tuple(decoded.faults),
        why=_why(stock.gaps),
        in_two_splits=tuple(shared[True]),
        in_one_split_twice=tuple(shared[False]),
        unseen=tuple(decoded.unseen),
        glosses=tuple(check_glosses(stock.glosses or _glosses(stock.corpus))),
        notices=summed(decoded.notices, len(chosen)),
        near_duplicates=tuple(near),
        near_refused=policy == "refuse",
    )
    films = _films(chosen) if stock.corpus.layout == VIDEO else []
    if options.as_json:
        found = {**asdict(checked), "films": films, "complete": checked.complete}
        print(json.dumps(found, ensure_ascii=False))
    else:
        _print(checked)
        for note in films:
            print(f"note: {note}")
    return 0 if checked.complete else 2


def stock_of(config: ComponentConfig) -> Stock:
    """What there is of any corpus; of one that has no `inventory` it is what its reader gives.

    Raises:
        UserError: the reader refuses it, or the folder is not the corpus's.
    """
    place = getattr(config, "inventory", "")
    if place:
        module, _, function = place.partition(":")
        stock: Stock = getattr(import_module(module), function)(config)
        return stock
    corpus = build_corpus(config)
    counts = {split: len(corpus.split(split)) for split in SPLITS}
    gaps = [Gap("train", 1, UserError(*_parted(line))) for line in corpus.left_out]
    counts["train"] += len(gaps)
    return Stock(corpus, counts, {}, gaps=tuple(gaps))


def _parted(line: str) -> tuple[str, str]:
    where, _, what = line.partition(": ")
    return where, what


def _part(stock: Stock, split: str) -> Part:
    samples = stock.corpus.split(split)
    return Part(
        listed=stock.listed[split],
        published=stock.published.get(split),
        usable=len(samples),
        frames=sum(sample.frames for sample in samples),
        signers=len({sample.signer for sample in samples if sample.signer}),
        glosses=len({gloss for sample in samples for gloss in sample.reference}),
    )


def _miscounts(stock: Stock) -> Iterator[str]:
    """Splits whose lists name more or fewer samples than were published."""
    for split, wanted in stock.published.items():
        if stock.listed[split] != wanted:
            yield f"{split}: its list names {stock.listed[split]:,} samples, {wanted:,} were published"


def _why(gaps: Sequence[Gap]) -> dict[str, int]:
    """How many samples have each kind of fault: what it says, without the numbers in it."""
    kinds: Counter[str] = Counter()
    for gap in gaps:
        kinds[re.sub(r"\d[\d.,]*", "…", gap.fault.what)] += gap.samples
    return dict(kinds.most_common())


def _glosses(corpus: Corpus) -> Iterator[tuple[str, str]]:
    return ((sample.source or sample.id, " ".join(sample.reference)) for sample in corpus.samples)


def _chosen(corpus: Corpus, options: Options) -> list[Sample]:
    """All clips, none, or of video some of each split, evenly from its first to its last; all of pictures."""
    chosen: list[Sample] = []
    films = corpus.layout == VIDEO and any(sample.frames > 1 for sample in corpus.samples)
    for split in SPLITS:
        samples = corpus.split(split)
        if options.frames == "all" or (options.frames == "sample" and not films):
            chosen += samples
        elif options.frames == "sample":
            places = np.linspace(0, len(samples) - 1, min(SAMPLED_CLIPS, len(samples)))
            chosen += [samples[place] for place in np.unique(np.rint(places).astype(int))]
    return chosen


@dataclass(slots=True)
class Decoded:
    """What was decoded.

    Attributes:
        frames: how many could be; of landmarks or features each clip counts as one.
        faults: of those that could not, in the clips' order.
        unseen: clips that show no hand.
        notices: of clips that can be used.
        signatures: of each clip, where it has one.
    """

    frames: int = 0
    faults: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    signatures: list[Signature | None] = field(default_factory=list)


def _decode_all(chosen: Sequence[Sample], options: Options) -> Decoded:
    total = Decoded()
    if not chosen:
        return total
    watch = Watch(Path(), main=not options.as_json, log=False)
    with ThreadPoolExecutor(processors()) as pool, watch.bar("clips", len(chosen)) as bar:
        results = pool.map(partial(_decode, every=options.frames == "all"), chosen)
        for done, one in enumerate(results, 1):
            total.frames += one.frames
            total.faults += one.faults
            total.unseen += one.unseen
            total.notices += one.notices
            total.signatures += one.signatures or [None]
            bar.at(done, f"{len(total.faults)} unreadable" if total.faults else "")
    return total


def _decode(sample: Sample, every: bool) -> Decoded:
    """How many frames of a sample can be decoded, and the faults of the others."""
    try:
        signal = sample.load()
    except SignkitError as error:  # a disk that cannot be read is no reason not to look at the others
        return Decoded(0, [str(error)])
    if isinstance(signal, Landmarks):
        what = unseen(signal.points, layout(signal.layout))
        missing = [f"{sample.source}: {sample.id}: {what}"] if what else []
        notices = notices_of(sample.source, signal)
        return Decoded(1, _recounted(sample, len(signal.points)), missing, notices, [signature(signal)])
    if not isinstance(signal, Video):
        return Decoded(1, _recounted(sample, signal.frames))
    clip = signal.clip
    count = clip.frames if every else min(SAMPLED_FRAMES, clip.frames)
    places = np.unique(np.linspace(0, clip.frames - 1, count).astype(np.int64))
    near = None
    with suppress(SignkitError):  # the frames are named below
        near = signature(signal)
        if not every:  # which decodes these frames
            return Decoded(len(places), _recounted(sample, clip.frames), signatures=[near])
    faults: list[str] = []
    for start in range(0, len(places), AT_ONCE):
        faults += _faults_of(clip, places[start : start + AT_ONCE])
    found = [*_recounted(sample, clip.frames), *faults]
    return Decoded(len(places) - len(faults), found, signatures=[near] if near else [])


def _films(chosen: Sequence[Sample]) -> list[str]:
    """Of files that hold several films, which one is read."""
    notes = []
    for sample in chosen:
        with suppress(SignkitError):  # which is told as unreadable
            clip = getattr(sample.load(), "clip", None)
            notes += [f"{sample.source}: {sample.id} {note}" for note in getattr(clip, "notes", ())]
    return notes


def _recounted(sample: Sample, frames: int) -> list[str]:
    if frames == sample.frames:
        return []
    return [f"{sample.source}: {sample.id} has {frames} frames, not {sample.frames}"]


def _faults_of(clip: Clip, places: "np.ndarray[Any, np.dtype[np.int64]]") -> list[str]:
    """Of frames that are decoded together; one by one where that fails."""
    try:
        clip.read(places)
    except SignkitError as error:
        if len(places) == 1:
            return [str(error)]
        return [fault for place in places for fault in _faults_of(clip, np.array([place]))]
    return []


def _print(checked: Checked) -> None:
    from signkit.report.sections import Lines, Row, Table
    from signkit.report.terminal import print_sections

    columns = ("listed", "published", "usable", "frames", "signers", "glosses")
    rows: list[Row] = []
    for split, part in checked.parts.items():
        counts = (getattr(part, name) for name in columns)
        rows.append((split, *("-" if count is None else f"{count:,}" for count in counts)))
    lines: list[str] = []
    why = ", ".join(f"{what}: {count:,}" for what, count in checked.why.items())
    none = checked.clips > 1 and len(checked.unseen) == checked.clips
    for title, faults, more in (
        ("faults of the lists", checked.lists, ""),
        ("clips that cannot be used", checked.missing, why),
        ("frames that cannot be decoded", checked.unreadable, ""),
        ("clips in two splits", checked.in_two_splits, "`--set data.shared_clips=allow` if that is meant"),
        ("clips twice in one split", checked.in_one_split_twice, ""),
        (
            "clips that are nearly those of another split, so that scores mean little",
            tuple(map(str, checked.near_duplicates)),
            "",
        ),
        (
            "no clip shows a hand" if none else f"clips that show no hand, of {checked.clips:,}",
            checked.unseen,
            "they can be used all the same",
        ),
        ("to look at in the glosses", tuple(map(str, checked.glosses)), ""),
    ):
        if faults:
            lines.append(f"{title}: {len(faults):,}" + (f" ({more})" if more else ""))
            lines += [f"  {fault}" for fault in faults[:MOST_FAULTS]]
        if len(faults) > MOST_FAULTS:
            lines.append(f"  … and {len(faults) - MOST_FAULTS:,} more")
    if checked.notices:
        lines += ["to look at in the landmarks:", *(f"  {notice}" for notice in checked.notices)]
    read = f"{checked.decoded:,} frames of {checked.clips:,} clips were decoded"
    lines.append(f"{'complete' if checked.complete else 'not complete'}; {read}")
    print_sections([Table(("split", *columns), rows, checked.corpus), Lines(tuple(lines))])
