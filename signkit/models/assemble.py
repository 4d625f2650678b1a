"""From a recipe's sections to a model: encoder, context and output layer, each by its registered name."""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn

from signkit.config.own_code import described
from signkit.config.recipe import Recipe
from signkit.config.registry import build, component_name, config_class
from signkit.data.examples import used_layout
from signkit.data.layouts import Layout
from signkit.data.tracking import TRACK
from signkit.errors import UserError
from signkit.models.context.protocol import Context
from signkit.models.encoders.protocol import Encoder
from signkit.models.spec import SignalInput, Spec
from signkit.types import VIDEO, WRITTEN


def assemble(recipe: Recipe, spec: Spec, **given: Any) -> nn.Module:
    """Build a model with fresh weights from the parts that the recipe has.

    Equal seeds (`train.seed`) give equal weights, and torch's global generator is left as it was.

    Args:
        given: what the model's factory takes besides its parts, where that is not the vocabulary's size.

    Raises:
        UserError: encoder and corpus do not fit together, or the parts differ in width.
    """
    parts = dict[str, Any]()
    # Without an encoder: `model.width`, or that of the placeholder encoder in old recipes.
    width = int(getattr(recipe.encoder or recipe.model, "width", 0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        if recipe.part("encoder") is not None:
            check_reads(recipe.encoder, spec.signal.layout)
            points = used_layout(spec.signal.layout, recipe.landmarks)
            parts["encoder"] = _encoder(recipe.encoder, points, spec.signal)
            width = parts["encoder"].dims["video"]
        if recipe.context is not None:
            parts["context"] = build(
                recipe.context, len(spec.vocabulary), width, spec.vocabulary, gives=Context
            )
        given = given or {"vocabulary": len(spec.vocabulary)}
        return cast(nn.Module, build(recipe.model, **given, **parts, gives=nn.Module))


def _encoder(config: Any, points: Layout | None, signal: SignalInput) -> Encoder:
    """Build the encoder.

    Raises:
        UserError: it is none, or reads other signals than the corpus has.
    """
    encoder = cast(Encoder, build(config, points, signal.width, gives=Encoder))
    where, dims = described(config), encoder.dims
    widths = [dims.get(name) if isinstance(dims, Mapping) else None for name in ("chunk", "video")]
    if not all(isinstance(each, int) for each in widths):
        raise UserError(where, f"its `dims` are {dims!r}, not the widths of levels with `chunk` and `video`")
    kind = _kind(signal.layout)
    if encoder.reads != kind:
        what = f"it reads {encoder.reads!r} (its `reads`), and the corpus has {kind}"
        raise UserError(where, what, "take another encoder, or correct its `reads`")
    return encoder


def task_by_name(recipe: Recipe, gives: type = object) -> Any:
    """The `signkit.train.task.Task` of a recipe, imported when this is called.

    Raises:
        UserError: no installed package has registered it.
    """
    try:
        config = config_class("tasks", recipe.task)()
    except KeyError as error:
        raise UserError("model", f"its task `{recipe.task}` is not registered", str(error.args[0])) from None
    return build(config, recipe, gives=gives)


def check_reads(encoder: Any, layout_name: str) -> None:
    """Refuse an encoder that reads something else than the corpus has, by its options.

    The options of an encoder may name what it reads (``reads``); without that it does not read video, and
    what it reads is known when it is built.

    Args:
        encoder: the options.
        layout_name: the landmark layout, "" for features, `VIDEO` for video, `WRITTEN` for text.

    Raises:
        UserError: encoder and corpus do not fit together.
    """
    reads = getattr(encoder, "reads", "")
    kind = _kind(layout_name)
    if reads == kind or (not reads and kind not in (VIDEO, WRITTEN)):
        return
    name = component_name("encoders", encoder)
    kinds = {VIDEO: "video", "": "feature vectors", WRITTEN: "text"}
    has = kinds.get(layout_name, f"landmarks ({layout_name})")
    what = f"'{name}' reads {reads}" if reads else f"'{name}' does not read {kind}"
    better = {VIDEO: "timm", "": "features", WRITTEN: "text"}.get(layout_name, "gcn")
    track = f", or {TRACK}" if layout_name == VIDEO and reads == "landmarks" else ""
    raise UserError("encoder.name", f"{what}, and the corpus has {has}", f"take {better!r}{track}")


def _kind(layout_name: str) -> str:
    """What a corpus of this layout has, as an encoder's `reads` says it."""
    return {VIDEO: VIDEO, "": "features", WRITTEN: "text"}.get(layout_name, "landmarks")
