"""The folder that `signkit data prepare` fills: clip after clip in a fixed order, whatever breaks in.

A clip's bytes are appended to the shard, then its line to a journal. Who comes back keeps the lines whose
clips are there to the bit, cuts off what follows, and goes on: so the end is the same as without a break.
A shard has its name when it is whole, the index when everything is.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
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
    Left,
    Made,
    Record,
    file_sizes,
    read_made,
)
from signkit.data.shards.journal import JOURNAL, kept, part
from signkit.data.shards.pack import ENDINGS, Packed, Refused
from signkit.data.shards.tar import END
from signkit.errors import UserError
from signkit.runtime.files import SUMS, plainly, write_bytes, write_text
from signkit.types import SPLITS, Corpus, Sample

LOCK = ".lock"
AT_FIRST = (LOCK, f".{CORPUS}.part")
"""What may be in a folder in which nothing was begun yet."""
NOT_SETTINGS = ("name", "layout", "width", "fingerprint", "clips", "left_out")


@dataclass(slots=True)
class Store:
    """A folder that is being filled.

    Attributes:
        order: numbers of the corpus's samples in the order in which they are packed.
        records: what became of the first ones of them.
    """

    folder: Path
    made: Made
    samples: Sequence[Sample]
    order: Sequence[int]
    records: list[Record] = field(default_factory=list)
    _journal: BinaryIO | None = None
    _shard: BinaryIO | None = None
    _file: str = ""
    _end: int = 0

    @property
    def next_sample(self) -> Sample:
        """The sample whose turn it is."""
        return self.samples[self.order[len(self.records)]]

    def add(self, packed: Packed | Refused) -> None:
        """Keep the next clip, or the reason why it is left out.

        Raises:
            OperationalError: the disk is full, or cannot be written.
        """
        number, sample = self.order[len(self.records)], self.next_sample
        if isinstance(packed, Refused):
            record: Record = Left(sample.id, sample.split, packed.where, packed.what, packed.hint)
        else:
            file, offset = self._place(sample.split, number, packed)
            self._write(file, packed.content)
            record = _entry(sample, packed, file, offset)
        with plainly(self.folder / JOURNAL):
            assert self._journal is not None
            self._journal.write(record.line().encode())
            self._journal.flush()
        self.records.append(record)

    def close_shard(self) -> None:
        """Give the shard that is being filled its name."""
        if self._shard is None:
            return
        path = self.folder / self._file
        with plainly(path):
            self._shard.write(END)
            self._shard.flush()
            os.fsync(self._shard.fileno())
            self._shard.close()
            os.replace(part(path), path)
        self._shard = None

    def finish(self, corpus: Corpus, sums: Mapping[str, str]) -> None:
        """Write all that is left, the index last; ``sums`` are the SHA-256 of the files of clips."""
        place = {sample.id: number for number, sample in enumerate(self.samples)}
        records = sorted(self.records, key=lambda record: place[record.id])
        left = [record for record in records if isinstance(record, Left)]
        texts = {EXTRA_TEXT: "".join(json.dumps(s, ensure_ascii=False) + "\n" for s in corpus.extra_text)}
        texts |= {REFUSED: "".join(record.line() for record in left)} if left else {}
        texts |= {INDEX: "".join(record.line() for record in records if isinstance(record, Entry))}
        digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
        digests |= {CORPUS: hashlib.sha256(self.made.text().encode()).hexdigest(), **sums}
        lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
        with plainly(self.folder / REFUSED):  # of an end that was broken off, when clips were still left out
            (self.folder / REFUSED).unlink(missing_ok=True)
        for name, text in {SUMS: lines, **texts}.items():
            write_text(self.folder / name, text)
        self.tidy()

    def close(self) -> None:
        """Close what is open, as it is."""
        for file in (self._journal, self._shard):
            if file is not None:
                with suppress(OSError):  # what could not be written was told when it was written
                    file.close()
        self._journal = self._shard = None

    def tidy(self) -> None:
        """Remove what is needed only until the end."""
        self.close()
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def files(self) -> list[str]:
        """The files of clips, in the order of their names."""
        return sorted({record.file for record in self.records if isinstance(record, Entry)})

    def _place(self, split: str, number: int, packed: Packed) -> tuple[str, int]:
        """The file that the next clip goes to, and where in it."""
        if self.made.format == "mp4":
            return f"{split}/{number:08d}.{ENDINGS[packed.kind]}", 0
        count = -1
        if self._file.startswith(f"{split}-"):
            if self._end + len(packed.content) <= self.made.shard_size:
                return self._file, self._end
            count = int(self._file[-10:-4])
        return f"{split}-{count + 1:06d}.tar", 0

    def _write(self, file: str, content: bytes) -> None:
        path = self.folder / file
        if not file.endswith(".tar"):
            write_bytes(path, content)
            return
        if file != self._file or self._shard is None:
            self.close_shard()
            with plainly(path):
                self._shard = open(part(path), "wb")
            self._file, self._end = file, 0
        with plainly(path):
            self._shard.write(content)
            self._shard.flush()
        self._end += len(content)

    def resume(self) -> None:
        """Take up what is there.

        Raises:
            OperationalError: it cannot be read, or cut to what holds.
        """
        self._file, self._end = "", 0
        with plainly(self.folder):
            self.records = kept(self.folder, [self.samples[number] for number in self.order])
            entries = [record for record in self.records if isinstance(record, Entry)]
            keep = set(file_sizes(entries))
            if entries and entries[-1].file.endswith(".tar"):
                self._file, self._end = entries[-1].file, entries[-1].end
                keep -= {self._file}
                growing = part(self.folder / self._file)
                if not growing.exists():
                    os.replace(self.folder / self._file, growing)
                os.truncate(growing, self._end)
                self._shard = open(growing, "ab")
            open_part = part(self.folder / self._file) if self._shard else None
            for path in _of_clips(self.folder):
                if path.relative_to(self.folder).as_posix() not in keep and path != open_part:
                    path.unlink()
        write_text(self.folder / JOURNAL, "".join(record.line() for record in self.records))
        with plainly(self.folder / JOURNAL):
            self._journal = open(self.folder / JOURNAL, "ab")

    def cut(self, count: int) -> None:
        """Forget all but the first records."""
        self.close()
        write_text(self.folder / JOURNAL, "".join(record.line() for record in self.records[:count]))
        self.resume()


def begin(folder: Path, made: Made, samples: Sequence[Sample]) -> Store:
    """The folder, made or taken up again; what is in it is cut to what holds.

    Raises:
        UserError: it holds something else, or was begun with other settings or from another corpus.
        OperationalError: it cannot be read or written.
    """
    with plainly(folder):
        folder.mkdir(parents=True, exist_ok=True)
        there = sorted(path.name for path in folder.iterdir() if path.name not in AT_FIRST)
    if not there:
        write_text(folder / CORPUS, made.text())
    _check_same(folder, made)
    order = sorted(range(len(samples)), key=lambda number: SPLITS.index(samples[number].split))
    store = Store(folder, made, samples, order)
    if not is_finished(folder):
        store.resume()
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


def is_finished(folder: Path) -> bool:
    """Whether the preparing of a folder has come to its end."""
    return (folder / INDEX).is_file()


def _check_same(folder: Path, made: Made) -> None:
    """Refuse to go on with other settings or another corpus than those it was begun with."""
    old, new = asdict(read_made(folder)), asdict(made)
    lines = [f"\n  `{key}`: {old[key]}, now {new[key]}" for key in new if old[key] != new[key]]
    if any(old[key] != new[key] for key in NOT_SETTINGS):
        what = "was begun from another corpus, or the corpus has changed since; choose another --out:"
        raise UserError(str(folder), what + "".join(lines))
    if lines:
        what = "was begun with other settings; take the change back, or choose another --out:"
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
    )


def _of_clips(folder: Path) -> Iterator[Path]:
    """All files that this program has made for clips, those that are half-written too."""
    for path in [*folder.iterdir(), *(p for split in SPLITS for p in folder.glob(f"{split}/*"))]:
        bare = path.with_name(path.name.removeprefix(".").removesuffix(".part"))
        if FILE.fullmatch(bare.relative_to(folder).as_posix()):
            yield path
