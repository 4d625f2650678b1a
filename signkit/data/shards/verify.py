"""Every bit of a prepared corpus against its checksums."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from signkit.data.shards.corpus import read_sums, size_faults
from signkit.data.shards.index import INDEX, Entry, read_index, read_made
from signkit.errors import UserError, UserErrors
from signkit.runtime.files import SUMS, plainly

BLOCK = 1 << 20
HINT = "copy or prepare it again"


def verify(root: Path, told: Callable[[int, int], None] = lambda done, total: None) -> list[UserError]:
    """What is wrong with a prepared corpus; nothing if all of it is as it was written.

    Args:
        told: called with the bytes read so far, and with those there are.

    Raises:
        OperationalError: a file cannot be read.
    """
    try:
        read_made(root)
        entries, faults = read_index(root)
        sums = read_sums(root)
    except UserErrors as errors:
        return list(errors.faults)
    except UserError as error:
        return [error]
    clips: dict[str, list[Entry]] = {}
    for entry in entries:
        clips.setdefault(entry.file, []).append(entry)
    faults += [UserError(str(root / SUMS), f"lacks {name}") for name in (INDEX, *clips) if name not in sums]
    missized = size_faults(root, entries) if not faults else []
    wrong = {fault.where for fault in missized}
    sizes = {name: _size(root / name) for name in sums}
    done, total = 0, sum(sizes.values())
    for name, digest in sums.items():
        path = root / name
        if not path.is_file():
            faults += [UserError(str(path), "is missing", HINT)] if str(path) not in wrong else []
        elif str(path) not in wrong and _digest(path) != digest:
            faults += _places(root, path, clips.get(name, []))
        done += sizes[name]
        told(done, total)
    return faults + missized


def _places(root: Path, path: Path, entries: list[Entry]) -> list[UserError]:
    """Which clips of a damaged file are damaged."""
    faults = []
    with plainly(path, "read"), open(path, "rb") as file:
        for entry in entries:
            file.seek(entry.offset)
            if hashlib.sha256(file.read(entry.bytes)).hexdigest() != entry.sha256:
                what = f"is damaged in clip {entry.id!r}, bytes {entry.offset} to {entry.end}"
                faults.append(UserError(str(path), what, HINT))
    what = f"is damaged: its SHA-256 is not the one in {SUMS}"
    return faults or [UserError(str(path), what, HINT)]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with plainly(path, "read"), open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
