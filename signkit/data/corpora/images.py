"""The corpus `images`: single images with a label each, in folders or by a table: clips of one frame."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from signkit.data.corpora.configs import ImagesConfig
from signkit.data.corpora.folds import split_by_folds
from signkit.data.corpora.image_files import ImageFile, in_folders, in_table
from signkit.data.corpora.official import Gap, Stock
from signkit.data.corpora.shared import Place, shared_clips
from signkit.data.corpora.table import fail_together
from signkit.data.video.still import StillImage, check_still
from signkit.errors import UserError
from signkit.runtime.files import read_bytes
from signkit.runtime.paths import refuse_special
from signkit.runtime.pool import processors
from signkit.runtime.progress import Watch
from signkit.types import SPLITS, USUAL_FPS, VIDEO, Corpus, Sample, Signal, Video

COLOURS = 3
NAMED = 5
"""Faults that a note names, at most."""


@dataclass(slots=True)
class _Contents:
    """What was read so far.

    Attributes:
        listed: images by split, those that cannot be used too.
        digests: of the content of each image.
        faults: of the folders or the table; nothing can be left out for them.
        unusable: images that cannot be used, refused or left out by `damaged`.
        unmatched: likewise, images whose label has no others, or none in train.
    """

    images: list[ImageFile] = field(default_factory=list)
    listed: Counter[str] = field(default_factory=Counter)
    digests: dict[str, str] = field(default_factory=dict)
    faults: list[UserError] = field(default_factory=list)
    unusable: list[Gap] = field(default_factory=list)
    unmatched: list[Gap] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    @property
    def gaps(self) -> list[Gap]:
        """All that cannot be used."""
        return [*self.unusable, *self.unmatched]


def read(config: ImagesConfig) -> Corpus:
    """The images that can be used. Every image is decoded once; every fault is found.

    Raises:
        UserError: there are no images, their folders cannot be understood, two labels differ only in
            capitals, the split that is wanted is not possible; or, unless those are left out (`damaged`), an
            image cannot be used, a label has a single image, or one that train does not have.
    """
    contents = _contents(config)
    refuses = config.damaged == "refuse"
    fail_together([*contents.faults, *(gap.fault for gap in contents.unusable if refuses)], config.root)
    # Only then: a label may have a single image for the sake of those above.
    fail_together([gap.fault for gap in contents.unmatched if refuses], config.root)
    if not contents.images:
        raise UserError(config.root, "no image can be used", str(contents.gaps[0].fault))
    notes = (*contents.notes, *_left_out_note(contents.gaps), *_copies_note(contents))
    return replace(_corpus(config, contents), notes=notes)


def take_stock(config: ImagesConfig) -> Stock:
    """What there is, every fault, and images that are copies of others.

    Raises:
        UserError: nothing can be understood at all.
    """
    contents = _contents(config)
    places = [
        Place(each.where, each.name, each.split, each.path, each.name, 0.0, float("inf"))
        for each in contents.images
    ]
    return Stock(
        corpus=_corpus(config, contents),
        listed={split: contents.listed[split] for split in SPLITS},
        published={},
        faults=tuple(contents.faults),
        gaps=tuple(contents.gaps),
        shared=tuple(shared_clips(places)),
    )


def _contents(config: ImagesConfig) -> _Contents:
    found, faults, notes = in_table(config) if config.file else in_folders(config)
    contents = _Contents(faults=faults, notes=notes)
    _check_choice(config, found)
    found = [
        each
        for each in found
        if each.label not in config.leave_out and (not config.keep or each.label in config.keep)
    ]
    _check_capitals(config.root, found)
    usable = _decodable(found, contents)
    single = {label for label, count in Counter(each.label for each in usable).items() if count == 1}
    for each in usable:
        if each.label in single:
            fault = UserError(each.where, f"is the only image of the label {each.label!r}", _hint(each.label))
            contents.unmatched.append(Gap(each.split or "train", 1, fault))
    usable = [each for each in usable if each.label not in single]
    splits, more = _splits(config, usable) if usable else ([], ())
    contents.notes += more
    usable = [replace(each, split=split) for each, split in zip(usable, splits, strict=True)]
    contents.images = _known_to_train(config.root, usable, contents)
    contents.listed = Counter(each.split for each in usable)
    for gap in contents.gaps:
        contents.listed[gap.split] += gap.samples
    return contents


def _check_choice(config: ImagesConfig, found: Sequence[ImageFile]) -> None:
    """Refuse a choice of labels that are not there: it may be misspelt."""
    labels = {each.label for each in found}
    for key, chosen in (("keep", config.keep), ("leave_out", config.leave_out)):
        if unknown := [label for label in chosen if label not in labels]:
            there = ", ".join(sorted(labels))
            raise UserError(f"data.{key}", f"no image has the label {unknown[0]!r}", f"there are: {there}")


def _check_capitals(root: str, found: Sequence[ImageFile]) -> None:
    first: dict[str, str] = {}
    for label in sorted({each.label for each in found}):
        other = first.setdefault(label.casefold(), label)
        if other != label:
            what = f"the labels {other!r} and {label!r} differ only in capitals"
            raise UserError(root, what, "give both one name, or name one in `data.leave_out`")


def _decodable(found: Sequence[ImageFile], contents: _Contents) -> list[ImageFile]:
    """The images that can be decoded; the others become gaps."""
    usable = []
    pool = ThreadPoolExecutor(processors())
    watch = Watch(Path(), main=os.environ.get("RANK", "0") == "0", log=False)  # of several processes one
    try:
        with watch.bar("images", len(found), delay=1.0) as bar:
            for done, (each, digest) in enumerate(zip(found, pool.map(_digest, found), strict=True), 1):
                if isinstance(digest, UserError):
                    contents.unusable.append(Gap(each.split or "train", 1, digest))
                else:
                    contents.digests[each.name] = digest
                    usable.append(each)
                bar.at(done)
    finally:
        pool.shutdown(cancel_futures=True)
    return usable


def _digest(image: ImageFile) -> str | UserError:
    """Of an image's content; why it cannot be used."""
    try:
        refuse_special(image.path, image.where)
        content = read_bytes(image.path)
        check_still(content, image.where)
    except UserError as fault:
        return UserError(image.where, fault.what, fault.hint)
    return hashlib.sha256(content).hexdigest()


