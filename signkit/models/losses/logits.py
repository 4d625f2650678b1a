"""The output of recognisers: acoustic and context logits, not yet added."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, slots=True)
class SplitLogits:
    """The logits of a batch as two summands: W (l_s + b_u) + bias = levels["chunk"][s] + context[u].

    Attributes:
        levels: W l_s of each level by name, without bias. If the encoder has no global module, ``video`` and
            ``chunk`` are the same tensor object, by which losses and decoders recognise a single level.
        context: W b_u + bias after 0, 1, … all glosses of the target.
        bias: the output layer's bias, for terms without context.
        lengths: the number of chunks of each sample.
        centres: the frame at each chunk's centre.
        auxiliary: the encoder's own loss of each sample.
    """

    levels: Mapping[str, Float[Tensor, "batch chunks vocab"]]
    context: Float[Tensor, "batch histories vocab"]
    bias: Float[Tensor, " vocab"]
    lengths: Int[Tensor, " batch"]
    centres: Int[Tensor, " chunks"]
    auxiliary: Float[Tensor, " batch"]
    # By the identity of the level's tensor, which this record keeps alive, and the topology.
    _posteriors: dict[tuple[int, str], Tensor] = field(default_factory=dict, init=False, repr=False)

    def at(self, level: str) -> tuple[Float[Tensor, "batch chunks vocab"], ...]:
        """The logits of a level; for ``both``, of video and chunk, or one tensor if they are the same."""
        if level != "both":
            return (self.levels[level],)
        video, chunk = self.levels["video"], self.levels["chunk"]
        return (video,) if video is chunk else (video, chunk)

    def float(self) -> "SplitLogits":
        """The same logits in float32, in which losses are computed."""
        # Converted once per tensor object, so that equal levels stay one object (see `levels`).
        once = {id(level): level.float() for level in self.levels.values()}
        return replace(
            self,
            levels={name: once[id(level)] for name, level in self.levels.items()},
            context=self.context.float(),
            bias=self.bias.float(),
            auxiliary=self.auxiliary.float(),
        )

    def note_posteriors(
        self,
        acoustic: Float[Tensor, "batch chunks vocab"],
        topology: str,
        posteriors: Float[Tensor, "batch chunks histories"] | None,
    ) -> None:
        """Keep the posteriors of the references' nodes that one term has computed, for another one."""
        if posteriors is not None:
            self._posteriors[id(acoustic), topology] = posteriors

    def posteriors_of(
        self, acoustic: Float[Tensor, "batch chunks vocab"], topology: str
    ) -> Float[Tensor, "batch chunks histories"] | None:
        """The posteriors of a level, by its tensor object, if a term has computed them."""
        return self._posteriors.get((id(acoustic), topology))

    def anchor(self) -> Float[Tensor, " batch"]:
        """A sum over all logits, [batch], that every parameter contributes to.

        Added to the loss with factor 0, it gives every parameter a gradient in every step, also those of
        levels that no term uses at the moment: distributed training waits for the gradient of each parameter.
        """
        parts = (*self.levels.values(), self.context)
        return torch.stack([part.sum((1, 2)) for part in parts]).sum(0)


def decoded_level(
    levels: Mapping[str, Float[Tensor, "batch chunks vocab"]], level: str
) -> Float[Tensor, "batch chunks vocab"]:
    """The logits that are decoded, without bias: ``video``, ``chunk``, or their ``sum``.

    A single level counts once.
    """
    video, chunk = levels["video"], levels["chunk"]
    if level == "sum" and chunk is not video:
        return video + chunk
    return chunk if level == "chunk" else video


@dataclass(frozen=True, slots=True)
class Proposals:
    """The N best hypotheses of a search, which the sequence-level term compares with the reference.

    Attributes:
        tokens: of each hypothesis, zero where padded.
        lengths: the number of tokens of each hypothesis; 0 if there are fewer than N.
        valid: whether there is a hypothesis.
        contexts: context logits after 0, 1, … all tokens of each hypothesis.
    """

    tokens: Int[Tensor, "batch nbest labels"]
    lengths: Int[Tensor, "batch nbest"]
    valid: Bool[Tensor, "batch nbest"]
    contexts: Float[Tensor, "batch nbest histories vocab"]


Propose = Callable[[Float[Tensor, "batch chunks vocab"], int], Proposals]
"""A search for hypotheses, given the acoustic logits of a level and N."""
