"""The folder of a run: made whole, found again, held by one process."""

import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from tiny import write_corpus, write_recipe

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_recipe
from signkit.errors import OperationalError, UserError
from signkit.runtime import hardware
from signkit.runtime.resume import folder_to_resume
from signkit.runtime.run_folder import (
    check_same_data,
    locked,
    new_folder,
    recorded_recipe,
    state,
    write_environment,
    write_status,
)


@pytest.fixture
def ref(tmp_path: Path) -> str:
    return str(write_recipe(tmp_path / "tiny.yaml", write_corpus(tmp_path / "corpus")))


@pytest.fixture
def recipe(ref: str) -> Recipe:
    return load_recipe(ref)


def test_a_new_folder(recipe: Recipe, ref: str, tmp_path: Path) -> None:
    """The recipe as given and resolved; two of one second have two names."""
    first, second = new_folder(recipe, ref), new_folder(recipe, ref)
    assert first != second
    assert first.parent == second.parent == tmp_path / "runs" / "tiny"
    assert sorted(os.listdir(first)) == ["recipe.yaml", "resolved.yaml", "status.json"]
    assert (first / "recipe.yaml").read_bytes() == Path(ref).read_bytes()
    assert recorded_recipe(first) == recipe
    assert state(first) == "created"


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.EROFS, "Read-only file system"), (errno.ENOSPC, "No space left on device")]
)
def test_a_place_that_cannot_be_written(
    recipe: Recipe, ref: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "mkdir", fail)
    with pytest.raises(OperationalError) as caught:
        new_folder(recipe, ref)
    place, _, what = str(caught.value).partition(": ")
    assert (Path(place).parent, what) == (tmp_path / "runs" / "tiny", f"cannot be created: {reason}")
    monkeypatch.undo()

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OperationalError) as caught:
        new_folder(recipe, ref)
    place, _, what = str(caught.value).partition(": ")
    assert (Path(place).name, what) == ("recipe.yaml", f"cannot be written: {reason}")
    assert os.listdir(tmp_path / "runs" / "tiny") == []


def test_a_file_where_folders_should_be(recipe: Recipe, ref: str, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "tiny").write_text("")
    with pytest.raises(OperationalError) as caught:
        new_folder(recipe, ref)
    assert str(caught.value).endswith(": cannot be created: Not a directory")


def test_the_run_to_resume(recipe: Recipe, ref: str, tmp_path: Path) -> None:
    assert folder_to_resume(recipe, "auto") is None
    runs = [new_folder(recipe, ref) for _ in range(3)]
    assert folder_to_resume(recipe, "never") is None
    write_status(runs[2], "finished")
    write_status(runs[1], "interrupted")
    assert folder_to_resume(recipe, "auto") == runs[1]
    (runs[1] / "resolved.yaml").unlink()  # it was killed while it was made
    assert folder_to_resume(recipe, "auto") == runs[0]
    write_status(runs[0], "finished")
    assert folder_to_resume(recipe, "auto") is None
    assert folder_to_resume(recipe, str(runs[0])) == runs[0]


