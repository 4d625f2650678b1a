"""Writing that leaves either the whole file or none of it."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signkit.errors import OperationalError


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill that takes its name only when everything in it is on disk.

    Raises:
        OperationalError: the disk is full, or the place cannot be written; nothing is left behind.
    """
    aside = folder.with_name(f".{folder.name}.part")
    with _plainly(folder):
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            yield aside
            sums = [f"{sha256(path)}  {path.name}\n" for path in sorted(aside.iterdir())]
            (aside / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
            for path in aside.iterdir():
                _sync(path)
            _sync(aside)
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(aside, folder)
            _sync(folder.parent)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise


def write_text(path: Path, text: str) -> None:
    """Write a text file aside, sync it and rename it.

    Raises:
        OperationalError: the disk is full, or the place cannot be written.
    """
    aside = path.with_name(f".{path.name}.part")
    with _plainly(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            aside.write_text(text, encoding="utf-8")
            _sync(aside)
            os.replace(aside, path)
        finally:
            aside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(handle)


def checked_folder(folder: Path) -> None:
    """Compare every file of a folder with its SHA256SUMS.

    Raises:
        OperationalError: naming the file that is missing, truncated or changed.
    """
    try:
        lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise OperationalError(f"{folder / 'SHA256SUMS'}: missing or unreadable; this folder is not whole") from None
    for line in lines:
        digest, _, name = line.partition("  ")
        path = folder / name
        if not path.is_file():
            raise OperationalError(f"{path}: missing")
        if sha256(path) != digest:
            raise OperationalError(f"{path}: damaged (its SHA-256 is not the one in SHA256SUMS)")


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OperationalError(f"{path}: cannot be written: {error.strerror or error}") from error


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        if not path.is_dir():  # some file systems cannot sync a folder
            raise
    finally:
        os.close(handle)


def _digest(handle: Any) -> str:
    digest = hashlib.sha256()
    while block := handle.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
