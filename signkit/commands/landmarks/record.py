"""The record of an output folder, `report.jsonl`: a line a clip, what was tracked and from what. By it
a file stays as it is when its clip has not changed since."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from signkit.data.tracking.extract import Options, Summary
from signkit.data.tracking.jobs import Failure
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_bytes, write_text
from signkit.types import USUAL_FPS

NAME = "report.jsonl"
BEGUN = "not finished"
Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A clip as it lies on disk: bytes and time of the last change, of a folder of frames those of all."""

    path: str
    bytes: int
    modified: int

    @classmethod
    def of(cls, path: Path) -> "Source":
        """What is not there, or hidden, has no bytes: it will be found out when it is opened."""
        size = modified = 0
        with suppress(OSError):
            for file in path.iterdir() if path.is_dir() else [path]:
                stat = file.stat()
                size, modified = size + stat.st_size, max(modified, stat.st_mtime_ns)
        return cls(str(path.resolve()), size, modified)


class Record:
    """The entries of an output folder by the file they are about. Each change is on disk at once."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.entries: dict[str, Entry] = {}
        self._torn = False
        with plainly(self.path, "read"):
            there = self.path.exists()
        if there:
            text = read_bytes(self.path).decode("utf-8", "replace")
            self._torn = not text.endswith("\n")
            for line in text.split("\n"):  # and not at whatever else may be in a name
                self._take(line)

    def _take(self, line: str) -> None:
        try:
            entry = json.loads(line)
            if isinstance(entry["input"], str):
                self.entries[entry["output"]] = entry
        except (ValueError, KeyError, TypeError, RecursionError):
            pass  # a line that was being written when the power went

    def finished(self, output: str, source: Source, options: Options) -> bool:
        """Whether a file is there that was made from this clip, as it is now, with these options.

        Raises:
            UserError: it is another clip's, or nobody knows whose: it is not replaced.
        """
        with plainly(self.path.parent / output, "read"):
            there = (self.path.parent / output).exists()
        entry = self.entries.get(output)
        if not there:
            return False
        where = str(self.path.parent / output)
        if entry is None:
            what = f"is there already, and {NAME} does not know it"
            raise UserError(where, what, "choose another --out, or delete the file")
        if entry["input"] != source.path and Path(entry["input"]).exists():
            hint = "choose another --out, or delete the file"
            raise UserError(where, f"was made from {entry['input']}, not from {source.path}", hint)
        wanted = {"bytes": source.bytes, "modified": source.modified}
        unchanged = "error" not in entry and all(entry.get(key) == value for key, value in wanted.items())
        had, now = entry.get("options"), asdict(options)
        if now["fps"] is None and isinstance(had, dict) and had.get("fps") == USUAL_FPS:
            had = {**had, "fps": None}  # as earlier versions recorded it
        return unchanged and had == now

    def begin(self, output: str, source: Source) -> None:
        """A clip is being tracked."""
        self._add({"output": output, "input": source.path, "error": BEGUN})

    def end(self, output: str, source: Source, options: Options, outcome: Summary | Failure) -> None:
        """It is done, or it could not be."""
        base = {"output": output, "input": source.path}
        if isinstance(outcome, Failure):
            self._add({**base, "error": outcome.message})
            return
        state = {"bytes": source.bytes, "modified": source.modified, "options": asdict(options)}
        self._add({**base, "frames": outcome.frames, "fps": outcome.fps, **_shown(outcome.shares), **state})

    def close(self) -> None:
        """Write the file again, with one line an output."""
        write_text(self.path, "".join(_line(entry) for _, entry in sorted(self.entries.items())))

    def _add(self, entry: Entry) -> None:
        self.entries[entry["output"]] = entry
        with plainly(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write("\n" * self._torn + _line(entry))
        self._torn = False


def _line(entry: Entry) -> str:
    """An entry as it is written; where a name is not UTF-8, all that is not ASCII by its number."""
    line = json.dumps(entry, ensure_ascii=False)
    try:
        line.encode()
    except UnicodeEncodeError:
        line = json.dumps(entry)
    return line + "\n"


def _shown(shares: Mapping[str, float]) -> Entry:
    return {part.replace(" ", "_"): round(share, 4) for part, share in shares.items()}
