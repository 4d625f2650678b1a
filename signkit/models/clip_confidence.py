"""How right the text of a clip is likely to be, learnt from other models' texts (Henkel and Hanley 2023).

The winners of Kaggle's ASLFR trained models on folds of train, scored their texts of the clips that they had
not seen, (N - D) / N, and taught these scores to a linear layer on the encoder's first vector, by
cross-entropy. Texts of clips below a confidence of 0.15 were replaced by a constant phrase.
github.com/ChristofHenkel/kaggle-asl-fingerspelling-1st-place-solution: ``models/mdl_2_pt.py``,
``scripts/get_train_folded_oof_supp.py``, ``postprocess/pp_2.py``.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from signkit.errors import UserError
from signkit.eval.alignment import UNIT
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.formats import read
from signkit.eval.results import hypotheses_file, lines_folder, references_file
from signkit.eval.transcripts import Pairs, Ragged


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


def held_out_scores(runs: Sequence[str]) -> dict[str, float]:
    """The scores of the texts that runs gave for their dev clips, by clip, from 0 to 1: (N - D) / N of the
    characters, at least 0; of a clip that several runs have, their mean.

    Raises:
        UserError: a run has no texts of dev.
    """
    found: dict[str, list[float]] = {}
    for run in runs:
        folder = lines_folder(Path(run))
        files = references_file(folder, "dev"), hypotheses_file(folder, "dev")
        if not all(file.is_file() for file in files):
            what = f"{run} has no texts of dev"
            raise UserError(
                "model.confidence_from", what, "name finished runs that decode dev, one of each fold"
            )
        references, hypotheses = (read(file, format="jsonl") for file in files)
        texts = [hypotheses.texts[hypotheses.index[name]] for name in references.ids]
        pairs = Pairs(references.ids, _characters(references.texts), _characters(texts), ())
        aligned = align_pairs(pairs, UNIT)
        scores = np.clip(1 - aligned.errors / np.maximum(aligned.words, 1), 0, 1)
        for name, score in zip(references.ids, scores.tolist(), strict=True):
            found.setdefault(name, []).append(score)
    return {name: sum(scores) / len(scores) for name, scores in found.items()}


def _characters(texts: Sequence[str]) -> Ragged:
    """Texts as the numbers of their characters."""
    values = np.frombuffer("".join(texts).encode("utf-32-le"), np.int32)
    return Ragged(values, np.cumsum([0, *map(len, texts)], dtype=np.int64))
