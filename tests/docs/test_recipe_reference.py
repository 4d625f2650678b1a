"""docs/recipes.md against the code: every key with its values and default, and the faults it shows."""

import re
from pathlib import Path
from typing import get_args

import pytest
from reference import ROOT, fenced, keys, sections, tables

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_pipeline, load_recipe
from signkit.config.strict_yaml import field_types
from signkit.errors import UserErrors
from signkit.eval import protocols
from signkit.eval.figures import METRICS

TEXT = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("heading", sections())
def test_every_key_is_there_with_its_values_and_default(heading: str) -> None:
    assert f"\n### {heading}\n" in TEXT or f"\n## {heading}\n" in TEXT
    rows = tables(TEXT).get(heading, [])
    assert [row[:3] for row in rows] == keys(sections()[heading])
    assert all(len(row) == 4 and row[3].endswith(".") for row in rows)


def test_every_section_is_in_the_first_table() -> None:
    names = {row[0].strip("`") for row in tables(TEXT)["Sections"]}
    assert names == set(field_types(Recipe)) - {"name"}


def test_the_faults_are_those_of_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ((recipe, content),) = re.findall(r"<!-- check: (\S+) -->\n```yaml\n(.*?)^```", TEXT, re.M | re.S)
    ((options, output),) = re.findall(
        r"<!-- output of: check \S+ (.*) -->\n```text\n(.*?)^```", TEXT, re.M | re.S
    )
    Path(recipe).write_text(content, encoding="utf-8")
    with pytest.raises(UserErrors) as caught:
        load_recipe(recipe, [word for word in options.split() if word != "--set"])
    assert f"{caught.value}\nerror: {len(caught.value.faults)} faults\n" == output


def test_the_recipe_of_stages_is_one(tmp_path: Path) -> None:
    (content,) = (block for block in fenced(TEXT, "yaml") if "\nstages:" in block)
    path = tmp_path / "two.yaml"
    path.write_text(content, encoding="utf-8")
    pipeline = load_pipeline(str(path))
    assert pipeline is not None
    assert [stage.task for stage in pipeline.stages] == ["language", "recognition"]


def test_every_metric_has_its_name() -> None:
    """Those of scores.json, each once, and the names in a protocol that give them."""
    rows = tables(TEXT)["The run folder"]
    named = [name for row in rows if len(row) == 3 for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(named) == sorted(METRICS)
    given = {name for row in rows if len(row) == 3 for name in re.findall(r"`(\w+)`", row[1])}
    given |= {
        name
        for row in rows
        if len(row) == 3 and row[1] == "the same"
        for name in re.findall(r"`(\w+)`", row[0])
    }
    assert given == set(get_args(protocols.Metric)) - {"per_class"}  # a table, no figure
