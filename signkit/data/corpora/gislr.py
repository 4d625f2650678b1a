"""Google's Isolated Sign Language Recognition (Kaggle, 2023) as it unpacks: MediaPipe's points of 250 signs.

    train.csv                           path,participant_id,sequence_id,sign
    train_landmark_files/16069/100015657.parquet
    sign_to_prediction_index_map.json   {"TV": 0, "after": 1, …}

The collection has no splits: whole participants are held out, by folds. x and y are fractions of the picture,
see `signkit.data.landmark_files.parquet`.
"""

import json
from functools import partial
from pathlib import Path

from signkit.data.corpora.clip_files import ListedClip, stock_of_clips, usable_clips
from signkit.data.corpora.configs import GislrConfig
from signkit.data.corpora.official import Lists, Stock, tree
from signkit.data.corpora.sequence_lists import sequences_listed
from signkit.data.corpora.table import Row
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
    lists, known = Lists(), _known_signs(root / SIGNS)
    clips = sequences_listed(root / LIST, COLUMNS, lists, partial(_clip, root, known))
    return stock_of_clips("gislr", clips, lists, str(root), config, config.fps or None)


def _clip(root: Path, known: frozenset[str], cells: dict[str, str], row: Row) -> ListedClip:
    if known and cells["sign"] not in known:
        raise UserError(row.where, f"sign {cells['sign']!r} is not in {SIGNS}")
    path = root / cells["path"]
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
