"""Laws of whole runs: the same numbers again, however the work is divided."""

import hashlib
from pathlib import Path

import pytest
from tiny import CTC, FEATURES, RANDOM, Shock, metrics, signkit, write_corpus, write_recipe

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("laws") / "corpus")


def run(recipe: Path, *changes: str) -> Path:
    """Carry a recipe out; its folder."""
    done = signkit("run", recipe, *(word for change in changes for word in ("--set", change)))
    assert done.status == 0, done.err
    return done.run


def digests(folder: Path) -> dict[str, str]:
    files = [*folder.glob("checkpoints/*/*"), *folder.glob("decode/*"), folder / "scores.json"]
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_a_seed_decides_every_bit(corpus: Path, tmp_path: Path) -> None:
    """Again the same, also with two processes that load; another seed is another run."""
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, RANDOM, max_steps=3)
    first, again, loaded, other = (
        run(recipe, change) for change in ("train.seed=1", "train.seed=1", "train.workers=2", "train.seed=2")
    )
    assert digests(first) == digests(again) == digests(loaded)
    assert metrics(first) == metrics(again) == metrics(loaded)
    assert metrics(other)[0] != metrics(first)[0]


def test_accumulation_gives_the_same_loss(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", features=True)
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, FEATURES)
    whole, parts = (run(recipe, f"train.accumulate={n}") for n in (1, 3))
    assert len(metrics(whole)) == len(metrics(parts)) == 8
    for ours, theirs in zip(metrics(whole), metrics(parts), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-5)


def test_evaluation_changes_nothing(corpus: Path, tmp_path: Path) -> None:
    """How often dev is scored and checkpoints are written has no influence on the weights."""
    recipe = write_recipe(tmp_path / "tiny.yaml", corpus, RANDOM, max_steps=4)
    often = run(recipe, "train.eval_every=1", "train.save_every=1", "train.keep=1")
    never = run(recipe, "train.eval_every=0", "train.save_every=0")
    for name in ("model", "averaged", "optimizer"):
        ours, theirs = (r / f"checkpoints/step_000004/{name}.safetensors" for r in (often, never))
        assert ours.read_bytes() == theirs.read_bytes()


def test_sgd_without_average_and_momentum(corpus: Path, tmp_path: Path) -> None:
    """A killed run goes on from a checkpoint that has neither averages nor moments."""
    recipe = write_recipe(
        tmp_path / "tiny.yaml", corpus, CTC, optimizer="sgd", lr=1e-4, ema=0.0, momentum=0.0
    )
    unbroken = run(recipe)
    words = ("run", recipe, "--set", f"run.dir={tmp_path / 'killed'}", "--resume", "auto")
    assert signkit(*words, shocks=[Shock("signkit.runtime.progress:TrainingWatch.stepped", 4)]).status == -9
    done = signkit(*words)
    assert done.status == 0, done.err
    assert digests(done.run) == digests(unbroken)
    names = {file.name for file in unbroken.glob("checkpoints/step_000006/*")}
    assert names == {"model.safetensors", "optimizer.safetensors", "state.json", "SHA256SUMS"}
