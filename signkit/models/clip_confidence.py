"""How right the text of a clip is likely to be, learnt from other models' texts (Henkel and Hanley 2023).

The winners of Kaggle's ASLFR trained models on folds of train, scored their texts of the clips that they had
not seen, (N - D) / N, and taught these scores to a linear layer on the encoder's first vector, by
cross-entropy. Texts of clips below a confidence of 0.15 were replaced by a constant phrase.
github.com/ChristofHenkel/kaggle-asl-fingerspelling-1st-place-solution: ``models/mdl_2_pt.py``,
``scripts/get_train_folded_oof_supp.py``, ``postprocess/pp_2.py``.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F


class ClipConfidence(nn.Module):
    """A linear layer on the first vector of a clip.

    Args:
        width: of the vectors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, 1)

    def forward(self, features: Float[Tensor, "batch chunks width"]) -> Float[Tensor, " batch"]:
        """The confidence of each clip before the sigmoid."""
        logits: Tensor = self.linear(features[:, 0])
        return logits.squeeze(1)


def scores_of(
    ids: Sequence[str], scores: dict[str, float]
) -> tuple[Float[Tensor, " batch"], Bool[Tensor, " batch"]]:
    """The scores of clips, 0 where there is none, and where there is one."""
    found = torch.tensor([scores.get(name, math.nan) for name in ids], dtype=torch.float32)
    return found.nan_to_num(0.0), ~found.isnan()


def confidence_loss(
    logits: Float[Tensor, " batch"], ids: Sequence[str], scores: dict[str, float]
) -> Float[Tensor, " batch"]:
    """The cross-entropy of each clip's confidence with its score; 0 for a clip that has none."""
    targets, known = (each.to(logits.device) for each in scores_of(ids, scores))
    losses = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
    return losses * known
