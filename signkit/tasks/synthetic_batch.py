"""Synthetic clips with the shapes of a recipe, if possible without reading its corpus."""

import torch
from jaxtyping import Int
from torch import Tensor

from signkit.config.recipe import Recipe
from signkit.config.registry import component_name
from signkit.data.batch import Batch
from signkit.data.corpora.build import build_corpus
from signkit.data.examples import used_layout
from signkit.errors import UserError
from signkit.models.spec import SignalInput
from signkit.train.task import Shapes
from signkit.types import VIDEO, WRITTEN, Corpus

SOURCES = 2000
"""Different tokens of written sources."""


def signal_of(recipe: Recipe, shapes: Shapes) -> tuple[SignalInput, Corpus | None]:
    """What the encoder reads (layout "" for features), and the corpus if it had to be read.

    The corpus is read only if the encoder depends on its layout or width and ``shapes`` does not have them.

    Raises:
        UserError: the corpus is needed and cannot be read.
    """
    reads = getattr(recipe.encoder or recipe.model, "reads", "")
    if reads == VIDEO:
        return SignalInput(VIDEO, 3), None
    if reads == "text":
        return SignalInput(WRITTEN, shapes.width or SOURCES), None
    if not reads or shapes.layout or (reads == "features" and shapes.width):
        return SignalInput(shapes.layout, shapes.width or (3 if shapes.layout else 1)), None
    try:
        corpus = build_corpus(recipe.data)
    except UserError as error:
        name = component_name("encoders", recipe.encoder)  # type: ignore[arg-type]
        say = "--layout NAME (and --width 2 or 3)" if reads == "landmarks" else "--width N"
        what = f"`{name}` has to know what it reads, and the corpus cannot be read: {error}"
        raise UserError("data", what, f"or say it: {say}") from error
    return SignalInput(corpus.layout, corpus.width), corpus


def batch_size(recipe: Recipe, shapes: Shapes) -> int:
    """Clips that are computed together."""
    return shapes.batch or -(-recipe.train.batch_size // recipe.train.accumulate)


def clips(
    recipe: Recipe,
    signal: SignalInput,
    targets: Int[Tensor, "batch labels"],
    frame_labels: Int[Tensor, "batch frames"],
    generator: torch.Generator,
) -> Batch:
    """Clips of random numbers, without padding, with these targets."""
    size, frames = frame_labels.shape
    inputs, points = _inputs(recipe, signal, size, frames, generator)
    return Batch(
        ids=tuple(map(str, range(size))),
        inputs=inputs,
        seen=torch.ones(size, frames, points, dtype=torch.bool),
        lengths=torch.full((size,), frames),
        targets=targets,
        target_lengths=torch.full((size,), targets.shape[1]),
        frame_labels=frame_labels,
        fps=torch.full((size,), 25.0),
    )


def _inputs(
    recipe: Recipe, signal: SignalInput, size: int, frames: int, generator: torch.Generator
) -> tuple[Tensor, int]:
    """A random input of the encoder, and the number of points in a frame."""
    if signal.layout == VIDEO:
        side = recipe.video.crop
        shape = (size, frames, side, side, 3)
        return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8), 1
    if signal.layout == WRITTEN:
        return torch.randint(2, signal.width, (size, frames), generator=generator), 1
    points = used_layout(signal.layout, recipe.landmarks)
    if points is None:
        return torch.randn(size, frames, signal.width, generator=generator), 1
    count = len(points.points)
    return torch.randn(size, frames, count, signal.width, generator=generator), count
