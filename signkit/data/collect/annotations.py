"""What annotations of ELAN say: each of a tier becomes a row, a segment of its video."""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from signkit.data.collect.entry import Entry, id_of
from signkit.data.collect.search import BURNT, VIDEOS, Clip, Skipped, folders
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_bytes
from signkit.text.eaf import AnnotationFile, Media, Tier, parse_eaf
from signkit.text.vocabulary import composed

EAF = ".eaf"
ELSEWHERE = "its video is not below the folder"
BURNT_LINKED = "it links the video with burnt glosses, and the original is not below the folder"
NO_SUCH_CLIP = "no clip of this kind has its video's name"
TOGETHER = "name the folder that holds the annotations and the clips"
NAMED = 12
"""Tiers that a message names, at most."""


@dataclass(frozen=True, slots=True)
class _Linked:
    """The clip of an annotation file, and the milliseconds of it at which annotations begin to count."""

    clip: Clip
    origin: int


@dataclass(slots=True)
class _Links:
    """What annotation files link.

    Attributes:
        clips: by their paths, composed.
        named: those of a name without its ending, composed.
        other: for each annotation file whose video has another size elsewhere than below the folder, or is
            one with burnt glosses, what it links and which clip is used.
    """

    root: Path
    clips: dict[str, Clip]
    named: dict[str, list[Clip]]
    other: dict[str, str] = field(default_factory=dict)

    @classmethod
    def to(cls, root: Path, clips: Sequence[Clip]) -> "_Links":
        named: dict[str, list[Clip]] = {}
        for clip in clips:
            named.setdefault(composed(clip.stem.name), []).append(clip)
        return cls(root, {composed(clip.path.as_posix()): clip for clip in clips}, named)


def entries_by_tier(
    root: Path, clips: Sequence[Clip], tiers: Sequence[str], skipped: Skipped, notes: list[str]
) -> list[Entry]:
    """A row for each annotation with a value and times, of the tiers of all files of ELAN below a folder.

    The clip of a file is the one it links, by its relative or its absolute address or by its name alone, else
    the one that has the file's own name; of several of one name, the one whose folders are most like those of
    the annotation file. Glosses are separated by spaces in a value.

    Args:
        tiers: names; a file with none of them is skipped.
        skipped: files and annotations that become no rows are added.
        notes: lines for the user are added.

    Raises:
        UserError: no file, no such tier, no annotation of use; a file that cannot be read.
        OperationalError: a folder cannot be read.
    """
    entries: list[Entry] = []
    known: set[str] = set()
    used: set[PurePosixPath] = set()
    found = 0
    links = _Links.to(root, clips)
    for file in _files(root):
        found += 1
        annotated, name = parse_eaf(str(file), read_bytes(file)), file.relative_to(root).as_posix()
        chosen = [tier for tier in annotated.tiers if tier.name in tiers]
        known |= {tier.name for tier in annotated.tiers}
        if not chosen:
            skipped.add(f"no tier {' or '.join(tiers)}", name)
            continue
        linked = _linked(file, annotated, links)
        if not isinstance(linked, _Linked):
            skipped.add(*linked)
            continue
        used.add(linked.clip.path)
        for tier in chosen:
            entries += _of_tier(tier, linked, PurePosixPath(name), skipped)
    if not found:
        raise UserError(str(root), "holds no files of ELAN (.eaf)", TOGETHER)
    if not known.intersection(tiers):
        names = sorted(known)
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        hint = f"there are: {', '.join(names[:NAMED])}{more}"
        raise UserError("--tier", f"no file has a tier {' or '.join(tiers)}", hint)
    if not entries:
        raise UserError("--tier", "no annotation can become a row", _reasons(skipped))
    for clip in clips:
        if clip.path not in used:
            skipped.add("no annotation file", clip.path.as_posix())
    if links.other:
        name, what = next(iter(links.other.items()))
        more = f" (and {len(links.other) - 1} more)" if len(links.other) > 1 else ""
        notes.append(f"{name} links {what}{more}")
    return entries


def _reasons(skipped: Skipped) -> str:
    """Why no annotation became a row, each reason with the first file or annotation of it."""
    reasons = [f"{reason}: {len(names)} ({names[0]})" for reason, names in skipped.names.items()]
    astray = {ELSEWHERE, BURNT_LINKED, NO_SUCH_CLIP}.intersection(skipped.names)
    return "; ".join([*reasons, TOGETHER] if astray else reasons)


