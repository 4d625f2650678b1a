"""The labels of samples, as a classifier's heads need them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from signkit.errors import UserError
from signkit.models.configs import HeadConfig
from signkit.models.losses.labels import MISSING
from signkit.models.spec import Labels, Spec
from signkit.types import SPLITS, Corpus, Sample

GLOSS = "gloss"
"""The label that every sample has: its whole reference."""
NAMED = 5
"""Classes that a note names."""


def labelled(sample: Sample) -> Sample:
    """The sample with its reference as the label `GLOSS`, unless it has such a label or no reference."""
    if GLOSS in sample.labels or not sample.reference:
        return sample
    return replace(sample, labels={**sample.labels, GLOSS: " ".join(sample.reference)})


def labels_of(head: HeadConfig, corpus: Corpus) -> Labels:
    """The classes of a head: the labels that occur in train, sorted, or the numbers from 0 on.

    Raises:
        UserError: train has no such label, or a single one, or one that is none of the numbers.
    """
    train = [labelled(sample) for sample in corpus.split("train")]
    found = sorted({sample.labels[head.name] for sample in train if head.name in sample.labels})
    where = f"model.heads: {head.name}"
    if not found:
        known = sorted({name for sample in train for name in sample.labels})
        raise UserError(where, "no sample of train has such a label", f"there are: {', '.join(known)}")
    if head.classes:
        names = tuple(map(str, range(head.classes)))
        if other := next((name for name in found if name not in names), None):
            sample = next(each for each in train if each.labels.get(head.name) == other)
            what = f"label {other!r} is none of the numbers from 0 to {head.classes - 1}"
            raise UserError(sample.source or where, what, f"{where}.classes is {head.classes}")
        return Labels(names, "" if head.symbols == "none" else head.symbols)
    if len(found) < 2:
        raise UserError(where, f"all of train has the label {found[0]!r}", "there is nothing to tell apart")
    return Labels(tuple(found))


def doubts(corpus: Corpus, outputs: Mapping[str, Labels]) -> Iterator[str]:
    """What makes classes hard or impossible to learn: a single sample of train, or none."""
    for head, labels in outputs.items():
        of_head = f"head {head}: " if len(outputs) > 1 else ""
        of_splits = {
            split: [each.labels[head] for each in map(labelled, corpus.split(split)) if head in each.labels]
            for split in SPLITS
        }
        counts = Counter(of_splits["train"])
        if once := [name for name in labels.names if counts[name] == 1]:
            yield f"{of_head}classes with a single sample in train: {_counted(once)}"
        for split in ("dev", "test"):
            of_split = of_splits[split]
            if not of_split and corpus.split(split):
                yield f"{of_head}no sample of {split} has such a label: nothing is scored there"
            if unknown := [name for name in of_split if name not in counts]:
                what = f"{len(unknown)} of {len(of_split)} samples have classes that train lacks"
                yield f"{of_head}{split}: {what}: {_counted(sorted(set(unknown)))}"


def _counted(names: Sequence[str]) -> str:
    """How many, and the first ones."""
    more = ", …" if len(names) > NAMED else ""
    return f"{len(names)} ({', '.join(names[:NAMED])}{more})"


def encoder_of(spec: Spec) -> Callable[[Sample], tuple[int, ...]]:
    """The targets of a sample: for each head 1 plus the number of its class, or `MISSING`."""
    indices = [(name, labels.index) for name, labels in spec.outputs.items() if isinstance(labels, Labels)]

    def encode(sample: Sample) -> tuple[int, ...]:
        return tuple(index.get(sample.labels.get(name, ""), MISSING - 1) + 1 for name, index in indices)

    return encode


def learnable(samples: Sequence[Sample], spec: Spec) -> tuple[list[Sample], int]:
    """The samples with a label of any head, and the number of the others."""
    encode = encoder_of(spec)
    chosen = [sample for sample in samples if any(target != MISSING for target in encode(sample))]
    return chosen, len(samples) - len(chosen)
