"""Error rates and accuracies from alignments: of words, characters, letters and sentences."""

import numpy as np

from signkit.eval.alignment import HTK, SCLITE, UNIT, Costs
from signkit.eval.measure import Floats, Measure, ratio
from signkit.eval.transcripts import CORRECT, DELETION, INSERTION, SUBSTITUTION, Aligned, Pairs

_EDITS = (("substitutions", SUBSTITUTION), ("deletions", DELETION), ("insertions", INSERTION))


def error_rate(aligned: Aligned, costs: Costs = SCLITE, *, name: str = "wer", unit: str = "word") -> Measure:
    """The error rate: all edits over all tokens of the references.

    It can exceed 1, and is NaN if the references have no tokens.

    Args:
        aligned: alignments of least cost at `costs`.
        costs: costs of the alignment, for the signature.
        name: name of the metric.
        unit: what a token is, for the signature and the note.
    """
    return Measure.of(
        name,
        np.stack([aligned.errors, aligned.words], axis=1),
        ratio,
        _signature(unit, costs),
        note=_counts(aligned, unit),
    )


def edit_rates(
    aligned: Aligned, costs: Costs = SCLITE, *, name: str = "wer", unit: str = "word"
) -> tuple[Measure, Measure, Measure]:
    """The shares of substitutions, deletions and insertions in the error rate: three measures."""
    first, second, third = (
        Measure.of(
            f"{name}_{edit}",
            np.stack([aligned.counts[:, kind], aligned.words], axis=1),
            ratio,
            _signature(unit, costs),
            note=f"{aligned.counts[:, kind].sum()} {edit}",
        )
        for edit, kind in _EDITS
    )
    return first, second, third


def sentence_error(aligned: Aligned, *, unit: str = "word") -> Measure:
    """The share of sentences with at least one error; the costs of the alignment do not matter."""
    wrong = aligned.errors > 0
    return Measure.of(
        "sentence_error",
        np.stack([wrong, np.ones_like(wrong)], axis=1),
        ratio,
        f"unit:{unit}",
        note=f"{wrong.sum()} of {len(wrong)} sentences",
    )


def letter_accuracy(aligned: Aligned) -> Measure:
    """Letter accuracy, 1 - (S + D + I) / N, as HTK's ``Acc``; it can be negative.

    Args:
        aligned: alignments of letters of least cost at HTK's costs (`HTK`).
    """
    return _accuracy("letter_accuracy", aligned, "letter", HTK)


def aslfr(aligned: Aligned) -> Measure:
    """(N - D) / N of the ASL fingerspelling competition (Google, 2023); it can be negative.

    N is the number of characters of all references, D the sum of the Levenshtein distances of the sentences.

    Args:
        aligned: alignments of characters, including blanks, with the fewest edits (costs `UNIT`).
    """
    return _accuracy("aslfr", aligned, "character", UNIT)


def space_accuracy(pairs: Pairs, aligned: Aligned, costs: Costs) -> Measure:
    """The share of the spaces of the references that are aligned with a space: whether words are kept apart.

    Spaces too many do not count here. It is NaN if the references have no space.

    Args:
        pairs: characters, spaces among them.
        aligned: their alignments of least cost at `costs`.
    """
    space = pairs.tokens.index(" ") if " " in pairs.tokens else -2  # -1 stands for an insertion
    is_space = aligned.references == space
    sentence = np.repeat(np.arange(len(aligned.counts)), np.diff(aligned.offsets))
    counts = [
        np.bincount(sentence[chosen], minlength=len(aligned.counts))
        for chosen in (is_space & (aligned.kinds == CORRECT), is_space)
    ]
    return Measure.of(
        "space_accuracy",
        np.stack(counts, axis=1),
        ratio,
        _signature("character", costs),
        higher_is_better=True,
        note=f"{counts[0].sum()} of {counts[1].sum()} spaces",
    )


def _accuracy(name: str, aligned: Aligned, unit: str, costs: Costs) -> Measure:
    return Measure.of(
        name,
        np.stack([aligned.errors, aligned.words], axis=1),
        _rest,
        _signature(unit, costs),
        higher_is_better=True,
        note=_counts(aligned, unit),
    )


def _rest(sums: Floats) -> Floats:
    return np.asarray(1.0 - ratio(sums))


def _counts(aligned: Aligned, unit: str) -> str:
    return f"{aligned.errors.sum()} errors, {aligned.words.sum()} {unit}s, {len(aligned.counts)} sentences"


def _signature(unit: str, costs: Costs) -> str:
    return f"unit:{unit}|costs:s{costs.substitution}i{costs.insertion}d{costs.deletion}"
