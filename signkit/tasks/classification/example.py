"""A synthetic batch of labelled clips with the shapes of a recipe."""

from collections.abc import Sequence

import torch

from signkit.config.recipe import Recipe
from signkit.data.batch import Batch
from signkit.data.example import NO_LABEL
from signkit.models.configs import HeadConfig
from signkit.models.spec import SIGNAL, Labels, Spec
from signkit.tasks.classification.heads import labels_of
from signkit.tasks.synthetic_batch import batch_size, clips, signal_of
from signkit.train.task import Shapes
from signkit.types import Corpus

CLASSES = 26
"""Of a head, if nothing tells their number: the letters of the alphabet."""


def example(recipe: Recipe, heads: Sequence[HeadConfig], shapes: Shapes) -> tuple[Spec, Batch]:
    """A batch of clips without padding, each with a label of every head, and the specification of a model.

    The number of a head's classes is the recipe's, that of ``shapes``, the corpus's if it is read, or
    `CLASSES`.

    Raises:
        UserError: the corpus is needed (see `signal_of`) and cannot be read, or has no labels of a head.
    """
    signal, corpus = signal_of(recipe, shapes)
    outputs = {head.name: _labels(head, corpus, shapes.vocabulary) for head in heads}
    generator = torch.Generator().manual_seed(0)
    size = batch_size(recipe, shapes)
    columns = [torch.randint(len(of), (size,), generator=generator) for of in outputs.values()]
    frame_labels = torch.full((size, shapes.frames), NO_LABEL)
    batch = clips(recipe, signal, torch.stack(columns, 1) + 1, frame_labels, generator)
    return Spec({SIGNAL: signal}, outputs), batch


def _labels(head: HeadConfig, corpus: Corpus | None, classes: int) -> Labels:
    if corpus is not None and not classes and not head.classes:
        return labels_of(head, corpus)
    return Labels(tuple(map(str, range(head.classes or classes or CLASSES))))
