"""`signkit run` for recipes of stages: complete runs one after another, in one folder."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from signkit.commands.data.zoom import add_boxes
from signkit.commands.run import Done, carry_out, held, leave, resume_command, run_recipe, shared
from signkit.config.pipeline import Pipeline, with_stages
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_pipeline
from signkit.eval.results import SCORES
from signkit.runtime.resume import folder_to_resume
from signkit.runtime.run_folder import (
    new_folder,
    stage_folder,
    state,
    write_status,
)
from signkit.runtime.signals import Interrupted, stop_on_signals
from signkit.train.loop import accelerator
from signkit.train.outcome import print_outcome


def run(ref: str, overrides: Sequence[str], *, resume: str, as_json: bool) -> int:
    """`signkit run`: run a recipe, or a recipe of stages; returns the exit status.

    Raises:
        SignkitError: the run failed.
    """
    pipeline = load_pipeline(ref, overrides)
    if pipeline is not None:
        return run_stages(pipeline, ref, overrides, resume=resume, as_json=as_json)
    return run_recipe(ref, overrides, resume=resume, as_json=as_json)


def run_stages(pipeline: Pipeline, ref: str, overrides: Sequence[str], *, resume: str, as_json: bool) -> int:
    """Run the stages that are not finished; returns the exit status.

    The pipeline's folder contains a folder for each stage, which is the folder of an ordinary run.

    Raises:
        SignkitError: a stage failed; its folder has the status `failed`.
    """

    def shown(done: Done, place: Path) -> None:
        if done.outcome is not None and done.prepared is not None and not as_json:
            print_outcome(done.prepared.task, done.outcome, place)

    done = carry_out_stages(pipeline, ref, resume, shown)
    if done.engine.is_main_process:
        if done.status:
            again = resume_command(ref, overrides, resume)
            print(f"interrupted; `{again}` continues it", file=sys.stderr, flush=True)
        print(_as_json(pipeline, done.folder) if as_json else done.folder, flush=True)
    leave(done.engine, done.status)
    return done.status


@dataclass(frozen=True, slots=True)
class StagesDone:
    """How a recipe of stages ended: its folder, and the exit status, 0 if all stages are finished."""

    folder: Path
    status: int
    engine: Accelerator


def carry_out_stages(
    pipeline: Pipeline, ref: str, resume: str, on_end: Callable[[Done, Path], None]
) -> StagesDone:
    """Run the stages that are not finished.

    Args:
        on_end: called for each stage that was run to its end, with its result and its folder.

    Raises:
        SignkitError: a stage failed; its folder has the status `failed`.
    """
    engine = accelerator(pipeline.stages[0].train)
    main, status = engine.is_main_process, 0
    chosen = folder_to_resume(pipeline, resume) or new_folder(pipeline, ref) if main else ""
    folder = Path(shared(str(chosen), engine))
    runs: dict[str, str] = {}
    with held(folder, engine):
        for number, stage in enumerate(pipeline.stages, start=1):
            recipe, place = with_stages(stage, runs), folder / stage.name
            if pipeline.run.profile:
                recipe = replace(recipe, run=replace(recipe.run, profile=pipeline.run.profile))
            runs[stage.name] = str(place.resolve())
            if main:
                stage_folder(folder, recipe)
                write_status(folder, "running", stage=stage.name)
            engine.wait_for_everyone()
            finished = state(place) == "finished"
            if main:
                how = ": finished before" if finished else ""
                print(
                    f"stage {number} of {len(pipeline.stages)}, {stage.name}{how}",
                    file=sys.stderr,
                    flush=True,
                )
            if finished:
                continue
            if status := _boxes_added(recipe) if main else 0:
                break
            engine.wait_for_everyone()
            done = _carried_out(recipe, place)
            if status := done.status:
                break
            on_end(done, place)
        if main:
            write_status(folder, "interrupted" if status else "finished")
    return StagesDone(folder, status, engine)


def _boxes_added(recipe: Recipe) -> int:
    """Compute the boxes of an earlier stage that a stage reads; returns the exit status."""
    with stop_on_signals() as stop:
        try:
            add_boxes(recipe.data)
        except Interrupted:
            return stop.exit_code
    return 0


def _carried_out(recipe: Recipe, place: Path) -> Done:
    """Run one stage in its folder, from its newest checkpoint on."""
    return carry_out(recipe, lambda: place, lambda: place)


def _as_json(pipeline: Pipeline, folder: Path) -> str:
    """The state of the pipeline and the state and scores of each stage, as JSON."""
    stages = [_stage(folder / stage.name) for stage in pipeline.stages]
    return json.dumps({"run": str(folder), "state": state(folder), "stages": stages})


def _stage(run: Path) -> dict[str, Any]:
    scores = run / SCORES
    found = json.loads(scores.read_text(encoding="utf-8")) if scores.is_file() else {}
    results = {"metrics": found.get("metrics", []), "notes": found.get("notes", [])}
    return {"stage": run.name, "run": str(run), "state": state(run), **results}
