"""A finished run opened again, to be decoded anew."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import decoded_anew
from signkit.errors import UserError
from signkit.eval.protocols import Protocol
from signkit.models.export import Exported, read_recogniser, with_others, without_beginnings
from signkit.runtime import checkpoint
from signkit.runtime.run_folder import check_same_data, recorded_recipe
from signkit.tasks.recognition.scored import scoring_protocol
from signkit.tasks.recognition.written import chosen_weights
from signkit.train.setup import Prepared, prepare


@dataclass(frozen=True, slots=True)
class Reopened:
    """A run's recipe with its search said anew, the corpus, and the model that the recipe asks for.

    Attributes:
        folder: of the run.
        step: the one that the weights are of, the newest of those averaged; 0 where it is not known.
    """

    folder: Path
    recipe: Recipe
    protocol: Protocol
    prepared: Prepared
    step: int


def reopen(run: Path, file: Path | None, overrides: Sequence[str]) -> Reopened:
    """Read a finished run and its corpus.

    Args:
        file: a decode recipe, such as `signkit tune` writes.
        overrides: ``decode.a=b`` or ``eval.a=b`` each.

    Raises:
        UserError: it is no finished run of a recogniser, its data have changed, or the search that is asked
            for cannot be.
        OperationalError: its export or a checkpoint is damaged.
    """
    exported = read_recogniser(run)
    recorded = recorded_recipe(run, exported.recipe.name)
    recipe = decoded_anew(recorded, file, overrides, str(run / "resolved.yaml"))
    protocol = scoring_protocol(recipe)
    prepared = prepare(without_beginnings(recipe, run / "export"))
    check_same_data(run, prepared.corpus.fingerprint)
    if prepared.vocabulary != exported.vocabulary:
        raise UserError(str(run), "was trained with another vocabulary than its corpus has now")
    step = exported.step
    if recipe.decode.average != recorded.decode.average:
        step = other_weights(run, recipe, exported)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    exported.model.to(device)
    model = with_others(replace(exported, recipe=recipe))
    return Reopened(run, recipe, protocol, replace(prepared, model=model, notes=()), step)


def other_weights(run: Path, recipe: Recipe, exported: Exported) -> int:
    """Put the mean of the newest checkpoints into the model, or the chosen one's, as `decode.average` says;
    gives the step.

    Raises:
        UserError: there are too few.
        OperationalError: one is damaged.
    """
    folder, count = run / "checkpoints", recipe.decode.average
    steps = checkpoint.steps(folder)
    if len(steps) < count:
        there = f" (steps {', '.join(map(str, steps))})" if steps else ""
        what = f"is {count}, but {folder} has {len(steps)} checkpoints{there}"
        raise UserError("decode.average", what, "train.keep says how many a training keeps")
    weights, step = chosen_weights(recipe, folder, checkpoint.progress(folder, steps[-1]), count)
    checkpoint.load_weights(exported.model, weights, checkpoint.folder_of(folder, step))
    return step
