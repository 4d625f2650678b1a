"""Rows of a manifest before they are written, and what is common to how they come about."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from signkit.text.vocabulary import composed

SPLIT_NAMES = {
    "train": "train", "training": "train",
    "dev": "dev", "development": "dev", "val": "dev", "valid": "dev", "validation": "dev",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What people call the splits, in small letters."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a manifest.

    Attributes:
        path: below the manifest's folder, with slashes.
        gloss: glosses separated by spaces.
        split: "" where it is not decided yet.
        start: of a segment in milliseconds, and its ``end``; None: the whole clip.
    """

    id: str
    path: str
    gloss: str
    split: str = ""
    signer: str = ""
    text: str = ""
    start: int | None = None
    end: int | None = None

    @property
    def glosses(self) -> tuple[str, ...]:
        """The glosses, one by one."""
        return tuple(self.gloss.split())


def one_gloss(label: str) -> str:
    """A label as one gloss: its spaces become ``_``, since spaces separate glosses."""
    return "_".join(composed(label).split())


def id_of(stem: PurePosixPath) -> str:
    """An id from a path without its ending: transcripts separate ids from glosses by spaces."""
    return "_".join(stem.as_posix().split())
