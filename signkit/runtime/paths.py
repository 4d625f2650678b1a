"""Paths as users write them, and what is no file though it is given as one."""

import os
import re
import stat
from pathlib import Path

from signkit.errors import UserError

ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+")
"""How a web address begins; a drive of Windows has one letter. `pathlib` leaves one slash of two."""
DEVICES = "/dev/"


def path_of(text: str) -> Path:
    """A path of the command line or of a list, ``~`` expanded.

    Raises:
        UserError: it is empty, as an unset variable is; ``-``; or a web address.
    """
    if not text.strip():
        raise UserError("the command line", "a path is empty", "is a variable not set?")
    if text == "-":
        raise UserError(text, "is the standard input or output, not a file or a folder", "give a path")
    refuse_address(text, text)
    return Path(text if os.path.lexists(text) else os.path.expanduser(text))


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
