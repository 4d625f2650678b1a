"""The encoder of docs/architecture.md, beside signkit: listed, checked, built, true to the laws."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from example_package import lay_out, run

pytestmark = pytest.mark.slow

BUILD = """
from signkit.config.recipe_file import load_recipe
from signkit.models.assemble import assemble
from signkit.models.spec import signal_to_text
from signkit.text.vocabulary import Vocabulary

vocabulary = Vocabulary.from_references([("A", "B")])
model = assemble(load_recipe("flat.yaml"), signal_to_text("holistic", 3, vocabulary))
print(type(model.encoder.frames).__module__, model.encoder.dims)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return lay_out("architecture.md", tmp_path)


def test_it_is_listed_and_checked(package: Path) -> None:
    known = json.loads(run(package, "-m", "signkit", "list", "--json"))
    assert known["encoders"]["flat"] == "All points of a frame through one linear map."
    assert run(package, "-m", "signkit", "check", "flat.yaml") == "flat.yaml: ok\n"


def test_it_is_built_and_true_to_the_laws(package: Path) -> None:
    built = run(package, "-W", "ignore", "-c", BUILD)
    assert built == "flat_encoder.model {'chunk': 64, 'video': 64}\n"
    assert "1 passed" in run(package, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_flat.py")


TRAINED = """
import json
from pathlib import Path
import numpy as np
import signkit

result = signkit.run("flat.yaml", json.loads(SMALL))
print(result.folder)
print(json.loads((result.folder / "env.json").read_text())["components"])
"""
SMALL = ["data.train=8", "data.dev=2", "data.test=2", "data.extra_sentences=0", "train.max_steps=1",
         "train.batch_size=4", "decode.beam=1"]  # fmt: skip


def test_a_package_that_is_not_there_any_more_is_named(package: Path) -> None:
    """By the run and by its export, to whoever opens them without it."""
    code = TRAINED.replace("SMALL", repr(json.dumps(SMALL)))
    found, components = run(package, "-W", "ignore", "-c", code, quiet=False).splitlines()[-2:]
    assert components == "{'encoders flat': 'flat_encoder 1.0'}"
    folder = package / found
    elsewhere = package.with_name("elsewhere")
    elsewhere.mkdir()
    folder.rename(elsewhere / "run")
    what = "`encoder.name` is `flat`, of the package flat_encoder 1.0, which is not installed"
    for file in ("resolved.yaml", "export/recipe.yaml"):
        done = unable(elsewhere, "check", f"run/{file}")
        assert done.startswith(f"error: run/{file}:")
        assert done.endswith(f": {what}; pip install flat_encoder\n")
    assert what in unable(elsewhere, "predict", "run", "clip.npz")


def unable(folder: Path, *args: str) -> str:
    """What the command says without the package."""
    done = subprocess.run(
        [sys.executable, "-m", "signkit", *args], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr
