"""From logits to predictions: probabilities at a temperature, the top classes, and calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.data.hamnosys import symbol
from signkit.decode.confidence import Reliability, Votes, confidences, reliability
from signkit.decode.configs import LabelsConfig
from signkit.decode.temperature import fitted_temperature
from signkit.models.spec import Labels, Spec
from signkit.train.task import Calibration
from signkit.types import Label, Prediction, Sample, Score

Floats = npt.NDArray[np.float64]
LogProbabilities = Mapping[str, Floats]
"""Of a sample by head: [classes]; and what else the model says of it, by a name that no head has."""


@dataclass(frozen=True, slots=True)
class Tables:
    """Reliability tables of each split's confidences, at a temperature of 1 and at the one that is used."""

    raw: dict[str, Reliability]
    used: dict[str, Reliability]


def prediction(name: str, log: LogProbabilities, spec: Spec, top: int, temperature: float) -> Prediction:
    """The most probable class of each head, and the `top` ones with their probabilities."""
    outputs = {}
    for head, labels in spec.outputs.items():
        assert isinstance(labels, Labels)
        shares = _softmax(log[head] / temperature)
        # Stable, so that equal probabilities are in the order of the classes.
        order = np.argsort(-shares, kind="stable")[:top]
        best = tuple((labels.names[i], float(shares[i])) for i in order.tolist())
        known = symbol(head, int(order[0])) if labels.symbols else ("", "")
        outputs[head] = Label(*best[0], top=best, symbol=known)
    return Prediction(name, outputs, dict(log))


def calibrate(
    predictions: Mapping[str, Sequence[Prediction]],
    samples: Mapping[str, Sequence[Sample]],
    spec: Spec,
    decode: LabelsConfig,
) -> Calibration:
    """Fit a temperature on dev, one for all heads, unless the recipe has one; the errors of each split."""
    voted = {split: _votes(each, samples[split]) for split, each in predictions.items()}
    fitted = not decode.temperature and "dev" in voted and len(voted["dev"][1]) > 0
    temperature = fitted_temperature(*voted["dev"]) if fitted else decode.temperature or 1.0

    def tables(at: float) -> dict[str, Reliability]:
        return {split: reliability(confidences(votes, at), right) for split, (votes, right) in voted.items()}

    both = Tables(tables(1.0), tables(temperature))
    renewed = {
        split: [prediction(p.id, p.evidence, spec, decode.top, temperature) for p in each]
        for split, each in predictions.items()
    }
    origin = "fitted on dev" if fitted else "of the recipe" if decode.temperature else "not calibrated"
    scores = {split: _scores(both, split, f"temperature {temperature:.3g}, {origin}") for split in voted}
    return Calibration(renewed, temperature, fitted, scores, both)


def _votes(
    predictions: Sequence[Prediction], samples: Sequence[Sample]
) -> tuple[Votes, npt.NDArray[np.bool_]]:
    """Each class of a head as a voter of its probability, for the best one or against it; and which of the
    best ones are right. Heads whose label a sample lacks are left out."""
    rows, right = [], []
    for each, sample in zip(predictions, samples, strict=True):
        for head, label in each.outputs.items():
            if head in sample.labels:
                rows.append(each.evidence[head])
                right.append(label.text == sample.labels[head])
    scores = np.full((len(rows), max((len(row) for row in rows), default=1)), -np.inf)
    for place, row in enumerate(rows):
        scores[place, : len(row)] = row
    agrees = np.zeros(scores.shape, dtype=np.bool_)
    agrees[np.arange(len(rows)), scores.argmax(1)] = True
    return Votes(agrees, scores), np.array(right, dtype=np.bool_)


def _scores(tables: Tables, split: str, how: str) -> list[Score]:
    raw, used = tables.raw[split], tables.used[split]
    counted = f"{int(raw.counts.sum())} labels"
    signature = f"expected calibration error|bins:{len(raw.counts)}"
    return [
        Score("calibration_error_raw", raw.error, split, signature, f"{counted}, temperature 1"),
        Score("calibration_error", used.error, split, signature, f"{counted}, {how}"),
    ]


def _softmax(values: Floats) -> Floats:
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum())
