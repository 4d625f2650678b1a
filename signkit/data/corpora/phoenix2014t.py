"""RWTH-PHOENIX-Weather 2014 T as its release unpacks: glosses and German text, 25 frames a second.

    PHOENIX-2014-T-release-v3/PHOENIX-2014-T/
        annotations/manual/PHOENIX-2014-T.{train,dev,test}.corpus.csv
                                    name|video|start|end|speaker|orth|translation
        features/fullFrame-210x260px/{split}/{name}/images0001.png

The column video says `{name}/1/*.png`; the release has no folder `1`, a copy that has one is read too.
Source: Camgoz et al., CVPR 2018 and the release.
"""

from pathlib import Path

from signkit.data.corpora.configs import Phoenix2014tConfig
from signkit.data.corpora.official import Listed, Lists, Stock, take_stock_of, tree, usable
from signkit.data.corpora.phoenix_lists import frames_below, gloss_cleaner, read_list
from signkit.text.vocabulary import composed
from signkit.types import SPLITS, Corpus

PUBLISHED = {"train": 7096, "dev": 519, "test": 642}
COLUMNS = ("name", "video", "speaker", "orth", "translation")
FPS = 25.0


def read(config: Phoenix2014tConfig) -> Corpus:
    """The corpus of the official folder; ids are the names of its lists.

    Raises:
        UserError: no such folder; all faults of the lists; samples without frames, if those are refused.
    """
    return usable(take_stock(config), config.missing, config.root)


def take_stock(config: Phoenix2014tConfig) -> Stock:
    """What there is, without refusing what is missing.

    Raises:
        UserError: the folder is not that of the release.
    """
    lists_of = "annotations/manual/PHOENIX-2014-T.{}.corpus.csv"
    given = Path(config.root)
    places = (given, given / "PHOENIX-2014-T", given / "PHOENIX-2014-T-release-v3/PHOENIX-2014-T")
    root = tree(places, [lists_of.format(split) for split in SPLITS])
    features = root / "features" / config.frames
    lists = Lists()
    clean = gloss_cleaner("phoenix2014t", config.clean, lists)
    for split in SPLITS:
        for row in read_list(lists, root / lists_of.format(split), COLUMNS):
            cells = {key: cell.strip() for key, cell in row.cells.items()}
            below = Path(split, *frames_below(cells["video"], split).parts[:1])
            lists.add(
                Listed(
                    cells["name"], split, clean(row, "orth", split), row.where, features / below, below,
                    cells["speaker"], composed(cells["translation"]),
                )
            )  # fmt: skip
    return take_stock_of(
        "phoenix2014t",
        lists,
        PUBLISHED,
        landmarks=config.landmarks,
        leave_out=config.leave_out,
        fps=FPS,
        reference=config.reference,
        written=config.written,
    )
