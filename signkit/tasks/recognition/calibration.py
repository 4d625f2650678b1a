"""Confidences that are meant: a temperature fitted on dev, and how far off they are with and without it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.config.recipe import DecodeConfig
from signkit.decode.confidence import (
    Reliability,
    Votes,
    confidences,
    fit_temperature,
    reliability,
    right_tokens,
)
from signkit.decode.in_words import InWords
from signkit.decode.lattice import Found, votes
from signkit.train.setup import Prepared
from signkit.types import Score

UNFITTED = 1.0
"""The temperature at which the decoder's own scores count as they are."""
PRIOR_TOKENS, PRIOR_SHARE = 10, 0.8
"""Tokens seen before any of dev, of that confidence at a temperature of 1 and as often right."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The temperature of the confidences and what they are worth.

    Attributes:
        fitted: whether the temperature is the one that fits dev best.
        raw: tables of each split at a temperature of 1.
        used: the same at this one.
    """

    temperature: float
    fitted: bool
    raw: dict[str, Reliability]
    used: dict[str, Reliability]

    def scores(self, split: str) -> list[Score]:
        """The expected calibration errors of a split, before and after."""
        how = "fitted on dev" if self.fitted else "of the recipe"
        tokens = f"{int(self.raw[split].counts.sum())} tokens"
        after = f"{tokens}, temperature {self.temperature:.3g} {how}"
        if not self.fitted and self.temperature == UNFITTED:
            after = f"{tokens}, not calibrated"
        signature = f"expected calibration error|bins:{len(self.raw[split].counts)}"
        return [
            Score(
                "calibration_error_raw", self.raw[split].error, split, signature, f"{tokens}, temperature 1"
            ),
            Score("calibration_error", self.used[split].error, split, signature, after),
        ]


def calibrate(
    found: Mapping[str, Mapping[str, Found]], prepared: Prepared, config: DecodeConfig
) -> Calibration:
    """Fit the temperature on dev, unless the configuration names one, and judge every split.

    Args:
        found: the beams of each split by id.
    """
    voted = {split: votes(each, config, prepared.vocabulary) for split, each in found.items()}
    right = {split: _right(each, prepared, split) for split, each in found.items()}
    fitted = not config.temperature and "dev" in found and len(right["dev"]) > 0
    temperature = fitted_temperature(voted["dev"], right["dev"]) if fitted else config.temperature or UNFITTED

    def tables(at: float) -> dict[str, Reliability]:
        return {split: reliability(confidences(voted[split], at), right[split]) for split in found}

    return Calibration(temperature, fitted, tables(UNFITTED), tables(temperature))


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


def _right(found: Mapping[str, Found], prepared: Prepared, split: str) -> npt.NDArray[np.bool_]:
    words = InWords(prepared.vocabulary)
    references = {sample.id: words.encode(sample.reference) for sample in prepared.examples[split].samples}
    lists = words.candidates([each.candidates for each in found.values()])
    return right_tokens(lists, [references[name] for name in found])
