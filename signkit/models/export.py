"""What a trained model needs to be used elsewhere: weights, recipe, vocabulary, the signal it reads."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, get_origin

import torch

from signkit import __version__
from signkit.config.recipe import DecodeConfig, Recipe
from signkit.config.recipe_file import load_recipe, resolved
from signkit.config.registry import ComponentConfig
from signkit.config.strict_yaml import Path_, field_types
from signkit.config.yaml_write import to_yaml
from signkit.decode.lattice import acoustic_logits
from signkit.errors import OperationalError, UserError
from signkit.models.assemble import assemble
from signkit.models.context.configs import BertConfig, NoneConfig
from signkit.models.ensemble import Ensemble, Mixture
from signkit.models.protocol import Language
from signkit.runtime import checkpoint
from signkit.runtime.files import checked_folder, whole_folder, write_bytes, write_text
from signkit.text.vocabulary import SUBWORDS, Vocabulary

CARD = "card.yaml"
"""The sizes of a run's BERT, in the run's folder and in its export."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A model ready to be used, with the layout ("" for features) and the width of what it reads, and the
    step of its training that it is of, 0 where that is not known."""

    recipe: Recipe
    vocabulary: Vocabulary
    layout: str
    width: int
    model: Any
    step: int = 0


def write_export(
    folder: Path,
    recipe: Recipe,
    vocabulary: Vocabulary,
    layout: str,
    width: int,
    model: Any,
    step: int = 0,
    pack: Callable[[Path], DecodeConfig] | None = None,
) -> None:
    """Write ``model.safetensors``, ``recipe.yaml``, ``vocabulary.json``, ``config.json``, a BERT's
    ``card.yaml`` and the sentencepiece model of sub-words, whole or not at all.

    Args:
        pack: writes what decoding needs beside the model into the folder it is given, and gives the section
            that names it there.

    Raises:
        OperationalError: the disk is full, or the folder cannot be written.
    """
    config = {"signkit": __version__, "name": recipe.name, "layout": layout, "width": width, "step": step}
    with whole_folder(folder) as aside:
        if pack is not None:
            recipe = replace(recipe, decode=pack(aside))
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
    name, layout, width, step = _read_config(folder / "config.json")
    recipe = load_recipe(str(folder / "recipe.yaml"), name=name, check_paths=False)
    recipe = replace(recipe, decode=_unpacked(recipe.decode, folder))
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    model = assemble(without_beginnings(recipe, folder), vocabulary, layout, width)
    weights = folder / "model.safetensors"
    checkpoint.load_weights(model, checkpoint.read_state(weights), weights)
    model.eval()
    return Exported(recipe, vocabulary, layout, width, model, step)


def read_recogniser(run: Path) -> Exported:
    """Load the model of a finished run that has something to recognise.

    Raises:
        UserError: the folder is no finished run, or one of a language model.
        OperationalError: a file is missing or damaged.
    """
    exported = read_export(run)
    if isinstance(exported.model, Language):
        raise UserError(str(run), "is a language model, which recognises nothing", "see `signkit lm score`")
    return exported


def with_others(exported: Exported) -> Any:
    """The model with those of `decode.ensemble`, averaged as `decode.ensemble_mean` says; the model alone
    without them.

    Raises:
        UserError: one of them is no finished run, or does not go with this one; probabilities of a model with
            a context are asked for.
        OperationalError: the export of one is damaged.
    """
    decode = exported.recipe.decode
    if not decode.ensemble:
        return exported.model
    models = [exported.model]
    device = next(exported.model.parameters()).device
    for folder in decode.ensemble:
        other = read_recogniser(Path(folder))
        if differing := _differing(exported, other):
            raise UserError("decode.ensemble", f"{folder} cannot be averaged with this run: {differing}")
        models.append(other.model.to(device))
    if decode.ensemble_mean == "logits":
        return Ensemble(models)
    with_context = [
        where
        for where, model in zip(("this run", *decode.ensemble), models, strict=True)
        if not model.context_free
    ]
    if with_context:
        what = (
            f"is probabilities, and those of {with_context[0]} depend on the glosses before, by its context"
        )
        raise UserError("decode.ensemble_mean", what, "logits can be averaged")
    return Mixture(models, partial(acoustic_logits, level=decode.level))


def path_options(part: ComponentConfig) -> dict[str, Path]:
    """The options of a component that name a file or a folder, those that are not empty."""
    hints = field_types(type(part))
    named = {
        name: getattr(part, name)
        for name, hint in hints.items()
        if get_origin(hint) is Annotated and any(isinstance(note, Path_) for note in hint.__metadata__)
    }
    return {name: Path(value) for name, value in named.items() if isinstance(value, str) and value}


def with_paths(part: ComponentConfig, paths: dict[str, str]) -> ComponentConfig:
    """The component with other paths."""
    changed: ComponentConfig = replace(part, **paths)  # type: ignore[type-var]
    return changed


def write_card(folder: Path, recipe: Recipe, model: Any) -> None:
    """Write the sizes of a model's BERT, if it has one.

    Raises:
        OperationalError: the file cannot be written.
    """
    if isinstance(recipe.context, BertConfig) and not model.context_free:
        write_text(folder / CARD, to_yaml(model.context.reader.card))


def write_subwords(folder: Path, vocabulary: Vocabulary) -> None:
    """Write the sentencepiece model of a vocabulary, if it has one.

    Raises:
        OperationalError: the file cannot be written.
    """
    if vocabulary.subwords is not None:
        write_bytes(folder / SUBWORDS, vocabulary.subwords.model)


def without_beginnings(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe for a model whose weights are all at hand: of a BERT, the card in the folder is enough, and
    neither its checkpoint, nor a card of the user's, nor the run of `train.init_from` is read again, nor are
    the ImageNet weights of an encoder; of sub-words, the folder has the model, and it is neither learnt nor
    read from a file of the user's."""
    context: Any = recipe.context
    if getattr(context, "init_from", ""):
        context = replace(context, init_from="")
    if isinstance(context, BertConfig):
        card = folder / CARD
        own = replace(context, checkpoint="from_scratch", card=str(card))
        context = own if card.is_file() else NoneConfig()
    text = recipe.text
    if text.unit == "subword" and (folder / SUBWORDS).is_file():
        text = replace(text, file=str(folder / SUBWORDS))
    encoder: Any = recipe.encoder
    if getattr(encoder, "weights", ""):
        encoder = replace(encoder, weights="none")
    train = replace(recipe.train, init_from="")
    return replace(recipe, text=text, encoder=encoder, context=context, train=train)


