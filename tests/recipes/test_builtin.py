"""Every recipe that comes with the program does a step, decodes and scores."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import signkit

from signkit.assets import names
from signkit.recipe_file import load_recipe

SMALL = (
    "train.max_steps=1",
    "train.batch_size=4",
    "train.warmup_steps=0",
    "train.init_from=",
    "decode.beam=2",
)
SYNTHETIC = ("data.train=12", "data.dev=3", "data.test=3", "data.extra_sentences=20")


@pytest.mark.parametrize("name", names("recipes"))
def test_a_step(name: str, tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    recipe = load_recipe(name, ["train.init_from="], check_paths=False)
    corpus = type(recipe.data).__name__.removesuffix("Config").lower()
    changes = [*SMALL, f"run.dir={tmp_path}"]
    changes += SYNTHETIC if corpus == "synthetic" else [f"data.root={real_data('boston104_hands')}"]
    if hasattr(recipe.context, "pretrain_steps"):
        changes.append("context.pretrain_steps=1")
    done = signkit("run", name, *(word for change in changes for word in ("--set", change)))
    assert done.status == 0, done.err
    scores = json.loads((done.run / "scores.json").read_text(encoding="utf-8"))["metrics"]
    assert {(row["name"], row["split"]) for row in scores} >= {("wer", "dev"), ("wer", "test")}
