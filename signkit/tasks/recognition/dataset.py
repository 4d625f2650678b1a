"""Datasets of a recogniser: clips with their token sequences."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from signkit.config.recipe import Recipe
from signkit.data.collate import collate
from signkit.data.example import NO_LABEL, Example
from signkit.data.examples import Examples
from signkit.data.sampling import used_frames
from signkit.errors import UserError
from signkit.models.spec import Spec
from signkit.tasks.transcripts.least_frames import least_frames
from signkit.text.vocabulary import Vocabulary
from signkit.train.task import Say
from signkit.types import VIDEO, Sample

NAMED = 5
"""Samples named in a message, at most."""


def dataset(recipe: Recipe, samples: Sequence[Sample], spec: Spec) -> Examples:
    """A dataset of samples without augmentation, for evaluation."""
    return _examples(recipe, samples, spec)


def training_dataset(recipe: Recipe, samples: Sequence[Sample], spec: Spec, model: Any, say: Say) -> Examples:
    """A dataset of augmented training samples, without those whose references do not fit their chunks.

    Args:
        model: decides how many chunks a clip has and how many a reference needs.

    Raises:
        UserError: there are such samples and `train.too_long` is not ``skip``, no sample is left, or the
            encoder does not accept the frames.
    """
    if spec.signal.layout == VIDEO:
        _check_frames(model, recipe.video.crop)
    encode = spec.vocabulary.encode
    least = [least_frames(model.encoder, model.topology, encode(each.reference)) for each in samples]
    frames = [used_frames(sample.frames, recipe.sampling, sample.fps) for sample in samples]
    fitting = [i for i in range(len(samples)) if frames[i] >= least[i]]
    too_short = [sample for i, sample in enumerate(samples) if frames[i] < least[i]]
    if too_short and recipe.train.too_long == "refuse":
        first = too_short[0]
        raise UserError(
            first.source or "data",
            f"the reference is longer than its chunks: {_named(too_short, spec.vocabulary)}",
            "train.too_long: skip leaves them out",
        )
    if not fitting:
        raise UserError("data", "every training reference is longer than its chunks")
    if too_short:
        say(f"left out of train, longer than their chunks: {_named(too_short, spec.vocabulary)}")
    chosen = [samples[i] for i in fitting]
    return _examples(recipe, chosen, spec, augment=recipe.augment, least_frames=[least[i] for i in fitting])


def _examples(recipe: Recipe, samples: Sequence[Sample], spec: Spec, **training: Any) -> Examples:
    return Examples(
        samples,
        layout=spec.signal.layout,
        width=spec.signal.width,
        encode=spec.vocabulary.encode,
        landmarks=recipe.landmarks,
        video=recipe.video,
        sampling=recipe.sampling,
        seed=recipe.train.seed,
        **training,
    )


def _check_frames(model: Any, side: int) -> None:
    """Run the encoder on a black frame, so that an unsupported size is reported before anything else is done.

    Raises:
        UserError: the encoder does not accept frames of this size.
    """
    black = np.zeros((1, side, side, 3), dtype=np.uint8)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        model.encoder(collate([Example("", black, (), np.full(1, NO_LABEL), 25.0)]))
    model.train(was_training)


def _named(samples: Sequence[Sample], vocabulary: Vocabulary) -> str:
    lengths = [len(vocabulary.encode(sample.reference)) for sample in samples[:NAMED]]
    pairs = zip(samples, lengths, strict=False)
    shown = ", ".join(f"{s.id} ({length} tokens, {s.frames} frames)" for s, length in pairs)
    more = f" and {len(samples) - NAMED} more" if len(samples) > NAMED else ""
    return f"{len(samples)} samples: {shown}{more}" if len(samples) > 1 else shown