def _splits(config: ImagesConfig, usable: Sequence[ImageFile]) -> tuple[list[str], tuple[str, ...]]:
    given = [each.split for each in usable]
    if any(given) and not all(given):
        without = next(each for each in usable if not each.split)
        raise UserError(without.where, "names no split, as others do")
    signers = [each.signer for each in usable]
    labels = [each.label for each in usable]
    return split_by_folds(
        config.root, config, labels=labels, signers=signers, given=given if any(given) else ()
    )


def _known_to_train(root: str, usable: Sequence[ImageFile], contents: _Contents) -> list[ImageFile]:
    """The images without those of dev and test whose label train does not have, which become gaps; all where
    there is no train, as in data that a model is evaluated on."""
    train = {each.label for each in usable if each.split == "train"}
    if not train:
        return [*usable]
    unknown = Counter((each.label, each.split) for each in usable if each.label not in train)
    for (label, split), count in sorted(unknown.items()):
        what = f"the label {label!r} is in {split} with {count} image{'s' * (count > 1)}, and train has none"
        contents.unmatched.append(Gap(split, count, UserError(root, what, _hint(label))))
    return [each for each in usable if each.label in train]


def _hint(label: str) -> str:
    return f"`data.leave_out: [{label}]` leaves the label out, `data.damaged: skip` whatever cannot be used"


def _left_out_note(gaps: Sequence[Gap]) -> list[str]:
    if not gaps:
        return []
    images = sum(gap.samples for gap in gaps)
    faults = [without_hint(gap.fault) for gap in gaps[:NAMED]]
    more = f"; and {len(gaps) - NAMED} more" if len(gaps) > NAMED else ""
    what = f"left out, not usable, {images} image{'s' * (images > 1)}: {'; '.join(faults)}{more}"
    scored = sorted({gap.split for gap in gaps} - {"train"})
    return [what, *(f"scores of {split} are of the images that are left" for split in scored)]


def without_hint(fault: UserError) -> str:
    """A fault without its hint."""
    return f"{fault.where}: {fault.what}"


def _copies_note(contents: _Contents) -> list[str]:
    """Equal files in two splits; pictures that merely look alike are for `signkit data check`."""
    groups: defaultdict[str, list[ImageFile]] = defaultdict(list)
    for each in contents.images:
        groups[contents.digests[each.name]].append(each)
    shared = [some for some in groups.values() if len({each.split for each in some}) > 1]
    if not shared:
        return []
    first, other = shared[0][0], next(each for each in shared[0] if each.split != shared[0][0].split)
    what = f"{len(shared):,} image{'s are' if len(shared) > 1 else ' is'} in two splits"
    pair = f"{first.name} of {first.split} is {other.name} of {other.split}"
    return [f"{what}, so scores mean little: {pair} (`signkit data check` names all)"]


def _corpus(config: ImagesConfig, contents: _Contents) -> Corpus:
    digest = hashlib.sha256()
    for each in contents.images:
        row = (each.name, each.label, each.signer, each.split, contents.digests[each.name])
        digest.update(repr(row).encode())
    return Corpus(
        name=Path(config.root).resolve().name,
        samples=tuple(map(_sample, contents.images)),
        layout=VIDEO,
        width=COLOURS,
        fingerprint=digest.hexdigest(),
    )


def _sample(image: ImageFile) -> Sample:
    return Sample(
        id=image.name,
        split=image.split,
        reference=tuple(image.label.split()),
        frames=1,
        load=partial(_load, image.path, image.where),
        source=image.where,
        signer=image.signer,
        fps=USUAL_FPS,
    )


def _load(path: Path, where: str) -> Signal:
    return Video(StillImage(path, where))
