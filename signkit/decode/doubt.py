"""Texts of clips that a model is not confident about, replaced by a constant one."""

from collections.abc import Sequence

import torch

from signkit.decode.state import Candidate
from signkit.models.attention import Encoded


def with_doubted_replaced(
    lists: Sequence[list[Candidate]], encoded: Sequence[Encoded], least: float, tokens: tuple[int, ...]
) -> list[list[Candidate]]:
    """The candidates of each clip, headed by the constant text where its confidence is below the least.

    Args:
        encoded: what each model of an ensemble read; the mean of their confidences counts.
        tokens: of the constant text, which are spread over the clip.
    """
    given = [each.confidence for each in encoded if each.confidence is not None]
    if not given or not least:
        return [*lists]
    sure = torch.stack([each.float().sigmoid() for each in given]).mean(0).tolist()
    chunks = encoded[0].lengths.tolist()
    return [
        [_constant(tokens, candidates[0].score, each, length), *candidates] if each < least else candidates
        for candidates, each, length in zip(lists, sure, chunks, strict=True)
    ]


def _constant(tokens: tuple[int, ...], score: float, confidence: float, chunks: int) -> Candidate:
    places = tuple(place * chunks // len(tokens) for place in range(len(tokens)))
    return Candidate(tokens, score, places, (confidence,) * len(tokens))
