"""`signkit predict` in this process, and exports of models that have learned nothing but say something."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tiny import CTC, TEMPORAL

from signkit.cli.app import main
from signkit.config.recipe_file import load_recipe
from signkit.models.export import TrainedModel, write_export
from signkit.train.setup import prepare

VIDEO_RECIPE = {
    **CTC,
    "video": {"resize": 40, "crop": 32},
    "encoder": {
        "name": "swin",
        "backbone": "test_convnext",
        "weights": "none",
        "frames_per_pass": 16,
        **TEMPORAL,
    },
}
HOLISTIC_RECIPE = {
    **CTC,
    "landmarks": {"points": "signing"},
    "encoder": {"name": "gcn", "channels": [4], "fusion_width": 8, **TEMPORAL},
}


class Predict:
    """The command: exit status, output and errors."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *words: object) -> tuple[int, str, str]:
        self.monkeypatch.setattr("sys.argv", ["signkit", "predict", *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            main()
        captured = self.capsys.readouterr()
        return int(leaving.value.code or 0), captured.out, captured.err

    def refuses(self, *words: object) -> str:
        """The message; nothing is printed."""
        status, out, error = self(*words)
        assert (status, out) == (2, "")
        return error


def exported(folder: Path, corpus: Path, base: dict[str, Any], **data: Any) -> Path:
    """A run's folder with the export of a fresh model for a manifest, which rather says a gloss than none."""
    folder.mkdir(parents=True, exist_ok=True)
    content = copy.deepcopy(base) | {"data": {"name": "manifest", "root": str(corpus), **data}}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    recipe = load_recipe(str(folder / "tiny.yaml"))
    found = prepare(recipe)
    with torch.no_grad():
        found.model.output.bias[:2] -= 3
    run = folder / "run"
    write_export(run / "export", TrainedModel(recipe, found.spec, found.model))
    return run


def write_manifest(folder: Path, names: list[str]) -> Path:
    """A manifest of clips that are there: the first of train, the second of dev, the others of test."""
    rows = ["id,path,gloss,split"]
    for number, name in enumerate(names):
        rows.append(f"c{number},{name},HOUSE JOHN READ,{('train', 'dev', 'test')[min(number, 2)]}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
