"""Paths as users write them, and what is no file though it is given as one."""

import os
import re
import stat
import unicodedata
from pathlib import Path

from signkit.errors import UserError

ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")
"""How a web address begins; a drive of Windows has one letter. `pathlib` leaves one slash of two."""
DEVICES = "/dev/"


def is_path(name: str) -> bool:
    """Whether a name is the path of a file or a folder, there or not, and cannot be one on the Hub."""
    path = Path(name).expanduser()
    return path.is_absolute() or name.startswith((".", "~")) or name.count("/") > 1 or path.exists()


def path_of(text: str) -> Path:
    """A path of the command line or of a list, ``~`` expanded, as the disk spells it (`on_disk`).

    Raises:
        UserError: it is empty, as an unset variable is; ``-``; or a web address.
    """
    if not text.strip():
        raise UserError("the command line", "a path is empty", "is a variable not set?")
    if text == "-":
        raise UserError(text, "is the standard input or output, not a file or a folder", "give a path")
    refuse_address(text, text)
    return on_disk(Path(text if os.path.lexists(text) else os.path.expanduser(text)))


def on_disk(path: Path) -> Path:
    """A path as the disk spells it: macOS writes letters with accents apart, other systems as one, and both
    look alike. What is not there stays as it is.

    Of ``FILE.parquet#SEQUENCE`` the file is looked for.
    """
    if str(path).isascii() or os.path.lexists(path):
        return path
    found = Path(path.anchor)
    for name in path.parts[bool(path.anchor) :]:
        found /= name if os.path.lexists(found / name) else _spelt(found, name)
    return found


def _spelt(folder: Path, name: str) -> str:
    """The name in a folder that is composed to the same letters; itself if there is none."""
    file, mark, sequence = name.partition(".parquet#")
    wanted = unicodedata.normalize("NFC", file + mark.removesuffix("#"))
    try:
        there = os.listdir(folder)
    except (OSError, ValueError):
        return name
    found = next((each for each in there if unicodedata.normalize("NFC", each) == wanted), None)
    return name if found is None else found + f"#{sequence}" * bool(mark)


def refuse_address(text: str, where: str) -> None:
    """Refuse what is a web address and no file of that name.

    Raises:
        UserError: it is one; nothing is fetched.
    """
    match = ADDRESS.match(text)
    if match is None or os.path.lexists(text):
        return
    rest = text[match.end() :]
    if match[1].lower() == "file":
        raise UserError(where, "is an address, not a path", f"write /{rest}")
    raise UserError(where, "is a web address, not a file", "download it first; nothing is fetched")


def refuse_special(path: Path, where: str) -> None:
    """Refuse what is neither a file nor a folder, before it is opened: a pipe would never end.

    Raises:
        UserError: a device, a pipe or a socket, or a web address.
    """
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):  # whoever opens it will say why
        refuse_address(str(path), where)
        if str(path).startswith(DEVICES):
            raise UserError(where, "is a device, not a file", "record a clip first") from None
        return
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise UserError(where, "is a device, not a file", "record a clip first")
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        raise UserError(where, "is a pipe, not a file", "write it to a file first")
