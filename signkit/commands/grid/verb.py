"""`signkit run --grid`: a run for every combination of some settings, ranked on dev and never on test."""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from signkit.commands.grid.show import GridPoint, GridResult, print_grid
from signkit.commands.grid.values import read_values
from signkit.commands.run import Done, carry_out, leave
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_pipeline, load_recipe
from signkit.config.yaml_write import differences
from signkit.errors import OperationalError, SignkitError, UserError, UserErrors
from signkit.eval.figures import Metric
from signkit.eval.results import SCORES, read_results
from signkit.runtime.progress import read_metrics
from signkit.runtime.run_folder import MAY_DIFFER, new_folder, recorded_recipe, state
from signkit.runtime.runs import run_folders
from signkit.train.setup import Prepared
from signkit.train.task import task_of
from signkit.types import Score


def grid(
    recipe: str | PathLike[str],
    values: Mapping[str, Sequence[Any]],
    overrides: Sequence[str] = (),
    *,
    resume: str = "auto",
) -> GridResult:
    """Run a recipe with every combination of some settings, and rank the runs on dev.

    Args:
        recipe: a file, or the name of a built-in recipe.
        values: of each key, ``{"train.lr": [1e-3, 3e-3]}``.
        overrides: ``train.max_steps=100`` each, for all runs.
        resume: ``auto`` skips what is finished and goes on with what is not, ``never`` starts again.

    Raises:
        UserError: a key or a value is wrong, the recipe is one of stages, or the corpus has no dev that is
            not in train.
        KeyboardInterrupt: Ctrl-C; ``resume="auto"`` goes on.
    """
    written = {
        key: [v if isinstance(v, str) else json.dumps(v) for v in each] for key, each in values.items()
    }
    result, _, status = _carried_out(str(recipe), written, overrides, resume)
    if status:
        raise KeyboardInterrupt
    return result


def run_grid(ref: str, wanted: Sequence[str], overrides: Sequence[str], *, resume: str, as_json: bool) -> int:
    """Run a grid, and print the runs by their dev scores; the last line is the folder of the best.

    Args:
        wanted: ``key=a,b`` each; their product is run.

    Returns:
        The exit status: 1 if a run failed.

    Raises:
        UserError: as `grid`.
    """
    result, engine, status = _carried_out(ref, read_values(wanted), overrides, resume)
    failed = any(point.state == "failed" for point in result.points)
    if engine is None or engine.is_main_process:
        if status:
            words = [word for each in wanted for word in ("--grid", each)]
            words += [word for each in overrides for word in ("--set", each)]
            again = shlex.join(["signkit", "run", ref, *words, "--resume", "auto"])
            print(f"interrupted; `{again}` continues it", file=sys.stderr, flush=True)
        print_grid(result, as_json)
    status = status or (OperationalError.exit_code if failed else 0)
    if engine is not None:
        leave(engine, status)
    return status


def _carried_out(
    ref: str, values: Mapping[str, Sequence[str]], overrides: Sequence[str], resume: str
) -> tuple[GridResult, Accelerator | None, int]:
    """Run what is to be run; returns the ranked runs, the engine of the last one, and the exit status of an
    interruption."""
    if resume not in ("auto", "never"):
        raise UserError("--resume", f"{resume!r} is one run, and a grid has several", "auto or never")
    settings = [dict(zip(values, each, strict=True)) for each in product(*values.values())]
    recipes = _recipes(ref, settings, overrides)
    metric = _metric(recipes)
    before = _recorded(recipes[0]) if resume == "auto" else {}
    points = [GridPoint(each) for each in settings]
    engine: Accelerator | None = None
    for place, (recipe, point) in enumerate(zip(recipes, points, strict=True)):
        found = next((run for run, old in before.items() if not differences(old, recipe, MAY_DIFFER)), None)
        is_done = found is not None and state(found) == "finished"
        how = ": finished before" if is_done else ""
        print(f"run {place + 1} of {len(points)}, {point.name}{how}", file=sys.stderr, flush=True)
        if found is not None and is_done:
            points[place] = _finished(point, found, metric)
            continue
        begun: list[Path] = [found] if found is not None else []
        try:
            done = _run(recipe, ref, begun)
        except OperationalError as error:  # such as a loss that is not a number: other settings may be better
            print(f"error: {error}", file=sys.stderr, flush=True)
            points[place] = GridPoint(point.settings, begun[0] if begun else None, "failed", error=str(error))
            continue
        engine = done.engine
        if done.status:
            points[place] = GridPoint(point.settings, done.folder, "interrupted")
            return GridResult(metric, _ranked(points, metric)), engine, done.status
        assert done.folder is not None
        points[place] = _finished(point, done.folder, metric)
    return GridResult(metric, _ranked(points, metric)), engine, 0


