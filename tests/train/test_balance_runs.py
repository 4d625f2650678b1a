"""`train.balance` in whole runs: told, resumed to the bit, and refused where it means nothing."""

from pathlib import Path

import pytest
from tiny import FEATURES, Shock, signkit, write_corpus, write_lm_recipe, write_recipe, write_text

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of its twelve training samples, three of each class, five are left out."""
    folder = write_corpus(tmp_path_factory.mktemp("balance") / "corpus", features=True)
    manifest = folder / "manifest.csv"
    lines = manifest.read_text().splitlines(keepends=True)
    train = [line for line in lines if line.rstrip().endswith(",train")]
    assert len(train) == 12
    manifest.write_text("".join(line for line in lines if line not in train[:5]))
    return folder


def weights(run: Path) -> bytes:
    return (run / "export/model.safetensors").read_bytes()


def test_a_resumed_run_is_the_same(corpus: Path, tmp_path: Path) -> None:
    """Killed after its second step, which is not in the first epoch of `undersample`."""
    trained = set()
    for balance in ("none", "oversample", "undersample", "class_weights"):
        recipe = write_recipe(
            tmp_path / f"{balance}.yaml", corpus, FEATURES, balance=balance, max_steps=4, save_every=1
        )
        words = ("run", recipe, "--set", f"run.dir={tmp_path / balance}", "--resume", "auto")
        unbroken = signkit("run", recipe)
        assert unbroken.status == 0, unbroken.err
        assert (" classes of " in unbroken.err) is (balance != "none")
        shock = Shock("signkit.runtime.progress:TrainingWatch.stepped", 3)
        assert signkit(*words, shocks=[shock]).status == -9
        done = signkit(*words)
        assert done.status == 0, done.err
        assert weights(done.run) == weights(unbroken.run)
        trained.add(weights(done.run))
    assert len(trained) == 4


def test_language_models_have_no_classes(tmp_path: Path) -> None:
    recipe = write_lm_recipe(tmp_path / "lm.yaml", write_text(tmp_path / "text"), balance="oversample")
    done = signkit("run", recipe)
    expected = "train.balance: is for clips of signs, and sentences have no classes; leave it out"
    assert (done.status, done.err.strip().splitlines()[-1]) == (2, f"error: {expected}")
