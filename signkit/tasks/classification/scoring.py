"""Accuracy, top-5 accuracy and macro F1 of each head, with intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from signkit.eval.bootstrap import interval
from signkit.eval.figures import METRICS, Metric
from signkit.eval.labels import Labels, accuracy, macro_f1
from signkit.eval.measure import Measure, ratio
from signkit.models.spec import Spec
from signkit.types import Prediction, Sample, Score

TOP = 5
ACCURACY, TOP_FIVE, F1 = "accuracy", "top5_accuracy", "macro_f1"
FEWEST_SIGNERS = 3
"""With fewer signers intervals are drawn over samples: whole signers could not be drawn in enough ways."""


def metrics(heads: Sequence[str]) -> tuple[Metric, ...]:
    """How the scores are presented: of several heads each has its own, and the first are their means."""
    own = (METRICS[ACCURACY], METRICS[TOP_FIVE], METRICS[F1])
    if len(heads) == 1:
        return own
    of_heads = [
        replace(
            each, name=f"{each.name}_{head}", title=f"{each.title}, {head}", short=f"{each.heading} {head}"
        )
        for head in heads
        for each in own
    ]
    means = [replace(each, title=f"{each.title}, mean of the heads") for each in own]
    return (*means, *of_heads)


def scores(
    predictions: Sequence[Prediction], samples: Sequence[Sample], split: str, spec: Spec
) -> list[Score]:
    """All scores of a split; a head is scored on the samples that have its label."""
    heads = list(spec.outputs)
    found = {head: list(_head_scores(head, predictions, samples, split, spec)) for head in heads}
    if len(heads) == 1:
        return found[heads[0]]
    means = []
    for place, name in enumerate((ACCURACY, TOP_FIVE, F1)):
        values = [of[place].value for of in found.values() if of]
        note = f"mean of {len(values)} heads"
        means.append(Score(name, float(np.mean(values)) if values else np.nan, split, note=note))
    named = [replace(score, name=f"{score.name}_{head}") for head, of in found.items() for score in of]
    return [*means, *named]


def mean_accuracy(predictions: Sequence[Prediction], samples: Sequence[Sample], spec: Spec) -> float:
    """The mean over the heads of the share of labels that are right; NaN without labels."""
    of_heads = [accuracy(head_labels(head, predictions, samples)).total() for head in spec.outputs]
    known = [value for value in of_heads if value == value]
    return float(np.mean(known)) if known else np.nan


def head_labels(head: str, predictions: Sequence[Prediction], samples: Sequence[Sample]) -> Labels:
    """The labels of the samples that have one, and what was predicted for them."""
    pairs = [
        (sample.labels[head], each.outputs[head].text)
        for each, sample in zip(predictions, samples, strict=True)
        if head in sample.labels
    ]
    names = sorted({name for pair in pairs for name in pair})
    place = {name: number for number, name in enumerate(names)}
    sides = np.array([[place[name] for name in pair] for pair in pairs], dtype=np.int64).reshape(-1, 2)
    return Labels(tuple(names), sides[:, 0], sides[:, 1], (0, 0))


def _head_scores(
    head: str, predictions: Sequence[Prediction], samples: Sequence[Sample], split: str, spec: Spec
) -> Iterator[Score]:
    of_head = [(p, s) for p, s in zip(predictions, samples, strict=True) if head in s.labels]
    if not of_head:
        return
    labels = head_labels(head, predictions, samples)
    signers = sorted({sample.signer for _, sample in of_head})
    groups: npt.NDArray[np.int64] | None = None
    by = "sample"
    if "" not in signers and len(signers) >= FEWEST_SIGNERS:
        groups = np.array([signers.index(sample.signer) for _, sample in of_head])
        by = "signer"
    index = spec.outputs[head].index
    among = [_among(p, head, index.get(sample.labels[head])) for p, sample in of_head]
    right = np.stack([among, np.ones(len(among))], axis=1).astype(np.int64)
    note = f"{int(right[:, 0].sum())} of {len(right)} samples"
    first = accuracy(labels)
    first = replace(
        first, note=f"{int((labels.references == labels.hypotheses).sum())} of {len(right)} samples"
    )
    top = Measure.of(TOP_FIVE, right, ratio, f"unit:label|top:{TOP}", higher_is_better=True, note=note)
    for measure in (first, top, macro_f1(labels)):
        low, high = interval(measure, groups=groups)
        signature = f"{measure.signature}|bootstrap:1000/{by}/0.95/seed0"
        yield Score(measure.name, measure.total(), split, signature, measure.note, low, high)


def _among(prediction: Prediction, head: str, number: int | None) -> bool:
    """Whether a class is one of the `TOP` most probable ones; one that train does not have never is."""
    if number is None:
        return False
    values = prediction.evidence[head]
    return bool((values > values[number]).sum() < TOP)
