"""Runs of translators from checkpoints: the checkpoint is not needed again once they have begun."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from seq2seq_checkpoints import languages_of, write_checkpoint
from tiny import Done, Shock, signkit
from translated import PAIRS, write_pairs

from signkit import load
from signkit.config.recipe_file import load_recipe
from signkit.models.export import read_export
from signkit.testing import check_task

RECIPE = """
data: {name: parallel, root: ROOT}
text: {unit: subword, sampling: 0.1}
source: {unit: shared, lowercase: true}
model: {name: seq2seq, checkpoint: CHECKPOINT, dropout: 0.0}
train: {losses: [{name: next_token}], batch_size: 12, lr: 1e-2, max_steps: 6, eval_every: 3, save_every: 1}
decode: {beam: 3, longest: 30}
run: {dir: RUNS}
"""


def write_recipe(folder: Path, kind: str) -> tuple[Path, list[str]]:
    """A recipe for a fresh checkpoint in a folder, and the words that name its languages."""
    checkpoint = write_checkpoint(folder / "checkpoint", kind, steps=30)
    file = folder / "translate.yaml"
    text = RECIPE.replace("ROOT", str(write_pairs(folder / "pairs"))).replace("CHECKPOINT", str(checkpoint))
    file.write_text(text.replace("RUNS", str(folder / "runs")), encoding="utf-8")
    return file, [word for change in languages_of(kind) for word in ("--set", change)]


@pytest.fixture(scope="module", params=["mbart", "marian"])
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A run whose checkpoint was deleted since."""
    folder = tmp_path_factory.mktemp(request.param)
    file, words = write_recipe(folder, request.param)
    done = signkit("run", file, *words)
    assert done.status == 0, done.err
    shutil.rmtree(folder / "checkpoint")
    return done


def test_a_finished_run_needs_no_checkpoint(finished: Done, tmp_path: Path) -> None:
    """It is decoded, tuned and translates as before; nothing is in its export twice."""
    run = finished.run
    again = signkit("decode", run)
    assert again.status == 0, again.err
    scores = [json.loads((place / "scores.json").read_text())["metrics"] for place in (run, again.run)]
    assert scores[0] == scores[1] and {row["split"] for row in scores[0]} == {"dev", "test"}
    assert (run / "attention.png").is_file()
    file = tmp_path / "new.txt"
    file.write_text("".join(f"{glosses}\n" for glosses, _ in PAIRS[:2]), encoding="utf-8")
    done = signkit("translate", run, file, "--json", "--nbest", 2)
    assert (done.status, done.err) == (0, "")
    texts = [json.loads(line)["text"] for line in done.out.splitlines()]
    found = load(run).translate([glosses for glosses, _ in PAIRS[:2]])
    assert [each.text for each in found] == texts
    tuned = signkit("tune", run)
    assert tuned.status == 0, tuned.err
    trained = read_export(run)
    held = {name for name, _ in trained.model.named_parameters()}
    held |= {name for name, _ in trained.model.named_buffers()}
    assert {*trained.model.state_dict()} <= held
    folder = run / "export"
    weights = sum(tensor.numel() for tensor in trained.model.parameters())
    assert (folder / "model.safetensors").stat().st_size < 4 * weights + 40_000
    assert (folder / "network.json").is_file() and str(run.parent) not in (
        folder / "network.json"
    ).read_text()


def texts_of(file: Path) -> list[str]:
    return [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()]


def test_it_is_averaged_and_joined_by_a_language_model(finished: Done) -> None:
    """The mean of a run and itself writes the same; a language model of the pieces of train does not."""
    run = finished.run
    twice = signkit("decode", run, "--set", f"decode.ensemble=[{run}]")
    joined = signkit("decode", run, "--set", "decode.fusion=[{name: ngram, weight: 5.0}]")
    assert (twice.status, joined.status) == (0, 0), twice.err + joined.err
    own = texts_of(run / "decode" / "dev.jsonl")
    assert texts_of(twice.run / "dev.jsonl") == own != texts_of(joined.run / "dev.jsonl")


@pytest.mark.slow
def test_an_interrupted_run_needs_no_checkpoint(tmp_path: Path) -> None:
    """It goes on to the same weights as one that was never interrupted."""
    file, words = write_recipe(tmp_path, "marian")
    unbroken = signkit("run", file, *words, "--set", f"run.dir={tmp_path / 'others'}")
    killed = signkit("run", file, *words, shocks=[Shock("signkit.runtime.checkpoint:save", 3, after=True)])
    assert unbroken.status == 0 and killed.status != 0
    shutil.rmtree(tmp_path / "checkpoint")
    resumed = signkit("run", file, *words, "--resume", "auto")
    assert resumed.status == 0, resumed.err
    content = [(each.run / "export" / "model.safetensors").read_bytes() for each in (unbroken, resumed)]
    assert content[0] == content[1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nllb", "t5"])
def test_the_laws_of_a_task(kind: str, tmp_path: Path) -> None:
    file, _ = write_recipe(tmp_path, kind)
    changes = ["train.batch_size=4", "train.precision=float32", "source.hide=0.2", "model.noise=0.2"]
    if kind == "nllb":  # of byte pairs, of which nothing can be drawn
        changes.append("text.sampling=0")
    outcome = check_task(load_recipe(str(file), [*languages_of(kind), *changes]))
    assert outcome.spec.source == outcome.spec.vocabulary


@pytest.mark.slow
def test_a_step_is_measured(tmp_path: Path) -> None:
    file, words = write_recipe(tmp_path, "t5")
    done = signkit("profile", file, *words, "--frames", 15, "--batch", 2)
    assert done.status == 0, done.err


def test_the_export_is_complete_anywhere(finished: Done, tmp_path: Path) -> None:
    """A copy of it alone is a run."""
    shutil.copytree(finished.run / "export", tmp_path / "copy" / "export")
    here, there = load(finished.run), load(tmp_path / "copy")
    text = here.translate(PAIRS[0][0])
    other = there.translate(PAIRS[0][0])
    assert (text.text, text.tokens) == (other.text, other.tokens)
    assert np.isclose(text.score, other.score)


def test_it_cannot_be_a_graph(finished: Done, tmp_path: Path) -> None:
    done = signkit("export", finished.run, tmp_path / "folder")
    why = "a model `seq2seq` cannot be exported: its network is that of transformers"
    assert (done.status, why in done.err, (tmp_path / "folder").exists()) == (2, True, False)
