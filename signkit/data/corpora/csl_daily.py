"""CSL-Daily as its archives unpack: everyday Chinese sentences, 10 signers, 30 frames a second.

    sentence_label/csl2020ct_v2.pkl     {"info": [{name, length, label_gloss, label_char, …, signer}, …], …}
    sentence_label/video_map.txt        index|name|length|gloss|char|word|postag: the same as text
    sentence_label/split_1.txt          name|split
    sentence_frames-512x512/{name}/*.jpg

The pickle is read by `signkit.runtime.unpickle`, which runs nothing; where it is not there, the text is read.
The split names S000005_P0004_T00, which has no label and no frames, in place of S000007_P0003_T00, which
has both and is in no split: public systems put it in train, and so do we.
Source: Zhou et al., CVPR 2021 and the release's notes.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signkit.data.corpora.configs import CslDailyConfig
from signkit.data.corpora.official import Listed, Lists, Stock, take_stock_of, tree, usable
from signkit.data.corpora.phoenix_lists import read_list
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_bytes
from signkit.runtime.unpickle import unpickle
from signkit.text.vocabulary import composed
from signkit.types import Corpus

PUBLISHED = {"train": 18401, "dev": 1077, "test": 1176}
FRAMES = (
    "sentence_frames-512x512", "sentence_frames-512x512/frames_512x512", "sentence/frames_512x512",
    "sentence", "frames_512x512",
)  # fmt: skip
PICKLE, MAP, SPLIT = "csl2020ct_v2.pkl", "video_map.txt", "split_1.txt"
MISNAMED, MEANT = "S000005_P0004_T00", "S000007_P0003_T00"
FPS = 30.0


@dataclass(frozen=True, slots=True)
class Label:
    """What the labels say of a video."""

    name: str
    glosses: tuple[str, ...]
    signer: str
    text: str


def read(config: CslDailyConfig) -> Corpus:
    """The corpus of the official folders; ids are the names of the videos, signers count from 0.

    Raises:
        UserError: no such folder; all faults of the lists; samples without frames, if those are refused.
    """
    return usable(take_stock(config), config.missing, config.root)


def take_stock(config: CslDailyConfig) -> Stock:
    """What there is, without refusing what is missing.

    Raises:
        UserError: the folder is not that of the release, or its labels cannot be read.
    """
    given = Path(config.root)
    folder = tree((given, given / "sentence_label", given / "CSL-Daily/sentence_label"), (SPLIT,))
    lists = Lists()
    file, labels = _labels(folder, lists)
    rows = read_list(lists, folder / SPLIT, ("name", "split"))
    names = {row.cells["name"].strip() for row in rows}
    frames = _frames(folder.parent if folder.name == "sentence_label" else folder, config.frames, names)
    for row in rows:
        name, split = row.cells["name"].strip(), row.cells["split"].strip()
        if name == MISNAMED and name not in labels and MEANT not in names:
            name = MEANT
        if name in labels:
            label = labels[name]
            place = frames / name
            lists.add(
                Listed(name, split, label.glosses, row.where, place, Path(name), label.signer, label.text)
            )
        elif labels:
            lists.faults.append(UserError(row.where, f"{name} has no label in {file}"))
    return take_stock_of(
        "csl_daily",
        lists,
        PUBLISHED,
        landmarks=config.landmarks,
        leave_out=config.leave_out,
        fps=FPS,
        reference=config.reference,
        written=config.written,
    )


def _labels(folder: Path, lists: Lists) -> tuple[Path, dict[str, Label]]:
    """Labels by name, and the file they are from; its faults are added."""
    file = folder / PICKLE
    with plainly(file, "read"):
        there = file.exists()
    if there:
        data = read_bytes(file)
        lists.digest.update(data)
        hint = f"such a file holds lists, dicts, text and numbers; without it {MAP} is read"
        records = _records(file, unpickle(data, str(file), hint=hint))
    else:
        file = folder / MAP
        rows = read_list(lists, file, ("name", "gloss", "char"))
        records = [(row.where, row.cells) for row in rows]
    if not records and not lists.faults:
        lists.faults.append(UserError(str(file), "has no labels"))
    labels: dict[str, Label] = {}
    for where, record in records:
        label = _label(where, record, lists)
        if label is not None and labels.setdefault(label.name, label) is not label:
            lists.faults.append(UserError(where, f"{label.name} is there twice"))
    return file, labels


def _records(file: Path, value: Any) -> list[tuple[str, dict[str, Any]]]:
    """The records of the label file, each with its place in it.

    Raises:
        UserError: the pickle has not their form.
    """
    info = value.get("info") if isinstance(value, dict) else None
    if not isinstance(info, list) or not all(isinstance(record, dict) for record in info):
        raise UserError(str(file), "is not a dict whose `info` is a list of dicts, as CSL-Daily's labels are")
    return [(f"{file}: info[{number}]", record) for number, record in enumerate(info)]


def _label(where: str, record: dict[str, Any], lists: Lists) -> Label | None:
    """A record's label; None if it is at fault."""
    name = record.get("name")
    glosses = record.get("label_gloss", record.get("gloss"))
    characters = record.get("label_char", record.get("char", ""))
    if not isinstance(name, str) or not name:
        lists.faults.append(UserError(where, f"name is {name!r}, not a name"))
        return None
    words = [glosses] if isinstance(glosses, str) else glosses
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        lists.faults.append(UserError(where, f"label_gloss of {name} is no list of glosses"))
        return None
    text = characters.replace(" ", "") if isinstance(characters, str) else "".join(map(str, characters))
    return Label(name, tuple(composed(" ".join(words)).split()), _signer(record.get("signer"), name), text)


def _signer(given: Any, name: str) -> str:
    """The signer's number; the text form does not have it but in the name: S000007_P0003_T00."""
    match = re.search(r"_P0*([0-9]+)_", name)
    return str(given) if isinstance(given, int) else match[1] if match else ""


def _frames(root: Path, given: str, names: set[str]) -> Path:
    """The folder of frames: the one that is named, or the usual one that has some of the videos."""
    if given:
        return root / given
    places = [root / name for name in FRAMES]
    return next((place for place in places if _has_one(place, names)), places[0])


def _has_one(place: Path, names: set[str]) -> bool:
    """Whether a folder has one of the videos."""
    with plainly(place, "read"):
        try:
            with os.scandir(place) as entries:
                return any(entry.name in names for entry in entries)
        except (FileNotFoundError, NotADirectoryError):
            return False
