"""How the clips are searched: as the run does, or as is said anew."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from signkit.commands.predict.options import Options
from signkit.config.recipe import DecodeConfig
from signkit.config.recipe_file import decoded_anew
from signkit.decode.external.build import TrainText
from signkit.decode.lattice import greedy
from signkit.errors import UserError
from signkit.models.export import Exported
from signkit.runtime.run_folder import check_same_data, recorded_recipe
from signkit.tasks.recognition.external import train_text
from signkit.tasks.recognition.reopened import other_weights
from signkit.train.setup import read_corpus


def with_search(run: Path, exported: Exported, options: Options) -> Exported:
    """The model with the search that the options ask for.

    Raises:
        UserError: the options are at fault, or the run has too few checkpoints for `decode.average`.
    """
    recipe = exported.recipe
    if options.with_file is not None or options.overrides:
        where = str(run / "export" / "recipe.yaml")
        recipe = decoded_anew(recipe, options.with_file, options.overrides, where)
        if recipe.decode.average != exported.recipe.decode.average:
            other_weights(run, recipe, exported)
    return replace(exported, recipe=replace(recipe, decode=_as_wide(recipe.decode, options.beam)))


def _as_wide(decode: DecodeConfig, beam: int | None) -> DecodeConfig:
    """With a beam of that width; the temperature of greedy search means nothing to another."""
    if beam is None or beam == decode.beam:
        return decode
    if beam == 1:
        return greedy(decode)
    temperature = decode.temperature if decode.beam > 1 else 0.0
    return replace(decode, beam=beam, nbest=min(decode.nbest, beam), temperature=temperature)


def text_of(run: Path, exported: Exported) -> TrainText:
    """What a language model of the search may learn from: the run's corpus, read when it is asked for."""

    @cache
    def text() -> TrainText:
        if not (run / "resolved.yaml").is_file():
            what = "a part of its decode.fusion wants the train references, which an export has not"
            raise UserError(str(run), what, "give it a file")
        corpus, vocabulary = read_corpus(recorded_recipe(run, exported.recipe.name))
        check_same_data(run, corpus.fingerprint)
        return train_text(corpus, vocabulary)

    return TrainText(lambda: text().references(), lambda: text().extra())
