"""ChicagoFSWild and ChicagoFSWild+ as their archives unpack: fingerspelling in the wild, frames and words.

    ChicagoFSWild/ChicagoFSWild.csv       filename,…,number_of_frames,…,label_proc,…,partition,signer
    ChicagoFSWild/ChicagoFSWild-Frames/aslized/elsie_stecker_0001/0001.jpg

ChicagoFSWildPlus.csv has the same columns. The list of MiCT-RANet, ``test.csv`` with ``dir,label,nframes``
and no header, is read too: the test clips of both. Frames are cropped to the box of the signing hand where
boxes are given (`signkit.data.corpora.hand_boxes`).

Source: Shi et al., SLT 2018 and ICCV 2019; the code of MiCT-RANet.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from signkit.data.corpora.configs import ChicagofswildConfig
from signkit.data.corpora.hand_boxes import boxes_file, read_boxes
from signkit.data.corpora.official import Gap, Listed, Lists, Stock, take_stock_of, tree, usable
from signkit.data.corpora.table import Row, read_rows
from signkit.data.video.crop import Box, load_cropped
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.text.vocabulary import composed
from signkit.types import SPLITS, Corpus, Sample

LISTS = {"fswild": "ChicagoFSWild.csv", "plus": "ChicagoFSWildPlus.csv", "mict": "test.csv"}
PUBLISHED = {
    "fswild": {"train": 5455, "dev": 981, "test": 868},
    "plus": {"train": 50402, "dev": 3115, "test": 1715},
    "mict": {"train": 0, "dev": 0, "test": 2583},
}
COLUMNS = ("filename", "number_of_frames", "label_proc", "partition", "signer")
MICT = "filename,label_proc,number_of_frames\n"
"""The header that MiCT-RANet's list lacks."""
LOOKED_FOR = 20
"""Clips whose folders are looked for to find the folder of frames."""


@dataclass(frozen=True, slots=True)
class Spelled:
    """A row of a list.

    Attributes:
        id: the folder of its frames, from the folder of all frames.
        text: the label as it is listed; a space at its beginning, which few have, is not in references.
        frames: how many the list says there are.
    """

    id: str
    split: str
    text: str
    frames: int
    signer: str
    where: str


def read(config: ChicagofswildConfig) -> Corpus:
    """The corpus of the unpacked folder; ids are the folders of clips, references the words of labels.

    Raises:
        UserError: no such folder; all faults of the list; clips without frames or boxes, if they are refused.
    """
    return usable(take_stock(config), config.missing, config.root)


def take_stock(config: ChicagofswildConfig) -> Stock:
    """What there is, without refusing what is missing.

    Raises:
        UserError: the folder is not the corpus's, or its list or boxes cannot be read.
    """
    lists = Lists()
    root, part, rows = spelled(config, lists)
    file = boxes_file(config.boxes, config.zoom)
    boxes, text = read_boxes(file, config.box) if config.boxes else ({}, "")
    lists.digest.update(repr((text, config.box if boxes else 0)).encode())
    frames, missing = _frames_folder(root, rows, config)
    for row in rows:
        below = Path(row.id)
        words = tuple(row.text.split())
        lists.add(
            Listed(row.id, row.split, words, row.where, frames / below, below, row.signer, " ".join(words))
        )
    if missing and not config.landmarks:
        counted = {split: sum(row.split == split for row in lists.once()) for split in SPLITS}
        gaps = tuple(Gap(split, count, missing) for split, count in counted.items() if count)
        empty = Corpus("chicagofswild", (), "video", 3, fingerprint=lists.digest.hexdigest())
        return Stock(empty, counted, PUBLISHED[part], tuple(lists.faults), gaps)
    stock = take_stock_of(
        "chicagofswild", lists, PUBLISHED[part], landmarks=config.landmarks, leave_out=(), fps=config.fps
    )
    noted = _recounted(stock, {row.id: row.frames for row in rows})
    return _cropped(noted, boxes, str(file)) if boxes else noted


