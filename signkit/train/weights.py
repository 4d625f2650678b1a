"""The choice of a training's weights: the best, the last, or the mean of the newest checkpoints."""

from pathlib import Path

from signkit.config.recipe import Recipe
from signkit.errors import UserError
from signkit.models.export import TrainedModel
from signkit.runtime import checkpoint
from signkit.runtime.checkpoint import Progress, State
from signkit.runtime.progress import Watch
from signkit.train.task import Fitting, task_of


def check_average(recipe: Recipe) -> None:
    """Refuse to average more checkpoints than a training retains.

    Raises:
        UserError: `decode.average` is larger than `train.keep`.
    """
    average, keep = recipe.decode.average, recipe.train.keep
    if average > keep:
        what = f"is {average}, but train.keep keeps {keep} checkpoints"
        raise UserError("decode.average", what, f"train.keep={average} keeps enough")


def load_chosen(recipe: Recipe, model: object, checkpoints: Path, progress: Progress, watch: Watch) -> int:
    """Load the weights to decode with into the model; returns their step."""
    there = len(checkpoint.steps(checkpoints))
    if recipe.decode.average > there:  # stopped early: average fewer rather than fail after the training
        watch.say(
            f"warning: {there} checkpoints are averaged, not {recipe.decode.average}: there are no more"
        )
    weights, step = chosen_weights(recipe, checkpoints, progress, min(recipe.decode.average, there))
    checkpoint.load_weights(model, weights, checkpoint.folder_of(checkpoints, step))  # type: ignore[arg-type]
    return step


def chosen_weights(recipe: Recipe, checkpoints: Path, progress: Progress, average: int) -> tuple[State, int]:
    """The weights to decode with and their step, the newest one of those averaged.

    Args:
        average: the number of newest checkpoints to average; 1: the best or the last one, by `train.select`.
    """
    if average > 1:
        newest = checkpoint.steps(checkpoints)[-average:]
        return checkpoint.mean_weights(checkpoints, newest), newest[-1]
    best = progress.best_step
    step = best if best and recipe.train.select == "best" else progress.step
    return checkpoint.weights(checkpoints, step), step


def other_weights(run: Path, recipe: Recipe, trained: TrainedModel) -> int:
    """Load the weights for another `decode.average` into the model of a finished run; returns their step.

    Raises:
        UserError: there are too few checkpoints, or a part of the model was fitted to the weights it has.
        OperationalError: a checkpoint is damaged.
    """
    folder, count = run / "checkpoints", recipe.decode.average
    if isinstance(task_of(recipe), Fitting):
        what = "cannot be changed: a part of the model was fitted to the weights of the training"
        raise UserError("decode.average", what, "train again with it")
    steps = checkpoint.steps(folder)
    if len(steps) < count:
        there = f" (steps {', '.join(map(str, steps))})" if steps else ""
        what = f"is {count}, but {folder} has {len(steps)} checkpoints{there}"
        raise UserError("decode.average", what, "train.keep says how many a training keeps")
    weights, step = chosen_weights(recipe, folder, checkpoint.progress(folder, steps[-1]), count)
    checkpoint.load_weights(trained.model, weights, checkpoint.folder_of(folder, step), partial=True)
    return step
