"""RWTH-PHOENIX-Weather 2014 as its release unpacks: German weather forecasts, 9 signers, 25 frames a second.

    phoenix2014-release/phoenix-2014-multisigner/
        annotations/manual/{train,dev,test}.corpus.csv      id|folder|signer|annotation
        features/fullFrame-210x260px/{split}/{id}/1/*.png
    phoenix2014-release/phoenix-2014-signerindependent-SI5/
        annotations/manual/{train,dev,test}.SI5.corpus.csv  the same columns

The part si5 has no signer 5 in train and no other in dev and test. Its frames are read from its own
folder if that has any, else from the multisigner's. Source: Koller et al., CVIU 2015 and the release.
"""

from pathlib import Path

from signkit.data.corpora.configs import Phoenix2014Config
from signkit.data.corpora.official import Listed, Lists, Stock, take_stock_of, tree, usable
from signkit.data.corpora.phoenix_lists import frames_below, gloss_cleaner, read_list
from signkit.runtime.files import plainly
from signkit.types import SPLITS, Corpus

PUBLISHED = {
    "multisigner": {"train": 5672, "dev": 540, "test": 629},
    "si5": {"train": 4376, "dev": 111, "test": 180},
}
COLUMNS = ("id", "folder", "signer", "annotation")
FOLDERS = {"multisigner": "phoenix-2014-multisigner", "si5": "phoenix-2014-signerindependent-SI5"}
FPS = 25.0


def read(config: Phoenix2014Config) -> Corpus:
    """The corpus of the official folder; ids are those of its lists.

    Raises:
        UserError: no such folder; all faults of the lists; samples without frames, if those are refused.
    """
    return usable(take_stock(config), config.missing, config.root)


def take_stock(config: Phoenix2014Config) -> Stock:
    """What there is, without refusing what is missing.

    Raises:
        UserError: the folder is not that of the release.
    """
    inner = FOLDERS[config.part]
    ending = "SI5.corpus.csv" if config.part == "si5" else "corpus.csv"
    manual = "annotations/manual"
    given = Path(config.root)
    if given.name in ("", ".."):  # as in `data.root=.`
        given = given.resolve()
    above = given.parent if given.name in FOLDERS.values() else given  # of both parts
    places = (given, above / inner, above / "phoenix2014-release" / inner)
    root = tree(places, [f"{manual}/{split}.{ending}" for split in SPLITS])
    frames = _frames(root, config.frames)
    lists = Lists()
    clean = gloss_cleaner("phoenix2014", config.clean, lists)
    for split in SPLITS:
        for row in read_list(lists, root / manual / f"{split}.{ending}", COLUMNS):
            name = row.cells["id"].strip()
            below = Path(split) / frames_below(row.cells["folder"], split)
            glosses = clean(row, "annotation", split)
            signer = row.cells["signer"].strip()
            lists.add(Listed(name, split, glosses, row.where, frames / below, below, signer))
    name = "phoenix2014" if config.part == "multisigner" else "phoenix2014-si5"
    return take_stock_of(
        name, lists, PUBLISHED[config.part], landmarks=config.landmarks, leave_out=config.leave_out, fps=FPS
    )


def _frames(root: Path, name: str) -> Path:
    """The folder of the splits' frames; for a part without any of its own the multisigner's."""
    own, other = (place / "features" / name for place in (root, root.parent / FOLDERS["multisigner"]))
    with plainly(own, "read"):
        has_own = any((own / split).is_dir() for split in SPLITS)
        return own if has_own or not other.is_dir() else other
