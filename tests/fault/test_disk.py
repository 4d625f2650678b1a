"""Full disks, damaged checkpoints, a folder in use: one message, nothing lost, and the run goes on."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tiny import Shock, metrics, signkit, steps_of, write_corpus, write_npz, write_recipe

from signkit.runtime.run_folder import locked

pytestmark = pytest.mark.slow

STEPPED = "signkit.runtime.progress:TrainingWatch.stepped"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("disk")
    return write_recipe(folder / "tiny.yaml", write_corpus(folder / "corpus"), max_steps=4)


@pytest.fixture(scope="module")
def unbroken(recipe: Path) -> Path:
    return signkit("run", recipe).run


@pytest.fixture(scope="module")
def killed(recipe: Path) -> Path:
    """A run killed in its last step: it has two checkpoints."""
    folder = recipe.parent / "killed"
    assert signkit("run", recipe, "--set", f"run.dir={folder}", shocks=[Shock(STEPPED, 4)]).status == -9
    (run,) = folder.glob("tiny/*")
    assert steps_of(run) == ["step_000002", "step_000003"]
    return run


@pytest.fixture
def run(killed: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(killed, tmp_path / "tiny" / killed.name))


def state(run: Path) -> dict[str, str]:
    content: dict[str, str] = json.loads((run / "status.json").read_text(encoding="utf-8"))
    return content


def finishes(recipe: Path, run: Path, unbroken: Path) -> None:
    done = signkit("run", recipe, "--resume", run)
    assert done.status == 0, done.err
    assert metrics(run) == metrics(unbroken)
    for name in ("model", "averaged", "optimizer"):
        ours, theirs = (r / f"checkpoints/step_000004/{name}.safetensors" for r in (run, unbroken))
        assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("largest", [600, 8000, 16000])
def test_full_disk(recipe: Path, run: Path, unbroken: Path, largest: int) -> None:
    """The record of the machine, the model, or the moments no longer fit; older checkpoints stay."""
    done = signkit("run", recipe, "--resume", run, largest_file=largest)
    place = run / ("env.json" if largest == 600 else "checkpoints/step_000004")
    message = f"{place}: cannot be written: File too large"
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines()[-1] == f"error: {message}"
    assert "Traceback" not in done.err
    assert steps_of(run) == ["step_000002", "step_000003"]
    assert (state(run)["state"], state(run)["error"]) == ("failed", message)
    finishes(recipe, run, unbroken)


def test_full_disk_at_the_beginning(recipe: Path, tmp_path: Path) -> None:
    """A run whose folder cannot be filled is not there."""
    done = signkit("run", recipe, "--set", f"run.dir={tmp_path / 'runs'}", largest_file=400)
    assert (done.status, done.out) == (1, "")
    (parent,) = (tmp_path / "runs").iterdir()
    start, _, end = done.err.partition(f"error: {parent}/")
    assert (start, end.partition("/")[2]) == ("", "recipe.yaml: cannot be written: File too large\n")
    assert not list(parent.iterdir())


def test_the_place_of_runs_is_a_file(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = signkit("run", recipe, "--set", f"run.dir={tmp_path / 'file'}")
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"error: {tmp_path}/file/tiny/")
    assert done.err.endswith(": cannot be created: Not a directory\n")


def test_two_runs_on_one_folder(recipe: Path, run: Path) -> None:
    before = state(run)
    with locked(run):
        done = signkit("run", recipe, "--resume", run)
    assert (done.status, done.out) == (1, "")
    assert done.err == f"error: {run}: another process is running there\n"
    assert state(run) == before


def damage(run: Path, how: str) -> str:
    """Damage the newest checkpoint; what the message says of it."""
    folder = run / "checkpoints/step_000003"
    file = folder / "averaged.safetensors"
    content = file.read_bytes()
    if how == "a bit":
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif how == "truncated":
        file.write_bytes(content[:100])
    elif how == "missing":
        file.unlink()
        return f"{file}: missing"
    elif how == "no sums":
        (folder / "SHA256SUMS").unlink()
        return f"{folder / 'SHA256SUMS'}: missing or unreadable; this folder is not whole"
    elif how == "empty sums":
        (folder / "SHA256SUMS").write_text("")
        return f"{folder / 'SHA256SUMS'}: damaged (it lacks averaged.safetensors)"
    return f"{file}: damaged (its SHA-256 is not the one in SHA256SUMS)"


@pytest.mark.parametrize("how", ["a bit", "truncated", "missing", "no sums", "empty sums"])
def test_damaged_checkpoint(recipe: Path, run: Path, how: str) -> None:
    message = damage(run, how) + "; delete that folder to resume from step 2"
    done = signkit("run", recipe, "--resume", run)
    assert (done.status, done.out) == (1, "")
    assert done.err.splitlines()[-1] == f"error: {message}"
    assert "Traceback" not in done.err
    assert state(run)["error"] == message


def test_a_damaged_checkpoint_can_be_left_out(recipe: Path, run: Path, unbroken: Path) -> None:
    shutil.rmtree(run / "checkpoints/step_000003")
    finishes(recipe, run, unbroken)


def test_changed_recipe(recipe: Path, run: Path) -> None:
    """Refused with the difference; what may differ is where runs are kept."""
    changed = ("--set", "train.lr=3e-4", "--set", "context={name: none}", "--set", "run.dir=elsewhere")
    done = signkit("run", recipe, "--resume", run, *changed)
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        f"error: {run}: was begun with another recipe; take the change back, or start a new run:\n"
        "  `context.name`: embedding, now none\n"
        "  `train.lr`: 0.01, now 0.0003\n"
    )


def test_changed_data(tmp_path: Path) -> None:
    """A clip was replaced; put back, the run goes on."""
    recipe = write_recipe(tmp_path / "tiny.yaml", write_corpus(tmp_path / "corpus"), max_steps=2)
    assert signkit("run", recipe, shocks=[Shock(STEPPED, 2)]).status == -9
    clip = tmp_path / "corpus" / "train0.npz"
    before = clip.read_bytes()
    write_npz(clip, np.load(clip)["landmarks"] + 1)
    (run,) = (tmp_path / "runs").glob("tiny/*")
    done = signkit("run", recipe, "--resume", "auto")
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        f"error: {run}: was begun with other data: the files of the corpus have changed since; "
        "restore them, or start a new run\n"
    )
    clip.write_bytes(before)
    assert signkit("run", recipe, "--resume", "auto").run == run


def test_not_the_folder_of_a_run(recipe: Path, tmp_path: Path) -> None:
    done = signkit("run", recipe, "--resume", tmp_path)
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        f"error: --resume {tmp_path}: is an empty folder, and not a run; `signkit runs` lists the runs\n"
    )
