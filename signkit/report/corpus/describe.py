"""A corpus in figures: glosses, signers, and what dev and test have that train has not."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from signkit.types import SPLITS, Corpus, Sample


@dataclass(frozen=True, slots=True)
class Held:
    """Dev or test compared with train.

    Attributes:
        glosses: running ones. unknown: how often each gloss occurs that train has not.
        touched: sentences with such a gloss. seen: sentences that are in train word by word.
    """

    sentences: int
    glosses: int
    unknown: dict[str, int]
    touched: int
    seen: int


@dataclass(frozen=True, slots=True)
class Described:
    """What there is to say of a corpus.

    Attributes:
        samples: of each split that has any.
        counts: of each gloss by split, the most frequent in all splits first.
        signers: samples and frames of each signer by split.
        held: dev and test, as far as there are any.
    """

    name: str
    samples: dict[str, tuple[Sample, ...]]
    counts: dict[str, dict[str, int]]
    signers: dict[str, dict[str, tuple[int, int]]]
    held: dict[str, Held]


def describe(corpus: Corpus) -> Described:
    """The figures of a corpus; nothing is loaded."""
    samples = {split: corpus.split(split) for split in SPLITS if corpus.split(split)}
    of_split = {split: Counter(g for s in some for g in s.reference) for split, some in samples.items()}
    total: Counter[str] = Counter()
    for counts in of_split.values():
        total.update(counts)
    order = sorted(total, key=lambda gloss: (-total[gloss], gloss))
    return Described(
        name=corpus.name,
        samples=samples,
        counts={gloss: {split: counts[gloss] for split, counts in of_split.items()} for gloss in order},
        signers=_signers(samples),
        held={
            split: _held(samples[split], samples.get("train", ())) for split in samples if split != "train"
        },
    )


def _signers(samples: dict[str, tuple[Sample, ...]]) -> dict[str, dict[str, tuple[int, int]]]:
    names = sorted({sample.signer for some in samples.values() for sample in some})
    found = {}
    for name in names:
        mine = {split: [s for s in some if s.signer == name] for split, some in samples.items()}
        found[name] = {split: (len(some), sum(s.frames for s in some)) for split, some in mine.items()}
    return found


def _held(samples: Sequence[Sample], train: Sequence[Sample]) -> Held:
    known = {gloss for sample in train for gloss in sample.reference}
    sentences = {sample.reference for sample in train}
    unknown = Counter(gloss for sample in samples for gloss in sample.reference if gloss not in known)
    return Held(
        sentences=len(samples),
        glosses=sum(len(sample.reference) for sample in samples),
        unknown=dict(sorted(unknown.items(), key=lambda item: (-item[1], item[0]))),
        touched=sum(any(gloss not in known for gloss in sample.reference) for sample in samples),
        seen=sum(sample.reference in sentences for sample in samples),
    )
