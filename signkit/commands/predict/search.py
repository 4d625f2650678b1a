"""The model for `signkit predict`, with the run's decoding or with other settings."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from signkit.commands.predict.options import PredictOptions
from signkit.config.recipe import DecodeConfig
from signkit.config.recipe_file import with_decode_overrides
from signkit.errors import UserError
from signkit.models.export import TrainedModel, read_export
from signkit.models.onnx.read import OnnxModel, is_onnx, read_onnx
from signkit.runtime.run_folder import check_same_data, recorded_recipe
from signkit.train.setup import read_corpus
from signkit.train.task import task_of
from signkit.train.weights import other_weights
from signkit.types import Corpus


def load_model(run: Path, options: PredictOptions) -> TrainedModel:
    """Load the model of a finished run, with the decoding of the options.

    Raises:
        UserError: it is no finished run of a model that reads signals, the options have a fault, or the run
            has too few checkpoints for `decode.average`.
        OperationalError: the export is damaged.
    """
    trained = read_onnx(run) if is_onnx(run) else read_export(run)
    if not trained.spec.inputs:
        raise UserError(str(run), "is a language model, which recognises nothing", "see `signkit lm score`")
    recipe = trained.recipe
    if options.with_file is not None or options.overrides:
        where = str(run / ("recipe.yaml" if is_onnx(run) else "export/recipe.yaml"))
        recipe = with_decode_overrides(recipe, options.with_file, options.overrides, where)
        if isinstance(trained.model, OnnxModel):
            _check_fixed(trained.recipe.decode, recipe.decode)
        if recipe.decode.average != trained.recipe.decode.average:
            other_weights(run, recipe, trained)
    return replace(trained, recipe=replace(recipe, decode=_as_wide(recipe.decode, options.beam)))


def _check_fixed(own: DecodeConfig, wanted: DecodeConfig) -> None:
    """Refuse settings of decoding that are in the graph of an exported model.

    Raises:
        UserError: such a setting is another one than the export's.
    """
    for key in ("average", "ensemble", "level", "precision"):
        if getattr(own, key, None) != getattr(wanted, key, None):
            what = "is fixed in a model that was exported to ONNX"
            raise UserError(f"decode.{key}", what, "use the run itself, or export it again with that")


def _as_wide(decode: DecodeConfig, beam: int | None) -> DecodeConfig:
    """The section with a beam of that width. Its temperature is reset if it does not apply to that width."""
    if beam is None:
        return decode
    if not hasattr(decode, "with_beam"):
        raise UserError("--beam", "the decoder of this run has no beam", "leave it out")
    wide: Any = decode
    return wide.with_beam(beam)  # type: ignore[no-any-return]


def corpus_of(run: Path, trained: TrainedModel) -> Callable[[], Corpus]:
    """A function that reads the run's corpus, for external models that are estimated from its train split.

    The corpus is read when the function is first called.
    """

    @cache
    def corpus() -> Corpus:
        if not (run / "resolved.yaml").is_file():
            what = "a part of its decode.fusion wants the train references, which an export has not"
            raise UserError(str(run), what, "give it a file")
        recipe = recorded_recipe(run, trained.recipe.name)
        data, _ = read_corpus(recipe, task_of(recipe))
        check_same_data(run, data.fingerprint)
        return data

    return corpus
