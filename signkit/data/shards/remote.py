"""A prepared corpus at an address: its index is fetched when it is opened, a clip when it is first read.

    CACHE/shards/<key>/                 the key is a hash of the address and of the index's checksum
      SHA256SUMS  corpus.json  index.jsonl  extra_text.jsonl  refused.jsonl
      clips/3f/3f07…                    a clip's bytes as the shard has them, by their SHA-256

So a clip that was fetched is what the index says, whole, and fetched once by all runs of this machine.
"""

import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from signkit.data.fetch import cache_folder
from signkit.data.shards.address import GIVE, read_all, read_part
from signkit.data.shards.index import CORPUS, EXTRA_TEXT, FILE, INDEX, Entry
from signkit.data.shards.sums import sums_in
from signkit.errors import UserError
from signkit.runtime.files import SUMS, plainly, sha256

AGAIN = "copy it there again"


@dataclass(frozen=True, slots=True)
class Remote:
    """Where a prepared corpus is.

    Attributes:
        address: of its folder, without a slash at the end.
        folder: of the cache.
    """

    address: str
    folder: Path

    def clip(self, entry: Entry) -> Path:
        """The file with a clip's bytes, fetched if it is not here.

        Raises:
            UserError: there is no such file, or it is truncated or damaged.
            OperationalError: the server cannot be reached, or the cache cannot be written.
        """
        path = self.folder / "clips" / entry.sha256[:2] / (entry.sha256 + Path(entry.file).suffix)
        with plainly(path, "read"):
            if path.is_file() and path.stat().st_size == entry.bytes:
                return path
        url = f"{self.address}/{entry.file}"
        content = read_part(url, entry.offset, entry.bytes)
        if len(content) < entry.bytes:
            what = f"ends at byte {entry.offset + len(content)}, before byte {entry.end} of clip {entry.id!r}"
            raise UserError(url, f"is truncated: it {what}", AGAIN)
        if hashlib.sha256(content).hexdigest() != entry.sha256:
            what = f"is damaged in clip {entry.id!r}: its SHA-256 is not the one in {INDEX}"
            raise UserError(url, what, AGAIN)
        _write(path, content)
        return path


def open_remote(address: str, cache: Path | None = None) -> Remote:
    """Fetch what describes a corpus, as far as it is not in the cache.

    Args:
        address: of the folder, such as ``https://example.org/packed`` or ``s3://bucket/packed``.
        cache: where corpora are cached; None: in the user's cache folder.

    Raises:
        UserError: there is no finished prepared corpus, or one of its files is damaged.
        OperationalError: the server cannot be reached, or the cache cannot be written.
    """
    address = address.rstrip("/")
    url = f"{address}/{SUMS}"
    content = read_all(url)
    try:
        sums = sums_in(content.decode(), url)
    except UnicodeDecodeError as error:
        raise UserError(url, "is not a list of checksums", GIVE) from error
    for name in (CORPUS, INDEX, EXTRA_TEXT):
        if name not in sums:
            raise UserError(url, f"lacks {name}")
    key = hashlib.sha256(f"{address}\n{sums[INDEX]}".encode()).hexdigest()[:16]
    remote = Remote(address, (cache or cache_folder("shards")) / key)
    for name in (name for name in sums if not FILE.fullmatch(name)):
        _fetch(remote, name, sums[name])
    _write(remote.folder / SUMS, content)
    return remote


def _fetch(remote: Remote, name: str, digest: str) -> None:
    path, url = remote.folder / name, f"{remote.address}/{name}"
    with plainly(path, "read"):
        if path.is_file() and sha256(path) == digest:
            return
    content = read_all(url)
    if hashlib.sha256(content).hexdigest() != digest:
        raise UserError(url, f"is damaged: its SHA-256 is not the one in {SUMS}", AGAIN)
    _write(path, content)


def _write(path: Path, content: bytes) -> None:
    """Write a file whole, though other processes and threads may write the same one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    with plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(aside, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)