def spelled(config: ChicagofswildConfig, lists: Lists) -> tuple[Path, str, list[Spelled]]:
    """The folder, which part it is, and the rows of its list that can be used; faults and digest are added.

    Raises:
        UserError: the folder is not the corpus's, or its list cannot be read.
    """
    given = Path(config.root)
    names = LISTS if config.part == "auto" else {config.part: LISTS[config.part]}
    root = tree((given, given / "ChicagoFSWild", given / "ChicagoFSWildPlus"), [*names.values()])
    part = next(part for part, name in names.items() if (root / name).exists())
    file = root / LISTS[part]
    text = read_text(file)
    lists.digest.update(text.encode())
    headless = part == "mict"
    rows = []
    for row in read_rows(file, MICT + text if headless else text, ("filename",) if headless else COLUMNS):
        try:
            rows.append(_row(row, file, headless))
        except UserError as fault:
            lists.faults.append(fault)
    if not rows and not lists.faults:
        raise UserError(str(file), "the list has no rows")
    return root, part, rows


def _row(row: Row, file: Path, headless: bool) -> Spelled:
    cells = {name: cell.strip() for name, cell in row.cells.items()}
    where = row.where
    if headless:  # a line of a header was put before the first
        where = f"{file}:{int(row.where.rpartition(':')[2]) - 1}"
        cells |= {"partition": "test", "signer": ""}
    frames = Row(where, cells).whole_number("number_of_frames")
    label = composed(row.cells["label_proc"])
    return Spelled(cells["filename"], cells["partition"], label, frames, cells["signer"], where)


def _frames_folder(
    root: Path, rows: list[Spelled], config: ChicagofswildConfig
) -> tuple[Path, UserError | None]:
    """The folder of all frames, or what is to be done where it is not there."""
    names = [name.removesuffix(".csv") for name in (LISTS["fswild"], LISTS["plus"])]
    places = [root / f"{name}-Frames" for name in names]
    places += [place / place.name for place in places]
    places += [
        *(root / "frames" / name for name in names),
        root / "frames",
        *(root / name for name in names),
        root,
    ]
    places += [root / f"{name}-Frames" / name for name in names]
    if config.frames:
        places = [root / config.frames]
    for place in places:
        if any((place / row.id).is_dir() for row in rows[:LOOKED_FOR]):
            return place, None
    archive = next((root / f"{n}-Frames.tgz" for n in names if (root / f"{n}-Frames.tgz").exists()), None)
    if archive:
        hint = f"unpack them: tar -xzf {archive.name}"
        return places[0], UserError(str(archive), "the frames are still packed", hint)
    what = f"no folder with the frames of the first clips, such as {rows[0].id}" if rows else "no frames"
    return places[0], UserError(str(root), what, "`data.frames` names it")


def _recounted(stock: Stock, listed: dict[str, int]) -> Stock:
    """With a note of clips that have another number of frames than the list says."""
    odd = [each for each in stock.corpus.samples if each.frames != listed[each.id]]
    if not odd:
        return stock
    first = f"{odd[0].id} has {odd[0].frames}, not {listed[odd[0].id]}"
    note = f"{len(odd):,} clips have more or fewer frames than the list says: {first}"
    return replace(stock, corpus=replace(stock.corpus, notes=(*stock.corpus.notes, note)))


def _cropped(stock: Stock, boxes: dict[str, Box], file: str) -> Stock:
    """With clips that are cropped to their boxes; those that have none are missing."""
    samples: list[Sample] = []
    gaps = [*stock.gaps]
    for sample in stock.corpus.samples:
        if box := boxes.get(sample.id):
            samples.append(replace(sample, load=partial(load_cropped, sample.load, box, sample.source)))
        else:
            gaps.append(
                Gap(sample.split, 1, UserError(file, f"no box of {sample.id}", f"it is in {sample.source}"))
            )
    return replace(stock, corpus=replace(stock.corpus, samples=tuple(samples)), gaps=tuple(gaps))
