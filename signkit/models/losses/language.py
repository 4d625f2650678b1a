"""The terms of a language model's loss: the next token, and the masked ones."""

from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from signkit.data.batch import IGNORED, Batch, next_tokens
from signkit.models.losses.configs import MaskedTokenConfig, NextTokenConfig
from signkit.models.losses.logits import Propose, SplitLogits
from signkit.models.losses.terms import Term


def build_next_token(config: NextTokenConfig, *, topology: str) -> Term:
    """Cross-entropy of every next token and of the end, summed over a sentence."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        targets = next_tokens(batch.targets, batch.target_lengths)
        return _summed(logits.context, targets, config.smoothing)

    return term


def build_masked_token(config: MaskedTokenConfig, *, topology: str) -> Term:
    """Cross-entropy of the masked tokens, summed over a sentence; the end is none of the tokens."""

    def term(logits: SplitLogits, batch: Batch, propose: Propose) -> Float[Tensor, " batch"]:
        assert logits.asked is not None  # the model is a `MaskedLm`, which `prepare` has made sure of
        targets = (batch.targets - 1).masked_fill(~logits.asked, IGNORED)
        return _summed(logits.context[..., 1:], targets, config.smoothing)

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
