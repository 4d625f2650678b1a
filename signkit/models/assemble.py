"""From a recipe's sections to a model: encoder, context and head, each by its registered name."""

from typing import Any

import torch

from signkit.config.recipe import Recipe
from signkit.config.registry import build, component_name
from signkit.data.examples import used_layout
from signkit.errors import UserError
from signkit.text.vocabulary import Vocabulary
from signkit.types import VIDEO


def assemble(recipe: Recipe, vocabulary: Vocabulary, layout_name: str, width: int) -> Any:
    """A recogniser with fresh weights, the same ones for a seed.

    Args:
        layout_name: the corpus's landmark layout, "" for features, `VIDEO` for video.
        width: coordinates a point, numbers a feature vector, or the three colours.

    Raises:
        UserError: encoder and corpus do not fit together, or parts differ in width.
    """
    check_reads(recipe.encoder, layout_name)
    points = used_layout(layout_name, recipe.landmarks)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        encoder = build(recipe.encoder, points, width)
        context = build(recipe.context, len(vocabulary), encoder.video_dim, vocabulary)
        return build(recipe.model, encoder=encoder, context=context, vocabulary=len(vocabulary))


def check_reads(encoder: Any, layout_name: str) -> None:
    """Refuse an encoder of video beside another corpus, and the other way round.

    What an encoder reads is said by its options (``reads``); what says nothing does not read video.
    The encoders of landmarks and of features tell the two apart themselves.
    """
    reads = getattr(encoder, "reads", "")
    if (reads == VIDEO) == (layout_name == VIDEO):
        return
    name = component_name("encoders", encoder)
    has = {VIDEO: "video", "": "feature vectors"}.get(layout_name, f"landmarks ({layout_name})")
    what = f"'{name}' reads {reads}" if reads else f"'{name}' does not read video"
    better = {VIDEO: "swin", "": "features"}.get(layout_name, "gcn")
    raise UserError("encoder.name", f"{what}, and the corpus has {has}", f"take {better!r}")
