"""Which run goes on where it was interrupted."""

import os
from pathlib import Path

from signkit.config.pipeline import Pipeline
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_pipeline
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.runtime.no_run import no_run
from signkit.runtime.run_folder import LAUNCH, check_same_recipe, launch, recorded_recipe, state


def folder_to_resume(recipe: Recipe | Pipeline, resume: str) -> Path | None:
    """The run to resume.

    Args:
        recipe: that the run has to have been started with.
        resume: ``never``, ``auto`` for the newest unfinished run, or a run's folder. With the first two, what
            torchrun restarts goes on with the run that the same launch began.

    Returns:
        The folder of the run; None if there is none, so that a new run has to be started.

    Raises:
        UserError: the run was started with another recipe (the message has the differences); or torchrun has
            restarted this process, and which run it began cannot be known.
    """
    if resume in ("never", "auto"):
        runs = sorted((Path(recipe.run.dir) / recipe.name).glob("*/resolved.yaml"))
        unfinished = [path.parent for path in runs if state(path.parent) != "finished"]
        begun = [folder for folder in unfinished if _of_this_launch(folder)]
        if resume == "never" and not launch() and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0":
            what = "it has restarted this process, and nothing says which run it had begun"
            raise UserError("torchrun", what, "give torchrun an --rdzv-id, or signkit --resume auto")
        chosen = begun or (unfinished if resume == "auto" else [])
        if not chosen:
            return None
        folder = chosen[-1]
    else:
        folder = Path(resume)
        if not (folder / "resolved.yaml").is_file():
            raise no_run(folder, "--resume")
    path = str(folder / "resolved.yaml")
    old = load_pipeline(path, name=recipe.name, check_paths=False)
    check_same_recipe(folder, old or recorded_recipe(folder, recipe.name), recipe)
    return folder


def _of_this_launch(folder: Path) -> bool:
    path = folder / LAUNCH
    return bool(launch()) and path.is_file() and read_text(path).strip() == launch()
