"""Many sentences scored by a language model, sorted by length so that little is padding."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from signkit.data.padding import padded
from signkit.models.protocol import Language

Floats = npt.NDArray[np.float64]

SYMBOLS_AT_ONCE = 4096


def sentence_scores(model: Language, sentences: Sequence[Sequence[int]]) -> list[Floats]:
    """log P of each sentence's tokens, and of its end where the model predicts it.

    Args:
        model: a `Language`; its mode (train or eval) is left as it was.
        sentences: token indices, none of them 0.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    lengths = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
    found: list[Floats] = [np.zeros(0)] * len(sentences)
    with torch.no_grad():
        for chosen in _batches(lengths):
            tokens, sizes = padded([sentences[place] for place in chosen.tolist()])
            log = model.log_scores(tokens.to(device), sizes.to(device)).double().cpu().numpy()
            for place, row in zip(chosen.tolist(), log, strict=True):
                found[place] = row[: lengths[place] + model.predicts_end]
    model.train(was_training)
    return found


def _batches(lengths: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Places of sentences that are scored together, by length."""
    order = np.argsort(lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        size, end = 0, start
        while end < len(order) and (
            size == 0 or (size + 1) * (int(lengths[order[end]]) + 1) <= SYMBOLS_AT_ONCE
        ):
            size, end = size + 1, end + 1
        batches.append(order[start:end])
        start = end
    return batches
