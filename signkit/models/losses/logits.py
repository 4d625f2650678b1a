"""What a model gives its losses: acoustic and context logits kept apart."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True)
class SplitLogits:
    """Logits of a batch, split: W (l_s + b_u) + bias = chunk[s] + context[u].

    Attributes:
        chunk: W l_s, without bias.
        video: W g_s, without bias; the very tensor `chunk` where the encoder has no global module.
        context: W b_u + bias, for the histories of 0 to all glosses of the target.
        bias: the classifier's bias, for terms without context.
        lengths: chunks of each sample.
        centres: the frame each chunk stands for.
        auxiliary: the encoder's own loss a sample.
        asked: of a masked language model, the places whose token was masked; its context has the logits of
            every token given the others, instead of the next one's.
    """

    chunk: Float[Tensor, "batch chunks vocab"]
    video: Float[Tensor, "batch chunks vocab"]
    context: Float[Tensor, "batch histories vocab"]
    bias: Float[Tensor, " vocab"]
    lengths: Int[Tensor, " batch"]
    centres: Int[Tensor, " chunks"]
    auxiliary: Float[Tensor, " batch"]
    asked: Bool[Tensor, "batch labels"] | None = None

    def levels(self, level: str) -> tuple[Float[Tensor, "batch chunks vocab"], ...]:
        """The logits of `video`, `chunk` or `both`; one tensor where both are the same."""
        if level == "both" and self.chunk is not self.video:
            return (self.video, self.chunk)
        return (self.chunk,) if level == "chunk" else (self.video,)

    def float(self) -> "SplitLogits":
        """The same in float32, in which losses are computed."""
        video = self.video.float()
        return replace(
            self,
            chunk=video if self.chunk is self.video else self.chunk.float(),
            video=video,
            context=self.context.float(),
            bias=self.bias.float(),
            auxiliary=self.auxiliary.float(),
        )

    def anchor(self) -> Float[Tensor, " batch"]:
        """A sum that every parameter takes part in, so that each has a gradient in every step."""
        parts = (self.chunk, self.video, self.context)
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
