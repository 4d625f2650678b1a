"""An encoder's promise about its chunks, held against what it gives for a few clips before the first step."""

from typing import Any

import torch

from signkit.config.recipe import Recipe
from signkit.config.registry import component_name
from signkit.data.loader import Dataset
from signkit.errors import UserError
from signkit.models.encoders.protocol import Encoder
from signkit.types import VIDEO


def check_output_lengths(recipe: Recipe, model: Any, dataset: Dataset) -> None:
    """Compare `output_lengths` with the lengths and the features of one batch.

    The loss, the choice of samples and the times of hypotheses rely on `output_lengths`; a training where it
    is wrong would run to its end and be worthless. A model without an encoder has nothing to check.

    Args:
        dataset: clips without augmentation. Of video the two shortest are taken, otherwise the longest and
            one between, too.

    Raises:
        UserError: they differ; or a clip cannot be read.
    """
    encoder = getattr(model, "encoder", None)
    if recipe.encoder is None or not isinstance(encoder, Encoder):
        return
    indices = _different(dataset.sizes, few=encoder.reads == VIDEO)
    batch = dataset.collate([dataset.example(index) for index in indices])
    was_training = model.training
    model.eval()
    with torch.no_grad():
        output = encoder(batch)
    model.train(was_training)
    promised = encoder.output_lengths(batch.lengths).reshape(-1).tolist()
    given = output.lengths.tolist()
    name, hint = component_name("encoders", recipe.encoder), "`signkit.testing.check_encoder` holds it to it"
    for frames, ahead, found in zip(batch.lengths.tolist(), promised, given, strict=True):
        if ahead != found or ahead < 1:
            what = f"`output_lengths` of `{name}` promises {ahead} chunks for {frames} frames"
            raise UserError("encoder", f"{what}, and it gives {found}", hint)
    for level, features in output.levels.items():
        if features.shape[1] != max(given):
            what = (
                f"`output_lengths` of `{name}` promises {max(given)} chunks for {max(batch.lengths.tolist())}"
            )
            raise UserError(
                "encoder", f"{what} frames, and its level `{level}` has {features.shape[1]}", hint
            )


def _different(sizes: tuple[int, ...], *, few: bool) -> list[int]:
    """Samples of different lengths: the two shortest, and unless few, one between and the longest."""
    first: dict[int, int] = {}
    for index in sorted(range(len(sizes)), key=sizes.__getitem__):
        first.setdefault(sizes[index], index)
    indices = [*first.values()]
    places = {0, 1} if few else {0, 1, len(indices) // 2, len(indices) - 1}
    return [indices[place] for place in sorted(places) if place < len(indices)]
