"""The end of a run: the chosen weights decoded and scored, the export, the report."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from signkit.config.recipe import Recipe
from signkit.errors import UserError
from signkit.eval.protocols import Protocol
from signkit.models.export import Exported, with_others, write_export
from signkit.models.protocol import Language
from signkit.report import Result, write_report
from signkit.runtime import checkpoint
from signkit.runtime.checkpoint import Progress, State
from signkit.runtime.progress import Watch
from signkit.tasks.recognition.decoded import decode_splits, write_scores
from signkit.tasks.recognition.external import beside
from signkit.tasks.recognition.packed import pack
from signkit.tasks.recognition.scored import references_of
from signkit.train.loop import Ended
from signkit.train.setup import Prepared


def check_decoding(recipe: Recipe, prepared: Prepared) -> None:
    """Refuse what decoding will not be able to do, before a training is spent on it.

    Raises:
        UserError: a language model or a run that is asked for is at fault, or more checkpoints than are kept.
    """
    decode = recipe.decode
    if decode.average > recipe.train.keep:
        what = f"is {decode.average}, but train.keep keeps {recipe.train.keep} checkpoints"
        raise UserError("decode.average", what, f"train.keep={decode.average} keeps enough")
    if not isinstance(prepared.model, Language):
        beside(decode, _joined(recipe, prepared))
    elif given := [key for key in ("fusion", "rescore", "ensemble") if getattr(decode, key)]:
        what = "is for recognisers, and a language model recognises nothing"
        raise UserError(f"decode.{given[0]}", what, "leave it out")


def write_results(
    recipe: Recipe, protocol: Protocol, prepared: Prepared, folder: Path, ended: Ended, watch: Watch
) -> Result:
    """Decode and score the recipe's splits with the chosen weights, export and report."""
    step = load_chosen(recipe, prepared, folder, ended, watch)
    corpus, joined = prepared.corpus, _joined(recipe, prepared)
    splits = [split for split in recipe.decode.splits if split in prepared.examples]
    parts = beside(recipe.decode, joined)
    decoded = decode_splits(recipe, protocol, joined, parts, splits, folder / "decode", watch)
    write_export(
        folder / "export",
        recipe,
        prepared.vocabulary,
        corpus.layout,
        corpus.width,
        prepared.model,
        step,
        partial(pack, recipe.decode, prepared, decoded.calibration.temperature),
    )
    write_scores(folder / "scores.json", decoded)
    result = Result(
        recipe.name,
        step,
        decoded.scores,
        decoded.hypotheses,
        references_of(prepared, decoded.hypotheses),
        decoded.calibration.raw,
        decoded.calibration.used,
    )
    return write_report(folder, result, prepared)


def load_chosen(recipe: Recipe, prepared: Prepared, folder: Path, ended: Ended, watch: Watch) -> int:
    """Put the weights to be used into the model; gives the step they are of."""
    checkpoints = folder / "checkpoints"
    made = len(checkpoint.steps(checkpoints))
    if recipe.decode.average > made:  # it stopped early: all there is, rather than a training lost
        watch.say(f"warning: {made} checkpoints are averaged, not {recipe.decode.average}: there are no more")
    count = min(recipe.decode.average, made)
    weights, step = chosen_weights(recipe, checkpoints, ended.progress, count)
    checkpoint.load_weights(prepared.model, weights, checkpoint.folder_of(checkpoints, step))
    return step


def chosen_weights(recipe: Recipe, checkpoints: Path, progress: Progress, average: int) -> tuple[State, int]:
    """The weights to decode with, and the step they are of, the newest of those averaged.

    Args:
        average: the number of newest checkpoints whose mean is taken; 1: the best or the last one.
    """
    if average > 1:
        newest = checkpoint.steps(checkpoints)[-average:]
        return checkpoint.mean_weights(checkpoints, newest), newest[-1]
    best = progress.best_step
    step = best if best and recipe.train.select == "best" else progress.step
    return checkpoint.weights(checkpoints, step), step


def _joined(recipe: Recipe, prepared: Prepared) -> Prepared:
    """With the models of `decode.ensemble` beside its own."""
    corpus = prepared.corpus
    own = Exported(recipe, prepared.vocabulary, corpus.layout, corpus.width, prepared.model)
    return replace(prepared, model=with_others(own))
