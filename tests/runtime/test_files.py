"""A file or a folder is there whole or not at all, whatever fails."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from signkit.errors import OperationalError
from signkit.runtime.files import checked_folder, sha256, whole_folder, write_json, write_text


def fill(folder: Path, **texts: str) -> None:
    with whole_folder(folder) as aside:
        for name, text in texts.items():
            (aside / name).write_text(text, encoding="utf-8")


def failing(number: int) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_folder_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "folder"
    with whole_folder(folder) as aside:
        (aside / "a").write_text("one", encoding="utf-8")
        assert not folder.exists()
    digest = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert (folder / "SHA256SUMS").read_text(encoding="utf-8") == f"{digest}  a\n"
    assert sha256(folder / "a") == digest
    assert os.listdir(folder.parent) == ["folder"]
    checked_folder(folder)


def test_a_folder_is_replaced(tmp_path: Path) -> None:
    fill(tmp_path / "folder", a="one", b="two")
    fill(tmp_path / "folder", a="three")
    assert sorted(os.listdir(tmp_path / "folder")) == ["SHA256SUMS", "a"]
    assert os.listdir(tmp_path) == ["folder"]


@pytest.mark.parametrize("place", ["fsync", "replace"])
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
        (errno.EDQUOT, "Disk quota exceeded"),
    ],
)
def test_nothing_is_left_of_what_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, number: int, reason: str
) -> None:
    """The folder and the file of before stay."""
    fill(tmp_path / "folder", a="one")
    write_text(tmp_path / "file", "one")
    monkeypatch.setattr(os, place, failing(number))
    with pytest.raises(OperationalError) as caught:
        fill(tmp_path / "folder", a="two")
    assert str(caught.value) == f"{tmp_path / 'folder'}: cannot be written: {reason}"
    with pytest.raises(OperationalError) as caught:
        write_text(tmp_path / "file", "two")
    assert str(caught.value) == f"{tmp_path / 'file'}: cannot be written: {reason}"
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert (tmp_path / "file").read_text(encoding="utf-8") == "one"
    assert (tmp_path / "folder" / "a").read_text(encoding="utf-8") == "one"
    checked_folder(tmp_path / "folder")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OperationalError) as caught:
        fill(tmp_path / "file" / "folder")
    assert str(caught.value) == f"{tmp_path / 'file' / 'folder'}: cannot be written: Not a directory"


def test_an_error_while_a_folder_is_filled(tmp_path: Path) -> None:
    """It comes through as it is, and nothing is left."""
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "folder"):
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    left = tmp_path / ".folder.part"
    left.mkdir()
    (left / "half").write_text("")
    fill(tmp_path / "folder", a="one")
    assert os.listdir(tmp_path) == ["folder"]
    assert sorted(os.listdir(tmp_path / "folder")) == ["SHA256SUMS", "a"]


def test_json(tmp_path: Path) -> None:
    write_json(tmp_path / "made" / "file.json", {"größe": [1, None]})
    text = '{\n  "größe": [\n    1,\n    null\n  ]\n}\n'
    assert (tmp_path / "made" / "file.json").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a", b"onf", "a: damaged (its SHA-256 is not the one in SHA256SUMS)"),
        ("a", b"", "a: damaged (its SHA-256 is not the one in SHA256SUMS)"),
        ("a", None, "a: missing"),
        ("SHA256SUMS", b"", "SHA256SUMS: damaged (it lacks a)"),
        ("SHA256SUMS", b"7692c3ad", "SHA256SUMS: damaged (it lacks a)"),
        ("SHA256SUMS", b"\xff\xfe", "SHA256SUMS: missing or unreadable; this folder is not whole"),
        ("SHA256SUMS", None, "SHA256SUMS: missing or unreadable; this folder is not whole"),
        ("new", b"one", "SHA256SUMS: damaged (it lacks new)"),
    ],
)
def test_damage_is_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    folder = tmp_path / "folder"
    fill(folder, a="one")
    (folder / name).unlink(missing_ok=True)
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(OperationalError) as caught:
        checked_folder(folder)
    assert str(caught.value) == f"{folder}/{message}"


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(
        OperationalError, match="SHA256SUMS: missing or unreadable; this folder is not whole$"
    ):
        checked_folder(tmp_path / "folder")
