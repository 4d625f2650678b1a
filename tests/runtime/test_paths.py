"""Paths of the command line, and what is no file."""

import os
import unicodedata
from pathlib import Path

import pytest

from signkit.errors import UserError
from signkit.runtime.paths import on_disk, path_of, refuse_special

REFUSED = {
    "https://example.org/a.mp4": "is a web address, not a file; download it first; nothing is fetched",
    "rtsp://camera/1": "is a web address, not a file; download it first; nothing is fetched",
    "s3://bucket/a.npz": "is a web address, not a file; download it first; nothing is fetched",
    "file:///films/a.mp4": "is an address, not a path; write /films/a.mp4",
    "-": "is the standard input or output, not a file or a folder; give a path",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(UserError) as caught:
        path_of(text)
    assert str(caught.value) == f"{text}: {REFUSED[text]}"


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_path(text: str) -> None:
    """It is not the folder one stands in."""
    with pytest.raises(UserError) as caught:
        path_of(text)
    assert str(caught.value) == "the command line: a path is empty; is a variable not set?"


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert path_of("~/a.mp4") == tmp_path / "a.mp4"
    assert path_of("a~b.mp4") == Path("a~b.mp4")
    (tmp_path / "~").mkdir()
    assert path_of("~") == Path("~")  # there is one of that name


@pytest.mark.parametrize("text", ["a.mp4", "C:/a.mp4", "a:b.mp4"])
def test_paths(text: str) -> None:
    assert path_of(text) == Path(text)


def test_devices_and_pipes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    for path, what in (
        (Path("/dev/null"), "is a device, not a file; record a clip first"),
        (Path("/dev/video99"), "is a device, not a file; record a clip first"),
        (pipe, "is a pipe, not a file; write it to a file first"),
    ):
        with pytest.raises(UserError) as caught:
            refuse_special(path, str(path))
        assert str(caught.value) == f"{path}: {what}"
    refuse_special(tmp_path, "a folder")
    refuse_special(tmp_path / "missing", "what is not there is found out later")


# Accents, composed or not.


@pytest.mark.parametrize(("folder", "file"), [("NFC", "NFC"), ("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_a_path_as_the_disk_spells_it(tmp_path: Path, folder: str, file: str) -> None:
    """A file of a Mac in a folder made elsewhere has both forms in its path."""
    there = tmp_path / _form(folder, "Übung") / _form(file, "Grüße.mp4")
    there.parent.mkdir()
    there.touch()
    for form in ("NFC", "NFD"):
        assert on_disk(Path(_form(form, str(there)))) == there
        assert path_of(_form(form, str(there))) == there
        missing = Path(_form(form, str(there.with_name("größer.mp4"))))
        assert on_disk(missing) == there.with_name(missing.name)  # the folder is there
        part = there.with_name(f"{there.stem}.parquet")
        part.touch()
        assert on_disk(Path(_form(form, f"{part}#ä"))) == part.with_name(f"{part.name}#{_form(form, 'ä')}")


def test_of_two_spellings_that_are_there_the_one_given_is_meant(tmp_path: Path) -> None:
    both = [tmp_path / _form(form, "ä.npz") for form in ("NFC", "NFD")]
    for path in both:
        path.touch()
    assert [on_disk(path) for path in both] == both


def _form(form: str, text: str) -> str:
    return unicodedata.normalize(form, text)  # type: ignore[arg-type]
