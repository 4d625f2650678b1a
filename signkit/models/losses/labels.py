"""The loss of a classifier's heads."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from signkit.models.losses.configs import CrossEntropyConfig, ReconstructionConfig

MISSING = 0
"""The target of a sample whose label is not known; the others are 1 plus the number of the class."""
CrossEntropy = Callable[[Float[Tensor, "batch classes"], Int[Tensor, " batch"]], Float[Tensor, " batch"]]


def build_cross_entropy(config: CrossEntropyConfig) -> CrossEntropy:
    """Cross-entropy of one head; 0 where the label is `MISSING`."""

    def term(
        logits: Float[Tensor, "batch classes"], targets: Int[Tensor, " batch"]
    ) -> Float[Tensor, " batch"]:
        known = targets != MISSING
        losses = F.cross_entropy(
            logits.float(),
            (targets - 1).clamp(min=0),
            reduction="none",
            label_smoothing=config.smoothing,
        )
        return torch.where(known, losses, 0.0)

    return term


def build_reconstruction(config: ReconstructionConfig) -> Callable[[Any], Float[Tensor, " batch"]]:
    """The error of each sample that the model has computed itself (`LabelLogits.auxiliary`)."""

    def term(output: Any) -> Float[Tensor, " batch"]:
        error: Tensor = output.auxiliary
        return error

    return term
