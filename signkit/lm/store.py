"""Loading and saving n-gram models: an ARPA file, and a fast copy of it in the same folder."""

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
    """Read a model from an ARPA file (also ``.gz``, ``.bz2``, ``.xz``) or an archive (``.npz``).

    If the folder of an ARPA file has an archive with the same content, that is read instead, which is faster.

    Args:
        path: the file.
        unit: what a word of an ARPA file is. The file does not tell it, so if None it is guessed from the
            words (`NGram.unit_guessed`).
        keep: write the archive if it is missing, so that the next time is faster; failure to write it is
            ignored.

    Raises:
        UserError: the file is no model; file and line are named.
        OperationalError: the file cannot be read.
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
    if keep and unit is None:  # a unit given for this call must not be stored as the file's own
        with suppress(OperationalError):
            write_binary(archive_of(path), model, sha256)
    return model


def save(path: str | Path, grams: Grams) -> NGram:
    """Write a model as an ARPA file, and an archive in the same folder, which also stores the unit.

    Raises:
        OperationalError: a file cannot be written.
    """
    path = Path(path)
    content = write_arpa(path, grams)
    model = NGram.from_grams(grams)
    write_binary(archive_of(path), model, hashlib.sha256(content).hexdigest())
    return model


def _copy(path: Path, sha256: str) -> NGram | None:
    """The model of a file's archive, if there is one and it was made from the same content."""
    try:
        model, of = parse_binary(archive_of(path).read_bytes(), str(archive_of(path)))
    except (OSError, UserError):  # the ARPA file itself is read instead
        return None
    return model if of == sha256 else None
