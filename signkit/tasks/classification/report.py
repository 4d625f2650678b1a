"""The sections of a classifier's report: training, confusions, classes, signers, confidences, mistakes."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import numpy as np

from signkit.eval.figures import METRICS, metric
from signkit.eval.labels import Labels, by_class
from signkit.report.corpus.thumbnails import strip
from signkit.report.plots import saved, training_curves
from signkit.report.reliability import draw_reliability
from signkit.report.sections import Gallery, Group, Matrix, Paragraph, Picture, Section, Shot, Table
from signkit.tasks.classification.probabilities import Tables
from signkit.tasks.classification.scoring import head_labels
from signkit.train.task import Outcome
from signkit.types import Label, Prediction, Sample

MOST = 60
"""Classes in a matrix; with more, those that are confused most often."""
MISTAKES, EXAMPLES = 12, 5
"""Mistakes in the gallery, and examples on a terminal."""
Pair = tuple[Prediction, Sample]


def sections(outcome: Outcome) -> list[Section]:
    """The sections of the page; writes ``picture.png`` and ``reliability.png`` to the outcome's folder."""
    picture = saved(outcome.folder / "picture.png", lambda: _curves(outcome))
    shown: list[Section] = [Picture(picture, "Loss and accuracy on dev", "Training")]
    tables = cast(Tables, outcome.calibration.evidence) if outcome.calibration else Tables({}, {})
    splits, path = list(outcome.predictions), outcome.folder / "reliability.png"
    reliability = draw_reliability(path, splits, tables.raw, tables.used, "labels")
    if reliability is not None:
        alt = "Confidence against share of correct labels"
        shown.append(Picture(reliability, alt, "Confidences"))
    for split in splits:
        for head in outcome.spec.outputs:
            shown += _of_head(outcome, split, head)
    return shown


def brief_sections(outcome: Outcome) -> list[Section]:
    """For a terminal: the classes that are confused most often, of the first split."""
    shown: list[Section] = []
    for split in list(outcome.predictions)[:1]:
        for head in outcome.spec.outputs:
            labels = _labels(outcome, split, head)
            if text := _most_confused(labels):
                name = f", {head}" if len(outcome.spec.outputs) > 1 else ""
                shown.append(Paragraph(f"Most confused in {split}{name}: {text}."))
    return shown


def _of_head(outcome: Outcome, split: str, head: str) -> list[Section]:
    labels = _labels(outcome, split, head)
    if not len(labels.references):
        return []
    named = f"{split}, {head}" if len(outcome.spec.outputs) > 1 else split
    parts: list[Section] = [_matrix(labels, named), _classes(labels)]
    pairs = [
        (each, sample)
        for each, sample in zip(outcome.predictions[split], outcome.samples[split], strict=True)
        if head in sample.labels
    ]
    if signers := _signers(pairs, head):
        parts.append(signers)
    if mistakes := _mistakes(pairs, head):
        parts.append(mistakes)
    return [Group(tuple(parts), f"Classes of {named}")]


def _labels(outcome: Outcome, split: str, head: str) -> Labels:
    return head_labels(head, outcome.predictions[split], outcome.samples[split])


def _matrix(labels: Labels, named: str) -> Matrix:
    size = len(labels.names)
    counts = np.zeros((size, size), dtype=np.int64)
    np.add.at(counts, (labels.references, labels.hypotheses), 1)
    chosen = np.arange(size)
    if size > MOST:
        off = counts - np.diag(np.diag(counts))
        chosen = np.sort(np.argsort(-(off.sum(0) + off.sum(1)), kind="stable")[:MOST])
    caption = f"Classes of {named} (rows) and what was predicted for them (columns)"
    if size > MOST:
        caption += f"; the {MOST} of {size} that are confused most often"
    names = tuple(labels.names[i] for i in chosen.tolist())
    return Matrix(names, tuple(map(tuple, counts[np.ix_(chosen, chosen)].tolist())), f"{caption}.")


def _classes(labels: Labels) -> Table:
    table = by_class(labels)
    share = METRICS["accuracy"]
    rows = [
        (name, *(share.text(float(each[i]), 1) for each in (table.recall, table.precision, table.f1)),
         str(table.support[i]), str(table.predicted[i]))
        for i, name in enumerate(table.names)
    ]  # fmt: skip
    columns = ("class", "recall", "precision", "F1", "samples", "predicted")
    return Table(columns, rows, folded="Every class", caption="Recall, precision and F1 of every class")


def _signers(pairs: Sequence[Pair], head: str) -> Table | None:
    known = sorted((pair for pair in pairs if pair[1].signer), key=lambda pair: pair[1].signer)
    rows = []
    for signer, group in groupby(known, key=lambda pair: pair[1].signer):
        right = [_is_right(pair, head) for pair in group]
        share = METRICS["accuracy"].text(sum(right) / len(right), 1)
        rows.append((signer, share, str(sum(right)), str(len(right))))
    if len(rows) < 2:
        return None
    return Table(("signer", "accuracy", "right", "samples"), rows, caption="Accuracy of every signer")


def _mistakes(pairs: Sequence[Pair], head: str) -> Gallery | None:
    """The mistakes that the model is surest of."""
    wrong = [pair for pair in pairs if not _is_right(pair, head)]
    wrong.sort(key=lambda pair: (-cast(Label, pair[0].outputs[head]).confidence, pair[0].id))
    shots = []
    for each, sample in wrong[:MISTAKES]:
        label = cast(Label, each.outputs[head])
        about = f"{label.name} at {100 * label.confidence:.0f} %, is {sample.labels[head]}"
        shots.append(Shot(strip(sample.load()), sample.id, about))
    return Gallery(tuple(shots), "Mistakes that the model is surest of") if shots else None


def _is_right(pair: Pair, head: str) -> bool:
    return pair[0].outputs[head].text == pair[1].labels[head]


def _most_confused(labels: Labels) -> str:
    wrong = labels.references != labels.hypotheses
    pairs, counts = np.unique(
        np.stack([labels.references[wrong], labels.hypotheses[wrong]], 1), axis=0, return_counts=True
    )
    order = np.argsort(-counts, kind="stable")[:EXAMPLES]
    texts = (
        f"{labels.names[pairs[i, 0]]} → {labels.names[pairs[i, 1]]} ({counts[i]})" for i in order.tolist()
    )
    return ", ".join(texts)


def _curves(outcome: Outcome) -> Any:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(11, 3.2), layout="constrained")
    judged = metric(outcome.selected or "accuracy", outcome.metrics)
    training_curves(figure.add_subplot(), Path(outcome.run), outcome.recipe.name, judged)
    return figure
