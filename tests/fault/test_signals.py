"""Ctrl-C and SIGTERM wherever a run stands; each is resumed to the bits of an unbroken one."""

import json
import signal
from pathlib import Path

import pytest
from tiny import RANDOM, Shock, metrics, signkit, write_corpus, write_recipe

pytestmark = pytest.mark.slow

STEPPED = "signkit.runtime.progress:TrainingWatch.stepped"
CODES = ((signal.SIGINT, 130), (signal.SIGTERM, 143))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signals")
    corpus = write_corpus(folder / "corpus")
    return write_recipe(folder / "tiny.yaml", corpus, RANDOM, max_steps=4, eval_every=2, save_every=0)


@pytest.fixture(scope="module")
def unbroken(recipe: Path) -> Path:
    done = signkit("run", recipe, "--set", f"run.dir={recipe.parent / 'unbroken'}")
    assert done.status == 0, done.err
    return done.run


def state(run: Path) -> tuple[str, int]:
    status = json.loads((run / "status.json").read_text(encoding="utf-8"))
    return status["state"], status["step"]


@pytest.mark.parametrize(
    ("where", "call", "step", "number"),
    [
        (STEPPED, 1, 1, signal.SIGINT),  # after a step
        (STEPPED, 1, 1, signal.SIGTERM),
        ("signkit.models.c2st:C2st.forward", 3, 2, signal.SIGTERM),  # in the first evaluation
        (STEPPED, 4, 4, signal.SIGTERM),  # after the last step
        ("signkit.runtime.progress:Bar.at", 2, 0, signal.SIGTERM),  # while the context is trained
        ("signkit.train.outcome:_predicted", 2, 4, signal.SIGINT),  # while test is decoded
    ],
)
def test_interrupted(
    recipe: Path, unbroken: Path, tmp_path: Path, where: str, call: int, step: int, number: int
) -> None:
    code = {signal.SIGINT: 130, signal.SIGTERM: 143}[number]  # type: ignore[index]
    words = ("run", recipe, "--set", f"run.dir={tmp_path}")
    done = signkit(*words, shocks=[Shock(where, call, number)])
    assert done.status == code, done.err
    again = f"signkit run {recipe} --set run.dir={tmp_path} --resume auto"
    assert done.err.splitlines()[-1] == f"interrupted; `{again}` continues it"
    assert done.out == f"{done.run}\n"
    assert state(done.run) == ("interrupted", step)

    finished = signkit(*words, "--resume", "auto")
    assert finished.status == 0, finished.err
    assert finished.run == done.run
    assert state(done.run) == ("finished", 4)
    last = "checkpoints/step_000004"
    for name in ("model", "averaged", "optimizer"):
        ours, theirs = (run / last / f"{name}.safetensors" for run in (done.run, unbroken))
        assert ours.read_bytes() == theirs.read_bytes()
    assert metrics(done.run) == metrics(unbroken)
    assert (done.run / "scores.json").read_bytes() == (unbroken / "scores.json").read_bytes()


@pytest.mark.parametrize(("number", "code"), CODES)
def test_interrupted_with_the_processes_that_load(
    recipe: Path, unbroken: Path, tmp_path: Path, number: int, code: int
) -> None:
    """They get the signal too, as from a terminal or a batch system, and leave stopping to the training."""
    words = ("run", recipe, "--set", f"run.dir={tmp_path}", "--set", "train.workers=2")
    done = signkit(*words, shocks=[Shock(STEPPED, 2, number, group=True)])
    assert (done.status, state(done.run)) == (code, ("interrupted", 2)), done.err
    assert "Traceback" not in done.err
    finished = signkit(*words, "--resume", "auto")
    assert finished.status == 0, finished.err
    assert metrics(done.run) == metrics(unbroken)


@pytest.mark.parametrize(("number", "code"), CODES)
def test_interrupted_while_the_corpus_is_read(recipe: Path, tmp_path: Path, number: int, code: int) -> None:
    shock = Shock("signkit.data.corpora.media:landmark_header", 5, number)
    done = signkit("run", recipe, "--set", f"run.dir={tmp_path}", shocks=[shock])
    assert (done.status, done.out, done.err) == (code, "", "interrupted before the run began\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "code"), CODES)
def test_the_second_signal_ends_at_once(recipe: Path, tmp_path: Path, number: int, code: int) -> None:
    """Two in one step: nothing is saved, and the run can be resumed all the same."""
    words = ("run", recipe, "--set", f"run.dir={tmp_path}")
    shocks = [Shock(STEPPED, 2, signal.SIGTERM), Shock(STEPPED, 2, number, after=True)]
    done = signkit(*words, shocks=shocks)
    assert (done.status, done.out) == (code, "")
    (run,) = tmp_path.glob("tiny/*")
    assert not (run / "checkpoints").exists()
    finished = signkit(*words, "--resume", "auto")
    assert (finished.status, finished.run) == (0, run), finished.err


def test_json(recipe: Path, tmp_path: Path) -> None:
    words = ("run", recipe, "--set", f"run.dir={tmp_path}", "--json")
    done = signkit(*words, shocks=[Shock(STEPPED, 1, signal.SIGTERM)])
    assert done.status == 143
    (run,) = tmp_path.glob("tiny/*")
    assert json.loads(done.out) == {"run": str(run), "state": "interrupted", "metrics": [], "notes": []}


def test_the_hint_can_be_pasted(recipe: Path, tmp_path: Path) -> None:
    """Overrides with spaces are quoted, and a run that was named stays named."""
    folder = tmp_path / "my runs"
    words = ("run", recipe, "--set", f"run.dir={folder}", "--set", "decode.splits=[dev, test]")
    shocks = [Shock(STEPPED, 1, signal.SIGTERM)]
    first = signkit(*words, shocks=shocks)
    hint = f"signkit run {recipe} --set 'run.dir={folder}' --set 'decode.splits=[dev, test]' --resume"
    assert first.err.splitlines()[-1] == f"interrupted; `{hint} auto` continues it"
    second = signkit(*words, "--resume", first.run, shocks=shocks)
    assert second.err.splitlines()[-1] == f"interrupted; `{hint} '{first.run}'` continues it"
    assert state(first.run) == ("interrupted", 2)


def test_predict_is_interrupted(recipe: Path, unbroken: Path) -> None:
    """It has nothing to finish."""
    clip = recipe.parent / "corpus" / "test0.npz"
    shock = Shock("signkit.tasks.recognition.task:find", 1, signal.SIGINT)
    done = signkit("predict", unbroken, clip, shocks=[shock])
    assert (done.status, done.out, done.err) == (130, "", "")
