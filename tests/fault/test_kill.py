"""SIGKILL at any moment: a resumed run ends with the bits of an unbroken one."""

import hashlib
from pathlib import Path

import pytest
from tiny import RANDOM, Shock, metrics, signkit, steps_of, write_corpus, write_recipe

pytestmark = pytest.mark.slow

STEPS = 4
SAVE, STEPPED = "signkit.runtime.checkpoint:save", "signkit.runtime.progress:TrainingWatch.stepped"


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kill")
    corpus = write_corpus(folder / "corpus")
    return write_recipe(folder / "tiny.yaml", corpus, RANDOM, max_steps=STEPS, eval_every=2, workers=1)


@pytest.fixture(scope="module")
def unbroken(recipe: Path) -> Path:
    done = signkit("run", recipe, "--set", f"run.dir={recipe.parent / 'unbroken'}")
    assert done.status == 0, done.err
    return done.run


def test_killed_after_every_step(recipe: Path, unbroken: Path) -> None:
    """Each process makes a step twice: once for the one before, which was killed before it could save it."""
    words = ("run", recipe, "--resume", "auto")
    for step in range(1, STEPS + 1):
        done = signkit(*words, shocks=[Shock(STEPPED, 1 if step == 1 else 2)])
        assert (done.status, done.out) == (-9, ""), done.err
    done = signkit(*words)
    assert done.status == 0, done.err
    assert sum(1 for _ in done.run.parent.iterdir()) == 1
    same_run(done.run, unbroken)


@pytest.mark.parametrize("call", (13, 16, 19))
def test_killed_while_a_checkpoint_is_written(
    recipe: Path, unbroken: Path, tmp_path: Path, call: int
) -> None:
    """At a sync or a rename: what is there is whole, and what is left over goes away."""
    words = ("run", recipe, "--set", f"run.dir={tmp_path}", "--resume", "auto")
    during = [Shock("os:fsync", call)]
    assert signkit(*words, shocks=during).status == -9
    done = signkit(*words)
    assert done.status == 0, done.err
    same_run(done.run, unbroken)


@pytest.mark.parametrize(
    "where",
    (
        "signkit.train.outcome:_predicted",
        "signkit.commands.run:write_export",
        "signkit.commands.run:write_report",
    ),
)
def test_killed_after_the_training(recipe: Path, unbroken: Path, tmp_path: Path, where: str) -> None:
    words = ("run", recipe, "--set", f"run.dir={tmp_path}", "--resume", "auto")
    assert signkit(*words, shocks=[Shock(where, 1)]).status == -9
    done = signkit(*words)
    assert done.status == 0, done.err
    same_run(done.run, unbroken)


def same_run(run: Path, unbroken: Path) -> None:
    """Every byte of weights, moments, hypotheses and scores, and the same steps in the metrics."""
    assert digests(run) == digests(unbroken)
    assert metrics(run) == metrics(unbroken)
    assert [row["step"] for row in metrics(run) if "loss" in row] == list(range(1, STEPS + 1))
    assert steps_of(run) == steps_of(unbroken)
    assert not list(run.rglob(".*.part"))


def digests(run: Path) -> dict[str, str]:
    files = [*run.glob("checkpoints/*/*"), *run.glob("export/*.safetensors"), *run.glob("decode/*")]
    files.append(run / "scores.json")
    return {str(file.relative_to(run)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
