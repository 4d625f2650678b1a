"""The encoder of docs/architecture.md, beside signkit: listed, checked, built, true to the laws."""

import json
from pathlib import Path

import pytest
from example_package import lay_out, run

pytestmark = pytest.mark.slow

BUILD = """
import torch
from signkit.data.batch import Batch
from signkit.models.assemble import assemble
from signkit.models.spec import signal_to_text
from signkit.config.recipe_file import load_recipe
from signkit.text.vocabulary import Vocabulary

vocabulary = Vocabulary.from_references([("A", "B")])
model = assemble(load_recipe("flat.yaml"), signal_to_text("holistic", 3, vocabulary)).eval()

def batch(frames, padded):
    inputs = torch.zeros(1, padded, 87, 3)
    inputs[:, :frames] = torch.randn(frames, 87, 3, generator=torch.Generator().manual_seed(1))
    seen = (torch.arange(padded) < frames)[None, :, None].expand(1, padded, 87)
    labels = torch.full((1, padded), -100)
    one, length, fps = torch.tensor([1]), torch.tensor([frames]), torch.tensor([25.0])
    return Batch(("a",), inputs, seen, length, one[:, None], one, labels, fps)

short, padded = (model.encoder(batch(11, length)) for length in (11, 20))
assert short.lengths.tolist() == [3] and list(short.levels) == ["chunk", "video"]
for name, features in short.levels.items():
    assert features.shape == (1, 3, 64)
    torch.testing.assert_close(padded.levels[name][:, :3], features)
    assert not padded.levels[name][:, 3:].any()
assert model.encoder(batch(1, 1)).lengths.tolist() == [1]
print(type(model.encoder.frames).__module__, model(batch(11, 11)).levels["video"].shape[2])
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return lay_out("architecture.md", tmp_path)


def test_it_is_listed_and_checked(package: Path) -> None:
    known = json.loads(run(package, "-m", "signkit", "list", "--json"))
    assert known["encoders"]["flat"] == "All points of a frame through one linear map."
    assert run(package, "-m", "signkit", "check", "flat.yaml") == "flat.yaml: ok\n"


def test_it_is_built_and_padding_does_not_change_it(package: Path) -> None:
    assert run(package, "-W", "ignore", "-c", BUILD) == "flat_encoder.model 4\n"
