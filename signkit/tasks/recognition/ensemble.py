"""Joining the models of an ensemble, and checking that they fit together."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import torch

from signkit.decode.configs import LatticeConfig
from signkit.decode.lattice import acoustic_logits
from signkit.errors import UserError
from signkit.models.ensemble import Ensemble, Mixture
from signkit.models.export import TrainedModel


def joined(models: Sequence[TrainedModel]) -> Any:
    """The first model alone, or an ensemble of all, averaged as the first one's `decode.ensemble_mean` says.

    Raises:
        UserError: one of the models does not fit the first, or probabilities are to be averaged and a model
            has a context.
    """
    first, *others = models
    if not others:
        return first.model
    decode = cast(LatticeConfig, first.recipe.decode)
    device = next(first.model.parameters()).device
    for folder, other in zip(decode.ensemble, others, strict=True):
        if differing := _differing(first, other):
            raise UserError("decode.ensemble", f"{folder} cannot be averaged with this run: {differing}")
        other.model.to(device)
    nets = [each.model for each in models]
    if decode.ensemble_mean == "logits":
        return Ensemble(nets)
    with_context = [
        where for where, net in zip(("this run", *decode.ensemble), nets, strict=True) if not net.context_free
    ]
    if with_context:
        what = (
            f"is probabilities, and those of {with_context[0]} depend on the glosses before, by its context"
        )
        raise UserError("decode.ensemble_mean", what, "logits can be averaged")
    return Mixture(nets, partial(acoustic_logits, level=decode.level))


def _differing(one: TrainedModel, other: TrainedModel) -> str:
    """The reason why two models cannot be averaged; "" if they can."""
    ours, theirs = one.spec.vocabulary, other.spec.vocabulary
    if ours != theirs:
        if ours.unit != theirs.unit:
            return f"its unit is the {theirs.unit}, this one's the {ours.unit}"
        known, others = set(ours.tokens), set(theirs.tokens)
        sizes = f"{len(others) - 2} tokens against {len(known) - 2}, {len(known & others) - 2} in both"
        if known == others:
            return "its subwords are of another sentencepiece model"
        return f"another vocabulary ({sizes})"
    if one.model.topology != other.model.topology:
        return f"its topology is {other.model.topology}, this one's {one.model.topology}"
    if one.spec.signal != other.spec.signal:
        reads = [f"{s.layout or 'features'} {s.width} wide" for s in (other.spec.signal, one.spec.signal)]
        return f"it reads {reads[0]}, this one {reads[1]}"
    if one.recipe.landmarks != other.recipe.landmarks:
        return "its `landmarks` are chosen or normalised otherwise"
    frames = torch.arange(1, 513)
    chunks = [each.model.encoder.output_lengths(frames) for each in (one, other)]
    if not chunks[0].equal(chunks[1]):
        at = int((chunks[0] != chunks[1]).nonzero()[0])
        counts = f"{int(chunks[1][at])} and {int(chunks[0][at])}"
        return f"its encoder returns another number of chunks ({counts} for {at + 1} frames)"
    return ""
