"""`signkit profile`: runs a synthetic batch through a recipe's model and prints a row for each stage."""

import json
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from signkit.commands.profile.measure import Cost, cost
from signkit.commands.profile.stages import stages_of
from signkit.config.recipe import Recipe
from signkit.config.recipe_file import load_recipe
from signkit.config.registry import component_name
from signkit.errors import UserError
from signkit.models.export import without_weights
from signkit.models.precision import autocast, compute_in, precision_on
from signkit.report.terminal import console
from signkit.train.loop import accelerator
from signkit.train.task import Profilable, Shapes, task_of


@dataclass(frozen=True, slots=True)
class Profile:
    """The costs of a recipe's training step, with the shapes and the device of the measurement."""

    recipe: str
    batch: int
    frames: int
    vocabulary: int
    device: str
    precision: str
    threads: int
    costs: tuple[Cost, ...]

    def frames_a_second(self, cost: Cost) -> float:
        """Throughput of a stage, in frames of the whole batch per second."""
        return self.batch * self.frames / cost.seconds


def profile_recipe(ref: str, overrides: Sequence[str], shapes: Shapes, as_json: bool) -> int:
    """Measure and print; returns the exit status.

    Raises:
        SignkitError: the recipe has a fault, or the batch does not fit the memory.
    """
    profile = measured(load_recipe(ref, overrides, check_paths=False), shapes)
    if as_json:
        print(json.dumps(_plain(profile)))
    else:
        _print(profile)
    return 0


def measured(recipe: Recipe, shapes: Shapes) -> Profile:
    """Measure the costs of a training step with a synthetic batch, on the device that a run would use.

    Raises:
        SignkitError: see `signkit.train.task.Profilable` and `cost`.
    """
    import torch

    recipe = without_weights(recipe)  # their values make no difference, and they may have to be downloaded
    task = task_of(recipe)
    if not isinstance(task, Profilable):
        raise UserError(recipe.name, f"models of its task, {recipe.task}, cannot be profiled")
    spec, batch = task.example(shapes)
    model: Any = task.model(spec)
    engine = accelerator(recipe.train)
    model.to(engine.device).train()
    batch = batch.to(engine.device)
    encoder = recipe.part("encoder")
    name = component_name("encoders", encoder) if encoder is not None else ""
    precision = precision_on(engine.device, recipe.train.precision)
    compute_in(model, precision, rounded=recipe.train.tf32)
    half = partial(autocast, precision, engine.device)
    stages = list(stages_of(task, model, batch, name))
    with _bar(len(stages)) as bar:
        shown = bar.add_task("", total=len(stages))
        costs = []
        for stage in stages:
            bar.update(shown, description=stage.name)
            costs.append(cost(stage, engine.device, half if stage.inside else nullcontext))
            bar.advance(shown)
    return Profile(
        recipe=recipe.name,
        batch=len(batch.ids),
        frames=shapes.frames,
        vocabulary=sum(map(len, spec.outputs.values())),
        device=torch.cuda.get_device_name() if engine.device.type == "cuda" else "CPU",
        precision=precision,
        threads=torch.get_num_threads(),
        costs=tuple(costs),
    )


def _bar(total: int) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _plain(profile: Profile) -> dict[str, object]:
    described = {key: value for key, value in asdict(profile).items() if key != "costs"}
    rows = [asdict(c) | {"frames_per_second": profile.frames_a_second(c)} for c in profile.costs]
    return described | {"stages": rows}


def _rate(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _print(profile: Profile) -> None:
    threads = f", {profile.threads} threads" if profile.device == "CPU" else ""
    what = f"{profile.batch} clips of {profile.frames} frames, {profile.vocabulary} symbols"
    title = f"{profile.recipe}: {what}; {profile.device}{threads}, {profile.precision}"
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("stage")
    for heading in ("parameters", "trained", "GMAC", "ms", "frames/s", "MB"):
        table.add_column(heading, justify="right")
    for each in profile.costs:
        table.add_row(
            each.name,
            f"{each.parameters:,}",
            f"{each.trained:,}",
            f"{each.multiply_adds / 1e9:.3g}",
            f"{1e3 * each.seconds:.1f}",
            _rate(profile.frames_a_second(each)),
            f"{each.peak_bytes / 1e6:,.0f}",
        )
    out = console()
    out.print(title)
    out.print(table)
    out.print(
        "GMAC: multiply-adds of the forward pass, 10^9. ms, frames/s, MB: forward and backward of the stage "
        "alone; the last row is the whole step but for the optimizer."
    )
