"""Clips that are in a manifest more than once: one file under two names, or copies of it."""

import hashlib
import os
import zipfile
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from signkit.data.corpora.manifest_rows import file_of, line_of
from signkit.errors import UserError
from signkit.runtime.files import plainly

BLOCK = 1 << 20
ARRAYS = ("landmarks.npy", "features.npy")


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a manifest with its clip.

    Attributes:
        where: the row. shown: the path as it is written there.
        start: of its segment, in seconds, and its ``end``; infinity to the end of the clip.
        contentless: whether it has one value throughout, or none, so that an equal content means nothing.
    """

    where: str
    id: str
    split: str
    path: Path
    shown: str
    start: float
    end: float
    contentless: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """Two rows with one clip.

    Attributes:
        splits: theirs; two equal ones if the clip is in one split twice.
        fault: says so, at the second row.
    """

    splits: tuple[str, str]
    fault: UserError


def shared_clips(places: Sequence[Place], *, contents: bool = True) -> list[Shared]:
    """Rows whose clip is in another row too: the same file, whatever path or link leads to it, or a copy.
    Segments of one clip that do not overlap are different clips.

    Args:
        contents: whether copies are looked for; files of equal size are read for that.

    Raises:
        OperationalError: a file cannot be read.
    """
    files = [_identity(place.path) for place in places]
    names: dict[Hashable, Hashable] = _by_content(places, files) if contents else {}
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for number, file in enumerate(files):
        groups[names.get(file, file)].append(number)
    found = [pair for group in groups.values() if len(group) > 1 for pair in _pairs(places, group)]
    return [
        _shared(places[first], places[second], files[first] == files[second])
        for first, second in sorted(found)
    ]


def _pairs(places: Sequence[Place], group: Sequence[int]) -> Iterator[tuple[int, int]]:
    """For each row of a group one that overlaps with it, of another split if there is any."""
    latest: dict[str, int] = {}  # of each split, the row that ends last among those that begin no later
    for row in sorted(group, key=lambda row: places[row].start):
        place = places[row]
        over = [other for other in latest.values() if places[other].end > place.start]
        others = [other for other in over if places[other].split != place.split]
        yield from ((min(row, other), max(row, other)) for other in (others or over)[:1])
        if place.split not in latest or places[latest[place.split]].end <= place.end:
            latest[place.split] = row


def _shared(first: Place, second: Place, one_file: bool) -> Shared:
    line = line_of(first.where)
    what = f"{second.shown} is" if one_file else f"{second.shown} has the content of {first.shown},"
    if first.split != second.split:
        what += " in two splits:" if one_file else " which is in another split:"
        what += f" {first.split} (id {first.id!r}, {line}) and {second.split} (id {second.id!r}) here"
    else:
        what += " twice" if one_file else " so it is twice"
        what += f" in {first.split}: id {first.id!r}, {line}, and id {second.id!r} here"
    return Shared((first.split, second.split), UserError(second.where, what))


def _identity(path: Path) -> Hashable:
    """What a path leads to, whatever leads there: device, number of the file, and sequence in it."""
    file = file_of(path)
    with plainly(file, "read"):
        status = os.stat(file)
    return status.st_dev, status.st_ino, path.name.partition("#")[2] if file != path else ""


def _by_content(places: Sequence[Place], files: Sequence[Hashable]) -> dict[Hashable, Hashable]:
    """A name for the content of each file that may be a copy of another, by their sizes."""
    alike: dict[Hashable, dict[Hashable, Path]] = defaultdict(dict)
    for place, file in zip(places, files, strict=True):
        if place.contentless:
            continue
        with plainly(place.path, "read"):
            alike[_size(place.path)].setdefault(file, place.path)
    several = [paths for paths in alike.values() if len(paths) > 1]
    return {file: _digest(path) for paths in several for file, path in paths.items()}


def _size(path: Path) -> Hashable:
    """What copies have in common and costs little: of an npz the checksum of its points."""
    file = file_of(path)
    if file.is_dir():
        return tuple(sorted(entry.stat().st_size for entry in os.scandir(file) if entry.is_file()))
    if array := _array(file):
        return array.filename, array.CRC, array.file_size
    return file.stat().st_size, path.name.partition("#")[2] if file != path else ""


def _digest(path: Path) -> Hashable:
    """SHA-256 of the content: of an npz its points, so that a rate or a compression makes no difference."""
    file, digest = file_of(path), hashlib.sha256()
    with plainly(file, "read"):
        if file.is_dir():
            for name in sorted(entry.name for entry in os.scandir(file) if entry.is_file()):
                digest.update((file / name).read_bytes())
        elif array := _array(file):
            with zipfile.ZipFile(file) as archive, archive.open(array) as content:
                while block := content.read(BLOCK):
                    digest.update(block)
        else:
            with open(file, "rb") as content:
                while block := content.read(BLOCK):
                    digest.update(block)
    return digest.hexdigest(), path.name.partition("#")[2] if file != path else ""


def _array(file: Path) -> zipfile.ZipInfo | None:
    """The array of points or of features of an npz file; None for any other."""
    if file.suffix.lower() != ".npz":
        return None
    with zipfile.ZipFile(file) as archive:
        return next((each for name in ARRAYS for each in archive.infolist() if each.filename == name), None)
