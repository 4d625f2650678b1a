"""What a trained model needs to be used elsewhere: weights, recipe, vocabulary, the signal it reads."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from signkit import __version__, checkpoint
from signkit.context.configs import BertConfig, NoneConfig
from signkit.errors import OperationalError, UserError
from signkit.files import checked_folder, whole_folder, write_text
from signkit.models.assemble import assemble
from signkit.recipe import Recipe
from signkit.recipe_file import load_recipe, resolved
from signkit.text import Vocabulary
from signkit.yaml_write import to_yaml

CARD = "card.yaml"
"""The sizes of a run's BERT, in the run's folder and in its export."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A model ready to be used, with the layout ("" for features) and the width of what it reads."""

    recipe: Recipe
    vocabulary: Vocabulary
    layout: str
    width: int
    model: Any


def write_export(
    folder: Path, recipe: Recipe, vocabulary: Vocabulary, layout: str, width: int, model: Any
) -> None:
    """Write ``model.safetensors``, ``recipe.yaml``, ``vocabulary.json``, ``config.json`` and a BERT's
    ``card.yaml``, whole or not at all.

    Raises:
        OperationalError: the disk is full, or the folder cannot be written.
    """
    config = {"signkit": __version__, "name": recipe.name, "layout": layout, "width": width}
    with whole_folder(folder) as aside:
        checkpoint.write_state(model.state_dict(), aside / "model.safetensors")
        (aside / "recipe.yaml").write_text(resolved(recipe), encoding="utf-8")
        (aside / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        vocabulary.save(aside / "vocabulary.json")
        write_card(aside, recipe, model)


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
        raise UserError(
            str(run), "the run is not finished", "signkit run RECIPE --resume auto goes on with it"
        )
    checked_folder(folder)
    name, layout, width = _read_config(folder / "config.json")
    recipe = load_recipe(str(folder / "recipe.yaml"), name=name, check_paths=False)
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    model = assemble(without_beginnings(recipe, folder), vocabulary, layout, width)
    weights = folder / "model.safetensors"
    checkpoint.load_weights(model, checkpoint.read_state(weights), weights)
    model.eval()
    return Exported(recipe, vocabulary, layout, width, model)


def write_card(folder: Path, recipe: Recipe, model: Any) -> None:
    """Write the sizes of a model's BERT, if it has one.

    Raises:
        OperationalError: the file cannot be written.
    """
    if isinstance(recipe.context, BertConfig) and not model.context_free:
        write_text(folder / CARD, to_yaml(model.context.reader.card))


def without_beginnings(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe for a model whose weights are all at hand: of a BERT, the card in the folder is enough, and
    neither its checkpoint, nor a card of the user's, nor the run of `train.init_from` is read again."""
    context = recipe.context
    if isinstance(context, BertConfig):
        card = folder / CARD
        own = replace(context, checkpoint="from_scratch", card=str(card))
        context = own if card.is_file() else NoneConfig()
    return replace(recipe, context=context, train=replace(recipe.train, init_from=""))


def _read_config(path: Path) -> tuple[str, str, int]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return str(config["name"]), str(config["layout"]), int(config["width"])
    except (OSError, ValueError, KeyError, TypeError):
        raise OperationalError(f"{path}: is not the description of a model") from None
