"""The texts of all readings of a source as one list.

A recogniser's n-best list has several readings r of a recording x. The probability of a text y is

    P(y|x) = sum over r of P(r|x) P(y|r),  with  P(r|x) proportional to P_recogniser(r|x) ^ w,

w = `decode.source_weight`. Of P(y|r) only the texts in the beam of r are known; others count as 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int
from torch import Tensor

from signkit.decode.configs import AttentionSearchConfig, length_divisor
from signkit.decode.state import Candidate


@dataclass(frozen=True, slots=True)
class Read:
    """The texts of a sample.

    Attributes:
        candidates: best first. Chunks are counted through all readings, the first one's first.
        rows: of the batch, one for each reading.
    """

    id: str
    candidates: list[Candidate]
    rows: range


def by_sample(
    ids: Sequence[str],
    lists: Sequence[list[Candidate]],
    logs: Float64[Tensor, " rows"] | None,
    chunks: Int[Tensor, " rows"],
    config: AttentionSearchConfig,
) -> list[Read]:
    """The texts of each sample of a batch, from those of each row.

    Args:
        ids: of the samples; rows of the same sample follow each other.
        lists: the texts of each row, best first.
        logs: the log score of each row's reading; None if each row is another sample.
        chunks: of each row.
    """
    if logs is None:
        return [Read(ids[row], texts, range(row, row + 1)) for row, texts in enumerate(lists)]
    found, first = list[Read](), 0
    for end in range(1, len(ids) + 1):
        if end == len(ids) or ids[end] != ids[first]:
            rows = range(first, end)
            weighted = config.source_weight * logs[first:end].numpy()
            merged = _merged(lists[first:end], weighted, chunks[first:end].tolist(), config)
            found.append(Read(ids[first], merged, rows))
            first = end
    return found


def _merged(
    lists: Sequence[list[Candidate]],
    logs: Float64[np.ndarray, " readings"],
    chunks: Sequence[int],
    config: AttentionSearchConfig,
) -> list[Candidate]:
    """The texts of the readings of a sample, each text once."""
    logs = logs - np.logaddexp.reduce(logs)
    before = [sum(chunks[:reading]) for reading in range(len(chunks))]
    scores: dict[tuple[int, ...], list[float]] = {}
    best: dict[tuple[int, ...], tuple[float, Candidate]] = {}
    for reading, texts in enumerate(lists):
        for each in texts:
            # The beam's scores are divided by a power of the length, which is the same for equal texts.
            score = each.score * length_divisor(len(each.tokens), config.length_norm) + float(logs[reading])
            scores.setdefault(each.tokens, []).append(score)
            if each.tokens not in best or score > best[each.tokens][0]:
                shifted = tuple(before[reading] + chunk for chunk in each.chunks)
                best[each.tokens] = score, replace(each, chunks=shifted, reading=reading)
    found = [
        replace(
            best[tokens][1],
            score=float(np.logaddexp.reduce(of)) / length_divisor(len(tokens), config.length_norm),
        )
        for tokens, of in scores.items()
    ]
    return sorted(found, key=lambda each: -each.score)[: config.beam]
