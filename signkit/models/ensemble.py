"""Several recognisers as one: their logits averaged, or their probabilities, chunk by chunk."""

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
    """A `Recogniser` whose acoustic and context logits are the means of some others'.

    A mean of logits is a geometric mean of distributions, normalised anew; that of sums is the sum of means,
    so the split into acoustic and context logits stays.

    Args:
        models: recognisers of one vocabulary and one topology that give equally many chunks.

    Raises:
        ValueError: none, or their topologies differ.
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
        """The mean logits of a batch and its targets; places and lengths are the first model's."""
        each = _of_equal_lengths(self._each, batch)
        first = each[0]
        chunk = _mean(each, lambda logits: logits.levels["chunk"])
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
        """Mean context logits after 0, 1, … all labels of each history, the mean bias included."""
        return torch.stack([model.context_logits(history, lengths) for model in self._each]).mean(0)

    def last_context_logits(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """Mean context logits after the whole of each history, without bias."""
        return torch.stack([model.last_context_logits(history, lengths) for model in self._each]).mean(0)


class Mixture(nn.Module):
    """A `Recogniser` without context whose probabilities in each chunk are the means of some others'.

    What one model is sure of counts more than in a mean of logits, and what one of them rules out is ruled
    out by it alone. Its logits are log probabilities, the same on both levels; it has no bias.

    Args:
        models: recognisers without context, of one vocabulary, that give equally many chunks.
        acoustic: the logits of a model that are decoded, its bias included (`acoustic_logits`).

    Raises:
        ValueError: none, or one with a context.
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
        """The log of the mean probabilities; places and lengths are the first model's."""
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
        ValueError: they are of different numbers of chunks.
    """
    each: list[SplitLogits] = [model(batch) for model in models]
    if not all(other.lengths.equal(each[0].lengths) for other in each):
        raise ValueError("the models of an ensemble give different numbers of chunks")
    return each


def _mean(each: Sequence[SplitLogits], part: Callable[[SplitLogits], Tensor]) -> Tensor:
    return torch.stack([part(logits) for logits in each]).mean(0)
