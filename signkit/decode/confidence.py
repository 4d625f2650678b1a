"""Confidences of decoded tokens, calibrated by a temperature.

The final beam votes on each token of the best hypothesis. The hypotheses are aligned with the best one, and
the confidence of a token is the share of them that contain it, each weighted by its score at a temperature T,
exp(score / T). That is the posterior of the token on an n-best list (Wessel et al. 2001). T is fitted on dev
by log loss.

All hypotheses of a beam agree on most tokens, and some of those are wrong, which no temperature could show.
So what fell out of the beam votes too, against every token. It counts as many hypotheses as the beam holds,
each with the score of the worst of them (this project; a beam of a single hypothesis has lost nothing).

Greedy search has only one path. Each token votes for itself with the probability it had where it was emitted
and against itself with the rest.

    lists = beam_search(..., beam=16, nbest=16)          # the whole beam, which works for any temperature
    votes = beam_votes(lists)                            # or greedy_votes(greedy_search(...))
    temperature = fit_temperature(votes, right_tokens(lists, references))
    confidences(votes, temperature)                      # of all tokens of all best hypotheses
    confident(lists, temperature)                        # the same, put into the candidates
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
"""Bounds of the search for the temperature."""
LEAST = 1e-6
"""Lowest probability in the log loss, which a single fully confident error would make infinite."""


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes on each token of the best hypotheses, those of all utterances one after another.

    Attributes:
        agrees: bool [tokens, voters], whether the voter contains the token.
        scores: float64 [tokens, voters], log scores of the voters; -inf where an utterance has fewer voters.
    """

    agrees: Bools
    scores: Floats


def beam_votes(nbest_lists: NBest) -> Votes:
    """The votes of n-best lists, each sorted best first, on the tokens of its first hypothesis.

    The voters are the hypotheses of the list, the first among them, and then as many again for what fell out
    of the beam, which agree with no token.
    """
    sizes, lengths = _lengths(nbest_lists), _lengths([nbest[0].tokens for nbest in nbest_lists])
    voters = int(sizes.max(initial=1))
    owner = np.repeat(np.arange(len(nbest_lists)), lengths)
    agrees = np.zeros((len(owner), voters), dtype=np.bool_)
    agrees[:, 0] = True
    others = [(nbest[0].tokens, other.tokens) for nbest in nbest_lists for other in nbest[1:]]
    aligned = _align([best for best, _ in others], [other for _, other in others])
    # An alignment without its insertions has one step for each token of the best hypothesis. So this is, for
    # one pair (utterance, other hypothesis) after another, whether the other has each of the best's tokens.
    agree = aligned.kinds[aligned.kinds != INSERTION] == CORRECT
    # Scatter it: the pair goes to the rows of its utterance's tokens, in the column of the other's rank.
    utterance, rank = np.nonzero(np.arange(1, voters) < sizes[:, None])
    begins, repeats = (np.cumsum(lengths) - lengths)[utterance], lengths[utterance]
    within = np.arange(len(agree)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    agrees[np.repeat(begins, repeats) + within, np.repeat(rank + 1, repeats)] = agree
    present = np.arange(voters) < sizes[:, None]
    scores = np.full((len(nbest_lists), voters), -np.inf)
    scores[present] = [c.score for nbest in nbest_lists for c in nbest]
    worst = np.array([[nbest[-1].score] for nbest in nbest_lists]).reshape(-1, 1)
    lost = np.where(present & (sizes[:, None] > 1), worst, -np.inf)
    agrees = np.concatenate([agrees, np.zeros_like(agrees)], axis=1)
    return Votes(agrees, np.concatenate([scores, lost], axis=1)[owner])


def greedy_votes(nbest_lists: NBest) -> Votes:
    """Two votes on each token of greedy paths: p for it and 1 - p against it, p its confidence."""
    sure = np.array([*chain.from_iterable(nbest[0].confidences for nbest in nbest_lists)], dtype=np.float64)
    with np.errstate(divide="ignore"):
        scores = np.log(np.stack([sure, 1 - sure], axis=1))
    return Votes(np.tile([True, False], (len(sure), 1)), scores)


def confidences(votes: Votes, temperature: float) -> Floats:
    """The share of the votes that each token has, weighted by exp(score / temperature): [tokens], 0 to 1.

    Raises:
        ValueError: the temperature is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"need a temperature above 0, not {temperature}")
    weights = np.exp((votes.scores - votes.scores.max(axis=1, keepdims=True)) / temperature)
    # cumsum adds from left to right. NumPy's sum groups its terms by their number, so that the empty columns
    # of a wider batch would change the last bits.
    shares: Floats = (weights * votes.agrees).cumsum(axis=1)[:, -1] / weights.cumsum(axis=1)[:, -1]
    return shares


def confident(nbest_lists: NBest, temperature: float) -> list[list[Candidate]]:
    """The n-best lists, their first hypotheses with confidences; the others are left as they are."""
    shares = iter(confidences(beam_votes(nbest_lists), temperature).tolist())
    return [
        [replace(best, confidences=tuple(next(shares) for _ in best.tokens)), *others]
        for best, *others in nbest_lists
    ]


def right_tokens(nbest_lists: NBest, references: Sequence[Sequence[int]]) -> Bools:
    """Whether each token of the best hypotheses is correct, by alignment with the references: [tokens]."""
    aligned = _align(references, [nbest[0].tokens for nbest in nbest_lists])
    right: Bools = aligned.kinds[aligned.kinds != DELETION] == CORRECT
    return right


def log_loss(shares: Floats, right: Bools) -> float:
    """Mean negative log-likelihood of which tokens are right; 0 if there are none."""
    sure = np.clip(np.where(right, shares, 1 - shares), LEAST, 1.0)
    return float(-np.log(sure).mean()) if len(sure) else 0.0


def fit_temperature(votes: Votes, right: Bools) -> float:
    """The temperature with the lowest log loss; 1 if there are no tokens.

    A grid over its logarithm finds the neighbourhood of the minimum, golden-section search the minimum.
    """
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
    """A reliability table: tokens by confidence, in bins of equal width from 0 to 1.

    Attributes:
        counts: tokens in each bin.
        confidence: their mean confidence; NaN in an empty bin.
        accuracy: the share of them that is right, from 0 to 1; NaN in an empty bin.
    """

    counts: Ints
    confidence: Floats
    accuracy: Floats

    @property
    def error(self) -> float:
        """Expected calibration error (Guo et al. 2017, eq. 3): mean |accuracy - confidence| over tokens."""
        full = self.counts > 0
        gaps = np.abs(self.confidence - self.accuracy)[full]
        return float(np.average(gaps, weights=self.counts[full])) if full.any() else 0.0


def reliability(shares: Floats, right: Bools, *, bins: int = 10) -> Reliability:
    """The reliability table of tokens. A bin includes its lower bound, the last one also 1."""
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
