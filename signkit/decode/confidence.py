"""How sure a decoder is of each token, made honest by a temperature.

The final beam votes: a token of the best hypothesis is as sure as the share of the hypotheses that say it
too when they are aligned with the best, each weighted by its score at a temperature, exp(score / T). That
is the token's posterior (Wessel et al. 2001) on an n-best list. T is fitted on dev by log loss.

Most tokens are said by a whole beam, and of these some are wrong, which no temperature could tell. So what
fell out of the beam votes too, against every token: it is taken to be as many hypotheses as are in it, each
as good as the worst of them (this project; one alone has lost nothing).

Greedy search has one path: its tokens bring the probability they had where they were emitted, as a vote of
"this" against "something else".

    found = beam_search(..., beam=16, nbest=16)          # the whole beam: all that any temperature needs
    votes = beam_votes(found)                            # or greedy_votes(greedy_search(...))
    temperature = fit_temperature(votes, right_tokens(found, references))
    confidences(votes, temperature)                      # of the tokens of all best hypotheses, end to end
    confident(found, temperature)                        # the same, put into the candidates
    reliability(confidences(votes, temperature), right)  # table and expected calibration error
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.decode.context_logits import Floats
from signkit.decode.history import Ints
from signkit.decode.state import Candidate
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.transcripts import CORRECT, DELETION, INSERTION, Aligned, Pairs, Ragged

Bools = npt.NDArray[np.bool_]
NBest = Sequence[Sequence[Candidate]]

COOLEST, HOTTEST = 0.05, 500.0
"""Between these the temperature is sought."""
LEAST = 1e-6
"""Probabilities are held so far from 0 and 1 in the log loss, which else one sure error makes infinite."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Who says each token of the best hypotheses, those of all utterances end to end.

    Attributes:
        agrees: bool [tokens, voters].
        scores: float64 [tokens, voters], log scores; -inf where an utterance has fewer voters.
    """

    agrees: Bools
    scores: Floats


def beam_votes(found: NBest) -> Votes:
    """The votes of n-best lists, best first: the first ones' tokens, said by themselves and the others, and
    by none of as many that are not there."""
    sizes, lengths = _lengths(found), _lengths([nbest[0].tokens for nbest in found])
    voters = int(sizes.max(initial=1))
    owner = np.repeat(np.arange(len(found)), lengths)
    said = np.zeros((len(owner), voters), dtype=np.bool_)
    said[:, 0] = True
    others = [(nbest[0].tokens, other.tokens) for nbest in found for other in nbest[1:]]
    aligned = _align([best for best, _ in others], [other for _, other in others])
    agree = aligned.kinds[aligned.kinds != INSERTION] == CORRECT  # of the best's tokens, for each other
    utterance, rank = np.nonzero(np.arange(1, voters) < sizes[:, None])
    begins, repeats = (np.cumsum(lengths) - lengths)[utterance], lengths[utterance]
    within = np.arange(len(agree)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    said[np.repeat(begins, repeats) + within, np.repeat(rank + 1, repeats)] = agree
    present = np.arange(voters) < sizes[:, None]
    scores = np.full((len(found), voters), -np.inf)
    scores[present] = [c.score for nbest in found for c in nbest]
    worst = np.array([[nbest[-1].score] for nbest in found]).reshape(-1, 1)
    lost = np.where(present & (sizes[:, None] > 1), worst, -np.inf)
    said = np.concatenate([said, np.zeros_like(said)], axis=1)
    return Votes(said, np.concatenate([scores, lost], axis=1)[owner])


def greedy_votes(found: NBest) -> Votes:
    """The votes of greedy paths with `Candidate.confidences`: for each token, and against it."""
    sure = np.array([*chain.from_iterable(nbest[0].confidences for nbest in found)], dtype=np.float64)
    with np.errstate(divide="ignore"):
        scores = np.log(np.stack([sure, 1 - sure], axis=1))
    return Votes(np.tile([True, False], (len(sure), 1)), scores)


def confidences(votes: Votes, temperature: float) -> Floats:
    """The share of the votes, exp(score / temperature), that each token has: [tokens], from 0 to 1."""
    if not temperature > 0:
        raise ValueError(f"need a temperature above 0, not {temperature}")
    weights = np.exp((votes.scores - votes.scores.max(axis=1, keepdims=True)) / temperature)
    # one after another: NumPy's sum groups its terms by their number, so empty columns would change bits
    shares: Floats = (weights * votes.agrees).cumsum(axis=1)[:, -1] / weights.cumsum(axis=1)[:, -1]
    return shares


def confident(found: NBest, temperature: float) -> list[list[Candidate]]:
    """The n-best lists with the confidences of their first ones; the others' stay as they are."""
    shares = iter(confidences(beam_votes(found), temperature).tolist())
    return [
        [replace(best, confidences=tuple(next(shares) for _ in best.tokens)), *others]
        for best, *others in found
    ]


