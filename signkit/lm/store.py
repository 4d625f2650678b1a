"""A model from a file, from the fast copy beside it where that is of the same content."""

import hashlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from signkit.errors import OperationalError, UserError
from signkit.lm.arpa import parse_arpa, write_arpa
from signkit.lm.binary import ENDING, archive_of, parse_binary, write_binary
from signkit.lm.grams import Grams, Unit
from signkit.lm.ngram import NGram
from signkit.runtime.files import read_bytes


def load(path: str | Path, unit: Unit | None = None, *, keep: bool = False) -> NGram:
    """Read a model: an ARPA file (also ``.gz``), or the archive (``.npz``) that was written beside one.

    Args:
        unit: what a word of an ARPA file is; the file cannot say it, so it is told by the look of its words
            if None (`NGram.unit_guessed`).
        keep: whether the archive is written beside the file where it is not there, so that the next time is
            fast; a folder that cannot be written is no fault.

    Raises:
        UserError: it is no model; file and line are named.
        OperationalError: it cannot be read.
    """
    path = Path(path)
    content = read_bytes(path)
    if path.suffix == ENDING:
        model = parse_binary(content, str(path))[0]
        if unit not in (None, model.unit):
            raise UserError(str(path), f"is a model of {model.unit}s, not of {unit}s")
        return model
    sha256 = hashlib.sha256(content).hexdigest()
    known = _copy(path, sha256)
    if known is not None and (unit is None or known.unit == unit):
        return replace(known, unit_guessed=False) if unit else known
    grams, guessed = parse_arpa(content, str(path), unit)
    model = NGram.from_grams(grams, unit_guessed=guessed)
    if keep and unit is None:  # what the user says of this use is not what the file says
        with suppress(OperationalError):
            write_binary(archive_of(path), model, sha256)
    return model


def save(path: Path, grams: Grams) -> NGram:
    """Write a model as ARPA, and the archive beside it, which says what a word is.

    Raises:
        OperationalError: they cannot be written.
    """
    content = write_arpa(path, grams)
    model = NGram.from_grams(grams)
    write_binary(archive_of(path), model, hashlib.sha256(content).hexdigest())
    return model


def _copy(path: Path, sha256: str) -> NGram | None:
    """The model of the archive beside a file, if there is one and it is of this very content."""
    try:
        model, of = parse_binary(archive_of(path).read_bytes(), str(archive_of(path)))
    except (OSError, UserError):  # the file itself says all
        return None
    return model if of == sha256 else None
