"""The checksums of a prepared corpus, SHA256SUMS."""

from pathlib import Path

from signkit.data.shards.index import CORPUS, EXTRA_TEXT, FILE, INDEX, REFUSED
from signkit.errors import UserError
from signkit.runtime.files import SUMS, plainly, read_text, sha256


def read_sums(root: Path) -> dict[str, str]:
    """The SHA-256 of each file of the folder.

    Raises:
        UserError: SHA256SUMS is missing, cannot be understood, or leads out of the folder.
    """
    return sums_in(read_text(root / SUMS), str(root / SUMS))


def sums_in(text: str, path: str) -> dict[str, str]:
    """The same of a text; ``path`` is for messages."""
    sums = {}
    for number, line in enumerate(text.splitlines(), 1):
        digest, gap, name = line.partition("  ")
        where = f"{path}:{number}"
        if not gap or len(digest) != 64:
            raise UserError(where, "is not a SHA-256, two spaces and a name")
        if name not in (CORPUS, INDEX, EXTRA_TEXT, REFUSED) and not FILE.fullmatch(name):
            raise UserError(where, f"names {name!r}, which is not a file of a prepared corpus")
        sums[name] = digest
    return sums


def sum_fault(root: Path, name: str) -> UserError | None:
    """What is wrong with a file that SHA256SUMS names; None if nothing is."""
    path, wanted = root / name, read_sums(root).get(name)
    if wanted is None:
        return UserError(str(root / SUMS), f"lacks {name}")
    if not path.is_file():
        return UserError(str(path), "is missing", "copy or prepare it again")
    with plainly(path, "read"):
        same = sha256(path) == wanted
    what = f"is damaged: its SHA-256 is not the one in {SUMS}"
    return None if same else UserError(str(path), what, "copy or prepare it again")
