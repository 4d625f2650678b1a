"""N-best rescoring: the weighted scores of whole-sequence models are added, and the list sorted again."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from signkit.decode.context_logits import Floats
from signkit.decode.scorer import Rescorer
from signkit.decode.state import NO_CANDIDATE, Candidate


def rescore(
    nbest_lists: Sequence[Sequence[Candidate]], rescorers: Sequence[tuple[Rescorer, float]]
) -> list[list[Candidate]]:
    """N-best lists with weighted totals added to their scores, sorted again; equal scores keep their order.

    Each rescorer gets the sequences of all utterances in one call. Sequences that it scores -inf are dropped,
    whatever its weight; if none is left, the list is the empty sequence at -inf. Confidences are dropped,
    since the votes have changed (`signkit.decode.confidence.confident` computes them again).

    Args:
        nbest_lists: the candidates of each utterance.
        rescorers: pairs of a rescorer and its weight.

    Raises:
        ValueError: a total is NaN or +inf, there is not one a sequence, or a weight is not finite; the
            message names the rescorer.
    """
    if not rescorers:
        return [list(nbest) for nbest in nbest_lists]
    sequences = [candidate.tokens for nbest in nbest_lists for candidate in nbest]
    scores = np.array([candidate.score for nbest in nbest_lists for candidate in nbest], dtype=np.float64)
    for place, (rescorer, weight) in enumerate(rescorers):
        name = f"rescorer {place} ({type(rescorer).__name__})"
        scores = scores + _weighted(name, rescorer.totals(sequences), weight, len(sequences))
    following = iter(scores.tolist())
    changed = [[replace(c, score=next(following), confidences=()) for c in nbest] for nbest in nbest_lists]
    return [_ranked(nbest) for nbest in changed]


def _ranked(nbest: Sequence[Candidate]) -> list[Candidate]:
    possible = [candidate for candidate in nbest if candidate.score > -np.inf]
    return sorted(possible, key=lambda candidate: -candidate.score) or [NO_CANDIDATE]


def _weighted(name: str, totals: Floats, weight: float, count: int) -> Floats:
    if not np.isfinite(weight):
        raise ValueError(f"the weight of {name} is {weight}")
    if totals.shape != (count,):
        raise ValueError(f"{name} gives the shape {list(totals.shape)}, not {[count]}")
    bad = ~(totals < np.inf)
    if bad.any():
        raise ValueError(f"{name} gives NaN or +inf for sequence {int(bad.argmax())}")
    possible = totals > -np.inf
    return np.where(possible, weight * np.where(possible, totals, 0), -np.inf)
