"""A made batch of a recipe's shapes, and the model that reads it, without a corpus where that is possible."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from signkit.config.recipe import Recipe
from signkit.config.registry import build, component_name
from signkit.data.batch import Batch
from signkit.data.examples import used_layout
from signkit.errors import UserError
from signkit.models.assemble import assemble
from signkit.text.vocabulary import BLANK, UNKNOWN, Vocabulary
from signkit.types import VIDEO, Corpus

SYMBOLS = 1296
"""Of a vocabulary that nobody has said: that of PHOENIX-2014."""
FRAMES_A_GLOSS = 14
"""Of PHOENIX-2014, about."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """What a recipe does not say of its data.

    Attributes:
        frames: of each clip.
        batch: clips that are computed together; 0: as many as the recipe's.
        vocabulary: symbols, the blank included; 0: the corpus's where it is read, else `SYMBOLS`.
        layout: of landmarks; "": the corpus's.
        width: coordinates a point, or numbers a feature vector; 0: the corpus's.
    """

    frames: int
    batch: int = 0
    vocabulary: int = 0
    layout: str = ""
    width: int = 0


def made(recipe: Recipe, shapes: Shapes) -> tuple[Any, Batch, int]:
    """The recipe's model with fresh weights, a batch for it whose clips have all the frames, and its symbols.

    The corpus is read only where the encoder has to know its layout or width, and no option says it.

    Raises:
        UserError: the corpus is needed and cannot be read, or the parts of the recipe do not fit together.
    """
    layout, width, vocabulary = _kind(recipe, shapes)
    if getattr(recipe.encoder, "weights", ""):  # what they are makes no difference, and they may be far away
        recipe = replace(recipe, encoder=replace(recipe.encoder, weights="none"))  # type: ignore[type-var]
    model = assemble(recipe, vocabulary, layout, width)
    generator = torch.Generator().manual_seed(0)
    size = shapes.batch or -(-recipe.train.batch_size // recipe.train.accumulate)
    inputs, points = _inputs(recipe, layout, width, size, shapes.frames, generator)
    labels = max(1, shapes.frames // FRAMES_A_GLOSS)
    batch = Batch(
        ids=tuple(str(i) for i in range(size)),
        inputs=inputs,
        seen=torch.ones(size, shapes.frames, points, dtype=torch.bool),
        lengths=torch.full((size,), shapes.frames),
        targets=torch.randint(2, len(vocabulary), (size, labels), generator=generator),
        target_lengths=torch.full((size,), labels),
        frame_labels=torch.randint(2, len(vocabulary), (size, shapes.frames), generator=generator),
        fps=torch.full((size,), 25.0),
    )
    return model, batch, len(vocabulary)


def _kind(recipe: Recipe, shapes: Shapes) -> tuple[str, int, Vocabulary]:
    """The layout ("" for features) and the width of what the encoder reads, and a vocabulary."""
    reads = getattr(recipe.encoder, "reads", "")
    if reads == VIDEO:
        return VIDEO, 3, _vocabulary(shapes.vocabulary or SYMBOLS)
    if not reads or shapes.layout or (reads == "features" and shapes.width):
        return (
            shapes.layout,
            shapes.width or (3 if shapes.layout else 1),
            _vocabulary(shapes.vocabulary or SYMBOLS),
        )
    try:
        corpus: Corpus = build(recipe.data)
    except UserError as error:
        name = component_name("encoders", recipe.encoder)
        say = "--layout NAME (and --width 2 or 3)" if reads == "landmarks" else "--width N"
        what = f"`{name}` has to know what it reads, and the corpus cannot be read: {error}"
        raise UserError("data", what, f"or say it: {say}") from error
    train = {token for sample in corpus.split("train") for token in sample.reference}
    return corpus.layout, corpus.width, _vocabulary(shapes.vocabulary or len(train) + 2)


def _vocabulary(symbols: int) -> Vocabulary:
    return Vocabulary((BLANK, UNKNOWN, *(f"G{number:06d}" for number in range(max(1, symbols - 2)))))


def _inputs(
    recipe: Recipe, layout: str, width: int, size: int, frames: int, generator: torch.Generator
) -> tuple[Tensor, int]:
    """Numbers of the kind that the encoder reads, and how many points a frame has."""
    if layout == VIDEO:
        side = recipe.video.crop
        shape = (size, frames, side, side, 3)
        return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8), 1
    points = used_layout(layout, recipe.landmarks)
    if points is None:
        return torch.randn(size, frames, width, generator=generator), 1
    count = len(points.points)
    return torch.randn(size, frames, count, width, generator=generator), count
