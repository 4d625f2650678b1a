"""The temperature at which confidences are calibrated: fitted on tokens whose truth is known."""

import numpy as np
import numpy.typing as npt

from signkit.decode.confidence import Votes, fit_temperature

PRIOR_TOKENS, PRIOR_SHARE = 10, 0.8
"""Tokens seen before any of dev, of that confidence at a temperature of 1 and as often right."""


def fitted_temperature(votes: Votes, right: npt.NDArray[np.bool_]) -> float:
    """The temperature that fits some tokens best, with a mild preference for 1.

    It is fitted on them and a few that are calibrated as they are, `PRIOR_TOKENS`: some dozen tokens, all of
    them right, would else make every confidence 1. Hundreds of tokens are hardly moved by it.
    """
    voters = votes.scores.shape[1]
    said, scores = np.zeros((PRIOR_TOKENS, voters), dtype=np.bool_), np.full((PRIOR_TOKENS, voters), -np.inf)
    said[:, 0] = True
    scores[:, :2] = np.log([PRIOR_SHARE, 1 - PRIOR_SHARE])
    prior_right = np.arange(PRIOR_TOKENS) < PRIOR_SHARE * PRIOR_TOKENS
    both = Votes(np.concatenate([votes.agrees, said]), np.concatenate([votes.scores, scores]))
    return fit_temperature(both, np.concatenate([right, prior_right]))
