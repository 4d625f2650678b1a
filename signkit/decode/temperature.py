"""Temperature scaling of confidences (Guo et al. 2017), fitted on tokens known to be right or wrong."""

import numpy as np
import numpy.typing as npt

from signkit.decode.confidence import Votes, fit_temperature

PRIOR_TOKENS, PRIOR_SHARE = 10, 0.8
"""The prior: so many pseudo-tokens with this confidence at temperature 1, of which the same share is
right."""


def fitted_temperature(votes: Votes, right: npt.NDArray[np.bool_]) -> float:
    """The temperature that fits the tokens best, with a mild preference for 1.

    `PRIOR_TOKENS` pseudo-tokens that are calibrated at temperature 1 are added. Without them a dozen tokens
    that are all right would make every confidence 1; with hundreds of tokens they hardly matter.

    Args:
        votes: of the tokens, see `signkit.decode.confidence`.
        right: which tokens are right.
    """
    voters = votes.scores.shape[1]
    agrees, scores = (
        np.zeros((PRIOR_TOKENS, voters), dtype=np.bool_),
        np.full((PRIOR_TOKENS, voters), -np.inf),
    )
    agrees[:, 0] = True
    scores[:, :2] = np.log([PRIOR_SHARE, 1 - PRIOR_SHARE])
    prior_right = np.arange(PRIOR_TOKENS) < PRIOR_SHARE * PRIOR_TOKENS
    both = Votes(np.concatenate([votes.agrees, agrees]), np.concatenate([votes.scores, scores]))
    return fit_temperature(both, np.concatenate([right, prior_right]))
