"""The folder that `signkit data prepare` fills: clip after clip in a fixed order, shard after shard.

    train-000000.tar  train-000001.tar   whole, synced, and in the journal
    .train-000002.tar.part               being written: lost if the command is broken off

The journal has a block for each whole file: a line a clip, then an empty line. The command that is given
again keeps the blocks whose files have their size, deletes all else, and goes on with the next shard: so the
end is the same as without a break. The index is written when everything is there.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from signkit.data.shards.index import (
    CORPUS,
    EXTRA_TEXT,
    FILE,
    INDEX,
    REFUSED,
    Entry,
    Header,
    Record,
    Refused,
    file_sizes,
    read_header,
    read_record,
)
from signkit.data.shards.pack import ENDINGS, Packed
from signkit.data.shards.tar import END
from signkit.errors import UserError
from signkit.runtime.files import SUMS, plainly, write_bytes, write_text
from signkit.types import SPLITS, Corpus, Sample

JOURNAL, LOCK = ".journal.jsonl", ".lock"
AT_FIRST = (LOCK, f".{CORPUS}.part")
"""What may be in a folder in which nothing was begun yet."""
NOT_SETTINGS = ("name", "layout", "width", "fingerprint", "clips", "left_out")


@dataclass(slots=True)
class Store:
    """A folder that is being filled.

    Attributes:
        samples: of the corpus, and ``order`` their numbers in the order in which they are packed.
        records: what became of the first ones of them.
    """

    folder: Path
    header: Header
    samples: Sequence[Sample]
    order: Sequence[int]
    records: list[Record] = field(default_factory=list)
    _noted: int = 0
    _shard: BinaryIO | None = None
    _file: str = ""
    _end: int = 0

    @property
    def finished(self) -> bool:
        """Whether the folder has all it should have."""
        return (self.folder / INDEX).is_file()

    def add(self, packed: Packed | Refused) -> None:
        """Write the next clip, or remember why it is left out.

        Raises:
            OperationalError: the disk is full, or cannot be written.
        """
        number = self.order[len(self.records)]
        sample = self.samples[number]
        if isinstance(packed, Refused):
            self.records.append(packed)
        elif self.header.format == "mp4":
            file = f"{sample.split}/{number:08d}.{ENDINGS[packed.kind]}"
            write_bytes(self.folder / file, packed.content)
            self.records.append(_entry(sample, packed, file, 0))
            self._note()
        else:
            self._open_shard(sample.split, len(packed.content))
            assert self._shard is not None
            with plainly(self.folder / self._file):
                self._shard.write(packed.content)
            self.records.append(_entry(sample, packed, self._file, self._end))
            self._end += len(packed.content)

    def close_shard(self) -> None:
        """Give the shard that is being written its name, and note all clips so far."""
        if self._shard is not None:
            path = self.folder / self._file
            with plainly(path):
                self._shard.write(END)
                self._shard.flush()
                os.fsync(self._shard.fileno())
                self._shard.close()
                os.replace(_part(path), path)
            self._shard = None
        self._note()

    def finish(self, corpus: Corpus, sums: Mapping[str, str]) -> None:
        """Write all that is left, the index last; ``sums`` are the SHA-256 of the files of clips."""
        place = {sample.id: number for number, sample in enumerate(self.samples)}
        records = sorted(self.records, key=lambda record: place[record.id])
        refused = [record for record in records if isinstance(record, Refused)]
        texts = {EXTRA_TEXT: "".join(json.dumps(s, ensure_ascii=False) + "\n" for s in corpus.extra_text)}
        texts |= {REFUSED: "".join(record.line() for record in refused)} if refused else {}
        texts |= {INDEX: "".join(record.line() for record in records if isinstance(record, Entry))}
        digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
        digests |= {CORPUS: hashlib.sha256(self.header.text().encode()).hexdigest(), **sums}
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
        with plainly(self.folder / REFUSED):  # of an end that was broken off, when clips were still left out
            (self.folder / REFUSED).unlink(missing_ok=True)
        for name, text in {SUMS: lines, **texts}.items():
            write_text(self.folder / name, text)
        self.tidy()

    def tidy(self) -> None:
        """Remove what is needed only until the end, and a shard that is not whole."""
        if self._shard is not None:
            with suppress(OSError):  # a failure to write was reported when it happened
                self._shard.close()
            with plainly(self.folder / self._file, "deleted"):
                _part(self.folder / self._file).unlink(missing_ok=True)
            self._shard = None
        if self.finished:
            (self.folder / JOURNAL).unlink(missing_ok=True)

    def files(self) -> list[str]:
        """The files of clips, in the order of their names."""
        return sorted({record.file for record in self.records if isinstance(record, Entry)})

    def resume(self, retry: bool) -> None:
        """Take up what is there, and delete what is not whole.

        Args:
            retry: begin again with the first clip that was left out; it may have been mended.

        Raises:
            OperationalError: it cannot be read, or not deleted.
        """
        path = self.folder / JOURNAL
        with plainly(path, "read"):
            blocks = path.read_bytes().split(b"\n\n")[:-1] if path.is_file() else []
        whole = b""
        for block in blocks:
            records = self._read_block(block)
            if not records or (retry and any(isinstance(record, Refused) for record in records)):
                break
            self.records += records
            whole += block + b"\n\n"
        write_bytes(path, whole)
        self._noted = len(self.records)
        files = self.files()
        self._file = next((r.file for r in reversed(self.records) if isinstance(r, Entry)), "")
        with plainly(self.folder):
            for path in (*self.folder.iterdir(), *(p for s in SPLITS for p in self.folder.glob(f"{s}/*"))):
                name = path.with_name(path.name.removeprefix(".").removesuffix(".part"))
                ours = FILE.fullmatch(name.relative_to(self.folder).as_posix())
                if ours and path.relative_to(self.folder).as_posix() not in files:
                    path.unlink()

    def _read_block(self, block: bytes) -> list[Record]:
        """The records of a block; none if it is damaged, of other clips, or a file has not its size."""
        try:
            records = [read_record(line, JOURNAL) for line in block.decode().split("\n")]
        except (UserError, UnicodeDecodeError):
            return []
        begin = len(self.records)
        samples = [self.samples[number] for number in self.order[begin : begin + len(records)]]
        same = [record.id for record in records] == [sample.id for sample in samples]
        sizes = file_sizes([record for record in records if isinstance(record, Entry)])
        there = all(_size(self.folder / file) == size for file, size in sizes.items())
        return records if same and there else []

    def _open_shard(self, split: str, size: int) -> None:
        """See to it that the next clip of a split, of so many bytes, can be written to an open shard."""
        same = self._file.startswith(f"{split}-")
        if self._shard is not None and same and self._end + size <= self.header.shard_size:
            return
        self.close_shard()
        number = int(self._file[-10:-4]) + 1 if same else 0
        self._file, self._end = f"{split}-{number:06d}.tar", 0
        with plainly(self.folder / self._file):
            self._shard = open(_part(self.folder / self._file), "wb")

    def _note(self) -> None:
        """Add a block to the journal: all records that are not in it."""
        lines = "".join(record.line() for record in self.records[self._noted :])
        if lines:
            with plainly(self.folder / JOURNAL), open(self.folder / JOURNAL, "ab") as journal:
                journal.write(lines.encode() + b"\n")
        self._noted = len(self.records)


def begin(folder: Path, header: Header, samples: Sequence[Sample], *, retry: bool) -> Store:
    """The folder, new or taken up again; what is in it is cut to what is whole.

    Args:
        retry: as that of `Store.resume`.

    Raises:
        UserError: it holds something else, or was begun with other settings or from another corpus.
        OperationalError: it cannot be read or written.
    """
    with plainly(folder):
        folder.mkdir(parents=True, exist_ok=True)
        there = sorted(path.name for path in folder.iterdir() if path.name not in AT_FIRST)
    if not there:
        write_text(folder / CORPUS, header.text())
    _check_same(folder, header)
    order = sorted(range(len(samples)), key=lambda number: SPLITS.index(samples[number].split))
    store = Store(folder, header, samples, order)
    if not store.finished:
        store.resume(retry)
    return store


def check_out(folder: Path, sources: Sequence[Path]) -> None:
    """Refuse a folder that lies in a source, holds one, or holds something else.

    Raises:
        UserError: it does.
    """
    where = "--out"
    if folder.exists() and not folder.is_dir():
        raise UserError(where, f"{folder} is a file")
    for source in sources:
        ours, theirs = folder.resolve(), source.resolve()
        if ours == theirs or theirs in ours.parents:
            raise UserError(where, f"{folder} is inside the source, {source}", "choose a folder of its own")
        if ours in theirs.parents:
            raise UserError(where, f"{folder} holds the source, {source}", "choose a folder of its own")
    if folder.is_dir() and not (folder / CORPUS).is_file():
        with plainly(folder, "read"):
            there = sorted(path.name for path in folder.iterdir() if path.name not in AT_FIRST)
        if there:
            what = f"{folder} holds something else ({there[0]})"
            raise UserError(where, what, "choose a new or an empty folder")


def _check_same(folder: Path, header: Header) -> None:
    """Refuse to go on with other settings or another corpus than those it was begun with."""
    old, new = asdict(read_header(folder)), asdict(header)
    changed = [key for key in new if old[key] != new[key]]
    what = "was begun with other settings; take the change back, or choose another --out:"
    if any(key in NOT_SETTINGS for key in changed):
        what = "was begun from another corpus, or the corpus has changed since; choose another --out:"
    if changed:
        lines = (f"\n  `{key}`: {old[key]}, now {new[key]}" for key in changed)
        raise UserError(str(folder), what + "".join(lines))


def _entry(sample: Sample, packed: Packed, file: str, offset: int) -> Entry:
    return Entry(
        id=sample.id,
        split=sample.split,
        file=file,
        offset=offset,
        bytes=len(packed.content),
        kind=packed.kind,
        frames=sample.frames,
        fps=packed.fps,
        sizes=np.array(packed.sizes, dtype=np.int64),
        sha256=packed.sha256,
        signer=sample.signer,
        reference=sample.reference,
        text=sample.text,
        segments=sample.segments,
        labels=sample.labels,
        motion=packed.motion,
    )


def _part(path: Path) -> Path:
    """What a shard is called while it is being written."""
    return path.with_name(f".{path.name}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1
