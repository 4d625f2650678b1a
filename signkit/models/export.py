"""The export of a trained model: all that is needed to use it elsewhere (weights, recipe, vocabulary)."""

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, get_origin

import torch

from signkit.config.recipe import DecodeConfig, InitFrom, Recipe
from signkit.config.recipe_file import check_layouts, load_recipe, resolved
from signkit.config.registry import ComponentConfig
from signkit.config.strict_yaml import UNNEEDED, Path_, field_types
from signkit.config.yaml_write import to_yaml
from signkit.errors import OperationalError
from signkit.models.assemble import task_by_name
from signkit.models.context.configs import BertConfig, NoneConfig
from signkit.models.output_layer import drop_training_heads
from signkit.models.precision import compute_in, precision_on
from signkit.models.seq2seq.configs import CARD as NETWORK
from signkit.models.seq2seq.configs import Seq2seqConfig
from signkit.models.spec import SOURCE, TEXT, Spec
from signkit.runtime import checkpoint
from signkit.runtime.files import checked_folder, whole_folder, write_bytes, write_text
from signkit.runtime.no_run import no_run
from signkit.text.vocabulary import SUBWORDS, Vocabulary
from signkit.version import __version__

CARD = "card.yaml"
"""The sizes of a run's BERT, in the run's folder and in its export."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained model with its recipe and specification.

    Attributes:
        recipe: that it was trained with, or with other options of decoding.
        spec: its inputs and outputs.
        model: the module with its weights.
        step: the training step of the weights; 0 if it is not known.
        precision: that it was trained in; "" if that is not known.
    """

    recipe: Recipe
    spec: Spec
    model: Any
    step: int = 0
    precision: str = ""

    def to(self, device: torch.device | str | None = None) -> None:
        """Move the model to a device, by default the GPU if there is one, and let it compute there in the
        precision of the recipe: `decode.precision`, or else that of its training.

        Raises:
            UserError: the device cannot compute in it.
        """
        if device is None:
            device = "cuda" if torch.cuda.is_available() else "cpu"
        self.model.to(device)
        own = self.recipe.decode.precision
        if own == "auto":
            asked = self.recipe.train.precision
            on_cpu = torch.device(device).type != "cuda"
            precision = precision_on(
                device, "float32" if asked == "fp16" and on_cpu else asked, self.precision
            )
        else:
            precision = precision_on(device, own, key="decode.precision")
        compute_in(self.model, precision, rounded=self.recipe.train.tf32)


def write_export(
    folder: Path, trained: TrainedModel, pack: Callable[[Path], DecodeConfig] | None = None
) -> None:
    """Write the export of a model: the whole folder or nothing.

    It has ``model.safetensors``, ``recipe.yaml``, ``config.json``, the vocabularies with their sentencepiece
    models, and the ``card.yaml`` of a BERT or the ``network.json`` of a translator from a checkpoint.

    Args:
        folder: is replaced if it exists.
        trained: its heads that are used in training only are removed.
        pack: copies the external models of decoding into the folder it is given and returns the section
            `decode` that refers to the copies.

    Raises:
        OperationalError: the disk is full, or the folder cannot be written.
    """
    recipe, model = trained.recipe, trained.model
    drop_training_heads(model)
    with whole_folder(folder) as aside:
        if pack is not None:
            recipe = replace(recipe, decode=pack(aside))
        checkpoint.write_state(model.state_dict(), aside / "model.safetensors")
        write_description(aside, replace(trained, recipe=recipe))
        write_card(aside, recipe, model)


