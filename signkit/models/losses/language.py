"""The terms of a language model's loss: next tokens, and masked tokens.

Each is a function of the model's output and of the batch, with one value per sentence.
"""

from collections.abc import Callable

from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from signkit.data.batch import IGNORED, TextBatch, next_tokens
from signkit.models.losses.configs import MaskedTokenConfig, NextTokenConfig

NextToken = Callable[[Float[Tensor, "batch histories vocab"], TextBatch], Float[Tensor, " batch"]]
MaskedToken = Callable[
    [tuple[Float[Tensor, "batch labels vocab"], Bool[Tensor, "batch labels"]], TextBatch],
    Float[Tensor, " batch"],
]


def build_next_token(config: NextTokenConfig) -> NextToken:
    """Cross-entropy of every next token and of the end, summed over each sentence."""

    def term(output: Float[Tensor, "batch histories vocab"], batch: TextBatch) -> Float[Tensor, " batch"]:
        return _summed(output.float(), next_tokens(batch.tokens, batch.lengths), config.smoothing)

    return term


def build_masked_token(config: MaskedTokenConfig) -> MaskedToken:
    """Cross-entropy of the masked tokens, summed over each sentence. Index 0, the end, is left out."""

    def term(
        output: tuple[Float[Tensor, "batch labels vocab"], Bool[Tensor, "batch labels"]], batch: TextBatch
    ) -> Float[Tensor, " batch"]:
        logits, masked = output
        targets = (batch.tokens - 1).masked_fill(~masked, IGNORED)
        return _summed(logits.float()[..., 1:], targets, config.smoothing)

    return term


def _summed(
    logits: Float[Tensor, "batch places vocab"], targets: Int[Tensor, "batch places"], smoothing: float
) -> Float[Tensor, " batch"]:
    each = F.cross_entropy(
        logits.flatten(0, 1),
        targets.flatten(),
        ignore_index=IGNORED,
        label_smoothing=smoothing,
        reduction="none",
    )
    return each.view(targets.shape).sum(1)
