"""The forest of scikit-learn that labels each frame: transition, sign, or the beginning of one."""

from typing import Any

import numpy as np
import torch

from signkit.config.registry import extra_for
from signkit.data.loader import Dataset, eval_batches
from signkit.models.configs import SegmentClassifyConfig
from signkit.models.segment_classify import ONSET, SIGN, TRANSITION, Pieces, frame_vectors, pieces_of
from signkit.tasks.autoencoder.fit import forest_arrays

CLASSES = 3


def check_installed() -> None:
    """Refuse to fit a forest without scikit-learn.

    Raises:
        UserError: it is not installed.
    """
    with extra_for("model.name"):
        import sklearn  # noqa: F401


def classes_of_frames(pieces: Pieces, lengths: torch.Tensor, onset: int) -> list[torch.Tensor]:
    """The class of each frame of each clip.

    Args:
        onset: frames at the beginning of a segment that are a class of their own.
    """
    places = torch.arange(int(lengths.max()))
    labels = torch.full((len(lengths), len(places)), TRANSITION)
    for row, first, end in zip(pieces.row.tolist(), pieces.first.tolist(), pieces.end.tolist(), strict=True):
        labels[row, first:end] = SIGN
        labels[row, first : min(end, first + onset)] = ONSET
    return [each[:length] for each, length in zip(labels, lengths.tolist(), strict=True)]


def fitted_forest(
    dataset: Dataset, config: SegmentClassifyConfig, batch_size: int, seed: int
) -> tuple[Any, dict[str, Any], int]:
    """Fit a forest to all frames of a dataset.

    Returns:
        The estimator of scikit-learn, the arrays of a `signkit.models.fitted.Forest`, and how many frames
        there were.

    Raises:
        UserError: scikit-learn is not installed.
    """
    check_installed()
    from sklearn.ensemble import RandomForestClassifier

    vectors, targets = [], []
    for batch in eval_batches(dataset, batch_size):
        vectors += frame_vectors(batch, config.window)
        targets += classes_of_frames(pieces_of(batch.frame_labels), batch.lengths, config.onset)
    x, y = torch.cat(vectors).numpy(), torch.cat(targets).numpy()
    forest = RandomForestClassifier(config.trees, min_samples_leaf=config.leaf, random_state=seed)
    forest.fit(x, y.astype(np.int64))
    return forest, forest_arrays(forest, CLASSES), len(x)
