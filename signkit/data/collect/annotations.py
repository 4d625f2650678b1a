"""What annotations of ELAN say: each of a tier becomes a row, a segment of its video."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from signkit.data.collect.entry import Entry, id_of
from signkit.data.collect.search import Clip, Skipped, folders
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_bytes
from signkit.text.eaf import AnnotationFile, Media, Tier, parse_eaf
from signkit.text.vocabulary import composed

EAF = ".eaf"
ELSEWHERE = "its video is not below the folder"
NAMED = 12
"""Tiers that a message names, at most."""


@dataclass(frozen=True, slots=True)
class _Linked:
    """The clip of an annotation file, and the milliseconds of it at which annotations begin to count."""

    clip: Clip
    origin: int


def entries_by_tier(root: Path, clips: Sequence[Clip], tiers: Sequence[str], skipped: Skipped) -> list[Entry]:
    """A row for each annotation with a value and times, of the tiers of all files of ELAN below a folder.

    The clip of a file is the one it links, by its relative or its absolute address or by its name alone, else
    the one that has the file's own name. Glosses are separated by spaces in a value.

    Args:
        tiers: names; a file with none of them is skipped.
        skipped: files and annotations that become no rows are added.

    Raises:
        UserError: no file, no such tier, no annotation of use; a file that cannot be read.
        OperationalError: a folder cannot be read.
    """
    entries: list[Entry] = []
    known: set[str] = set()
    used: set[PurePosixPath] = set()
    found = 0
    for file in _files(root):
        found += 1
        annotated, name = parse_eaf(str(file), read_bytes(file)), file.relative_to(root).as_posix()
        chosen = [tier for tier in annotated.tiers if tier.name in tiers]
        known |= {tier.name for tier in annotated.tiers}
        if not chosen:
            skipped.add(f"no tier {' or '.join(tiers)}", name)
            continue
        linked = _linked(file, root, annotated, {clip.path: clip for clip in clips})
        if linked is None:
            skipped.add(ELSEWHERE, name)
            continue
        used.add(linked.clip.path)
        for tier in chosen:
            entries += _of_tier(tier, linked, PurePosixPath(name), skipped)
    if not found:
        raise UserError(str(root), "holds no files of ELAN (.eaf)")
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
    return entries


def _reasons(skipped: Skipped) -> str:
    reasons = [f"{reason}: {len(names)}" for reason, names in skipped.names.items()]
    hint = "name the folder that holds the annotations and the videos"
    return "; ".join([*reasons, hint] if ELSEWHERE in skipped.names else reasons)


def _files(root: Path) -> Iterator[Path]:
    with plainly(root, "read"):
        for here, names in folders(root):
            yield from (here / name for name in names if name.lower().endswith(EAF))


def _linked(
    file: Path, root: Path, annotated: AnnotationFile, clips: dict[PurePosixPath, Clip]
) -> _Linked | None:
    for media in annotated.media:
        for place in _places(media, file):
            if clip := _below(place, root, clips):
                return _Linked(clip, media.origin)
    names = [*(PurePosixPath(_name(media)).stem for media in annotated.media), file.stem]
    origin = annotated.media[0].origin if annotated.media else 0
    here = PurePosixPath(file.parent.relative_to(root).as_posix())
    near = [clip for clip in clips.values() if clip.path.parent == here]
    for name in names:
        for some in (near, clips.values()):
            alike = [clip for clip in some if clip.stem.name == name]
            if len(alike) == 1:
                return _Linked(alike[0], origin)
    return None


def _places(media: Media, file: Path) -> Iterator[Path]:
    """Where a linked file may be."""
    if media.relative:
        yield file.parent / unquote(urlsplit(media.relative.replace("\\", "/")).path)
        yield file.parent / media.relative.removeprefix("file:")
    parts = urlsplit(media.url)
    if parts.scheme == "file":
        yield Path(unquote(parts.path))
        yield Path(media.url.removeprefix("file://"))


def _below(place: Path, root: Path, clips: dict[PurePosixPath, Clip]) -> Clip | None:
    try:
        inside = place.resolve().relative_to(root.resolve())
    except (ValueError, OSError, RuntimeError):  # elsewhere, or no path at all
        return None
    return clips.get(PurePosixPath(inside.as_posix()))


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
