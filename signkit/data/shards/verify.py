"""Every bit of a prepared corpus against its checksums."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from signkit.data.shards.corpus import read_sums, size_faults
from signkit.data.shards.index import INDEX, Entry, read_header, read_index
from signkit.errors import UserError, UserErrors
from signkit.runtime.files import SUMS, plainly, sha256

HINT = "copy or prepare it again"


def verify(root: str | Path, on_progress: Callable[[int, int], None] | None = None) -> list[UserError]:
    """What is wrong with a prepared corpus; nothing if all of it is as it was written.

    Args:
        on_progress: called with the bytes read so far, and with those there are.

    Raises:
        OperationalError: a file cannot be read.
    """
    root = Path(root)
    try:
        read_header(root)
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
    known = {fault.where for fault in missized}
    sizes = {name: _size(root / name) for name in sums}
    done = 0
    for name, digest in sums.items():
        path = root / name
        if str(path) not in known:
            faults += _faults(path, digest, clips.get(name, []))
        done += sizes[name]
        if on_progress is not None:
            on_progress(done, sum(sizes.values()))
    return faults + missized


def _faults(path: Path, digest: str, entries: list[Entry]) -> list[UserError]:
    """Whether a file is damaged, and which of its clips are."""
    if not path.is_file():
        return [UserError(str(path), "is missing", HINT)]
    faults = []
    with plainly(path, "read"), open(path, "rb") as file:
        if sha256(path) == digest:
            return []
        for entry in entries:
            file.seek(entry.offset)
            if hashlib.sha256(file.read(entry.bytes)).hexdigest() != entry.sha256:
                what = f"is damaged in clip {entry.id!r}, bytes {entry.offset} to {entry.end}"
                faults.append(UserError(str(path), what, HINT))
    what = f"is damaged: its SHA-256 is not the one in {SUMS}"
    return faults or [UserError(str(path), what, HINT)]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
