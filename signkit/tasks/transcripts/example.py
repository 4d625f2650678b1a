"""A synthetic batch of utterances with the shapes of a recipe."""

import torch

from signkit.config.recipe import Recipe
from signkit.data.batch import Batch
from signkit.models.spec import Spec, signal_to_text
from signkit.tasks.synthetic_batch import batch_size, clips, signal_of
from signkit.text.vocabulary import synthetic_vocabulary
from signkit.train.task import Shapes
from signkit.types import WRITTEN

FRAMES_A_GLOSS = 14
"""About that of PHOENIX-2014."""


def example(recipe: Recipe, shapes: Shapes) -> tuple[Spec, Batch]:
    """A batch of clips without padding, and the specification of a model for it.

    Raises:
        UserError: the corpus is needed (see `signal_of`) and cannot be read, or the parts of the recipe do
            not fit together.
    """
    signal, corpus = signal_of(recipe, shapes)
    train = corpus.split("train") if corpus is not None else ()
    tokens = {token for sample in train for token in sample.reference}
    shared = signal.width if signal.layout == WRITTEN and recipe.source.unit == "shared" else 0
    vocabulary = synthetic_vocabulary(shared or shapes.vocabulary or (len(tokens) + 2 if tokens else 0))
    generator = torch.Generator().manual_seed(0)
    size = batch_size(recipe, shapes)
    labels = max(1, shapes.frames // FRAMES_A_GLOSS)
    targets = torch.randint(2, len(vocabulary), (size, labels), generator=generator)
    frame_labels = torch.randint(2, len(vocabulary), (size, shapes.frames), generator=generator)
    batch = clips(recipe, signal, targets, frame_labels, generator)
    return signal_to_text(signal.layout, signal.width, vocabulary), batch
