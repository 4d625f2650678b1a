"""HearAI's collections of isolated signs: clips as folders of frames, annotated by gloss and by HamNoSys.

    test_gloss.txt                 NAME START END GLOSS
    test_hamnosys.txt              NAME START END and eight or nine classes, in the order of `HEADS`
    NAME/NAME_0.jpg, …             frames; those from START to END, both included, are the clip
    NAME/NAME_properties.json      may say FPS
    NAME/NAME.npz                  landmarks, see `hearai_points`

A first line of column names is left out. Their loader leaves out every line with a cell that is no number,
and reads the first eight classes of however many there are; here both are faults.
Source: github.com/hearai/hearai, datasets/dataset.py.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from signkit.data.corpora import hearai_points
from signkit.data.corpora.configs import HearaiConfig
from signkit.data.corpora.folds import split_by_folds
from signkit.data.corpora.table import fail_together
from signkit.data.video.folder import FrameFolder
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_text
from signkit.types import USUAL_FPS, VIDEO, Corpus, Sample, Signal, Video

HEADS = (
    "symmetry_operator", "hand_shape_base_form", "hand_shape_thumb_position", "hand_shape_bending",
    "hand_position_finger_direction", "hand_position_palm_orientation", "hand_location_x", "hand_location_y",
    "hand_distance",
)  # fmt: skip
"""What the classes of HamNoSys are of; the last one is not always there."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of an annotation file.

    Attributes:
        where: the file and the line.
        start, end: its first and its last frame.
    """

    where: str
    name: str
    start: int
    end: int
    gloss: str = ""
    labels: Mapping[str, str] | None = None


def read(config: HearaiConfig) -> Corpus:
    """The corpus of a folder; ids are the names of the clips, with their frames where a name has several.

    Raises:
        UserError: neither annotation file is there; all faults of the lines; clips that are missing, if those
            are refused.
    """
    digest = hashlib.sha256(config.signal.encode())
    rows, notes = _annotated(config, digest)
    labels = [str(row.gloss or row.labels) for row in rows]
    splits, said = split_by_folds(config.root, config, labels=labels, signers=[""] * len(rows))
    several = Counter(row.name for row in rows)
    samples, faults, left_out, width = list[Sample](), list[UserError](), list[str](), 0
    for row, split in zip(rows, splits, strict=True):
        try:
            load, fps, width = _clip(Path(config.root) / row.name, row, config, width)
        except UserError as fault:
            if split == "train" and config.missing == "skip":
                left_out.append(str(fault))
            else:
                faults.append(fault)
            continue
        name = row.name if several[row.name] == 1 else f"{row.name}-{row.start}-{row.end}"
        samples.append(_sample(name, split, row, load, fps))
    fail_together(faults, config.root)
    digest.update(repr([(each.id, each.split, each.frames) for each in samples]).encode())
    return Corpus(
        name="hearai",
        samples=tuple(samples),
        layout={"frames": VIDEO, "landmarks": hearai_points.LAYOUT, "features": ""}[config.signal],
        width=width,
        fingerprint=digest.hexdigest(),
        left_out=tuple(left_out),
        notes=(*notes, *said),
    )


def _annotated(config: HearaiConfig, digest: "hashlib._Hash") -> tuple[list[Row], list[str]]:
    """What the annotation files say of each clip together, and which of them is not there.

    Raises:
        UserError: neither is there; all faults of their lines.
    """
    named = {"gloss": config.gloss, "hamnosys": config.hamnosys}
    files = {kind: Path(config.root) / name for kind, name in named.items() if name}
    there = {kind: file for kind, file in files.items() if os.path.isfile(file)}
    if not there:
        names = " and no ".join(file.name for file in files.values())
        raise UserError(config.root, f"has no {names or 'annotation file'}")
    faults, rows = list[UserError](), dict[tuple[str, int, int], Row]()
    for kind, file in there.items():
        text = read_text(file)
        digest.update(text.encode())
        for row in _rows(file, text, kind, faults):
            key = row.name, row.start, row.end
            rows[key] = replace(rows[key], labels=row.labels) if key in rows else row
    fail_together(faults, config.root)
    if not rows:
        raise UserError(config.root, "has no annotated clips")
    return [*rows.values()], [f"{file} is not there" for kind, file in files.items() if kind not in there]


def _sample(name: str, split: str, row: Row, load: partial[Signal], fps: float) -> Sample:
    return Sample(
        id=name,
        split=split,
        reference=(row.gloss,) if row.gloss else (),
        frames=row.end - row.start + 1,
        load=load,
        source=row.where,
        labels=row.labels or {},
        fps=fps,
    )


def _rows(file: Path, text: str, kind: str, faults: list[UserError]) -> Iterator[Row]:
    """The rows of a file; what cannot be used is added to the faults."""
    seen: dict[tuple[str, int, int], int] = {}
    first = True
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split()
        if not cells:
            continue
        header, first = first and not any(map(str.isdigit, cells[1:])), False
        if header:
            continue
        try:
            row = _row(f"{file}:{number}", cells, kind)
        except UserError as fault:
            faults.append(fault)
            continue
        before = seen.setdefault((row.name, row.start, row.end), number)
        if before != number:
            what = f"{row.name}, frames {row.start} to {row.end}, is there twice, first in line {before}"
            faults.append(UserError(row.where, what))
        else:
            yield row


def _row(where: str, cells: list[str], kind: str) -> Row:
    """A line of an annotation file.

    Raises:
        UserError: it has not its form.
    """
    if len(cells) < 4:
        raise UserError(where, f"has {len(cells)} columns", "a line is NAME START END and its labels")
    name, *place = cells[:3]
    if name in (".", "..") or "/" in name or "\\" in name:
        raise UserError(where, f"{name} is a path, not the name of a folder")
    for column, cell in zip(("START", "END"), place, strict=True):
        _whole(where, column, cell)
    start, end = map(int, place)
    if start > end:
        raise UserError(where, f"frames {start} to {end} are not an interval")
    if kind == "gloss":
        number = cells[3].isascii() and cells[3].isdigit()
        return Row(where, name, start, end, gloss=str(int(cells[3])) if number else cells[3])
    classes = cells[3:]
    if not len(HEADS) - 1 <= len(classes) <= len(HEADS):
        what = f"has {len(classes)} classes, not {len(HEADS) - 1} or {len(HEADS)}"
        raise UserError(where, what, f"their order is {', '.join(HEADS)}")
    known = {head: cell for head, cell in zip(HEADS, classes, strict=False) if cell != "NaN"}
    for head, cell in known.items():
        _whole(where, head, cell)
    return Row(where, name, start, end, labels={head: str(int(cell)) for head, cell in known.items()})


def _whole(where: str, column: str, cell: str) -> None:
    if not (cell.isascii() and cell.isdigit()):
        raise UserError(where, f"{column} is {cell!r}, not a whole number")


def _clip(folder: Path, row: Row, config: HearaiConfig, width: int) -> tuple[partial[Signal], float, int]:
    """How a clip is loaded, its frames a second, and the width of its signal.

    Args:
        width: of the clips before; 0: there are none.

    Raises:
        UserError: its folder, its frames or its landmarks are missing, or of another width.
    """
    with plainly(folder, "read"):
        there = set(os.listdir(folder)) if folder.is_dir() else None
    if there is None:
        raise UserError(str(folder), "there is no such folder", f"it is that of {row.where}")
    fps = _fps(folder / f"{row.name}_properties.json") or USUAL_FPS
    if config.signal != "frames":
        file = folder / f"{row.name}.npz"
        found = hearai_points.width_of(file, config.signal, row.end, row.where)
        if width and found != width:
            raise UserError(str(file), f"has {found} numbers a frame", f"the clips before have {width}")
        return partial(hearai_points.load, file, config.signal, row.start, row.end, fps), fps, found
    names = tuple(f"{row.name}_{index}.jpg" for index in range(row.start, row.end + 1))
    if missing := [name for name in names if name not in there]:
        raise UserError(
            str(folder), f"has no {missing[0]}", f"{row.where} is of frames {row.start} to {row.end}"
        )
    return partial(_load_frames, folder, names, fps), fps, 3


def _load_frames(folder: Path, names: tuple[str, ...], fps: float) -> Signal:
    return Video(FrameFolder(folder, str(folder), names, fps))


def _fps(file: Path) -> float | None:
    """What the properties of a clip say; None where there are none."""
    if not os.path.isfile(file):
        return None
    try:
        rate = json.loads(read_text(file))["FPS"]
        if not 0 < float(rate) < 1000:
            raise ValueError(rate)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UserError(str(file), "has no `FPS` that is a number of frames a second") from error
    return float(rate)
