"""Reading and writing files: writes are complete or leave nothing behind, and folders can be verified."""

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signkit.errors import OperationalError, UserError

SUMS = "SHA256SUMS"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder to fill; after the block it is synced to disk and renamed to ``folder``.

    It also gets a file of checksums, for `checked_folder`.

    Raises:
        OperationalError: the disk is full, or the folder cannot be written. Nothing is left behind, and an
            older folder of that name stays as it was.
    """
    aside, replaced = (folder.with_name(f".{folder.name}.{end}") for end in ("part", "old"))
    with plainly(folder):
        _remove(aside, replaced)
        aside.mkdir(parents=True)
        try:
            yield aside
            sums = "".join(f"{sha256(aside / name)}  {name}\n" for name in _files(aside))
            (aside / SUMS).write_text(sums, encoding="utf-8")
            for path in (*aside.rglob("*"), aside):
                _sync(path)
            if folder.exists():  # a folder that is not empty cannot be replaced in one step
                os.replace(folder, replaced)
            os.replace(aside, folder)
            _sync(folder.parent)
        finally:
            _remove(aside, replaced)


def read_bytes(path: Path) -> bytes:
    """Read a user's file.

    Raises:
        UserError: there is no such file, or it is a folder.
        OperationalError: it cannot be read.
    """
    if os.path.isdir(path):
        raise UserError(str(path), "is a folder, not a file")
    with plainly(path, "read"):
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise UserError(str(path), "there is no such file") from error


def read_text(path: Path) -> str:
    """Read a user's text file, in UTF-8 with or without a byte order mark.

    Raises:
        UserError: there is no such file, it is a folder, or it is not UTF-8.
        OperationalError: it cannot be read.
    """
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise UserError(str(path), "is UTF-16, not UTF-8", "save the file as UTF-8") from error
        what = f"byte 0x{error.object[error.start]:02X} is not UTF-8"
        raise UserError(f"{path}:{line}", what, "save the file as UTF-8") from error


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, see `whole_file`."""
    with whole_file(path) as aside:
        aside.write_bytes(content)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary file to write, which is synced and renamed to its name at the end.

    Its folder is created if it does not exist.

    Raises:
        OperationalError: the disk is full, or the file cannot be written; an older file stays as it was.
    """
    aside = path.with_name(f".{path.name}.part")
    with plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield aside
            _sync(aside)
            os.replace(aside, path)
            _sync(path.parent)
        finally:
            aside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON; see `write_bytes`."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def checked_folder(folder: Path, free: Collection[str] | None = None) -> None:
    """Compare every file of a folder with its SHA256SUMS.

    Args:
        free: files that may be changed or removed, in a folder that other files may be added to; None: every
            file has to be as it was written.

    Raises:
        OperationalError: a file is missing, truncated or changed; the message names it.
    """
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
        here = set(_files(folder)) - {SUMS}
    except (OSError, UnicodeDecodeError):
        raise OperationalError(f"{folder / SUMS}: missing or unreadable; this folder is not whole") from None
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in sorted(here - set(sums)) if free is None else ():
        raise OperationalError(f"{folder / SUMS}: damaged (it lacks {name})")
    for name, digest in sums.items():
        path = folder / name
        if name in (free or ()):
            continue
        if name not in here:
            raise OperationalError(f"{path}: missing")
        with plainly(path, "read"):
            if sha256(path) != digest:
                raise OperationalError(f"{path}: damaged (its SHA-256 is not the one in {SUMS})")


@contextmanager
def plainly(path: Path, done: str = "written") -> Iterator[None]:
    """Convert an `OSError` within the block to a message about a path.

    Args:
        path: that the message names.
        done: the participle of the message, "cannot be written".

    Raises:
        OperationalError: in place of an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise OperationalError(f"{path}: cannot be {done}: {error.strerror or error}") from error


def _files(folder: Path) -> list[str]:
    """All files of a folder and its subfolders, relative to the folder, sorted."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def _remove(*folders: Path) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():  # some file systems cannot sync a folder
            raise
    finally:
        os.close(handle)