def test_the_run_of_a_launch_by_torchrun(recipe: Recipe, ref: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started again, it goes on with its own run, also where newer ones of the same recipe are there."""
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "job-7")
    own = new_folder(recipe, ref)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")  # which torchrun writes if no id was given
    newer = new_folder(recipe, ref)
    assert (folder_to_resume(recipe, "never"), folder_to_resume(recipe, "auto")) == (None, newer)
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    with pytest.raises(UserError) as caught:
        folder_to_resume(recipe, "never")
    what = "it has restarted this process, and nothing says which run it had begun"
    assert str(caught.value) == f"torchrun: {what}; give torchrun an --rdzv-id, or signkit --resume auto"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "job-7")
    assert folder_to_resume(recipe, "never") == folder_to_resume(recipe, "auto") == own
    write_status(own, "finished")
    assert (folder_to_resume(recipe, "never"), folder_to_resume(recipe, "auto")) == (None, newer)


def test_a_name_that_is_no_run(recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        folder_to_resume(recipe, str(tmp_path))
    assert str(caught.value) == (
        f"--resume {tmp_path}: is a folder of recipes (tiny.yaml), and not a run; "
        f"`signkit run {tmp_path / 'tiny.yaml'}` runs one"
    )


@pytest.mark.parametrize("resume", ["auto", "named"])
def test_a_changed_recipe(recipe: Recipe, ref: str, resume: str) -> None:
    """Refused with the difference, whichever way the run was found."""
    folder = new_folder(recipe, ref)
    changed = load_recipe(ref, ["train.lr=3e-4", "run.dir=" + recipe.run.dir, "train.losses.1.weight=0.2"])
    with pytest.raises(UserError) as caught:
        folder_to_resume(changed, resume if resume == "auto" else str(folder))
    assert str(caught.value) == (
        f"{folder}: was begun with another recipe; take the change back, or start a new run:\n"
        "  `train.losses.1.weight`: 0.1, now 0.2\n"
        "  `train.lr`: 0.01, now 0.0003"
    )


@pytest.mark.parametrize("content", [None, "{", '{"data": "abc"}'])
def test_data_that_are_the_same_or_not_known(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "env.json").write_text(content)
    check_same_data(tmp_path, "abc")


def test_other_data(recipe: Recipe, tmp_path: Path) -> None:
    write_environment(tmp_path, recipe, "abc", "cpu", 1)
    with pytest.raises(UserError) as caught:
        check_same_data(tmp_path, "abd")
    what = "was begun with other data: the files of the corpus have changed since"
    assert str(caught.value) == f"{tmp_path}: {what}; restore them, or start a new run"


def test_a_moved_run(recipe: Recipe, ref: str, tmp_path: Path) -> None:
    """Where runs are kept is no part of what a run is."""
    folder = new_folder(recipe, ref)
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    assert folder_to_resume(load_recipe(ref, [f"run.dir={tmp_path}"]), str(moved)) == moved


@pytest.mark.parametrize("content", ["", "{", "[]", '{"step": 1}', None])
def test_a_status_that_says_nothing(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "status.json").write_text(content)
    assert state(tmp_path) == "unknown"


def test_one_process_holds_a_folder(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(OperationalError) as caught, locked(tmp_path):
            raise AssertionError
        assert str(caught.value) == f"{tmp_path}: another process is running there"
    with locked(tmp_path):
        pass


def test_a_folder_that_cannot_be_locked(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(OperationalError) as caught, locked(tmp_path):
        raise AssertionError
    assert str(caught.value) == f"{tmp_path}: cannot be locked: Is a directory"


def test_status_and_environment(recipe: Recipe, tmp_path: Path) -> None:
    write_status(tmp_path, "running", step=3)
    status = json.loads((tmp_path / "status.json").read_text(encoding="utf-8"))
    assert (status["state"], status["step"], status["pid"]) == ("running", 3, os.getpid())
    write_environment(tmp_path, recipe, "abc", "cpu", 2)
    found = json.loads((tmp_path / "env.json").read_text(encoding="utf-8"))
    assert (found["data"], found["device"], found["processes"]) == ("abc", "cpu", 2)
    assert (found["gpu"], found["precision"]) == (None, "float32")
    assert found["components"] == {}  # all of the recipe are signkit's own
    assert set(found["packages"]) == {
        "signkit",
        "torch",
        "numpy",
        "transformers",
        "accelerate",
        "safetensors",
    }


@pytest.mark.parametrize(
    ("printed", "driver"), [("550.54.14\n550.54.14\n", "550.54.14"), ("", None), (None, None)]
)
def test_what_a_gpu_is(monkeypatch: pytest.MonkeyPatch, printed: str | None, driver: str | None) -> None:
    """One that is only pretended, with nvidia-smi, without an answer of it, and without it."""

    def answer(words: tuple[str, ...], **_: object) -> Any:
        assert words[0] == "nvidia-smi"
        if printed is None:
            raise FileNotFoundError(words[0])
        return SimpleNamespace(returncode=0, stdout=printed)

    properties = SimpleNamespace(name="NVIDIA T4", total_memory=15_000_000_000, major=7, minor=5)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.version, "cuda", "12.6")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 90100)
    monkeypatch.setattr(hardware.subprocess, "run", answer)
    assert hardware.gpu("cuda:0") == {
        "name": "NVIDIA T4",
        "memory": 15_000_000_000,
        "capability": "7.5",
        "driver": driver,
        "cuda": "12.6",
        "cudnn": 90100,
    }
    assert hardware.gpu("cpu") is None
