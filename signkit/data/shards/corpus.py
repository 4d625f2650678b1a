"""The corpus `shards`: what `signkit data prepare` has packed, read by the index."""

import json
from functools import partial
from pathlib import Path

from signkit.data.corpora.table import fail_together
from signkit.data.shards.clip import load_entry
from signkit.data.shards.configs import ShardsConfig
from signkit.data.shards.index import (
    CORPUS,
    EXTRA_TEXT,
    FILE,
    INDEX,
    REFUSED,
    Entry,
    file_sizes,
    lines_of,
    read_header,
    read_index,
    read_refused,
)
from signkit.errors import UserError
from signkit.runtime.files import SUMS, plainly, read_text, sha256
from signkit.types import Corpus, Sample


def read(config: ShardsConfig) -> Corpus:
    """The corpus as it was before it was packed: references, signers, splits, texts, their order.

    Cheap: the index is checked, of the shards only that they are there and have their sizes.

    Raises:
        UserError: the folder is not a prepared corpus, or its preparing has not come to an end; all
            faults of its index; a file of clips is missing or has another size than the index says.
    """
    root = Path(config.root)
    header = read_header(root)
    entries, faults = read_index(root)
    faults = faults or [*size_faults(root, entries)]
    fail_together(faults, str(root))
    if fault := sum_fault(root, INDEX) or sum_fault(root, EXTRA_TEXT):
        raise fault
    return Corpus(
        name=header.name,
        samples=tuple(_sample(root, number, entry, header.motion) for number, entry in enumerate(entries, 1)),
        layout=header.layout,
        width=header.width,
        extra_text=_extra_text(root / EXTRA_TEXT),
        fingerprint=sha256(root / INDEX),
        left_out=(*header.left_out, *(str(each.error()) for each in read_refused(root))),
    )


def size_faults(root: Path, entries: list[Entry]) -> list[UserError]:
    """Files of clips that are missing, or have another size than the index says."""
    faults = []
    for name, wanted in file_sizes(entries).items():
        path = root / name
        try:
            size = path.stat().st_size
        except OSError as error:
            faults.append(UserError(str(path), f"is missing ({error.strerror})", "copy or prepare it again"))
            continue
        if size != wanted:
            state = "is truncated: " if size < wanted else ""
            what = f"{state}{size} bytes, not {wanted}"
            faults.append(UserError(str(path), what, "copy or prepare it again"))
    return faults


def read_sums(root: Path) -> dict[str, str]:
    """The SHA-256 of each file of the folder.

    Raises:
        UserError: SHA256SUMS is missing, cannot be understood, or leads out of the folder.
    """
    sums = {}
    for number, line in enumerate(read_text(root / SUMS).splitlines(), 1):
        digest, gap, name = line.partition("  ")
        where = f"{root / SUMS}:{number}"
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


def _sample(root: Path, number: int, entry: Entry, motion: str) -> Sample:
    return Sample(
        id=entry.id,
        split=entry.split,
        reference=entry.reference,
        frames=entry.frames,
        load=partial(load_entry, root, entry, motion),
        source=f"{root / INDEX}:{number}",
        signer=entry.signer,
        text=entry.text,
        segments=entry.segments,
        labels=entry.labels,
        fps=entry.fps,
    )


def _extra_text(path: Path) -> tuple[tuple[str, ...], ...]:
    return tuple(_sentence(line, f"{path}:{number}") for number, line in enumerate(lines_of(path), 1))


def _sentence(line: str, where: str) -> tuple[str, ...]:
    try:
        glosses = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(where, f"not JSON: {error}") from error
    if not isinstance(glosses, list) or not all(isinstance(gloss, str) for gloss in glosses):
        raise UserError(where, "is not a list of glosses")
    return tuple(glosses)
