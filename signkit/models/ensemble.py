"""Ensembles: several recognisers used as one, by averaging their logits or their probabilities."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.models.losses.logits import SplitLogits


class Ensemble(nn.Module):
    """A `Recogniser` whose acoustic and context logits are the means of those of several recognisers.

    Averaging logits is taking the geometric mean of the distributions and normalising it again. The mean of
    sums is the sum of means, so logits stay split into acoustic and context logits.

    Args:
        models: recognisers with the same vocabulary, topology and number of chunks.

    Raises:
        ValueError: there are no models, or their topologies differ; in `forward`, their numbers of chunks.
    """

    def __init__(self, models: Sequence[Any]) -> None:
        super().__init__()
        if len({model.topology for model in models}) != 1:
            raise ValueError(f"topologies {[model.topology for model in models]}: one is needed")
        self.models = nn.ModuleList(models)
        self._each: tuple[Any, ...] = tuple(models)
        self.encoder = models[0].encoder
        self.topology: str = models[0].topology
        self.context_free = all(model.context_free for model in models)

    def forward(self, batch: Batch) -> SplitLogits:
        """The mean logits of a batch and its targets; chunk centres and lengths are the first model's."""
        each = _of_equal_lengths(self._each, batch)
        first = each[0]
        chunk = _mean(each, lambda logits: logits.levels["chunk"])
        # Where all models have one level, so has the ensemble: `SplitLogits` tells levels by identity.
        one_level = all(logits.levels["video"] is logits.levels["chunk"] for logits in each)
        video = chunk if one_level else _mean(each, lambda logits: logits.levels["video"])
        return SplitLogits(
            levels={"chunk": chunk, "video": video},
            context=_mean(each, lambda logits: logits.context),
            bias=_mean(each, lambda logits: logits.bias),
            lengths=first.lengths,
            centres=first.centres,
            auxiliary=_mean(each, lambda logits: logits.auxiliary),
        )

    def context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """Mean context logits after 0, 1, … all labels of each history, including the mean bias."""
        return torch.stack([model.context_logits(history, lengths) for model in self._each]).mean(0)

    def last_context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """Mean context logits after the whole of each history, without the bias."""
        return torch.stack([model.last_context_logits(history, lengths) for model in self._each]).mean(0)


class Mixture(nn.Module):
    """A `Recogniser` without context whose probabilities in each chunk are the means of those of several.

    Compared with a mean of logits, a confident model counts more, and a token that a single model rules out
    stays possible. Its logits are log probabilities, the same on both levels, with a bias of zero.

    Args:
        models: recognisers without context, with the same vocabulary and number of chunks.
        acoustic: returns the logits of a model that are decoded, including its bias (`acoustic_logits`).

    Raises:
        ValueError: there are no models, or one has a context; in `forward`, their numbers of chunks differ.
    """

    topology = "ctc"
    context_free = True

    def __init__(self, models: Sequence[Any], acoustic: Callable[[SplitLogits], Tensor]) -> None:
        super().__init__()
        if not models or not all(model.context_free for model in models):
            raise ValueError("probabilities are averaged of models without context, at least one")
        self.models = nn.ModuleList(models)
        self._each: tuple[Any, ...] = tuple(models)
        self._acoustic = acoustic
        self.encoder = models[0].encoder

    def forward(self, batch: Batch) -> SplitLogits:
        """The log of the mean probabilities; chunk centres and lengths are the first model's."""
        each = _of_equal_lengths(self._each, batch)
        log = torch.stack([self._acoustic(logits).float().log_softmax(2) for logits in each])
        mean = log.logsumexp(0) - math.log(len(each))
        return replace(
            each[0],
            levels={"chunk": mean, "video": mean},
            context=torch.zeros_like(each[0].context),
            bias=torch.zeros_like(each[0].bias),
            auxiliary=_mean(each, lambda logits: logits.auxiliary),
        )

    def context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """Zeros; histories = labels + 1."""
        return torch.zeros_like(self._each[0].context_logits(history, lengths))

    def last_context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """Zeros."""
        return torch.zeros_like(self._each[0].last_context_logits(history, lengths))


def _of_equal_lengths(models: Sequence[Any], batch: Batch) -> list[SplitLogits]:
    """The logits of each model.

    Raises:
        ValueError: the models differ in the number of chunks.
    """
    logits: list[SplitLogits] = [model(batch) for model in models]
    if not all(other.lengths.equal(logits[0].lengths) for other in logits):
        raise ValueError("the models of an ensemble give different numbers of chunks")
    return logits


def _mean(each: Sequence[SplitLogits], part: Callable[[SplitLogits], Tensor]) -> Tensor:
    return torch.stack([part(logits) for logits in each]).mean(0)
