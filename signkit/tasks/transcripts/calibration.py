"""Calibrated confidences: a temperature fitted on dev, and the calibration error with and without it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from signkit.decode.confidence import Reliability, confidences, reliability, right_tokens
from signkit.decode.configs import SearchConfig
from signkit.decode.in_words import InWords
from signkit.decode.lattice import BeamResult, hypotheses, votes
from signkit.decode.temperature import fitted_temperature
from signkit.models.spec import TEXT
from signkit.text.vocabulary import Vocabulary
from signkit.train.task import Calibration
from signkit.types import Prediction, Sample, Score

UNFITTED = 1.0
"""The temperature at which the decoder's scores are used as they are."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Reliability tables of each split's confidences.

    Attributes:
        raw: at a temperature of 1.
        used: at the temperature that is used.
    """

    raw: dict[str, Reliability]
    used: dict[str, Reliability]


def beams(predictions: Sequence[Prediction]) -> dict[str, BeamResult]:
    """The beam of each prediction, by sample id."""
    return {each.id: cast(BeamResult, each.evidence) for each in predictions}


def as_predictions(
    results: Mapping[str, BeamResult], vocabulary: Vocabulary, config: SearchConfig, temperature: float
) -> list[Prediction]:
    """Predictions with the best hypothesis of each beam and its confidences at a temperature."""
    best = hypotheses(results, vocabulary, config, temperature)
    return [Prediction(name, {TEXT: best[name]}, results[name]) for name in results]


def calibrate(
    predictions: Mapping[str, Sequence[Prediction]],
    samples: Mapping[str, Sequence[Sample]],
    vocabulary: Vocabulary,
    config: SearchConfig,
    *,
    fit: bool = True,
) -> Calibration:
    """Fit the temperature on dev, unless the configuration has one, and compute each split's calibration
    error.

    Args:
        predictions: of each split, with a `BeamResult` as evidence.
        samples: of each split, with their references.
        fit: whether dev may be fitted to, which it may not if it is in train.
    """
    results = {split: beams(each) for split, each in predictions.items()}
    voted = {split: votes(each, config, vocabulary) for split, each in results.items()}
    right = {split: _right(each, samples[split], vocabulary) for split, each in results.items()}
    fitted = fit and not config.temperature and "dev" in results and len(right["dev"]) > 0
    temperature = fitted_temperature(voted["dev"], right["dev"]) if fitted else config.temperature or UNFITTED

    def tables(at: float) -> dict[str, Reliability]:
        return {split: reliability(confidences(voted[split], at), right[split]) for split in results}

    tables_pair = Tables(tables(UNFITTED), tables(temperature))
    return Calibration(
        {split: as_predictions(each, vocabulary, config, temperature) for split, each in results.items()},
        temperature,
        fitted,
        {split: _scores(tables_pair, split, temperature, fitted) for split in results},
        tables_pair,
    )


def _scores(tables: Tables, split: str, temperature: float, fitted: bool) -> list[Score]:
    """The expected calibration errors of a split, before and after temperature scaling."""
    raw, used = tables.raw[split], tables.used[split]
    tokens = f"{int(raw.counts.sum())} tokens"
    after = f"{tokens}, temperature {temperature:.3g} {'fitted on dev' if fitted else 'of the recipe'}"
    if not fitted and temperature == UNFITTED:
        after = f"{tokens}, not calibrated"
    signature = f"expected calibration error|bins:{len(raw.counts)}"
    return [
        Score("calibration_error_raw", raw.error, split, signature, f"{tokens}, temperature 1"),
        Score("calibration_error", used.error, split, signature, after),
    ]


def _right(
    results: Mapping[str, BeamResult], samples: Sequence[Sample], vocabulary: Vocabulary
) -> npt.NDArray[np.bool_]:
    words = InWords(vocabulary)
    references = {sample.id: words.encode(sample.reference) for sample in samples}
    candidates = words.candidates([each.candidates for each in results.values()])
    return right_tokens(candidates, [references[name] for name in results])
