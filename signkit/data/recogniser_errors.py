"""The errors of a recogniser, learnt from what it made of known glosses, and made again in other sentences.

A translator that has only read true glosses trusts them too much. So some of those it is trained on are
substituted, deleted, or have others inserted behind them, each as often as the recogniser did (this project).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signkit.errors import UserError
from signkit.eval.alignment import align
from signkit.eval.formats import read
from signkit.text.vocabulary import composed

PRIOR = 5.0
"""So many occurrences of the average gloss are added to those of each, as most glosses are rare."""

Sentence = Sequence[str]


@dataclass(frozen=True, slots=True)
class Draw:
    """Words with the sums of their probabilities."""

    words: tuple[str, ...]
    upto: npt.NDArray[np.float64]

    @classmethod
    def of(cls, counts: Counter[str]) -> "Draw":
        """Each as often as it was counted."""
        ordered = sorted(counts.items())
        upto = np.cumsum([count for _, count in ordered], dtype=np.float64)
        return cls(tuple(word for word, _ in ordered), upto / upto[-1] if len(upto) else upto)

    def __call__(self, at: float) -> str:
        """The word at a number from 0 to 1."""
        return self.words[min(int(np.searchsorted(self.upto, at, "right")), len(self.words) - 1)]


@dataclass(frozen=True)
class RecogniserErrors:
    """How often each gloss is deleted and substituted, and by what.

    Attributes:
        rates: of each gloss, the probabilities of a deletion and of a substitution.
        average: of a gloss that is not among them.
        substitutes: what a gloss was taken for.
        any_substitute: what all glosses were taken for.
        inserted: what was inserted; its rate is `insertions`, a gloss.
        insertions: inserted glosses by the number of true ones.
    """

    rates: dict[str, tuple[float, float]]
    average: tuple[float, float]
    substitutes: dict[str, Draw]
    any_substitute: Draw
    inserted: Draw
    insertions: float

    @property
    def rate(self) -> float:
        """Errors by the number of glosses, where glosses are as frequent as in what this was learnt from."""
        return sum(self.average) + self.insertions

    def made(self, words: Sentence, share: float, rng: np.random.Generator) -> tuple[str, ...]:
        """A sentence with errors; one that would be empty is left as it is.

        Args:
            share: errors by the number of glosses, on average.
        """
        scale = share / self.rate if self.rate else 0.0
        found: list[str] = []
        for word, (change, what, more) in zip(words, rng.random((len(words), 3)).tolist(), strict=True):
            deletion, substitution = (scale * rate for rate in self.rates.get(word, self.average))
            if change >= deletion + substitution:
                found.append(word)
            elif change >= deletion:
                found.append(self.substitutes.get(word, self.any_substitute)(what))
            if more < scale * self.insertions:
                found.append(self.inserted(more / (scale * self.insertions)))
        return tuple(found) or tuple(words)


def learn(pairs: Iterable[tuple[Sentence, Sentence]]) -> RecogniserErrors:
    """Learn the errors from true and recognised sentences, aligned by sclite's costs."""
    times, deleted, swapped = Counter[str](), Counter[str](), Counter[str]()
    taken_for: dict[str, Counter[str]] = defaultdict(Counter)
    inserted = Counter[str]()
    for true, recognised in pairs:
        times.update(true)
        for one, other in align(true, recognised).pairs:
            if one is None:
                inserted[recognised[other]] += 1  # type: ignore[index]
            elif other is None:
                deleted[true[one]] += 1
            elif true[one] != recognised[other]:
                swapped[true[one]] += 1
                taken_for[true[one]][recognised[other]] += 1
    total = times.total()
    average = deleted.total() / total, swapped.total() / total
    rates = {
        word: tuple(
            (counts[word] + PRIOR * mean) / (count + PRIOR)
            for counts, mean in zip((deleted, swapped), average, strict=True)
        )
        for word, count in times.items()
    }
    everything = Draw.of(sum(taken_for.values(), Counter()))
    substitutes = {word: Draw.of(counts) for word, counts in taken_for.items()}
    shares = inserted.total() / total
    return RecogniserErrors(rates, average, substitutes, everything, Draw.of(inserted), shares)  # type: ignore[arg-type]


def learn_from(true: Path, recognised: Path) -> RecogniserErrors:
    """Learn the errors from two files of the same sentences, in any format of transcripts.

    Raises:
        UserError: a file cannot be read, they have different numbers of sentences, or all are recognised.
    """
    first, second = read(true), read(recognised)
    if len(first) != len(second):
        what = f"has {len(second)} sentences, and {true} has {len(first)}"
        raise UserError(str(recognised), what, "the n-th one is what was recognised of the n-th")
    pairs = [
        (composed(one).split(), composed(other).split())
        for one, other in zip(first.texts, second.texts, strict=True)
    ]
    if not any(one != other for one, other in pairs):
        raise UserError(str(recognised), f"is the same as {true}: there are no errors to learn")
    return learn(pairs)
