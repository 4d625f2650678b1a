"""The corpus `shards`: what `signkit data prepare` has packed, read by the index."""

import json
from functools import partial
from pathlib import Path

from signkit.config.strict_yaml import is_address
from signkit.data.corpora.table import fail_together
from signkit.data.shards.clip import load_entry
from signkit.data.shards.configs import ShardsConfig
from signkit.data.shards.index import (
    EXTRA_TEXT,
    INDEX,
    Entry,
    file_sizes,
    lines_of,
    read_header,
    read_index,
    read_refused,
)
from signkit.data.shards.remote import Remote, open_remote
from signkit.data.shards.sums import sum_fault
from signkit.errors import UserError
from signkit.runtime.files import sha256
from signkit.types import Corpus, Sample


def read(config: ShardsConfig) -> Corpus:
    """The corpus as it was before it was packed: references, signers, splits, texts, their order.

    Cheap: the index is checked, of the shards only that they are there and have their sizes; at an address
    a clip is checked when it is fetched.

    Raises:
        UserError: the folder is not a prepared corpus, or its preparing has not come to an end; all
            faults of its index; a file of clips is missing or has another size than the index says.
        OperationalError: an address cannot be reached.
    """
    remote = (
        open_remote(config.root, Path(config.cache) if config.cache else None)
        if is_address(config.root)
        else None
    )
    root = remote.folder if remote else Path(config.root)
    header = read_header(root)
    entries, faults = read_index(root)
    faults = faults or ([] if remote else size_faults(root, entries))
    fail_together(faults, config.root)
    if fault := sum_fault(root, INDEX) or sum_fault(root, EXTRA_TEXT):
        raise fault
    return Corpus(
        name=header.name,
        samples=tuple(
            _sample(remote or root, number, entry, header.motion) for number, entry in enumerate(entries, 1)
        ),
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


def _sample(root: Path | Remote, number: int, entry: Entry, motion: str) -> Sample:
    folder = root.address if isinstance(root, Remote) else root
    return Sample(
        id=entry.id,
        split=entry.split,
        reference=entry.reference,
        frames=entry.frames,
        load=partial(load_entry, root, entry, motion),
        source=f"{folder}/{INDEX}:{number}",
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
