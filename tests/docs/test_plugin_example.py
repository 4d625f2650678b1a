"""The encoder of docs/architecture.md, beside signkit: listed, checked, built, true to the laws."""

import json
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
