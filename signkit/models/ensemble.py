"""Several recognisers as one: their logits averaged, chunk by chunk and history by history."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from signkit.data.batch import Batch
from signkit.losses.logits import SplitLogits


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
        each: list[SplitLogits] = [model(batch) for model in self._each]
        first = each[0]
        if not all(other.lengths.equal(first.lengths) for other in each):
            raise ValueError("the models of an ensemble give different numbers of chunks")
        chunk = _mean(each, lambda logits: logits.chunk)
        one_level = all(logits.video is logits.chunk for logits in each)
        return SplitLogits(
            chunk=chunk,
            video=chunk if one_level else _mean(each, lambda logits: logits.video),
            context=_mean(each, lambda logits: logits.context),
            bias=_mean(each, lambda logits: logits.bias),
            lengths=first.lengths,
            centres=first.centres,
            auxiliary=_mean(each, lambda logits: logits.auxiliary),
        )

    def history_rows(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch histories vocab"]:
        """Mean context logits after 0, 1, … all labels of each history, the mean bias included."""
        return torch.stack([model.history_rows(history, lengths) for model in self._each]).mean(0)

    def rows(
        self, history: Int[Tensor, "batch labels"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch vocab"]:
        """Mean context logits after the whole of each history, without bias."""
        return torch.stack([model.rows(history, lengths) for model in self._each]).mean(0)


def _mean(each: Sequence[SplitLogits], part: Callable[[SplitLogits], Tensor]) -> Tensor:
    return torch.stack([part(logits) for logits in each]).mean(0)
