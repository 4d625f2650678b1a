"""Accuracy and F1 for sentences that are one label each, such as isolated signs.

The label of a sentence is its whole sequence of tokens. Several tokens are a label of their own ("NOT KNOW"
is neither "NOT" nor "KNOW"), and no token is the label "". A hypothesis is right if it has the label of its
reference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.eval.measure import Floats, Measure, identity, ratio
from signkit.eval.transcripts import Pairs, Ragged

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of references and hypotheses.

    Attributes:
        names: names of the labels, sorted; tokens joined by blanks.
        references: index in `names`, [sentences].
        hypotheses: index in `names`, [sentences].
        odd: number of references, and of hypotheses, that are not exactly one token.
    """

    names: tuple[str, ...]
    references: Ints
    hypotheses: Ints
    odd: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Precision, recall and F1 of each class, sorted by name; arrays are [classes].

    Classes that occur only in hypotheses are included; their support is 0 and their recall NaN.

    Attributes:
        names: names of the classes.
        precision: correct / predicted; NaN if the class is never predicted.
        recall: correct / support; NaN if the support is 0.
        f1: 2 correct / (support + predicted).
        support: number of references with the class.
        predicted: number of hypotheses with the class.
        correct: number of sentences where both have it.
    """

    names: tuple[str, ...]
    precision: Floats
    recall: Floats
    f1: Floats
    support: Ints
    predicted: Ints
    correct: Ints


def labels(pairs: Pairs) -> Labels:
    """The labels of references and hypotheses."""
    sides = (pairs.references, pairs.hypotheses)
    numbers, texts = zip(*(_numbered(side, pairs) for side in sides), strict=True)
    names = sorted({*texts[0], *texts[1]})
    place = {name: i for i, name in enumerate(names)}
    references, hypotheses = (
        np.array([place[text] for text in known], dtype=np.int64)[number]
        for number, known in zip(numbers, texts, strict=True)
    )
    odd = tuple(int((side.lengths != 1).sum()) for side in sides)
    return Labels(tuple(names), references, hypotheses, (odd[0], odd[1]))


def as_tokens(pairs: Pairs) -> Pairs:
    """The pairs with one token a sentence, its label; none where the label is ""."""
    found = labels(pairs)
    empty = found.names.index("") if "" in found.names else -1
    references, hypotheses = (
        Ragged(side[side != empty].astype(np.int32), np.concatenate(([0], np.cumsum(side != empty))))
        for side in (found.references, found.hypotheses)
    )
    return Pairs(pairs.ids, references, hypotheses, found.names, pairs.signers)


def accuracy(labels: Labels) -> Measure:
    """The share of sentences whose label is right (top-1)."""
    right = labels.references == labels.hypotheses
    return Measure.of(
        "accuracy",
        np.stack([right, np.ones_like(right)], axis=1),
        ratio,
        "unit:label",
        higher_is_better=True,
        note=f"{right.sum()} of {len(right)} sentences{_odd(labels)}",
    )


def any_right(ranks: Sequence[Measure], name: str) -> Measure:
    """The share of sentences that any of several accuracies counts as right, such as those of the first five
    candidates."""
    right = np.any([each.rows[each.row, 0] > 0 for each in ranks], axis=0)
    return Measure.of(
        name,
        np.stack([right, np.ones_like(right)], axis=1),
        ratio,
        "unit:label",
        higher_is_better=True,
        note=f"{right.sum()} of {len(right)} sentences",
    )


def macro_f1(labels: Labels) -> Measure:
    """The mean of F1 over the classes that occur in the references, with equal weight.

    Classes that occur only in hypotheses are not part of the mean; predicting them lowers the recall of the
    right class. (scikit-learn's ``macro`` includes such classes as zeros unless `labels` are given.) In a
    resample, the mean is over the classes of its references.
    """
    # F1 is not a function of a few sums, so the statistics are the counts of all pairs (reference,
    # hypothesis) that occur: the confusion matrix, without its empty cells.
    code, row = np.unique(labels.references * len(labels.names) + labels.hypotheses, return_inverse=True)
    reference, hypothesis = np.divmod(code, max(len(labels.names), 1))
    size = len(labels.names)

    def value(times: Floats) -> Floats:
        support, predicted = _by_class(times, reference, size), _by_class(times, hypothesis, size)
        correct = _by_class(times * (reference == hypothesis), reference, size)
        f1 = np.divide(2 * correct, support + predicted, out=np.zeros_like(correct), where=support > 0)
        classes = (support > 0).sum(axis=-1)
        return ratio(np.stack([f1.sum(axis=-1), classes], axis=-1))

    classes = len(np.unique(labels.references))
    only = f", {size - classes} more in hypotheses only" if size > classes else ""
    return Measure(
        "macro_f1",
        identity(len(code)),
        row.reshape(-1),
        value,
        "unit:label|classes:reference",
        higher_is_better=True,
        note=f"{classes} classes{only}{_odd(labels)}",
    )


def by_class(labels: Labels) -> ClassTable:
    """Precision, recall, F1 and support of every class."""
    size = len(labels.names)
    support, predicted = (
        np.bincount(side, minlength=size) for side in (labels.references, labels.hypotheses)
    )
    right = labels.references == labels.hypotheses
    correct = np.bincount(labels.references[right], minlength=size)
    precision, recall, half = (
        ratio(np.stack([correct, whole], axis=1).astype(np.float64))
        for whole in (predicted, support, support + predicted)
    )
    return ClassTable(labels.names, precision, recall, 2 * half, support, predicted, correct)


def _numbered(side: Ragged, pairs: Pairs) -> tuple[Ints, list[str]]:
    """The label of each sentence as a number, and the text of each number."""
    # sentences of one token, nearly all, take their number from one np.unique; the others one by one
    label = np.zeros(len(side), dtype=np.int64)
    single = side.lengths == 1
    present, label[single] = np.unique(side.values[side.offsets[:-1][single]], return_inverse=True)
    texts = list(pairs.words(present))
    known: dict[str, int] = {}
    for place in np.flatnonzero(~single):
        text = " ".join(pairs.words(side[int(place)]))
        label[place] = known.setdefault(text, len(texts) + len(known))
    return label, [*texts, *known]


def _by_class(times: Floats, of: Ints, size: int) -> Floats:
    """Sum counts of pairs [..., pairs] to counts of classes [..., size]; ``of`` is each pair's class."""
    sums = np.zeros((*times.shape[:-1], size))
    order = np.argsort(of, kind="stable")
    present, first = np.unique(of[order], return_index=True)
    if len(present):
        sums[..., present] = np.add.reduceat(times[..., order], first, axis=-1)
    return sums


def _odd(labels: Labels) -> str:
    """A remark about sentences that are not exactly one token; "" if there are none."""
    references, hypotheses = labels.odd
    if not references and not hypotheses:
        return ""
    return f"; not one token: {references} references, {hypotheses} hypotheses"
