"""Scores of many sentences by a language model, in batches of similar length so that there is little
padding."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from signkit.data.padding import padded
from signkit.models.protocol import Language

Floats = npt.NDArray[np.float64]

SYMBOLS_AT_ONCE = 4096


def sentence_scores(model: Language, sentences: Sequence[Sequence[int]]) -> list[Floats]:
    """log P of each sentence's tokens, and of its end if the model predicts it.

    Args:
        model: its mode (train or eval) is restored afterwards.
        sentences: token indices, none of them 0.

    Returns:
        An array [tokens] or [tokens + 1] for each sentence, in the order of the sentences.
    """
    device = next(model.parameters()).device
    was_training = model.training
    model.eval()
    lengths = np.array([len(sentence) for sentence in sentences], dtype=np.int64)
    scores: list[Floats] = [np.zeros(0)] * len(sentences)
    with torch.no_grad():
        for chosen in _batches(lengths):
            tokens, sizes = padded([sentences[place] for place in chosen.tolist()])
            log = model.log_scores(tokens.to(device), sizes.to(device)).double().cpu().numpy()
            for place, row in zip(chosen.tolist(), log, strict=True):
                scores[place] = row[: lengths[place] + model.predicts_end]
    model.train(was_training)
    return scores


def _batches(lengths: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Positions of the sentences that are scored together: each batch has at most `SYMBOLS_AT_ONCE`
    symbols."""
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
