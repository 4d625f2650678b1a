"""What a model gives its losses: acoustic and context logits kept apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True)
class SplitLogits:
    """Logits of a batch, split: W (l_s + b_u) + bias = levels["chunk"][s] + context[u].

    Attributes:
        levels: W l_s of each level by its name, without bias; ``video`` is the very tensor of ``chunk`` where
            the encoder has no global module.
        context: W b_u + bias, for the histories of 0 to all glosses of the target.
        bias: the output layer's bias, for terms without context.
        lengths: chunks of each sample.
        centres: the frame each chunk stands for.
        auxiliary: the encoder's own loss a sample.
    """

    levels: Mapping[str, Float[Tensor, "batch chunks vocab"]]
    context: Float[Tensor, "batch histories vocab"]
    bias: Float[Tensor, " vocab"]
    lengths: Int[Tensor, " batch"]
    centres: Int[Tensor, " chunks"]
    auxiliary: Float[Tensor, " batch"]

    def at(self, level: str) -> tuple[Float[Tensor, "batch chunks vocab"], ...]:
        """The logits of a level, or of video and chunk for ``both``; one tensor where both are the same."""
        if level != "both":
            return (self.levels[level],)
        video, chunk = self.levels["video"], self.levels["chunk"]
        return (video,) if video is chunk else (video, chunk)

    def float(self) -> "SplitLogits":
        """The same in float32, in which losses are computed."""
        once = {id(level): level.float() for level in self.levels.values()}  # levels that are one stay one
        return replace(
            self,
            levels={name: once[id(level)] for name, level in self.levels.items()},
            context=self.context.float(),
            bias=self.bias.float(),
            auxiliary=self.auxiliary.float(),
        )

    def anchor(self) -> Float[Tensor, " batch"]:
        """A sum that every parameter takes part in, so that each has a gradient in every step."""
        parts = (*self.levels.values(), self.context)
        return torch.stack([part.sum((1, 2)) for part in parts]).sum(0)


@dataclass(frozen=True, slots=True)
class Proposals:
    """Hypotheses of a search beside the reference, for the sequence-level term.

    Attributes:
        tokens: zero where padded.
        lengths: tokens of each hypothesis; 0 where there are fewer than N.
        valid: False where there is no hypothesis.
        contexts: context logits of each hypothesis's histories.
    """

    tokens: Int[Tensor, "batch nbest labels"]
    lengths: Int[Tensor, "batch nbest"]
    valid: Bool[Tensor, "batch nbest"]
    contexts: Float[Tensor, "batch nbest histories vocab"]


Propose = Callable[[Float[Tensor, "batch chunks vocab"], int], Proposals]
