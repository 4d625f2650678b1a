"""Every bit of a prepared corpus against its checksums."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from signkit.config.strict_yaml import is_address
from signkit.data.shards.corpus import size_faults
from signkit.data.shards.index import INDEX, Entry, read_header, read_index
from signkit.data.shards.remote import Remote, open_remote
from signkit.data.shards.sums import read_sums
from signkit.errors import UserError, UserErrors
from signkit.runtime.files import SUMS, plainly, sha256

HINT = "copy or prepare it again"


def verify(
    root: str | Path,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    cache: Path | None = None,
) -> list[UserError]:
    """What is wrong with a prepared corpus; nothing if all of it is as it was written.

    Args:
        root: its folder, or its address: then all clips are fetched into the cache.
        on_progress: called with the bytes read so far, and with those there are.
        cache: as the option of the corpus `shards`; None: the user's cache folder.

    Raises:
        OperationalError: a file cannot be read, or an address not be reached.
    """
    remote = None
    try:
        if is_address(str(root)):
            remote = open_remote(str(root), cache)
        root = remote.folder if remote else Path(root)
        read_header(root)
        entries, faults = read_index(root)
        sums = read_sums(root)
    except UserErrors as errors:
        return list(errors.faults)
    except UserError as error:
        return [error]
    if remote is not None:
        return faults + _remote_faults(remote, entries, on_progress)
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


def _remote_faults(
    remote: Remote, entries: list[Entry], on_progress: Callable[[int, int], None] | None
) -> list[UserError]:
    """Clips that cannot be fetched as the index has them, or are damaged in the cache."""
    faults = []
    done, total = 0, sum(entry.bytes for entry in entries)
    for entry in entries:
        try:
            path = remote.clip(entry)
            with plainly(path, "read"):
                if sha256(path) != entry.sha256:
                    faults.append(UserError(str(path), "is damaged", "delete it: it is fetched again"))
        except UserError as fault:
            faults.append(fault)
        done += entry.bytes
        if on_progress is not None:
            on_progress(done, total)
    return faults


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
