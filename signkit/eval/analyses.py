"""Breakdowns of an error rate: by word, by length, by signer, and by whether train has the sentence."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.eval.confusions import (
    Confusion,
    Counted,
    Grid,
    OutOfVocabulary,
    TokenCounts,
    by_token,
    confusion_grid,
    confusions,
    most_deleted,
    most_inserted,
    out_of_vocabulary,
)
from signkit.eval.measure import Measure
from signkit.eval.transcripts import Aligned, Pairs
from signkit.text.vocabulary import composed

TOP, GRID, BINS = 50, 14, 10
WIDTHS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
Floats = npt.NDArray[np.float64]
NORMAL_95 = 1.959963984540054  # 97.5 % point of the standard normal distribution


@dataclass(frozen=True, slots=True)
class LengthBin:
    """Sentences whose reference has `first` to `last` words.

    Attributes:
        value: errors per word; NaN without words.
        low: lower end of the 95 % interval of `value`; NaN for fewer than two sentences. It is the normal
            interval of a ratio of sums over sentences (Cochran, Sampling Techniques, 3rd ed., eq. 6.13), cut
            off at 0.
    """

    first: int
    last: int
    sentences: int
    words: int
    errors: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Part:
    """The metrics of a part of the sentences, such as those of one signer; NaN where undefined."""

    name: str
    sentences: int
    words: int
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Analyses:
    """All analyses of one system.

    Attributes:
        confusions: the most frequent substitutions.
        grid: the most confused words against each other.
        deleted: the words deleted most often, with their occurrences in the references.
        inserted: the words inserted most often, with their occurrences in the hypotheses.
        tokens: counts of every word.
        lengths: the error rate by length of the reference.
        signers: every metric by signer, sorted by name; empty if signers are not known.
        vocabulary: words that train does not have; None if train is not known.
        seen: every metric of sentences that occur in train ("seen") and of the others ("unseen"); empty if
            train is not known.
    """

    confusions: tuple[Confusion, ...]
    grid: Grid
    deleted: tuple[Counted, ...]
    inserted: tuple[Counted, ...]
    tokens: TokenCounts
    lengths: tuple[LengthBin, ...]
    signers: tuple[Part, ...] = ()
    vocabulary: OutOfVocabulary | None = None
    seen: tuple[Part, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The analyses as JSON: dicts and lists with the names of the attributes.

        Shares are fractions; undefined ones are null. ``deleted``, ``inserted`` and ``vocabulary.most`` also
        have ``share``. ``tokens`` is a list, the most frequent word of the references first, of ``token``,
        ``references``, ``hypotheses``, ``correct``, ``substituted``, ``deleted``, ``inserted``, ``recall``,
        ``precision``.
        """
        content: dict[str, Any] = {
            "confusions": [asdict(c) for c in self.confusions],
            "grid": asdict(self.grid),
            "deleted": [_with_share(c) for c in self.deleted],
            "inserted": [_with_share(c) for c in self.inserted],
            "tokens": _token_rows(self.tokens),
            "lengths": [asdict(x) for x in self.lengths],
            "signers": [asdict(p) for p in self.signers],
            "vocabulary": None,
            "seen": [asdict(p) for p in self.seen],
        }
        if self.vocabulary is not None:
            most = [_with_share(c) for c in self.vocabulary.most]
            content["vocabulary"] = {**asdict(self.vocabulary), "most": most}
        plain: dict[str, Any] = without_nan(content)
        return plain


def analyse(
    pairs: Pairs,
    aligned: Aligned,
    measures: Sequence[Measure] = (),
    train: Collection[Sequence[str]] | None = None,
    *,
    fold: Callable[[str], str] = composed,
    top: int = TOP,
) -> Analyses:
    """All analyses of one system.

    Args:
        pairs: references and hypotheses.
        aligned: their alignments.
        measures: metrics to compute by signer, and for seen and unseen sentences.
        train: the sentences of train as tokens, cleaned like those of `pairs`; None skips what needs them.
        fold: maps tokens of `pairs` and `train` that count as equal to the same string, for example
            regardless of case.
        top: length of the lists of most frequent words.
    """
    counts = by_token(pairs, aligned)
    most = confusions(pairs, aligned, top)
    vocabulary: OutOfVocabulary | None = None
    parts: tuple[Part, ...] = ()
    if train is not None:
        words = set(chain.from_iterable(train))
        vocabulary = out_of_vocabulary(counts, words, top, fold)
        parts = by_seen(measures, aligned, seen(pairs, train, fold))
    return Analyses(
        most,
        confusion_grid(pairs, aligned, most, GRID),
        most_deleted(counts, top),
        most_inserted(counts, top),
        counts,
        by_length(aligned),
        by_signer(measures, aligned, pairs.signers),
        vocabulary,
        parts,
    )


