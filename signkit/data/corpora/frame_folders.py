"""Folders of frames, counted by one look at their names, many folders at a time: a network disk answers
slowly but to many at once."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from signkit.data.video.folder import ENDINGS, open_folder
from signkit.errors import UserError
from signkit.runtime.files import plainly

THREADS = 16
DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Counted:
    """A folder of frames.

    Attributes:
        frames: how many there are; -1 where there is no such folder.
        fault: why they are no clip, such as a gap in their numbers.
    """

    folder: Path
    frames: int
    fault: UserError | None = None


def count_all(folders: Sequence[Path]) -> list[Counted]:
    """The frames of each folder; they may lie in one named 1 in it, as in PHOENIX-2014, or where a folder
    named 1 is asked for in the one above.

    Raises:
        OperationalError: one of them cannot be read.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        return [*pool.map(_counted, folders)]


def _counted(folder: Path) -> Counted:
    names = _pictures(folder)
    if names is None and folder.name == "1":
        folder, names = folder.parent, _pictures(folder.parent)
    if names is None:
        return Counted(folder, -1)
    if not names and (inner := _pictures(folder / "1")):
        folder, names = folder / "1", inner
    if not names or _are_even(names):
        return Counted(folder, len(names))
    try:
        return Counted(folder, open_folder(folder, str(folder)).frames)
    except UserError as fault:
        return Counted(folder, len(names), fault)


def _pictures(folder: Path) -> list[str] | None:
    with plainly(folder, "read"):
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return None
    return [name for name in names if name.lower().endswith(ENDINGS) and not name.startswith(".")]


def _are_even(names: Sequence[str]) -> bool:
    """Whether the numbers of the first and the last name have as many between them as there are names. Where
    they have not, nothing is said: the folder is looked at more closely."""
    low, high = min(names), max(names)
    before = len(os.path.commonprefix([low, high]).rstrip(DIGITS))
    first, last = low[before:], high[before:]
    after = len(os.path.commonprefix([first[::-1], last[::-1]])[::-1].lstrip(DIGITS))
    first, last, ending = first[: len(first) - after], last[: len(last) - after], low[len(low) - after :]
    is_number = first.isascii() and first.isdigit() and last.isascii() and last.isdigit()
    if not is_number or int(last) - int(first) + 1 != len(names):
        return False
    return all(len(name) == len(low) and name.endswith(ending) for name in names)
