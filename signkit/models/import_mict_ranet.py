"""The public weights of MiCT-RANet as a finished run, to predict with or to begin from."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_recipe
from signkit.errors import UserError
from signkit.models.assemble import task_by_name
from signkit.models.configs import CtcModelConfig
from signkit.models.encoders.backbone import read_weights
from signkit.models.encoders.configs import MictRanetConfig
from signkit.models.encoders.mict_weights import from_public, load
from signkit.models.export import TrainedModel, write_export
from signkit.models.output_layer import OutputLayer
from signkit.models.spec import signal_to_text
from signkit.text.vocabulary import Vocabulary
from signkit.types import VIDEO

CHARACTERS = "' &.@acbedgfihkjmlonqpsrutwvyxz"
"""The characters of the public weights' outputs from 1 on, in their order; 0 is the blank."""
NEVER = -100.0
"""The bias of the unknown character, for which those weights have no output."""


def import_mict_ranet(
    weights: str | Path,
    out: str | Path,
    *,
    recipe: str = "chicagofswild_mict_ranet",
    overrides: Sequence[str] = (),
) -> Path:
    """Write the public weights of MiCT-RANet as a run, with outputs in the order of signkit's vocabularies.

    Args:
        weights: the file, .pth or .safetensors; of a .pth only tensors are read.
        out: a new folder for the run.
        recipe: by name or path, of a model `ctc` on the encoder `mict_ranet` of the weights' size.
        overrides: of the recipe, such as ``encoder.backbone=resnet18``.

    Returns:
        The folder, for `signkit predict` and `train.init_from`.

    Raises:
        UserError: the file holds no such weights, the recipe is for others, or the folder exists.
        OperationalError: the folder cannot be written.
    """
    folder = Path(out)
    if folder.exists():
        raise UserError(str(folder), "exists already", "name a new folder")
    state = from_public(read_weights(Path(weights)))
    loaded = _load_recipe(recipe, overrides)
    vocabulary = Vocabulary.from_references([CHARACTERS], "character")
    spec = signal_to_text(VIDEO, 3, vocabulary)
    model: Any = task_by_name(loaded).model(spec)
    own = {f"encoder.{name}" for name in model.encoder.state_dict()}
    named = {f"encoder.{name}": tensor for name, tensor in state.items() if not name.startswith("fc.")}
    load(named, model, own, str(weights), "MiCT-RANet")
    _load_output(model.output, state, vocabulary, str(weights))
    write_export(folder / "export", TrainedModel(loaded, spec, model.eval()))
    return folder


def _load_recipe(recipe: str, overrides: Sequence[str]) -> Recipe:
    """The recipe without weights to begin from.

    Raises:
        UserError: it cannot be read, or the weights are not of its network or its outputs.
    """
    given = load_recipe(recipe, overrides, check_paths=False)
    hint = "take one such as chicagofswild_mict_ranet"
    if not isinstance(given.encoder, MictRanetConfig):  # others may have no key `weights`
        raise UserError(recipe, "is no recipe of the encoder `mict_ranet`", hint)
    if not isinstance(given.model, CtcModelConfig) or given.model.normalised:
        raise UserError(recipe, "is no recipe of the model `ctc`, not normalised", hint)
    if given.text.unit != "character":
        raise UserError(recipe, f"its text.unit is {given.text.unit}, and the weights spell characters", hint)
    return load_recipe(recipe, [*overrides, "encoder.weights=none"], check_paths=False)


def _load_output(
    output: OutputLayer, state: dict[str, torch.Tensor], vocabulary: Vocabulary, where: str
) -> None:
    """Copy the output layer, its rows in the vocabulary's order."""
    weight, bias = state.get("fc.weight"), state.get("fc.bias")
    shape = (1 + len(CHARACTERS), output.weight.shape[1])
    if weight is None or bias is None or tuple(weight.shape) != shape or tuple(bias.shape) != shape[:1]:
        raise UserError(where, f"has no output layer `fc` of {shape[0]} symbols from {shape[1]} numbers")
    rows = [0, *(vocabulary.index[character] for character in CHARACTERS)]
    with torch.no_grad():
        output.weight.zero_()
        output.bias.fill_(NEVER)
        output.weight[rows], output.bias[rows] = weight, bias
