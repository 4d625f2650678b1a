"""The index of a prepared corpus: a JSON line a clip, and `corpus.json` for what they have in common.

docs/preparing.md has the form. What is read is checked line by line: it may come from anywhere.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.data.shards.tar import BLOCK, END, room
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.types import SPLITS, Sample, Segment

FORM = "signkit prepared corpus 1"
CORPUS, INDEX, EXTRA_TEXT, REFUSED = "corpus.json", "index.jsonl", "extra_text.jsonl", "refused.jsonl"
KINDS = ("jpeg", "mp4", "npz")
NO_MOTION = "none"
FILE = re.compile(r"(?:train|dev|test)(?:-[0-9]{6}\.tar|/[0-9]{8}\.(?:mp4|npz))")
"""Files of clips, so that an index leads nowhere else."""
WORDS = {str: "text", int: "a whole number", float: "a number", list: "a list", dict: "a section"}


@dataclass(frozen=True, slots=True)
class Header:
    """What a prepared corpus is and how it was prepared: `corpus.json`.

    Attributes:
        name: of the corpus that was read, and its layout and width.
        fingerprint: of the corpus that was read.
        clips: how many it has, refused ones too.
        left_out: what its reader left out of train, a line each.
        format: ``shards`` or ``mp4``.
        size: height and width of the frames.
        quality: of the JPEG files, or the mp4's.
        shard_size: bytes after which a shard is closed, about.
        motion: how the motion was computed that is packed with the frames, see `video.motion`; ``none``.
        versions: of the packages that decide about the bits.
    """

    name: str
    layout: str
    width: int
    fingerprint: str
    clips: int
    left_out: tuple[str, ...]
    format: str
    size: int
    quality: int
    shard_size: int
    versions: Mapping[str, str]
    motion: str = NO_MOTION

    def text(self) -> str:
        """As `corpus.json` has it."""
        values = asdict(self)
        if self.motion == NO_MOTION:  # a corpus without is one of an earlier version, bit for bit
            del values["motion"]
        return json.dumps({"form": FORM, **values}, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """A clip of a prepared corpus: a line of the index.

    Attributes:
        file: the shard, or the clip's own file, below the folder.
        offset: of the clip's first byte in the file.
        bytes: that the clip takes there, tar headers included.
        kind: ``jpeg`` (a member a frame), ``npz`` or ``mp4``.
        sizes: bytes of each JPEG file, or of the one npz or mp4 file.
        motion: bytes of the npz of maps of motion that follows the JPEG files; 0 if there is none.
        sha256: of all the clip's bytes.
    """

    id: str
    split: str
    file: str
    offset: int
    bytes: int
    kind: str
    frames: int
    fps: float
    sizes: npt.NDArray[np.int64] = field(compare=False)
    sha256: str
    signer: str
    reference: tuple[str, ...]
    text: str
    segments: tuple[Segment, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    motion: int = 0

    @property
    def end(self) -> int:
        """The byte after the clip's last one."""
        return self.offset + self.bytes

    def line(self) -> str:
        """As the index has it."""
        segments = [[s.gloss, s.start, s.end] for s in self.segments]
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        values |= {"sizes": self.sizes.tolist(), "segments": segments}
        for name in ("labels", "motion"):
            if not values[name]:
                del values[name]
        return json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"


@dataclass(frozen=True, slots=True)
class Refused:
    """A clip that is left out, and why: a line of `refused.jsonl`."""

    id: str
    split: str
    where: str
    what: str
    hint: str

    def error(self) -> UserError:
        """The error that it was."""
        return UserError(self.where, self.what, self.hint)

    def line(self) -> str:
        """As `refused.jsonl` has it."""
        return json.dumps({"refused": asdict(self)}, ensure_ascii=False) + "\n"


Record = Entry | Refused


def clip_description(sample: Sample, fps: float) -> dict[str, Any]:
    """What a stream needs to know of a clip: the ``.json`` next to its frames."""
    segments = [[s.gloss, s.start, s.end] for s in sample.segments]
    return {
        "id": sample.id, "split": sample.split, "frames": sample.frames, "fps": fps, "signer": sample.signer,
        "reference": sample.reference, "text": sample.text, "segments": segments,
        **({"labels": dict(sample.labels)} if sample.labels else {}),
    }  # fmt: skip