def write_description(folder: Path, trained: TrainedModel) -> None:
    """Write all of an export but the weights and the card of a BERT, for `read_description`."""
    recipe, spec = trained.recipe, trained.spec
    described = {
        "signkit": __version__,
        "name": recipe.name,
        "step": trained.step,
        "precision": trained.precision,
        **spec.save(folder),
    }
    (folder / "recipe.yaml").write_text(resolved(recipe, spec.signal.layout), encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def read_export(run: Path) -> TrainedModel:
    """Load the model of a finished run, on the CPU and in eval mode.

    Raises:
        UserError: the folder is not a run, or the run is not finished.
        OperationalError: a file is missing or damaged.
    """
    folder = run / "export"
    if not folder.is_dir():
        raise no_run(run)
    described = read_description(folder)
    model = _fresh(described.recipe, described.spec, folder)
    weights = folder / "model.safetensors"
    checkpoint.load_weights(model, checkpoint.read_state(weights), weights)
    model.eval()
    return replace(described, model=model)


def read_description(folder: Path, free: Collection[str] | None = None) -> TrainedModel:
    """The recipe and the specification in the folder of an export, without a model.

    Args:
        free: as `signkit.runtime.files.checked_folder` takes it.

    Raises:
        OperationalError: a file is missing or damaged.
    """
    checked_folder(folder, free)
    name, step, precision, spec = _read_config(folder)
    file = folder / "recipe.yaml"
    check_layouts(file)
    recipe = load_recipe(str(file), name=name, check_paths=False, unneeded=UNNEEDED)
    # Version 0.1 wrote a signal for language models too, which have neither an encoder nor written sources.
    if recipe.part("encoder") is None and SOURCE not in spec.inputs:
        spec = replace(spec, inputs={})
    recipe = replace(recipe, decode=_unpacked(recipe.decode, folder))
    return TrainedModel(recipe, spec, None, step, precision)


def _fresh(recipe: Recipe, spec: Spec, folder: Path) -> Any:
    """A model to load the export's weights into: without the heads that are used in training only."""
    model = task_by_name(for_reload(recipe, folder)).model(spec)
    drop_training_heads(model)
    return model


def path_options(part: ComponentConfig) -> dict[str, Path]:
    """The options of a component that are paths of files or folders, without empty ones."""
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
    """Write the sizes of a model's BERT, or of its network that came from a checkpoint, if it has one.

    Raises:
        OperationalError: the file cannot be written.
    """
    if isinstance(recipe.context, BertConfig) and hasattr(model, "context"):
        write_text(folder / CARD, to_yaml(model.context.reader.bert.card))
    if isinstance(recipe.model, Seq2seqConfig):
        write_text(folder / NETWORK, model.decoder.card)


def write_subwords(folder: Path, spec: Spec) -> None:
    """Write the sentencepiece model of the output ``text``, and that of the sources if it is another one.

    Raises:
        OperationalError: the file cannot be written.
    """
    text = spec.outputs.get(TEXT)
    if isinstance(text, Vocabulary) and text.subwords is not None:
        write_bytes(folder / SUBWORDS, text.subwords.model)
    source = spec.source
    if source is not None and source != text and source.subwords is not None:
        write_bytes(folder / f"{SOURCE}.{SUBWORDS}", source.subwords.model)


def for_reload(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe for building a model whose weights will all be loaded afterwards.

    Nothing outside ``folder`` is read again: a BERT or a translator is built from the folder's card instead
    of its checkpoint or a card of the user's, subwords are taken from the folder's sentencepiece model, and
    neither the run of `train.init_from` nor the pretrained weights of an encoder are loaded.

    Args:
        folder: of a run or of its export.
    """
    context: Any = recipe.context
    if getattr(context, "init_from", ""):
        context = replace(context, init_from="")
    if isinstance(context, BertConfig):
        card = folder / CARD
        own = replace(context, checkpoint="from_scratch", card=str(card))
        context = own if card.is_file() else NoneConfig()
    model, text = recipe.model, recipe.text
    if isinstance(model, Seq2seqConfig) and (folder / NETWORK).is_file():
        model = replace(model, checkpoint=str(folder / NETWORK))
    if text.unit == "subword" and (folder / SUBWORDS).is_file():
        # The file has its own algorithm; the option is of learning one, and is refused next to a file.
        text = replace(text, file=str(folder / SUBWORDS), algorithm="unigram")
    train = replace(recipe.train, init_from=InitFrom())
    return without_weights(replace(recipe, model=model, text=text, context=context, train=train))


def without_weights(recipe: Recipe) -> Recipe:
    """The recipe without pretrained weights of its encoder."""
    encoder: Any = recipe.encoder
    return (
        replace(recipe, encoder=replace(encoder, weights="none"))
        if getattr(encoder, "weights", "")
        else recipe
    )


def _unpacked(decode: DecodeConfig, folder: Path) -> DecodeConfig:
    """The section `decode` with the paths of what was packed into this folder, wherever it is now."""

    def here(path: Path) -> str:
        return str(folder / path.name if (folder / path.name).exists() else path)

    def part(config: ComponentConfig) -> ComponentConfig:
        return with_paths(config, {key: here(path) for key, path in path_options(config).items()})

    changed: dict[str, Any] = {"ensemble": tuple(here(Path(run)) for run in decode.ensemble)}
    for key in ("fusion", "rescore"):  # only decoders with external models have these
        if hasattr(decode, key):
            changed[key] = tuple(part(config) for config in getattr(decode, key))
    return replace(decode, **changed)


def _read_config(folder: Path) -> tuple[str, int, str, Spec]:
    """The recipe's name, the step, the precision of the training and the spec of an export."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        step, precision = int(config.get("step", 0)), str(config.get("precision", ""))
        return str(config["name"]), step, precision, Spec.load(folder, config)
    except (OSError, ValueError, KeyError, TypeError):
        raise OperationalError(f"{path}: is not the description of a model") from None
