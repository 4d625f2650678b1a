"""Joining the models of an ensemble, and checking that they fit together."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from signkit.decode.configs import LatticeConfig
from signkit.decode.lattice import acoustic_logits
from signkit.errors import UserError
from signkit.models.ensemble import Ensemble, Mixture
from signkit.models.export import TrainedModel
from signkit.tasks.transcripts.differing import differing


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
        if found := differing(first, other):
            raise UserError("decode.ensemble", f"{folder} cannot be averaged with this run: {found}")
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
