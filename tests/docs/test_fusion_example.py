"""The scorer of docs/fusion.md, beside signkit: listed, checked, built, true to the laws, used."""

import json
import re
from pathlib import Path

import pytest
from example_package import lay_out, run
from reference import ROOT

from signkit.config.registry import registered

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

TEXT = (ROOT / "docs" / "fusion.md").read_text(encoding="utf-8")
SEARCH = """
import torch
from fusion_laws import check_laws, no_text
from signkit.decode import beam_search, constant_context_logits
from signkit.decode.external.build import build_fusion
from signkit.config.recipe_file import load_recipe
from signkit.text.vocabulary import Vocabulary

vocabulary = Vocabulary.from_references([("A", "B")])
config = load_recipe("stutter.yaml").decode
fusion = build_fusion(config.fusion, vocabulary=vocabulary, model=None, text=no_text())
check_laws(fusion[0].scorer, 4, [(), (2,), (2, 2), (3, 2, 3), (2,)])

acoustic = torch.full((1, 3, 4), -5.0)
acoustic[0, [0, 1, 2], [2, 0, 2]] = 0.0
acoustic[0, 2, 3] = -1.0
for parts in ((), fusion):
    (found,) = beam_search(
        acoustic, torch.tensor([3]), constant_context_logits(torch.zeros(4)), beam=config.beam, fusion=parts
    )
    print(*vocabulary.decode(found[0].tokens))
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return lay_out("fusion.md", tmp_path)


def test_it_is_listed_and_checked(package: Path) -> None:
    known = json.loads(run(package, "-m", "signkit", "list", "--json"))
    assert known["fusion"]["stutter"] == "A penalty for the same token twice in a row."
    assert run(package, "-m", "signkit", "check", "stutter.yaml") == "stutter.yaml: ok\n"


def test_it_takes_part_in_a_search(package: Path) -> None:
    assert run(package, "-W", "ignore", "-c", SEARCH) == "A A\nA B\n"


def test_the_parts_are_those_that_there_are() -> None:
    named = re.findall(r"^\| `(\w+)` \|", TEXT, flags=re.MULTILINE)
    assert sorted(named) == [*registered("fusion")]