def _unpacked(decode: DecodeConfig, folder: Path) -> DecodeConfig:
    """The section with the places of what was packed into this folder, wherever it was moved to."""

    def here(path: Path) -> str:
        return str(folder / path.name if (folder / path.name).exists() else path)

    def parts(section: Sequence[ComponentConfig]) -> tuple[ComponentConfig, ...]:
        return tuple(with_paths(p, {k: here(path) for k, path in path_options(p).items()}) for p in section)

    ensemble = tuple(here(Path(run)) for run in decode.ensemble)
    return replace(decode, fusion=parts(decode.fusion), rescore=parts(decode.rescore), ensemble=ensemble)


def _differing(one: Exported, other: Exported) -> str:
    """Why two models cannot be averaged; "" if they can."""
    if one.vocabulary != other.vocabulary:
        if one.vocabulary.unit != other.vocabulary.unit:
            return f"its unit is the {other.vocabulary.unit}, this one's the {one.vocabulary.unit}"
        ours, theirs = set(one.vocabulary.tokens), set(other.vocabulary.tokens)
        sizes = f"{len(theirs) - 2} tokens against {len(ours) - 2}, {len(ours & theirs) - 2} in both"
        if ours == theirs:
            return "its sub-words are of another sentencepiece model"
        return f"another vocabulary ({sizes})"
    if one.model.topology != other.model.topology:
        return f"its topology is {other.model.topology}, this one's {one.model.topology}"
    if (one.layout, one.width) != (other.layout, other.width):
        kinds = [f"{e.layout or 'features'} {e.width} wide" for e in (other, one)]
        return f"it reads {kinds[0]}, this one {kinds[1]}"
    if one.recipe.landmarks != other.recipe.landmarks:
        return "its `landmarks` are chosen or normalised otherwise"
    frames = torch.arange(1, 513)
    chunks = [e.model.encoder.output_lengths(frames) for e in (one, other)]
    if not chunks[0].equal(chunks[1]):
        at = int((chunks[0] != chunks[1]).nonzero()[0])
        counts = f"{int(chunks[1][at])} and {int(chunks[0][at])}"
        return f"its encoder gives another number of chunks ({counts} for {at + 1} frames)"
    return ""


def _read_config(path: Path) -> tuple[str, str, int, int]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        return str(config["name"]), str(config["layout"]), int(config["width"]), int(config.get("step", 0))
    except (OSError, ValueError, KeyError, TypeError):
        raise OperationalError(f"{path}: is not the description of a model") from None
