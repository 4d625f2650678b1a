"""From a recipe's sections to a model: encoder, context and head, each by its registered name."""

from typing import Any, cast

import torch
from torch import nn

from signkit.config.recipe import Recipe
from signkit.config.registry import build, component_name, config_class
from signkit.data.examples import used_layout
from signkit.errors import UserError
from signkit.models.spec import Spec
from signkit.types import VIDEO


def assemble(recipe: Recipe, spec: Spec, **given: Any) -> nn.Module:
    """A model with fresh weights, the same ones for a seed, of the parts that the recipe has.

    Args:
        given: what the model's factory takes beside its parts, where that is not the vocabulary's size.

    Raises:
        UserError: encoder and corpus do not fit together, or parts differ in width.
    """
    parts = dict[str, Any]()
    width = int(getattr(recipe.encoder or recipe.model, "width", 0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        if recipe.part("encoder") is not None:
            check_reads(recipe.encoder, spec.signal.layout)
            points = used_layout(spec.signal.layout, recipe.landmarks)
            parts["encoder"] = build(recipe.encoder, points, spec.signal.width)  # type: ignore[arg-type]
            width = parts["encoder"].dims["video"]
        if recipe.context is not None:
            parts["context"] = build(recipe.context, len(spec.vocabulary), width, spec.vocabulary)
        given = given or {"vocabulary": len(spec.vocabulary)}
        return cast(nn.Module, build(recipe.model, **given, **parts))


def task_by_name(recipe: Recipe) -> Any:
    """The `signkit.train.task.Task` of a recipe, which is imported when it is asked for.

    Raises:
        UserError: no package has registered it.
    """
    try:
        config = config_class("tasks", recipe.task)()
    except KeyError as error:
        raise UserError("model", f"its task `{recipe.task}` is not registered", str(error.args[0])) from None
    return build(config, recipe)


def check_reads(encoder: Any, layout_name: str) -> None:
    """Refuse an encoder of video for another corpus, and the other way round.

    What an encoder reads is said by its options (``reads``); what says nothing does not read video.
    The encoders of landmarks and of features tell the two apart themselves.
    """
    reads = getattr(encoder, "reads", "")
    if (reads == VIDEO) == (layout_name == VIDEO):
        return
    name = component_name("encoders", encoder)
    has = {VIDEO: "video", "": "feature vectors"}.get(layout_name, f"landmarks ({layout_name})")
    what = f"'{name}' reads {reads}" if reads else f"'{name}' does not read video"
    better = {VIDEO: "timm", "": "features"}.get(layout_name, "gcn")
    raise UserError("encoder.name", f"{what}, and the corpus has {has}", f"take {better!r}")
