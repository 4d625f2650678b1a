"""`train.init_from`: all that two models share, or some parts of one."""

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tiny import C2ST, CTC, write_corpus, write_lm_recipe, write_recipe, write_text

from signkit.config.recipe import InitFrom, Recipe
from signkit.config.recipe_file import load_recipe, resolved
from signkit.errors import UserError
from signkit.models.export import TrainedModel, read_export, write_export
from signkit.train.setup import Prepared, prepare


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("init") / "corpus")


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished C2ST."""
    folder = tmp_path_factory.mktemp("run")
    ready = prepare(load_recipe(str(write_recipe(folder / "run.yaml", corpus, seed=7))))
    write_export(folder / "export", TrainedModel(ready.recipe, ready.spec, ready.model))
    return folder


def recipe(corpus: Path, folder: Path, begin: object, base: dict[str, Any] = C2ST) -> Recipe:
    return load_recipe(str(write_recipe(folder / "mine.yaml", corpus, base, init_from=begin)))


def parts_like(ready: Prepared, run: Path) -> set[str]:
    """The parts of a model that are those of a run, whole."""
    theirs, ours = read_export(run).model.state_dict(), ready.model.state_dict()
    parts = {name.partition(".")[0] for name in ours}
    return {
        part
        for part in parts
        if all(
            name in theirs and tensor.shape == theirs[name].shape and tensor.equal(theirs[name])
            for name, tensor in ours.items()
            if name.startswith(f"{part}.")
        )
    }


def test_a_folder_is_short_for_a_run(corpus: Path, run: Path, tmp_path: Path) -> None:
    short = recipe(corpus, tmp_path, str(run))
    assert short == recipe(corpus, tmp_path, {"run": str(run)})
    assert short.train.init_from == InitFrom(run=str(run))
    assert yaml.safe_load(resolved(short))["train"]["init_from"] == {"run": str(run), "parts": []}
    assert recipe(corpus, tmp_path, "").train.init_from == InitFrom()


def test_all_that_both_have(corpus: Path, run: Path, tmp_path: Path) -> None:
    whole = prepare(recipe(corpus, tmp_path, str(run)))
    assert parts_like(whole, run) == {"encoder", "context", "output"}
    count = len(whole.model.state_dict())
    assert f"began with {count} weights of {run}; fresh: 0" in whole.notes
    other = prepare(recipe(corpus, tmp_path, str(run), CTC))
    assert parts_like(other, run) == {"encoder", "output"}
    assert f"began with {len(other.model.state_dict())} weights of {run}; fresh: 0" in other.notes


@pytest.mark.parametrize(
    ("parts", "expected"),
    [(["encoder"], {"encoder"}), (["output", "context"], {"output", "context"})],
)
def test_some_parts(corpus: Path, run: Path, tmp_path: Path, parts: list[str], expected: set[str]) -> None:
    fresh = prepare(recipe(corpus, tmp_path, ""))
    assert parts_like(fresh, run) == set()
    ready = prepare(recipe(corpus, tmp_path, {"run": str(run), "parts": parts}))
    assert parts_like(ready, run) == expected
    for name, tensor in ready.model.state_dict().items():
        if name.partition(".")[0] not in expected:
            assert tensor.equal(fresh.model.state_dict()[name])
    (note,) = ready.notes
    copied = sum(name.partition(".")[0] in expected for name in ready.model.state_dict())
    assert note.startswith(f"began with {copied} weights of {run}; fresh: ")


def test_a_part_below_a_part(corpus: Path, run: Path, tmp_path: Path) -> None:
    """By its whole name, not by how it begins."""
    ready = prepare(recipe(corpus, tmp_path, {"run": str(run), "parts": ["encoder.temporal"]}))
    fresh, theirs = (
        prepare(recipe(corpus, tmp_path, "")).model.state_dict(),
        read_export(run).model.state_dict(),
    )
    for name, tensor in ready.model.state_dict().items():
        assert tensor.equal((theirs if name.startswith("encoder.temporal.") else fresh)[name])
    with pytest.raises(UserError) as caught:
        prepare(recipe(corpus, tmp_path, {"run": str(run), "parts": ["encoder.temp"]}))
    assert str(caught.value) == (
        f"train.init_from.parts: {run} has no part 'encoder.temp'; it has encoder, context, output"
    )


def test_another_vocabulary(corpus: Path, run: Path, tmp_path: Path) -> None:
    """Refused, but not where the parts know no vocabulary."""
    manifest = write_corpus(tmp_path / "corpus") / "manifest.csv"
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace(",train\n", " NEW,train\n", 1), encoding="utf-8"
    )
    with pytest.raises(UserError) as caught:
        prepare(recipe(tmp_path / "corpus", tmp_path, str(run)))
    assert str(caught.value) == f"train.init_from: the vocabulary of {run} is another one"
    ready = prepare(recipe(tmp_path / "corpus", tmp_path, {"run": str(run), "parts": ["encoder"]}))
    assert parts_like(ready, run) == {"encoder"}
    with pytest.raises(UserError) as caught:
        prepare(recipe(tmp_path / "corpus", tmp_path, {"run": str(run), "parts": ["output"]}))
    assert str(caught.value) == (
        f"train.init_from: output.weight is [6, 8] in {run} but [7, 8] here; "
        "use the same encoder and vocabulary"
    )


def test_a_run_of_another_task(corpus: Path, tmp_path: Path) -> None:
    """A recogniser takes the context of a language model of the same tokens."""
    text = write_text(tmp_path / "text")
    lines = corpus / "manifest.csv"
    glosses = [row.split(",")[2] for row in lines.read_text(encoding="utf-8").splitlines()[1:]]
    (text / "train.txt").write_text("\n".join(glosses) + "\n", encoding="utf-8")
    lm = prepare(load_recipe(str(write_lm_recipe(tmp_path / "lm.yaml", text, seed=5))))
    write_export(tmp_path / "lm" / "export", TrainedModel(lm.recipe, lm.spec, lm.model))
    base = {**C2ST, "context": {"name": "lstm", "width": 8}}
    begin = {"run": str(tmp_path / "lm"), "parts": ["context"]}
    ready = prepare(recipe(corpus, tmp_path, begin, base))
    ours, theirs = ready.model.context.state_dict(), lm.model.context.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert ours.keys() == theirs.keys()


def test_what_is_no_run(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="is an empty folder, and not a run"):
        prepare(recipe(corpus, tmp_path, str(tmp_path / "empty")))
    with pytest.raises(UserError, match=r"`train\.init_from\.run`"):
        recipe(corpus, tmp_path, str(tmp_path / "gone"))
