"""N-gram models as NumPy archives, a fast copy of an ARPA file or on their own; no pickle is involved."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.errors import UserError
from signkit.lm.grams import SPECIAL
from signkit.lm.ngram import NGram
from signkit.lm.trie import Trie
from signkit.runtime.files import write_bytes

FORMAT = "signkit n-gram model 1"
ENDING = ".npz"
_ARRAYS = {
    "keys": np.int64,
    "log": np.float32,
    "target": np.int32,
    "backoff": np.float32,
    "shorter": np.int32,
}


def archive_of(arpa: Path) -> Path:
    """The path of an ARPA file's archive, in the same folder: ``lm.arpa.npz`` for ``lm.arpa``."""
    return arpa.with_name(arpa.name + ENDING)


def write_binary(path: Path, model: NGram, sha256: str) -> None:
    """Write a model, completely or not at all.

    Args:
        path: the archive.
        model: the model.
        sha256: SHA-256 of the ARPA file that the archive is a copy of, in hexadecimal.
    """
    texts = {"format": FORMAT, "sha256": sha256, "unit": model.unit, "words": "\n".join(model.words)}
    texts |= {"notes": "\n".join(model.notes)} if model.notes else {}
    arrays: dict[str, npt.NDArray[Any]] = {
        name: np.frombuffer(text.encode(), dtype=np.uint8) for name, text in texts.items()
    }
    arrays["counts"] = np.array(model.counts, dtype=np.int64)
    arrays["unit_guessed"] = np.array(model.unit_guessed)
    arrays |= {name: getattr(model.trie, name) for name in _ARRAYS}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_bytes(path, buffer.getvalue())


def parse_binary(content: bytes, source: str) -> tuple[NGram, str]:
    """The model of an archive written by `write_binary`, and the SHA-256 of its ARPA file.

    Raises:
        UserError: the content is no such archive, or a damaged one.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError) as error:
        raise UserError(source, "is not a language model, or a damaged one", "train it again") from error
    if not {*_ARRAYS, "format", "sha256", "unit", "words", "counts", "unit_guessed"} <= arrays.keys():
        raise UserError(source, "is not a language model")
    if _text(arrays["format"]) != FORMAT:
        raise UserError(source, f"is not a `{FORMAT}`", "train it again, or give the ARPA file")
    words, unit = tuple(_text(arrays["words"]).split("\n")), _text(arrays["unit"])
    typed = all(arrays[name].dtype == dtype for name, dtype in _ARRAYS.items())
    typed = typed and unit in ("word", "character") and arrays["counts"].ndim == 1
    trie = Trie(**{name: arrays[name] for name in _ARRAYS}) if typed else None
    counts = tuple(arrays["counts"].tolist())
    if trie is None or not _is_whole(trie, words, counts):
        raise UserError(source, "is a damaged language model", "train it again, or give the ARPA file")
    guessed = bool(arrays["unit_guessed"].any())
    notes = tuple(_text(arrays["notes"]).split("\n")) if "notes" in arrays else ()
    return NGram(words, unit, counts, trie, guessed, notes), _text(arrays["sha256"])  # type: ignore[arg-type]


def _text(array: npt.NDArray[Any]) -> str:
    return array.tobytes().decode("utf-8", "replace")


def _is_whole(trie: Trie, words: tuple[str, ...], counts: tuple[int, ...]) -> bool:
    """Whether no query can go out of bounds or back off forever.

    An archive may come from anywhere, and the queries do not check their indices.
    """
    size, edges, states = len(words), len(trie.keys), len(trie.backoff)
    shapes = {"keys": edges, "log": edges, "target": edges, "backoff": states, "shorter": states}
    if any(getattr(trie, name).shape != (length,) for name, length in shapes.items()):
        return False
    distinct = {*words} - {""}
    if not ({*SPECIAL} <= distinct and len(distinct) == size and states):
        return False
    if counts[:1] != (size,) or sum(counts) != edges:
        return False
    # every state backs off to one with a lower number, so backing off always ends at state 0
    ends_down = trie.shorter[0] == 0 and (trie.shorter[1:] < np.arange(1, states)).all()
    return bool(
        ends_down
        and (trie.shorter >= 0).all()
        and (trie.keys[:size] == np.arange(size)).all()
        and (np.diff(trie.keys) > 0).all()
        and trie.keys[-1] < states * size
        and ((trie.target >= 0) & (trie.target < states)).all()
        and np.isfinite(trie.log).all()
        and np.isfinite(trie.backoff).all()
    )
