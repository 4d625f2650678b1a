"""From a recipe's sections to a model: encoder, context and head, each by its registered name."""

from typing import Any

import torch

from signkit.data.examples import used_layout
from signkit.plugins import build
from signkit.recipe import Recipe
from signkit.text import Vocabulary


def assemble(recipe: Recipe, vocabulary: Vocabulary, layout_name: str, width: int) -> Any:
    """A recogniser with fresh weights, the same ones for a seed.

    Args:
        layout_name: the corpus's landmark layout, "" for features.
        width: coordinates a point, or numbers a feature vector.

    Raises:
        UserError: encoder and corpus do not fit together, or parts differ in width.
    """
    points = used_layout(layout_name, recipe.landmarks)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        encoder = build(recipe.encoder, points, width)
        context = build(recipe.context, len(vocabulary), encoder.video_dim, vocabulary)
        return build(recipe.model, encoder=encoder, context=context, vocabulary=len(vocabulary))
