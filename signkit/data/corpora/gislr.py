"""Google's Isolated Sign Language Recognition (Kaggle, 2023) as it unpacks: MediaPipe's points of 250 signs.

    train.csv                           path,participant_id,sequence_id,sign
    train_landmark_files/16069/100015657.parquet
    sign_to_prediction_index_map.json   {"TV": 0, "after": 1, …}

The collection has no splits: whole participants are held out, by folds. x and y are fractions of the picture,
see `signkit.data.landmark_files.parquet`.
"""

import json
from pathlib import Path

from signkit.data.corpora.clip_files import ListedClip, stock_of_clips, usable_clips
from signkit.data.corpora.configs import GislrConfig
from signkit.data.corpora.official import Lists, Stock, tree
from signkit.data.corpora.table import Row, read_rows
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.text.vocabulary import composed
from signkit.types import Corpus

LIST, SIGNS = "train.csv", "sign_to_prediction_index_map.json"
COLUMNS = ("path", "participant_id", "sequence_id", "sign")


def read(config: GislrConfig) -> Corpus:
    """The corpus of the unpacked folder; ids are the numbers of the sequences.

    Raises:
        UserError: no such folder; all faults of the list; files that are missing, if those are refused.
    """
    return usable_clips(take_stock(config), config.missing, config.root)


def take_stock(config: GislrConfig) -> Stock:
    """What there is, without refusing what is missing.

    Raises:
        UserError: the folder is not the collection's, or its list cannot be read.
    """
    given = Path(config.root)
    root = tree((given, given / "asl-signs"), [LIST])
    text, lists = read_text(root / LIST), Lists()
    lists.digest.update(text.encode())
    known, first, clips = _known_signs(root / SIGNS), dict[str, str](), []
    for row in read_rows(root / LIST, text, COLUMNS):
        try:
            clip = _clip(row, root, known)
        except UserError as fault:
            lists.faults.append(fault)
            continue
        if (before := first.setdefault(clip.id, clip.where)) is not clip.where:
            line = before.rpartition(":")[2]
            lists.faults.append(
                UserError(row.where, f"sequence {clip.id} is there twice, first in line {line}")
            )
        else:
            clips.append(clip)
    if not clips and not lists.faults:
        raise UserError(str(root / LIST), "the list has no rows")
    return stock_of_clips("gislr", clips, lists, str(root), config, config.fps or None)


def _clip(row: Row, root: Path, known: frozenset[str]) -> ListedClip:
    cells = {name: composed(row.cells[name].strip()) for name in COLUMNS}
    if empty := [name for name, cell in cells.items() if not cell]:
        raise UserError(row.where, f"{empty[0]} is empty")
    below = Path(cells["path"])
    if below.is_absolute() or ".." in below.parts:
        raise UserError(row.where, f"path {cells['path']} is not below the folder")
    if known and cells["sign"] not in known:
        raise UserError(row.where, f"sign {cells['sign']!r} is not in {SIGNS}")
    path = root / below
    return ListedClip(
        id=cells["sequence_id"],
        label="_".join(cells["sign"].split()),
        where=row.where,
        path=path if path.is_file() else None,
        expected=path,
        signer=cells["participant_id"],
    )


def _known_signs(file: Path) -> frozenset[str]:
    """The signs of the collection; empty where their file is missing, as nothing else needs it.

    Raises:
        UserError: it is not a JSON object of signs with their numbers.
    """
    if not file.is_file():
        return frozenset()
    try:
        signs = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise UserError(str(file), f"not JSON: {error}") from error
    if not isinstance(signs, dict):
        raise UserError(str(file), "is no object of signs with their numbers")
    return frozenset(map(composed, signs))
