"""A synthetic batch with the shapes of a recipe, if possible without reading its corpus."""

import torch
from torch import Tensor

from signkit.config.recipe import Recipe
from signkit.config.registry import component_name
from signkit.data.batch import Batch
from signkit.data.corpora.build import build_corpus
from signkit.data.examples import used_layout
from signkit.errors import UserError
from signkit.models.spec import Spec, signal_to_text
from signkit.text.vocabulary import Vocabulary, synthetic_vocabulary
from signkit.train.task import Shapes
from signkit.types import VIDEO

FRAMES_A_GLOSS = 14
"""About that of PHOENIX-2014."""


def example(recipe: Recipe, shapes: Shapes) -> tuple[Spec, Batch]:
    """A batch of clips without padding, and the specification of a model for it.

    The corpus is read only if the encoder depends on its layout or width and ``shapes`` does not have them.

    Raises:
        UserError: the corpus is needed and cannot be read, or the parts of the recipe do not fit together.
    """
    layout, width, vocabulary = _kind(recipe, shapes)
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
    return signal_to_text(layout, width, vocabulary), batch


def _kind(recipe: Recipe, shapes: Shapes) -> tuple[str, int, Vocabulary]:
    """The layout ("" for features) and the width of the encoder's input, and a vocabulary."""
    reads = getattr(recipe.encoder, "reads", "")
    if reads == VIDEO:
        return VIDEO, 3, synthetic_vocabulary(shapes.vocabulary)
    if not reads or shapes.layout or (reads == "features" and shapes.width):
        return (
            shapes.layout,
            shapes.width or (3 if shapes.layout else 1),
            synthetic_vocabulary(shapes.vocabulary),
        )
    try:
        corpus = build_corpus(recipe.data)
    except UserError as error:
        name = component_name("encoders", recipe.encoder)  # type: ignore[arg-type]
        say = "--layout NAME (and --width 2 or 3)" if reads == "landmarks" else "--width N"
        what = f"`{name}` has to know what it reads, and the corpus cannot be read: {error}"
        raise UserError("data", what, f"or say it: {say}") from error
    train = {token for sample in corpus.split("train") for token in sample.reference}
    return corpus.layout, corpus.width, synthetic_vocabulary(shapes.vocabulary or len(train) + 2)


def _inputs(
    recipe: Recipe, layout: str, width: int, size: int, frames: int, generator: torch.Generator
) -> tuple[Tensor, int]:
    """A random input of the encoder, and the number of points in a frame."""
    if layout == VIDEO:
        side = recipe.video.crop
        shape = (size, frames, side, side, 3)
        return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8), 1
    points = used_layout(layout, recipe.landmarks)
    if points is None:
        return torch.randn(size, frames, width, generator=generator), 1
    count = len(points.points)
    return torch.randn(size, frames, count, width, generator=generator), count
