"""Images and what is known of each: from the folders and names of files, or from a table."""

import fnmatch
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from signkit.data.collect.search import folders
from signkit.data.corpora.configs import ImagesConfig
from signkit.data.corpora.manifest import MEANT
from signkit.data.corpora.manifest_rows import line_of, manifest_text, row_path
from signkit.data.corpora.table import Row, rows_or_faults
from signkit.data.video.still import STILLS
from signkit.errors import UserError
from signkit.runtime.files import plainly
from signkit.text.vocabulary import composed

PATHS = ("path", "file", "filename", "image")
"""What the column of paths may be called."""
MASSEY = re.compile(r"(?P<signer>hand\d+)_(?P<label>[a-z0-9]+)_[a-z]+_seg_\d+(_cropped)?")
"""The names of Massey University's gesture set: ``hand1_a_bot_seg_1_cropped.png``."""
KAGGLE = re.compile(r"(?P<label>[A-Za-z]+?)(\d+|_test)")
"""The names of Kaggle's ASL alphabet: ``A1.jpg``, ``A_test.jpg``."""
TABLES = (".csv", ".tsv")
MAC = "__MACOSX"
"""A folder that the archiver of macOS adds, with files that are none of the user's."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image file.

    Attributes:
        name: its path below the folder of images.
        where: for messages: the path, with the row of a table before it.
        signer, split: "" where they are not known.
    """

    path: Path
    name: str
    where: str
    label: str
    signer: str = ""
    split: str = ""


def in_folders(config: ImagesConfig) -> tuple[list[ImageFile], list[UserError], tuple[str, ...]]:
    """The images below the root, faults of single ones, and notes of how the folders were understood.

    Raises:
        UserError: there are no images, or their folders are neither of labels nor of anything known.
        OperationalError: a folder cannot be read.
    """
    root = Path(config.root)
    if not os.path.isdir(root):
        what = "is a file, not a folder" if os.path.exists(root) else "there is no such folder"
        raise UserError(str(root), what)
    names = _names(root, config.pattern)
    if not names:
        kinds = ", ".join(STILLS)
        raise UserError(str(root), "has no images", f"{config.pattern} of {kinds} were looked for")
    inner = {name.parts[0] for name in names if len(name.parts) > 1}
    if inner == {root.name} and all(len(name.parts) > 2 for name in names):
        # Kaggle's archive has asl_alphabet_train in asl_alphabet_train.
        root, names = root / root.name, [PurePosixPath(*name.parts[1:]) for name in names]
    splits, inside = _without_splits(root, names)
    depths = {len(each): name for each, name in zip(inside, names, strict=True)}
    if len(depths) > 1:
        shown = " and ".join(map(str, sorted(depths.values())))
        raise UserError(str(root), f"images lie in folders of different depth: {shown}")
    depth = min(depths)
    if depth > 2:
        what = f"images lie {depth} folders deep, as {names[0]}"
        raise UserError(str(root), what, "known are LABEL/*, SIGNER/LABEL/*, and both in folders of splits")
    if depth == 2 and config.folders == "label":
        raise UserError(str(root), f"images lie in folders of folders, as {names[0]}", "`folders: auto`")
    found, faults = [], []
    by_hand = depth == 1 and all(MASSEY.fullmatch(name.stem) for name in names)
    for name, split, parts in zip(names, splits, inside, strict=True):
        where = str(root / name)
        try:
            label, signer = _meant(parts, name.stem, by_hand, config.folders, where)
        except UserError as fault:
            faults.append(fault)
            continue
        found.append(ImageFile(root / name, str(name), where, label, signer, split))
    notes: tuple[str, ...] = ()
    if depth == 2 and config.folders == "auto":
        signers, labels = {each.signer for each in found}, {each.label for each in found}
        notes = (f"folders are read as signer/label: {len(signers)} signers, {len(labels)} labels",)
    with plainly(root, "read"):
        tables = sorted(name for name in os.listdir(root) if name.lower().endswith(TABLES))
    if tables:
        notes += (f"{root / tables[0]} is not read; `data.file={tables[0]}` takes labels from it",)
    return found, faults, notes


