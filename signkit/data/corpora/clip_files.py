"""Collections of isolated signs: a list with a file for each clip, of which only headers are read."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from signkit.data.corpora.folds import FoldsConfig, split_by_folds
from signkit.data.corpora.media import THREADS, Media, by_header
from signkit.data.corpora.official import Gap, Lists, Stock
from signkit.data.corpora.table import fail_together
from signkit.data.segment import load_segment
from signkit.errors import UserError
from signkit.types import SPLITS, VIDEO, Corpus, Sample

SEVERAL = 3
"""From so many missing files on, a message names only the first, with counts."""


@dataclass(frozen=True, slots=True)
class ListedClip:
    """An entry of a list.

    Attributes:
        where: its place in the list, for messages.
        path: of its file; None where no file has its name.
        expected: what the file would be called, for messages.
        split: as the list gives it; "" where it gives none.
        part: the first frame and the one after the last that show the sign, if there are more; None: all.
    """

    id: str
    label: str
    where: str
    path: Path | None
    expected: Path
    signer: str = ""
    split: str = ""
    part: tuple[int, int] | None = None


def stock_of_clips(
    name: str, clips: Sequence[ListedClip], lists: Lists, where: str, config: FoldsConfig, fps: float | None
) -> Stock:
    """Open the files of a list, and divide what is listed into splits.

    Args:
        lists: the digest and the faults of the lists so far.
        where: the folder, for messages.
        fps: frames a second of files that do not say.

    Raises:
        UserError: the clips cannot be split as the recipe wants.
    """
    given = [clip.split for clip in clips] if all(clip.split for clip in clips) else []
    splits, notes = split_by_folds(
        where,
        config,
        labels=[clip.label for clip in clips],
        signers=[clip.signer for clip in clips],
        given=given,
    )
    with ThreadPoolExecutor(THREADS) as pool:
        media = [*pool.map(partial(_opened, fps=fps), clips)]
    samples, gaps, checksums = [], [], []
    first: Media | None = None
    for clip, split, medium in zip(clips, splits, media, strict=True):
        if (
            isinstance(medium, Media)
            and first
            and (medium.layout, medium.width) != (first.layout, first.width)
        ):
            what = f"has {_kind(medium)}, and others have {_kind(first)}"
            medium = UserError(str(clip.path), what)
        if isinstance(medium, UserError):
            gaps.append(Gap(split, 1, medium))
            continue
        first = first or medium
        samples.append(_sample(clip, split, medium))
        checksums.append(medium.checksum)
    lists.digest.update(repr([(each.id, each.split, each.frames) for each in samples]).encode())
    lists.digest.update(repr(checksums).encode())
    layout, width = (first.layout, first.width) if first else ("", 0)
    return Stock(
        corpus=Corpus(name, tuple(samples), layout, width, fingerprint=lists.digest.hexdigest(), notes=notes),
        listed={split: splits.count(split) for split in SPLITS},
        published={},
        faults=tuple(lists.faults),
        gaps=tuple(gaps),
    )


def usable_clips(stock: Stock, missing: Literal["refuse", "skip"], where: str) -> Corpus:
    """The corpus of what there is.

    Args:
        missing: what is done about clips that cannot be used: stop, or leave them out; a note says how many
            of dev and test are, since scores on a part of a split are not comparable.

    Raises:
        UserError: all faults of the lists; clips that cannot be used, if those are refused; none of train.
    """
    fail_together(list(stock.faults), where)
    lost = Counter({split: sum(gap.samples for gap in stock.gaps if gap.split == split) for split in SPLITS})
    if lost.total() and missing == "refuse":
        if lost.total() < SEVERAL:
            fail_together([gap.fault for gap in stock.gaps], where)
        counts = ", ".join(f"{split} {count:,}" for split, count in lost.items() if count)
        what = (
            f"{lost.total():,} of {sum(stock.listed.values()):,} clips cannot be used ({counts}), the first: "
        )
        hint = "`data.missing: skip` leaves them out; `signkit data check` names all"
        raise UserError(where, what + str(stock.gaps[0].fault), hint)
    if not stock.corpus.split("train"):
        raise UserError(where, "no clip of train can be used", str(stock.gaps[0].fault) if stock.gaps else "")
    notes = [
        f"{split}: {lost[split]:,} of {stock.listed[split]:,} clips are left out, so its scores are not "
        "comparable with those on all"
        for split in ("dev", "test")
        if lost[split]
    ]
    left_out = tuple(str(gap.fault) for gap in stock.gaps if gap.split == "train")
    return replace(stock.corpus, left_out=left_out, notes=(*stock.corpus.notes, *notes))


def _opened(clip: ListedClip, fps: float | None) -> Media | UserError:
    if clip.path is None:
        return UserError(str(clip.expected), "there is no such file", f"it is that of {clip.where}")
    try:
        return by_header(clip.path, str(clip.path), fps)
    except UserError as fault:
        return fault


def _sample(clip: ListedClip, split: str, medium: Media) -> Sample:
    """A clip with the frames of its sign: its part of a longer film, or all of a file that is cut already."""
    frames, load = medium.frames, medium.load
    if clip.part and clip.part[1] <= frames:
        frames, load = clip.part[1] - clip.part[0], partial(load_segment, medium.load, *clip.part)
    return Sample(
        id=clip.id,
        split=split,
        reference=(clip.label,),
        frames=frames,
        load=load,
        source=clip.where,
        signer=clip.signer,
        fps=medium.fps,
    )


def _kind(medium: Media) -> str:
    return VIDEO if medium.layout == VIDEO else f"the layout {medium.layout!r} of width {medium.width}"
