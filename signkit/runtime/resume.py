"""Which run goes on where it was interrupted."""

from pathlib import Path

from signkit.config.pipeline import Pipeline
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_pipeline
from signkit.runtime.no_run import no_run
from signkit.runtime.run_folder import check_same_recipe, recorded_recipe, state


def folder_to_resume(recipe: Recipe | Pipeline, resume: str) -> Path | None:
    """The run to resume.

    Args:
        recipe: that the run has to have been started with.
        resume: ``never``, ``auto`` for the newest unfinished run, or a run's folder.

    Returns:
        The folder of the run; None if there is none, so that a new run has to be started.

    Raises:
        UserError: the run was started with another recipe; the message has the differences.
    """
    if resume == "never":
        return None
    if resume == "auto":
        runs = sorted((Path(recipe.run.dir) / recipe.name).glob("*/resolved.yaml"))
        unfinished = [path.parent for path in runs if state(path.parent) != "finished"]
        if not unfinished:
            return None
        folder = unfinished[-1]
    else:
        folder = Path(resume)
        if not (folder / "resolved.yaml").is_file():
            raise no_run(folder, "--resume")
    path = str(folder / "resolved.yaml")
    old = load_pipeline(path, name=recipe.name, check_paths=False)
    check_same_recipe(folder, old or recorded_recipe(folder, recipe.name), recipe)
    return folder