def in_table(config: ImagesConfig) -> tuple[list[ImageFile], list[UserError], tuple[str, ...]]:
    """The images that a table names, and faults of single rows.

    Raises:
        UserError: there is no such table, or it lacks a column.
    """
    file, images = Path(config.root) / config.file, Path(config.root) / config.images
    rows = rows_or_faults(file, manifest_text(file, "--set data.file"), ("label",))
    cells = next((row.cells for row in rows if isinstance(row, Row)), {})
    column = next((name for name in PATHS if name in cells), None)
    if cells and column is None:
        raise UserError(str(file), "column missing: path", f"there are: {', '.join(cells)}")
    found: list[ImageFile] = []
    faults: list[UserError] = []
    first: dict[str, str] = {}
    for row in rows:
        try:
            if isinstance(row, UserError):
                raise row
            each = _of_row(replace(row, cells={**row.cells, "path": row.cells[column or ""]}), images)
            before = first.setdefault(os.path.normpath(each.path), row.where)
            if before is not row.where:
                raise UserError(row.where, f"{each.name} is there twice, first in {line_of(before)}")
            if fnmatch.fnmatch(each.path.name, config.pattern):
                found.append(each)
        except UserError as fault:
            faults.append(fault)
    return found, faults, ()


def _of_row(row: Row, images: Path) -> ImageFile:
    path, label = row_path(row, images), _label(row.cells["label"])
    if not label:
        raise UserError(row.where, "the label is empty")
    name = row.cells["path"].strip()
    split = row.cells.get("split", "").strip()
    if split and split.casefold() not in MEANT:
        raise UserError(row.where, f"split {split!r} is none of train, dev, test")
    signer = composed(row.cells.get("signer", "").strip())
    return ImageFile(path, name, f"{row.where}: {name}", label, signer, MEANT.get(split.casefold(), ""))


def _names(root: Path, pattern: str) -> list[PurePosixPath]:
    """The image files below a folder that a pattern names, by their paths below it, sorted."""
    found = []
    with plainly(root, "read"):
        for folder, files in folders(root):
            below = PurePosixPath(folder.relative_to(root).as_posix())
            if MAC not in below.parts:
                found += [below / name for name in files if _is_meant(name, pattern)]
    return sorted(found)


def _is_meant(name: str, pattern: str) -> bool:
    return name.lower().endswith(STILLS) and fnmatch.fnmatch(name, pattern)


def _without_splits(root: Path, names: Sequence[PurePosixPath]) -> tuple[list[str], list[tuple[str, ...]]]:
    """The split of each image, "" where no folder names it, and the other folders that it is in."""
    inside = [name.parent.parts for name in names]
    first = {parts[0] if parts else "" for parts in inside}
    splits = {name: MEANT.get(name.casefold(), "") for name in first}
    if not all(splits.values()):
        if "train" in splits.values():
            other = next(name for name in sorted(first) if not splits[name])
            what = f"has a folder of the split train beside {other or 'images'}, which names none"
            raise UserError(str(root), what, "train, validation and test are known")
        return [""] * len(names), inside
    return [splits[parts[0]] for parts in inside], [parts[1:] for parts in inside]


def _meant(parts: tuple[str, ...], stem: str, by_hand: bool, order: str, where: str) -> tuple[str, str]:
    """The label and the signer of an image by its folders and its name.

    Args:
        by_hand: whether all names are those of Massey's set, and tell signers.
    """
    if len(parts) == 2:
        label, signer = parts if order == "label/signer" else parts[::-1]
        return _label(label), composed(signer)
    match = MASSEY.fullmatch(stem) if by_hand or not parts else None
    if not parts:
        match = match or KAGGLE.fullmatch(stem)
        if match is None:
            hint = "put it in a folder of its label, or name labels in a table (`data.file`)"
            raise UserError(where, "neither a folder nor its name says a label", hint)
        return match["label"], match.groupdict().get("signer", "")
    label = _label(parts[0])
    if match is None:
        return label, ""
    if match["label"].casefold() != label.casefold():
        raise UserError(where, f"lies in the folder {parts[0]}, but its name says {match['label']}")
    return label, match["signer"]


def _label(text: str) -> str:
    """A label without double blanks, its accents composed."""
    return " ".join(composed(text).split())