def read_header(folder: Path) -> Header:
    """What a folder says that it holds.

    Raises:
        UserError: it was not made by `signkit data prepare`, or not by this version of it.
    """
    path = folder / CORPUS
    if not path.is_file():
        raise UserError(str(folder), f"has no {CORPUS}", "give the --out of `signkit data prepare`")
    values = json_object(read_text(path), str(path))
    if values.pop("form", None) != FORM:
        raise UserError(str(path), f"is not a {FORM!r}", "prepare the corpus with this version of signkit")
    kinds: dict[str, type] = dict.fromkeys(("name", "layout", "fingerprint", "format"), str)
    kinds |= dict.fromkeys(("width", "clips", "size", "quality", "shard_size"), int)
    kinds |= {"left_out": list, "versions": dict, "motion": str}
    values.setdefault("motion", NO_MOTION)
    checked(values, kinds, str(path))
    return Header(**values | {"left_out": tuple(map(str, values["left_out"]))})


def read_index(folder: Path) -> tuple[list[Entry], list[UserError]]:
    """The clips of a folder in the corpus's order, and what is wrong with lines of the index.

    Raises:
        UserError: there is no index, as long as the preparing has not come to its end.
    """
    path = folder / INDEX
    if not path.is_file():
        hint = "run the same `signkit data prepare` again, it goes on"
        raise UserError(str(folder), f"has no {INDEX}: its preparing has not come to an end", hint)
    entries: list[Entry] = []
    faults: list[UserError] = []
    ends: dict[str, int] = {}
    for number, line in enumerate(lines_of(path), 1):
        where = f"{path}:{number}"
        try:
            entry = read_entry(line, where)
            _check_place(entry, ends, where)
            entries.append(entry)
        except UserError as fault:
            faults.append(fault)
    return entries, faults


def read_entry(line: str, where: str) -> Entry:
    """A line of the index.

    Raises:
        UserError: it is not JSON, or a value is missing, of another type or cannot be.
    """
    values = json_object(line, where)
    kinds: dict[str, type] = dict.fromkeys(("id", "split", "file", "kind", "sha256", "signer", "text"), str)
    kinds |= dict.fromkeys(("offset", "bytes", "frames", "motion"), int) | {"fps": float}
    kinds |= dict.fromkeys(("sizes", "reference", "segments"), list) | {"labels": dict}
    values.setdefault("labels", {})
    values.setdefault("motion", 0)
    checked(values, kinds, where)
    _check_values(values, where)
    segments = tuple(_segment(each, where) for each in values.pop("segments"))
    sizes = np.array(values.pop("sizes"), dtype=np.int64)
    sizes.flags.writeable = False
    values |= {"fps": float(values["fps"]), "reference": tuple(values["reference"])}
    return Entry(**values, sizes=sizes, segments=segments)


def read_record(line: str, where: str) -> Record:
    """A line of the journal: a clip, or one that is left out.

    Raises:
        UserError: it is neither.
    """
    values = json_object(line, where).get("refused")
    if values is None:
        return read_entry(line, where)
    if not isinstance(values, dict):
        raise UserError(where, "is not a clip that is left out")
    checked(values, dict.fromkeys(("id", "split", "where", "what", "hint"), str), where)
    return Refused(**values)


def read_refused(folder: Path) -> list[Refused]:
    """The clips of train that a finished folder lacks.

    Raises:
        UserError: the list is damaged.
    """
    path = folder / REFUSED
    lines = lines_of(path) if path.is_file() else []
    records = (read_record(line, f"{path}:{number}") for number, line in enumerate(lines, 1))
    return [record for record in records if isinstance(record, Refused)]


def file_sizes(entries: Sequence[Entry]) -> dict[str, int]:
    """Bytes that each file of clips must have."""
    sizes: dict[str, int] = {}
    for entry in entries:
        end = entry.end + (len(END) if entry.file.endswith(".tar") else 0)
        sizes[entry.file] = max(end, sizes.get(entry.file, 0))
    return sizes


def lines_of(path: Path) -> list[str]:
    """The lines of a file; the last one may lack its end."""
    lines = read_text(path).split("\n")
    return lines if lines[-1] else lines[:-1]


