"""What an encoder gives for a few clips, held against its protocol and its promises before the first step."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from signkit.config.own_code import a, described, own_code
from signkit.config.recipe import Recipe
from signkit.config.registry import component_name
from signkit.data.batch import Batch
from signkit.data.loader import Dataset
from signkit.errors import UserError
from signkit.models.encoders.protocol import Encoder
from signkit.models.losses.functions import check_per_sample
from signkit.types import VIDEO


def check_encoder_output(recipe: Recipe, model: Any, dataset: Dataset) -> None:
    """Check the types and shapes of one batch's output, and compare `output_lengths` with its lengths.

    The loss, the choice of samples and the times of hypotheses rely on `output_lengths`; a training where it
    is wrong would run to its end and be worthless. A model without an encoder has nothing to check.

    Args:
        dataset: clips without augmentation. Of video the two shortest are taken, otherwise the longest and
            one between, too.

    Raises:
        UserError: the output is not an `EncoderOutput`, or differs from the promise; or a clip cannot be
            read.
        ComponentError: the encoder of another package raises an exception.
    """
    encoder = getattr(model, "encoder", None)
    if recipe.encoder is None or not isinstance(encoder, Encoder):
        return
    indices = _different(dataset.sizes, few=encoder.reads == VIDEO)
    batch = dataset.collate([dataset.example(index) for index in indices])
    was_training = model.training
    model.eval()
    with torch.no_grad(), own_code(recipe.encoder):
        output = encoder(batch)
        ahead_of = encoder.output_lengths(batch.lengths)
    model.train(was_training)
    where, clips = described(recipe.encoder), len(batch.ids)
    _check_output(output, encoder, batch, where)
    _check_whole(ahead_of, clips, where, "its `output_lengths` gives")
    promised, given = ahead_of.tolist(), output.lengths.tolist()
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
    with own_code(recipe.encoder):
        centres = encoder.chunk_centres(max(given))
    _check_whole(centres, max(given), where, f"its `chunk_centres({max(given)})` gives")


def _check_output(output: Any, encoder: Encoder, batch: Batch, where: str) -> None:
    """Compare an output with the protocol, and with the encoder's `dims`."""
    lacking = [name for name in ("levels", "lengths", "auxiliary") if not hasattr(output, name)]
    if lacking:
        what = f"its output is {a(output)}, and has no attribute `{lacking[0]}`"
        raise UserError(where, what, "it is an EncoderOutput of signkit.models.encoders.protocol")
    clips, levels = len(batch.ids), output.levels
    if not isinstance(levels, Mapping):
        raise UserError(where, f"the `levels` of its output are {a(levels)}, not features by name")
    for name in encoder.dims:
        if name not in levels:
            raise UserError(where, f"its `dims` have the level `{name}`, and its output has not")
    for name, level in levels.items():
        width = encoder.dims.get(name, "width")
        fits = isinstance(level, Tensor) and level.is_floating_point() and level.ndim == 3
        if not fits or len(level) != clips or level.shape[2] != width:
            what = f"its level `{name}` is {a(level)}"
            raise UserError(where, f"{what}, not floating-point numbers [{clips}, chunks, {width}]")
    _check_whole(output.lengths, clips, where, "the `lengths` of its output are")
    check_per_sample(output.auxiliary, clips, where, "the `auxiliary` of its output is")


def _check_whole(values: Any, size: int, where: str, gives: str) -> None:
    fits = isinstance(values, Tensor) and tuple(values.shape) == (size,) and not values.is_floating_point()
    if not fits:
        found = f"{a(values)} of {values.dtype}" if isinstance(values, Tensor) else a(values)
        raise UserError(where, f"{gives} {found}, not whole numbers [{size}]")


def _different(sizes: tuple[int, ...], *, few: bool) -> list[int]:
    """Samples of different lengths: the two shortest, and unless few, one between and the longest."""
    first: dict[int, int] = {}
    for index in sorted(range(len(sizes)), key=sizes.__getitem__):
        first.setdefault(sizes[index], index)
    indices = [*first.values()]
    if len(indices) == 1:  # all are of one length, and a batch shows more than a clip
        indices = [*range(min(2, len(sizes)))]
    places = {0, 1} if few else {0, 1, len(indices) // 2, len(indices) - 1}
    return [indices[place] for place in sorted(places) if place < len(indices)]