def _files(root: Path) -> Iterator[Path]:
    with plainly(root, "read"):
        for here, names in folders(root):
            yield from (here / name for name in names if name.lower().endswith(EAF))


def _linked(file: Path, annotated: AnnotationFile, links: _Links) -> _Linked | tuple[str, str]:
    """The clip of an annotation file; or why it has none, and the file with what it links."""
    own = file.relative_to(links.root)
    elsewhere: Path | None = None
    for media in annotated.media:
        for place in _places(media, file):
            if clip := _below(place, links):
                return _Linked(clip, media.origin)
            is_video = place.suffix.lower() in VIDEOS and not _is_burnt(place.name)
            if elsewhere is None and is_video and os.path.isfile(place):
                elsewhere = place.resolve()
    linked = [_name(media) for media in annotated.media]
    burnt = next(filter(_is_burnt, linked), "")
    names = [name[: -len(BURNT)] if _is_burnt(name) else PurePosixPath(name).stem for name in linked]
    clip = _by_name((*names, own.stem), PurePosixPath(own.parent.as_posix()), links)
    if clip is None:
        of_video = all(each.kind == "video" for each in links.clips.values())
        reason = ELSEWHERE if of_video else NO_SUCH_CLIP
        shown = f"{own.as_posix()}: {elsewhere}" if elsewhere else own.as_posix()
        return (BURNT_LINKED, f"{own.as_posix()}: {burnt}") if burnt else (reason, shown)
    if burnt:
        links.other[own.as_posix()] = f"{burnt}, a video with burnt glosses: {clip.path} is used"
    elif elsewhere and clip.kind == "video" and not clip.folder and not _same_size(elsewhere, clip, links):
        what = f"{elsewhere}, which is not below the folder: {clip.path} is used, which has another size"
        links.other[own.as_posix()] = what
    return _Linked(clip, annotated.media[0].origin if annotated.media else 0)


def _by_name(names: Sequence[str], folder: PurePosixPath, links: _Links) -> Clip | None:
    """The clip that has the first of these names that is one's; of several in the folders most alike."""
    for name in map(composed, names):
        alike = links.named.get(name, [])
        common = [_common_end(clip.path.parent, folder) for clip in alike]
        if common and common.count(most := max(common)) == 1:
            return alike[common.index(most)]
    return None


def _is_burnt(name: str) -> bool:
    return name.lower().endswith(BURNT)


def _common_end(one: PurePosixPath, other: PurePosixPath) -> float:
    """How many folders at the end of two paths are the same; more than any number if all are."""
    if one == other:
        return math.inf
    both = zip(reversed(one.parts), reversed(other.parts), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], both))


def _same_size(file: Path, clip: Clip, links: _Links) -> bool:
    with plainly(file, "read"):
        return os.path.getsize(file) == os.path.getsize(links.root / clip.path)


def _places(media: Media, file: Path) -> Iterator[Path]:
    """Where a linked file may be."""
    if media.relative:
        yield file.parent / unquote(urlsplit(media.relative.replace("\\", "/")).path)
        yield file.parent / media.relative.removeprefix("file:")
    parts = urlsplit(media.url)
    if parts.scheme == "file":
        yield Path(unquote(parts.path))
        yield Path(media.url.removeprefix("file://"))


def _below(place: Path, links: _Links) -> Clip | None:
    try:
        inside = place.resolve().relative_to(links.root.resolve())
    except (ValueError, OSError, RuntimeError):  # elsewhere, or no path at all
        return None
    return links.clips.get(composed(inside.as_posix()))


def _name(media: Media) -> str:
    return (media.relative or unquote(media.url)).replace("\\", "/").rpartition("/")[2]


def _of_tier(tier: Tier, linked: _Linked, file: PurePosixPath, skipped: Skipped) -> Iterator[Entry]:
    path = linked.clip.path.as_posix()
    for each in tier.annotations:
        name = f"{file.as_posix()}: {each.id}"
        gloss = " ".join(composed(each.text).split())
        if not gloss:
            skipped.add("annotation without a value", name)
        elif not each.timed:
            skipped.add("annotation without a time", name)
        elif each.end <= each.start or each.start + linked.origin < 0:
            skipped.add("annotation without a length", name)
        else:
            yield Entry(
                id=id_of(file.with_suffix("")) + f"_{each.id}",
                path=path,
                gloss=gloss,
                signer=composed(tier.participant.strip()),
                start=each.start + linked.origin,
                end=each.end + linked.origin,
            )