def json_object(text: str, where: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        UserError: it is none.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(where, f"not JSON: {error}") from error
    if ("\\ud" in text or "\\uD" in text) and not _is_text(value):
        raise UserError(where, "not JSON: it has half a character, a lone surrogate")
    if not isinstance(value, dict):
        raise UserError(where, "not a JSON object")
    return value


def _is_text(value: object) -> bool:
    """Whether all the strings of a JSON value can be written."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def checked(values: dict[str, Any], kinds: Mapping[str, type], where: str) -> None:
    """Check that an object has exactly these keys, each of its type.

    Raises:
        UserError: it has not.
    """
    for name in kinds:
        if name not in values:
            raise UserError(where, f"key missing: {name}")
    for name, value in values.items():
        if name not in kinds:
            raise UserError(where, f"unknown key {name!r}")
        kind = kinds[name]
        fits = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
        if not fits:
            raise UserError(where, f"`{name}` is {json.dumps(value)}, not {WORDS[kind]}")


def _check_values(values: dict[str, Any], where: str) -> None:
    """What the types of a line's values leave open."""
    if values["split"] not in SPLITS:
        raise UserError(where, f"split {values['split']!r} is none of train, dev, test")
    if values["kind"] not in KINDS:
        raise UserError(where, f"`kind` {values['kind']!r} is none of {', '.join(KINDS)}")
    if not FILE.fullmatch(values["file"]):
        raise UserError(where, f"`file` {values['file']!r} is not a file of a prepared corpus")
    in_tar, ending = values["file"].endswith(".tar"), values["file"].rpartition(".")[2]
    if values["kind"] not in (("jpeg", "npz") if in_tar else (ending,)):
        raise UserError(where, f"`kind` {values['kind']!r} is not that of {values['file']}")
    if not 0 < values["fps"] <= sys.float_info.max:  # JSON has larger whole numbers
        raise UserError(where, f"`fps` must be a positive number, not {values['fps']}")
    if values["frames"] < 1:
        raise UserError(where, f"`frames` is {values['frames']}, not at least 1")
    if not all(isinstance(gloss, str) for gloss in values["reference"]):
        raise UserError(where, "`reference` is not a list of glosses")
    if not all(isinstance(label, str) for label in values["labels"].values()):
        raise UserError(where, "`labels` is not an object of texts")
    sizes, parts = values["sizes"], values["frames"] if values["kind"] == "jpeg" else 1
    if len(sizes) != parts:
        raise UserError(where, f"`sizes` has {len(sizes)} numbers, not {parts}")
    if not all(type(size) is int and 0 < size < 1 << 40 for size in sizes):
        raise UserError(where, "`sizes` are not all positive whole numbers")
    motion = values["motion"]
    if not 0 <= motion < 1 << 40 or (motion and values["kind"] != "jpeg"):
        raise UserError(where, f"`motion` cannot be {motion}")
    packed = [*sizes, motion] if motion else sizes
    least = sum(map(room, packed)) + 2 * BLOCK if in_tar else sizes[0]  # the .json has a member too
    wrong = values["bytes"] % BLOCK or values["bytes"] < least if in_tar else values["bytes"] != least
    if wrong:
        raise UserError(where, f"`bytes` is {values['bytes']}, which does not fit `sizes`")


def _segment(value: object, where: str) -> Segment:
    if isinstance(value, list) and len(value) == 3:
        gloss, start, end = value
        if isinstance(gloss, str) and type(start) is int and type(end) is int and 0 <= start < end:
            return Segment(gloss, start, end)
    raise UserError(where, f"`segments` has {json.dumps(value)}, not [gloss, start, end]")


def _check_place(entry: Entry, ends: dict[str, int], where: str) -> None:
    """Clips follow one another in a file, without gaps."""
    before = ends.get(entry.file, 0)
    if entry.offset != before:
        what = f"`offset` is {entry.offset}, but the clip before it in {entry.file} ends at {before}"
        ends[entry.file] = max(before, entry.end)
        raise UserError(where, what if before else f"`offset` is {entry.offset}, not 0, of the first clip")
    ends[entry.file] = entry.end