def right_tokens(found: NBest, references: Sequence[Sequence[int]]) -> Bools:
    """Which tokens of the best hypotheses, end to end, are right when aligned with their references."""
    aligned = _align(references, [nbest[0].tokens for nbest in found])
    right: Bools = aligned.kinds[aligned.kinds != DELETION] == CORRECT
    return right


def log_loss(shares: Floats, right: Bools) -> float:
    """Mean negative log likelihood of right and wrong tokens [tokens]; 0 for none."""
    sure = np.clip(np.where(right, shares, 1 - shares), LEAST, 1.0)
    return float(-np.log(sure).mean()) if len(sure) else 0.0


def fit_temperature(votes: Votes, right: Bools) -> float:
    """The temperature of the least log loss, by golden section about the best of a grid; 1 for no tokens."""
    if not len(right):
        return 1.0

    def loss(log_t: float) -> float:
        return log_loss(confidences(votes, float(np.exp(log_t))), right)

    grid = np.linspace(np.log(COOLEST), np.log(HOTTEST), 49)
    best = int(np.argmin([loss(log_t) for log_t in grid.tolist()]))
    low, high = float(grid[max(best - 1, 0)]), float(grid[min(best + 1, len(grid) - 1)])
    golden = (5**0.5 - 1) / 2
    while high - low > 1e-4:
        left, right_ = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right_) if loss(left) <= loss(right_) else (left, high)
    return float(np.exp((low + high) / 2))


@dataclass(frozen=True, slots=True)
class Reliability:
    """What tokens are worth that were given like confidences, in bins of equal width from 0 to 1.

    Attributes:
        counts: tokens of each bin.
        confidence: their mean confidence; NaN in an empty bin.
        accuracy: how many of them are right, from 0 to 1; NaN in an empty bin.
    """

    counts: Ints
    confidence: Floats
    accuracy: Floats

    @property
    def error(self) -> float:
        """Expected calibration error (Guo et al. 2017, eq. 3): the mean gap between the two, by tokens."""
        full = self.counts > 0
        gaps = np.abs(self.confidence - self.accuracy)[full]
        return float(np.average(gaps, weights=self.counts[full])) if full.any() else 0.0


def reliability(shares: Floats, right: Bools, *, bins: int = 10) -> Reliability:
    """The table of tokens by their confidence; a bin holds its lower bound, the last one 1 too."""
    place = np.minimum((shares * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(place, weights=shares, minlength=bins) / counts
        accuracy = np.bincount(place, weights=right, minlength=bins) / counts
    return Reliability(counts, mean, accuracy)


def _align(references: Sequence[Sequence[int]], hypotheses: Sequence[Sequence[int]]) -> Aligned:
    return align_pairs(Pairs((), _ragged(references), _ragged(hypotheses), ()))


def _ragged(sequences: Sequence[Sequence[int]]) -> Ragged:
    offsets = np.concatenate(([0], np.cumsum(_lengths(sequences))))
    return Ragged(np.fromiter(chain.from_iterable(sequences), np.int32, int(offsets[-1])), offsets)


def _lengths(sequences: Sequence[Sequence[Any]]) -> Ints:
    return np.fromiter(map(len, sequences), np.int64, len(sequences))
