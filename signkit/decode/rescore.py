"""An n-best list in a new order: what whole-sequence models say is added to the scores."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from signkit.decode.context_logits import Floats
from signkit.decode.scorer import Rescorer
from signkit.decode.state import NO_CANDIDATE, Candidate


def rescore(
    found: Sequence[Sequence[Candidate]], rescorers: Sequence[tuple[Rescorer, float]]
) -> list[list[Candidate]]:
    """The n-best lists with weighted totals added to their scores, best first; equals keep their order.

    Sequences of all utterances are given to a rescorer in one call. What it forbids by -inf, whatever its
    weight, is left out; where nothing stays, the empty sequence at -inf does. Confidences fall away: the
    votes have changed (`signkit.decode.confidence.confident` counts them again).

    Raises:
        ValueError: a total is NaN or +inf, or not one a sequence; the rescorer is named.
    """
    if not rescorers:
        return [list(nbest) for nbest in found]
    sequences = [candidate.tokens for nbest in found for candidate in nbest]
    scores = np.array([candidate.score for nbest in found for candidate in nbest], dtype=np.float64)
    for place, (rescorer, weight) in enumerate(rescorers):
        name = f"rescorer {place} ({type(rescorer).__name__})"
        scores = scores + _weighted(name, rescorer.totals(sequences), weight, len(sequences))
    following = iter(scores.tolist())
    changed = [[replace(c, score=next(following), confidences=()) for c in nbest] for nbest in found]
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
