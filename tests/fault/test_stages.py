"""Recipes of stages: whole runs in one folder, resumed in either stage to the bits of an unbroken one."""

import hashlib
import json
from pathlib import Path

import pytest
from tiny import C2ST, Shock, signkit, write_corpus

STEPS = 3
STEPPED = "signkit.runtime.progress:TrainingWatch.stepped"
LSTM = {"name": "lstm", "width": 8}


def write_pipeline(path: Path, corpus: Path, **second: object) -> Path:
    """A language model of the corpus's glosses, and a recogniser that begins with its context."""
    data = {"name": "manifest", "root": str(corpus)}
    train = {"max_steps": STEPS, "save_every": 1, "eval_every": 2, "batch_size": 4, "precision": "float32"}
    first = {
        "name": "lm",
        "data": data,
        "context": LSTM,
        "model": {"name": "language_model", "width": 4},
        "train": {"losses": [{"name": "next_token"}], **train},
    }
    last = {
        **C2ST,
        "name": "recogniser",
        "data": data,
        "encoder": {**C2ST["encoder"], "global_temporal": {"layers": 1, "width": 4}},
        "context": {**LSTM, "init_from": {"stage": "lm"}},
        "train": {"losses": [{"name": "cst"}], **train},
        **second,
    }
    content = {"stages": [first, last], "run": {"dir": str(path.parent / "runs")}}
    path.write_text(json.dumps(content), encoding="utf-8")  # which is YAML, and has no aliases
    return path


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stages")
    return write_pipeline(folder / "two.yaml", write_corpus(folder / "corpus"))


@pytest.fixture(scope="module")
def unbroken(pipeline: Path) -> Path:
    done = signkit("run", pipeline, "--profile", STEPS)
    assert done.status == 0, done.err
    return done.run


def test_each_stage_is_a_run_of_its_own(unbroken: Path) -> None:
    for stage, metric in (("lm", "perplexity"), ("recogniser", "wer")):
        assert json.loads((unbroken / stage / "status.json").read_text())["state"] == "finished"
        scores = json.loads((unbroken / stage / "scores.json").read_text())["metrics"]
        assert {each["split"] for each in scores if each["name"] == metric} == {"dev", "test"}
        assert (unbroken / stage / "export" / "model.safetensors").is_file()
        assert "no profile was written: it is of steps 5 to 7" in (unbroken / stage / "log.txt").read_text()
    assert json.loads((unbroken / "status.json").read_text())["state"] == "finished"
    said = (unbroken / "recogniser" / "log.txt").read_text()
    assert f"context: began with {(unbroken / 'lm').resolve()}; 4 of 4 glosses known" in said


@pytest.mark.parametrize(("call", "stage"), ((2, "lm"), (STEPS + 2, "recogniser")))
def test_killed_in_either_stage(
    pipeline: Path, unbroken: Path, tmp_path: Path, call: int, stage: str
) -> None:
    words = ("run", pipeline, "--set", f"run.dir={tmp_path}", "--resume", "auto")
    assert signkit(*words, shocks=[Shock(STEPPED, call)]).status == -9
    (folder,) = (tmp_path / "two").iterdir()
    assert json.loads((folder / "status.json").read_text())["stage"] == stage
    done = signkit(*words)
    assert (done.status, done.run) == (0, folder), done.err
    assert digests(folder) == digests(unbroken)
    if stage == "recogniser":
        assert "stage 1 of 2, lm: finished before\n" in done.err


def test_json_has_every_stage(pipeline: Path, unbroken: Path) -> None:
    done = signkit("run", pipeline, "--resume", unbroken, "--json")
    told = json.loads(done.out)
    assert (done.status, told["run"], told["state"]) == (0, str(unbroken), "finished")
    assert [(each["stage"], each["state"]) for each in told["stages"]] == [
        ("lm", "finished"),
        ("recogniser", "finished"),
    ]
    assert told["stages"][0]["metrics"][0]["name"] == "perplexity"


def test_another_recipe_is_not_resumed(pipeline: Path, unbroken: Path) -> None:
    done = signkit("run", pipeline, "--resume", unbroken, "--set", "stages.1.train.lr=0.5")
    assert done.status == 2
    assert "was begun with another recipe" in done.err and "`stages.1.train.lr`: 0.001, now 0.5" in done.err


@pytest.mark.parametrize(
    ("change", "message"),
    (
        (
            "stages.1.context.init_from.stage=ml",
            "`stages`: stage `recogniser` has no earlier stage `ml`; before it are `lm`",
        ),
        ("stages.0.name=recogniser", "`stages`: `stages.1.name`: `recogniser` is the name of two stages"),
        ("stages.0.name=../lm", "`stages`: `stages.0.name`: `../lm` is no name of a folder"),
        ("stages.1.model.name=c2", "`stages.1.model.name` cannot be `c2`"),
    ),
)
def test_what_cannot_be_is_said_before_any_work(pipeline: Path, change: str, message: str) -> None:
    done = signkit("check", pipeline, "--set", change)
    assert (done.status, done.out) == (2, "")
    assert message in done.err


def digests(folder: Path) -> dict[str, str]:
    patterns = ("*/checkpoints/*/*", "*/export/*.safetensors", "*/decode/*", "*/scores.json")
    files = [file for pattern in patterns for file in folder.glob(pattern)]
    assert len(files) > 20
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