def _recipes(ref: str, settings: Sequence[dict[str, str]], overrides: Sequence[str]) -> list[Recipe]:
    """The recipe of each point, all read before the first is run.

    Raises:
        UserError: every fault of every point, once.
    """
    if load_pipeline(ref, overrides) is not None:
        raise UserError("--grid", f"{ref} is a recipe of stages", "a grid is run of a recipe of one run")
    for key in settings[0]:
        if any(each.partition("=")[0] == key for each in overrides):
            raise UserError(f"--set {key}", "is a key of the grid too", "leave one of them out")
    recipes, faults = [], dict[str, UserError]()
    for each in settings:
        try:
            recipes.append(load_recipe(ref, [*overrides, *(f"{key}={value}" for key, value in each.items())]))
        except UserError as error:
            every = error.faults if isinstance(error, UserErrors) else [error]
            faults |= {str(fault): fault for fault in every}
    if faults:
        raise UserErrors([*faults.values()])
    return recipes


def _metric(recipes: Sequence[Recipe]) -> Metric:
    """The metric that all points are ranked by.

    Raises:
        UserError: they are judged in different ways.
    """
    metrics = [task_of(recipe).selection for recipe in recipes]
    if len({*metrics}) > 1 or len({recipe.eval.protocol for recipe in recipes}) > 1:
        raise UserError("--grid", "its runs are judged by different metrics, so they cannot be ranked")
    return metrics[0]


def _recorded(recipe: Recipe) -> dict[Path, Recipe]:
    """The earlier runs of a recipe, whatever their settings, the newest first."""
    found: dict[Path, Recipe] = {}
    for run in reversed(run_folders(Path(recipe.run.dir) / recipe.name)):
        try:
            found[run] = recorded_recipe(run, recipe.name)
        except SignkitError:  # of another version, or damaged: it is none of ours
            continue
    return found


def _run(recipe: Recipe, ref: str, begun: list[Path]) -> Done:
    """Begin a run, or go on with the one in the list, to which the folder of a new one is added."""

    def check(prepared: Prepared) -> None:
        if "dev" not in prepared.datasets or recipe.dev_in_train:
            why = "is in train too (data.dev_in_train)" if recipe.dev_in_train else "is missing in the corpus"
            raise UserError("--grid", f"dev, on which runs are ranked, {why}")

    def make() -> Path:
        begun.append(new_folder(recipe, ref))
        return begun[0]

    return carry_out(recipe, make, lambda: begun[0] if begun else None, check=check)


def _finished(point: GridPoint, folder: Path, metric: Metric) -> GridPoint:
    """A finished run with its dev score: that of its decoding, or else the best one during training."""
    scores = read_results(folder / SCORES).scores
    dev = next((each for each in scores if (each.split, each.name) == ("dev", metric.name)), None)
    if dev is None:
        key = f"dev_{metric.short or metric.name}"
        values = [row[key] for row in read_metrics(folder / "metrics.jsonl") if key in row]
        best = max(values, default=None) if metric.higher_is_better else min(values, default=None)
        dev = Score(metric.name, best, "dev", note="best during training") if best is not None else None
    return GridPoint(point.settings, folder, "finished", dev)


def _ranked(points: Sequence[GridPoint], metric: Metric) -> tuple[GridPoint, ...]:
    """The best first; equal ones in the order of the grid, those without a value last."""

    def key(point: GridPoint) -> tuple[bool, float]:
        if point.dev is None or point.dev.value != point.dev.value:
            return True, 0.0
        return False, -point.dev.value if metric.higher_is_better else point.dev.value

    return tuple(sorted(points, key=key))
