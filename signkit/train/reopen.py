"""Opening a finished run again, to decode it with other settings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from signkit.config.recipe import Recipe
from signkit.config.recipe_file import with_decode_overrides
from signkit.errors import UserError
from signkit.models.export import TrainedModel, for_reload, read_export
from signkit.runtime.no_run import no_run
from signkit.runtime.run_folder import check_same_data, recorded_recipe
from signkit.train.setup import Prepared, make_datasets, read_corpus
from signkit.train.task import task_of
from signkit.train.weights import other_weights


@dataclass(frozen=True, slots=True)
class Reopened:
    """A finished run with its corpus.

    Attributes:
        folder: of the run.
        prepared: its recipe with the new settings, corpus, datasets and model.
        models: the run's model, then the others of `decode.ensemble`.
    """

    folder: Path
    prepared: Prepared
    models: tuple[TrainedModel, ...]

    @property
    def recipe(self) -> Recipe:
        """The run's recipe with the new settings."""
        return self.prepared.recipe


def reopen(run: Path, file: Path | None, overrides: Sequence[str]) -> Reopened:
    """Read a finished run and its corpus.

    Args:
        run: the folder of the run.
        file: a decode recipe, such as one that `signkit tune` wrote.
        overrides: ``decode.a=b`` or ``eval.a=b`` each.

    Raises:
        UserError: it is no finished run, its data have changed, or the new settings cannot be used.
        OperationalError: its export or a checkpoint is damaged.
    """
    trained = read_export(run)
    if not (run / "resolved.yaml").is_file():
        raise no_run(run)
    recorded = recorded_recipe(run, trained.recipe.name)
    recipe = with_decode_overrides(recorded, file, overrides, str(run / "resolved.yaml"))
    task = task_of(for_reload(recipe, run / "export"))
    _ = task.selection  # raises for a faulty protocol before the corpus is read
    corpus, spec = read_corpus(recipe, task)
    check_same_data(run, corpus.fingerprint)
    if spec.outputs != trained.spec.outputs:
        raise UserError(str(run), "was trained with another vocabulary than its corpus has now")
    step = trained.step
    if recipe.decode.average != recorded.decode.average:
        step = other_weights(run, recipe, trained)
    trained = replace(trained, recipe=recipe, spec=spec, step=step)
    trained.to()
    models = with_ensemble(trained)
    datasets = make_datasets(task, corpus, spec, trained.model)
    return Reopened(run, Prepared(recipe, task, corpus, spec, datasets, trained.model), models)


def with_ensemble(trained: TrainedModel) -> tuple[TrainedModel, ...]:
    """A model, followed by those of its `decode.ensemble`, on the same device, each in its precision.

    Raises:
        UserError: one of these is no finished run, or of another task.
        OperationalError: the export of one of these is damaged.
    """
    recipe, device = trained.recipe, next(trained.model.parameters()).device
    trained.to(device)
    others = [(folder, read_export(Path(folder))) for folder in recipe.decode.ensemble]
    for folder, other in others:
        if other.recipe.task != recipe.task:
            what = f"{folder} is a model of another task, {other.recipe.task}"
            raise UserError("decode.ensemble", what)
        replace(other, recipe=replace(other.recipe, decode=recipe.decode)).to(device)
    return (trained, *(other for _, other in others))
