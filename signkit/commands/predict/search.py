"""The model that predicts, with the run's decoding or with other settings."""

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
from signkit.runtime.run_folder import check_same_data, recorded_recipe
from signkit.train.setup import read_corpus
from signkit.train.task import task_of
from signkit.train.weights import other_weights
from signkit.types import Corpus


def load_model(run: Path, options: PredictOptions) -> TrainedModel:
    """The model of a finished run with the decoding that the options ask for.

    Raises:
        UserError: it is no finished run of a model that reads signals, the options are at fault, or the run
            has too few checkpoints for `decode.average`.
        OperationalError: the export is damaged.
    """
    trained = read_export(run)
    if not trained.spec.inputs:
        raise UserError(str(run), "is a language model, which recognises nothing", "see `signkit lm score`")
    recipe = trained.recipe
    if options.with_file is not None or options.overrides:
        where = str(run / "export" / "recipe.yaml")
        recipe = with_decode_overrides(recipe, options.with_file, options.overrides, where)
        if recipe.decode.average != trained.recipe.decode.average:
            other_weights(run, recipe, trained)
    return replace(trained, recipe=replace(recipe, decode=_as_wide(recipe.decode, options.beam)))


def _as_wide(decode: DecodeConfig, beam: int | None) -> DecodeConfig:
    """With a beam of that width, where the decoder has one; a temperature is of one width only."""
    if beam is None:
        return decode
    if not hasattr(decode, "with_beam"):
        raise UserError("--beam", "the decoder of this run has no beam", "leave it out")
    wide: Any = decode
    return wide.with_beam(beam)  # type: ignore[no-any-return]


def corpus_of(run: Path, trained: TrainedModel) -> Callable[[], Corpus]:
    """What an external model of the search may learn from: the run's corpus, read when it is asked for."""

    @cache
    def corpus() -> Corpus:
        if not (run / "resolved.yaml").is_file():
            what = "a part of its decode.fusion wants the train references, which an export has not"
            raise UserError(str(run), what, "give it a file")
        recipe = recorded_recipe(run, trained.recipe.name)
        found, _ = read_corpus(recipe, task_of(recipe))
        check_same_data(run, found.fingerprint)
        return found

    return corpus
