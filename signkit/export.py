"""What a trained model needs to be used elsewhere: weights, recipe, vocabulary, the signal it reads."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signkit import __version__, checkpoint
from signkit.errors import UserError
from signkit.files import checked_folder, whole_folder
from signkit.models.assemble import assemble
from signkit.recipe import Recipe
from signkit.recipe_file import load_recipe, resolved
from signkit.text import Vocabulary


@dataclass(frozen=True, slots=True)
class Exported:
    """A model ready to be used, with the layout ("" for features) and the width of what it reads."""

    recipe: Recipe
    vocabulary: Vocabulary
    layout: str
    width: int
    model: Any


def write_export(
    folder: Path, recipe: Recipe, vocabulary: Vocabulary, layout: str, width: int, weights: checkpoint.State
) -> None:
    """Write ``model.safetensors``, ``recipe.yaml``, ``vocabulary.json`` and ``config.json``, whole or not at all."""
    config = {"signkit": __version__, "name": recipe.name, "layout": layout, "width": width}
    with whole_folder(folder) as aside:
        checkpoint.write_state(weights, aside / "model.safetensors")
        (aside / "recipe.yaml").write_text(resolved(recipe), encoding="utf-8")
        (aside / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        vocabulary.save(aside / "vocabulary.json")


def read_export(run: Path) -> Exported:
    """Load the model of a finished run.

    Raises:
        UserError: the folder is not a run, or the run is not finished.
        OperationalError: a file is missing or damaged.
    """
    folder = run / "export"
    if not folder.is_dir():
        if not (run / "resolved.yaml").is_file():
            raise UserError(str(run), "is not the folder of a run")
        raise UserError(str(run), "the run is not finished", "signkit run RECIPE --resume auto goes on with it")
    checked_folder(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    recipe = load_recipe(str(folder / "recipe.yaml"), name=config["name"], check_paths=False)
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    model = assemble(recipe, vocabulary, config["layout"], config["width"])
    checkpoint.load_weights(model, checkpoint.read_state(folder / "model.safetensors"), folder / "model.safetensors")
    model.eval()
    return Exported(recipe, vocabulary, config["layout"], config["width"], model)