def by_length(aligned: Aligned, bins: int = BINS) -> tuple[LengthBin, ...]:
    """The error rate by the length of the reference.

    Bins have equal width, the smallest of `WIDTHS` with which `bins` of them hold 98 % of the sentences. The
    last bin also takes all longer ones. References without words have their own bin; empty bins are left out.
    """
    words, errors = aligned.words, aligned.errors
    if not len(words):
        return ()
    usual = max(int(np.quantile(words, 0.98, method="higher")), 1)
    width = next((w for w in WIDTHS if usual <= w * bins), math.ceil(usual / bins))
    last = math.ceil(usual / width)
    place = np.minimum((words + width - 1) // width, last)
    sentences = np.bincount(place, minlength=last + 1)
    words_of, errors_of = (np.bincount(place, of, last + 1).astype(np.float64) for of in (words, errors))
    value, low, high = _ratio_interval(place, sentences, words_of, errors_of, words, errors)
    ends = [max(i * width, int(words.max()) if i == last else 0) for i in range(last + 1)]
    return tuple(
        LengthBin(
            max((i - 1) * width + 1, 0),
            ends[i],
            int(sentences[i]),
            int(words_of[i]),
            int(errors_of[i]),
            float(value[i]),
            float(low[i]),
            float(high[i]),
        )
        for i in np.flatnonzero(sentences).tolist()
    )


def by_signer(measures: Sequence[Measure], aligned: Aligned, signers: Sequence[str]) -> tuple[Part, ...]:
    """Every metric of each signer, sorted by name; empty if signers are not known."""
    names = sorted(set(signers))
    number = {name: place for place, name in enumerate(names)}
    place = np.fromiter(map(number.__getitem__, signers), np.int64, len(signers))
    return _parts(measures, aligned, names, place)


def by_seen(measures: Sequence[Measure], aligned: Aligned, known: npt.NDArray[np.bool_]) -> tuple[Part, ...]:
    """Every metric of the sentences that occur in train ("seen") and of the others ("unseen")."""
    return _parts(measures, aligned, ("seen", "unseen"), np.where(known, 0, 1))


def seen(
    pairs: Pairs, train: Collection[Sequence[str]], fold: Callable[[str], str] = composed
) -> npt.NDArray[np.bool_]:
    """Whether each reference occurs in train as a whole sentence: [sentences].

    Args:
        pairs: the references.
        train: sentences as tokens, cleaned like those of `pairs`.
        fold: maps tokens that count as equal to the same string, for example regardless of case.

    Raises:
        TypeError: a sentence of train is a string; its characters would be taken for tokens.
    """
    if any(isinstance(sentence, str) for sentence in train):
        raise TypeError("a sentence of train is a string, not a sequence of tokens")
    folded = {token: fold(token) for token in set(chain.from_iterable(train))}
    known = {tuple(map(folded.__getitem__, sentence)) for sentence in train}
    names = tuple(map(fold, pairs.tokens))
    values, offsets = pairs.references.values.tolist(), pairs.references.offsets.tolist()
    sentences = (
        tuple(map(names.__getitem__, values[begin:end]))
        for begin, end in zip(offsets[:-1], offsets[1:], strict=True)
    )
    return np.fromiter((sentence in known for sentence in sentences), np.bool_, len(pairs.references))


def _parts(
    measures: Sequence[Measure], aligned: Aligned, names: Sequence[str], place: npt.NDArray[np.int64]
) -> tuple[Part, ...]:
    words = aligned.words
    chosen = [place == i for i in range(len(names))]
    return tuple(
        Part(name, int(of.sum()), int(words[of].sum()), {m.name: m.total(of) for m in measures})
        for name, of in zip(names, chosen, strict=True)
    )


def _ratio_interval(
    place: npt.NDArray[np.int64],
    sentences: npt.NDArray[np.int64],
    words: Floats,
    errors: Floats,
    words_each: npt.NDArray[np.int64],
    errors_each: npt.NDArray[np.int64],
) -> tuple[Floats, Floats, Floats]:
    """Errors per word of each bin, and the normal interval of it: value, low, high, each [bins].

    Args:
        place: the bin of each sentence.
        sentences: sentences of each bin.
        words: words of each bin.
        errors: errors of each bin.
        words_each: words of each sentence.
        errors_each: errors of each sentence.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(words > 0, errors / words, np.nan)
        residuals = errors_each - value[place] * words_each
        squares = np.bincount(place, residuals**2, len(words))
        spread = np.sqrt(sentences / (sentences - 1) * squares) / words
    half = NORMAL_95 * np.where((sentences > 1) & (words > 0), spread, np.nan)
    return value, np.maximum(value - half, 0), value + half


def _with_share(counted: Counted) -> dict[str, Any]:
    return {**asdict(counted), "share": counted.share}


def _token_rows(counts: TokenCounts) -> list[dict[str, Any]]:
    """The tokens as rows, the most frequent in the references first; ties in the order of the tokens."""
    order = np.argsort(-counts.references, kind="stable")
    names = (
        "references",
        "hypotheses",
        "correct",
        "substituted",
        "deleted",
        "inserted",
        "recall",
        "precision",
    )
    columns = {name: getattr(counts, name)[order].tolist() for name in names}
    tokens = [counts.tokens[i] for i in order.tolist()]
    return [
        dict(zip(("token", *columns), row, strict=True))
        for row in zip(tokens, *columns.values(), strict=True)
    ]


def without_nan(content: Any) -> Any:
    """A copy with None for NaN, which JSON does not have."""
    if isinstance(content, dict):
        return {key: without_nan(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [without_nan(value) for value in content]
    return None if isinstance(content, float) and math.isnan(content) else content
