"""What of a folder that was broken off can be kept: the journal's records whose clips are there to the bit.

Of a shard that has its name the size is enough: it was synced before. The last one is read again.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from signkit.data.shards.index import Entry, Left, Record, file_sizes, read_record
from signkit.errors import UserError
from signkit.types import Sample

JOURNAL = ".journal.jsonl"


def kept(folder: Path, samples: Sequence[Sample]) -> list[Record]:
    """The journal's records, in their order, up to the first whose clip is not there to the bit.

    Args:
        samples: in the order in which they are packed.
    """
    records = [*_lines(folder, samples)]
    entries = [record for record in records if isinstance(record, Entry)]
    whole = file_sizes(entries)
    states: dict[str, bool] = {}
    last = entries[-1].file if entries else ""
    for count, record in enumerate(records):
        if isinstance(record, Left):
            continue
        if record.file not in states and record.file != last:
            states[record.file] = _size(folder / record.file) == whole[record.file]
        if not states.get(record.file, True):
            return _reopened(folder, records[:count])
    return _reopened(folder, records)


def _reopened(folder: Path, records: list[Record]) -> list[Record]:
    """The records up to the first of the last file whose bytes are not what they were."""
    last = next((record.file for record in reversed(records) if isinstance(record, Entry)), "")
    path = folder / last
    if last.endswith(".tar") and part(path).exists():
        path = part(path)
    for count, record in enumerate(records):
        if isinstance(record, Entry) and record.file == last and not _is_there(path, record):
            return _reopened(folder, records[:count]) if record.offset == 0 else records[:count]
    return records


def _is_there(path: Path, entry: Entry) -> bool:
    try:
        with open(path, "rb") as file:
            file.seek(entry.offset)
            return hashlib.sha256(file.read(entry.bytes)).hexdigest() == entry.sha256
    except FileNotFoundError:
        return False


def _lines(folder: Path, samples: Sequence[Sample]) -> Iterator[Record]:
    """The journal's whole lines, as long as they are those of the samples."""
    path = folder / JOURNAL
    if not path.is_file():
        return
    lines = path.read_bytes().split(b"\n")[:-1]  # a line without an end was being written
    for number, (line, sample) in enumerate(zip(lines, samples, strict=False), 1):
        try:
            record = read_record(line.decode(), f"{path}:{number}")
        except (UserError, UnicodeDecodeError):
            return
        if record.id != sample.id:
            return
        yield record


def part(path: Path) -> Path:
    """What a file is called while it is being written."""
    return path.with_name(f".{path.name}.part")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return -1
