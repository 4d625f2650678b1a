"""Errors by word: confused, deleted, inserted, or missing from train."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.eval.transcripts import CORRECT, DELETION, INSERTION, SUBSTITUTION, Aligned, Ints, Pairs
from signkit.text.vocabulary import composed

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often one word was recognised as another; `occurrences` is how often the references have it."""

    reference: str
    hypothesis: str
    count: int
    occurrences: int


@dataclass(frozen=True, slots=True)
class Counted:
    """A word with a count out of its occurrences; what is counted depends on the list it is in."""

    token: str
    count: int
    occurrences: int

    @property
    def share(self) -> float:
        """The count as a share of the occurrences."""
        return self.count / self.occurrences


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Counts of every token; arrays int64 [tokens] in the order of `Pairs.tokens`.

    Attributes:
        tokens: the tokens.
        references: occurrences in the references: correct, substituted or deleted.
        hypotheses: occurrences in the hypotheses: correct, substituted for another, or inserted.
        correct: occurrences in the references that were recognised.
        deleted: occurrences in the references that were deleted.
        inserted: occurrences in the hypotheses that were inserted.
    """

    tokens: tuple[str, ...]
    references: Counts
    hypotheses: Counts
    correct: Counts
    deleted: Counts
    inserted: Counts

    @property
    def substituted(self) -> Counts:
        """Occurrences in the references that were recognised as another token: [tokens]."""
        return self.references - self.correct - self.deleted

    @property
    def recall(self) -> Floats:
        """Share of the occurrences in references that are correct; NaN if there are none: [tokens]."""
        return _shares(self.correct, self.references)

    @property
    def precision(self) -> Floats:
        """Share of the occurrences in hypotheses that are correct; NaN if there are none: [tokens]."""
        return _shares(self.correct, self.hypotheses)


@dataclass(frozen=True, slots=True)
class Grid:
    """The most confused tokens against each other.

    Attributes:
        tokens: the tokens of the most frequent confusions, partners next to each other.
        counts: how often each reference token (row) was recognised as each token (column).
        occurrences: occurrences of each token in the references.
    """

    tokens: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    occurrences: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OutOfVocabulary:
    """The words of the references that train does not have ("unknown").

    Attributes:
        words: number of words of the references.
        unknown_words: number of them that are unknown.
        types: number of distinct words of the references.
        unknown_types: number of them that are unknown.
        correct: unknown words that were recognised nonetheless.
        substituted: unknown words that were recognised as another.
        deleted: unknown words that were deleted.
        hypothesised: words of the hypotheses that train does not have.
        most: the most frequent unknown words, and how many of their occurrences are correct.
    """

    words: int
    unknown_words: int
    types: int
    unknown_types: int
    correct: int
    substituted: int
    deleted: int
    hypothesised: int
    most: tuple[Counted, ...]


def by_token(pairs: Pairs, aligned: Aligned) -> TokenCounts:
    """Counts of every token."""
    size = len(pairs.tokens)

    def counted(numbers: Ints) -> Counts:
        return np.bincount(numbers, minlength=size)

    kinds, references, hypotheses = aligned.kinds, aligned.references, aligned.hypotheses
    return TokenCounts(
        pairs.tokens,
        counted(references[references >= 0]),
        counted(hypotheses[hypotheses >= 0]),
        # an optional word that was inserted is correct too, but has no reference
        counted(references[(kinds == CORRECT) & (references >= 0)]),
        counted(references[kinds == DELETION]),
        counted(hypotheses[kinds == INSERTION]),
    )


def confusions(pairs: Pairs, aligned: Aligned, top: int) -> tuple[Confusion, ...]:
    """The ``top`` most frequent substitutions, most frequent first; ties in the order of the words."""
    size, wrong = len(pairs.tokens), aligned.kinds == SUBSTITUTION
    keys = aligned.references[wrong].astype(np.int64) * size + aligned.hypotheses[wrong]
    distinct, counts = np.unique(keys, return_counts=True)
    first, second = np.divmod(distinct, size) if size else (distinct, distinct)
    rank = _ranks(pairs.tokens)
    best = np.lexsort((rank[second], rank[first], -counts))[:top]
    occurrences = np.bincount(aligned.references[aligned.references >= 0], minlength=size)
    rows = zip(first[best].tolist(), second[best].tolist(), counts[best].tolist(), strict=True)
    return tuple(
        Confusion(pairs.tokens[r], pairs.tokens[h], count, int(occurrences[r])) for r, h, count in rows
    )


def confusion_grid(pairs: Pairs, aligned: Aligned, most: Sequence[Confusion], size: int) -> Grid:
    """The confusions between the first `size` tokens of ``most``."""
    tokens = tuple(dict.fromkeys(token for c in most for token in (c.reference, c.hypothesis)))[:size]
    number = {token: place for place, token in enumerate(tokens)}
    places = np.array([number.get(token, -1) for token in pairs.tokens], dtype=np.int64)
    both = (aligned.references >= 0) & (aligned.hypotheses >= 0)
    rows, columns = places[aligned.references[both]], places[aligned.hypotheses[both]]
    inside = (rows >= 0) & (columns >= 0)
    cells = np.bincount(rows[inside] * len(tokens) + columns[inside], minlength=len(tokens) ** 2)
    table = cells.reshape(len(tokens), len(tokens)).tolist()
    spoken = places[aligned.references[aligned.references >= 0]]
    occurrences = np.bincount(spoken[spoken >= 0], minlength=len(tokens)).tolist()
    return Grid(tokens, tuple(tuple(row) for row in table), tuple(occurrences))


def most_deleted(counts: TokenCounts, top: int) -> tuple[Counted, ...]:
    """The words deleted most often, of their occurrences in the references; ties in word order."""
    return _most(counts.tokens, counts.deleted, counts.references, top)


def most_inserted(counts: TokenCounts, top: int) -> tuple[Counted, ...]:
    """The words inserted most often, of their occurrences in the hypotheses; ties in word order."""
    return _most(counts.tokens, counts.inserted, counts.hypotheses, top)


def out_of_vocabulary(
    counts: TokenCounts, train: Collection[str], top: int, fold: Callable[[str], str] = composed
) -> OutOfVocabulary:
    """The words that train does not have, and how they were recognised.

    Args:
        counts: counts of the words.
        train: the words of train, cleaned like those of `counts`.
        top: length of the list of most frequent words.
        fold: maps words that count as equal to the same string, for example regardless of case.
    """
    known = set(map(fold, train))
    new = np.array([fold(token) not in known for token in counts.tokens], dtype=np.bool_)
    spoken = counts.references > 0
    return OutOfVocabulary(
        words=int(counts.references.sum()),
        unknown_words=int(counts.references[new].sum()),
        types=int(spoken.sum()),
        unknown_types=int((spoken & new).sum()),
        correct=int(counts.correct[new].sum()),
        substituted=int(counts.substituted[new].sum()),
        deleted=int(counts.deleted[new].sum()),
        hypothesised=int(counts.hypotheses[new].sum()),
        most=_most(
            counts.tokens, np.where(new, counts.references, 0), counts.references, top, counts.correct
        ),
    )


def _most(
    tokens: tuple[str, ...], order: Counts, occurrences: Counts, top: int, shown: Counts | None = None
) -> tuple[Counted, ...]:
    """The ``top`` tokens with the largest `order` above 0; their count is `shown`, by default `order`."""
    best = np.lexsort((_ranks(tokens), -order))[:top]
    counts = order if shown is None else shown
    return tuple(Counted(tokens[i], int(counts[i]), int(occurrences[i])) for i in best.tolist() if order[i])


def _ranks(tokens: tuple[str, ...]) -> Counts:
    """The rank of each token in code point order, to break ties: [tokens]."""
    ranks = np.empty(len(tokens), dtype=np.int64)
    ranks[sorted(range(len(tokens)), key=tokens.__getitem__)] = np.arange(len(tokens))
    return ranks


def _shares(part: Counts, whole: Counts) -> Floats:
    shares = np.full(len(whole), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares
