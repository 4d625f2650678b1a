"""The fast copy beside an ARPA file: used when it is of the same content, and never trusted."""

import io
from pathlib import Path

import numpy as np
import pytest

from signkit.errors import OperationalError, UserError
from signkit.lm import NGram, estimate, load, save
from signkit.lm.arpa import parse_arpa
from signkit.lm.binary import archive_of

SENTENCES = [line.split() for line in ("AA BB AA CC", "BB AA", "AA BB AA BB CC", "CC CC AA")]


@pytest.fixture
def arpa(tmp_path: Path) -> Path:
    """A model that was trained and saved."""
    path = tmp_path / "lm.arpa"
    save(path, estimate(SENTENCES, 3).grams)
    return path


def same(left: NGram, right: NGram) -> bool:
    arrays = ("keys", "log", "target", "backoff", "shorter")
    equal = all(np.array_equal(getattr(left.trie, name), getattr(right.trie, name)) for name in arrays)
    return equal and (left.words, left.unit, left.counts) == (right.words, right.unit, right.counts)


def without_arpa(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the ARPA file was read")

    monkeypatch.setattr("signkit.lm.store.parse_arpa", refuse)


def test_the_copy_and_the_file_are_one_model(arpa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = NGram.from_grams(parse_arpa(arpa.read_bytes(), str(arpa), "word")[0])
    without_arpa(monkeypatch)
    assert same(load(arpa), slow)
    assert same(load(str(archive_of(arpa))), slow)
    assert same(load(arpa, "word"), slow)
    assert not load(arpa).unit_guessed


def test_a_copy_of_another_file_is_not_used(arpa: Path) -> None:
    text = arpa.read_text().replace("-1.0413927\t<unk>", "-2.5\t<unk>")
    arpa.write_text(text)
    found = load(arpa)
    assert found.rows([0])[0, found.unknown] == pytest.approx(-2.5 * np.log(10), abs=1e-6)
    assert found.unit_guessed  # only the copy knew


def test_a_damaged_copy_is_not_used(arpa: Path) -> None:
    whole = load(arpa)
    archive_of(arpa).write_bytes(archive_of(arpa).read_bytes()[:-40])
    assert same(load(arpa, "word"), whole)
    with pytest.raises(UserError) as caught:
        load(archive_of(arpa))
    assert (
        str(caught.value) == f"{archive_of(arpa)}: is not a language model, or a damaged one; train it again"
    )


def test_the_copy_is_written_when_asked(arpa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_of(arpa).unlink()
    for unit, keep in ((None, False), ("word", True)):
        load(arpa, unit, keep=keep)  # type: ignore[arg-type]
        assert not archive_of(arpa).exists()
    first = load(arpa, keep=True)
    without_arpa(monkeypatch)
    assert same(load(arpa), first)
    assert load(arpa).unit_guessed
    assert not load(arpa, "word").unit_guessed


def test_a_folder_that_cannot_be_written_is_no_fault(arpa: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_of(arpa).unlink()

    def full(*_: object) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr("signkit.lm.binary.write_bytes", full)
    assert load(arpa, keep=True).order == 3
    assert not archive_of(arpa).exists()


def test_units(tmp_path: Path) -> None:
    path = tmp_path / "lm.arpa"
    save(path, estimate([[*"a b"], [*"ba"]], 2, unit="character").grams)
    assert load(path).words[3:] == (" ", "a", "b")
    assert load(path, "word").words[3:] == ("<space>", "a", "b")
    with pytest.raises(UserError) as caught:
        load(archive_of(path), "word")
    assert str(caught.value) == f"{archive_of(path)}: is a model of characters, not of words"


def changed(path: Path, **arrays: np.ndarray | None) -> Path:
    """A copy with some arrays replaced, or left out."""
    with np.load(path, allow_pickle=False) as archive:
        found = {name: archive[name] for name in archive.files} | arrays
    buffer = io.BytesIO()
    np.savez(buffer, **{name: array for name, array in found.items() if array is not None})
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.parametrize("name", ["keys", "words", "format", "counts"])
def test_a_copy_that_lacks_something(name: str, arpa: Path) -> None:
    path = changed(archive_of(arpa), **{name: None})
    with pytest.raises(UserError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: is not a language model"


def test_a_copy_of_another_version(arpa: Path) -> None:
    path = changed(archive_of(arpa), format=np.frombuffer(b"signkit n-gram model 9", dtype=np.uint8))
    with pytest.raises(UserError) as caught:
        load(path)
    what = "is not a `signkit n-gram model 1`; train it again, or give the ARPA file"
    assert str(caught.value) == f"{path}: {what}"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("keys", lambda array: array[::-1]),
        ("keys", lambda array: array[1:]),
        ("keys", lambda array: np.append(array[:-1], 10**9)),
        ("keys", lambda array: array.astype(np.int32)),
        ("log", lambda array: np.append(array[:-1], np.float32(np.nan))),
        ("backoff", lambda array: array + np.float32(np.inf)),
        ("target", lambda array: array + np.int32(1000)),
        ("target", lambda array: array - np.int32(1000)),
        ("shorter", lambda array: array + np.int32(1)),
        ("shorter", lambda array: np.arange(len(array), dtype=np.int32)),
        ("shorter", lambda array: array - np.int32(1)),
        ("words", lambda array: array[:-3]),
        ("words", lambda array: np.append(array, array[-3:])),
        ("unit", lambda array: array[:-1]),
        ("counts", lambda array: array[None]),
        ("counts", lambda array: array + 1),
        ("counts", lambda array: array[:0]),
    ],
)
def test_a_copy_with_places_outside(name: str, change: object, arpa: Path) -> None:
    with np.load(archive_of(arpa), allow_pickle=False) as archive:
        array = change(archive[name])  # type: ignore[operator]
    path = changed(archive_of(arpa), **{name: array})
    with pytest.raises(UserError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: is a damaged language model; train it again, or give the ARPA file"


def test_objects_are_not_read(arpa: Path) -> None:
    path = changed(archive_of(arpa), words=np.array([{"a": 1}], dtype=object))
    with pytest.raises(UserError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: is not a language model, or a damaged one; train it again"


def test_written_twice_it_is_the_same_file(arpa: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.arpa"
    save(other, estimate(SENTENCES, 3).grams)
    assert other.read_bytes() == arpa.read_bytes()
    assert archive_of(other).read_bytes() == archive_of(arpa).read_bytes()


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for path, what in (
        (tmp_path / "lm.arpa", "there is no such file"),
        (tmp_path, "is a folder, not a file"),
    ):
        with pytest.raises(UserError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: {what}"
