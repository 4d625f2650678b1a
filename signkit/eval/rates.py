"""Error rates as measures: of words, of sentences, of letters."""

import numpy as np

from signkit.eval.alignment import HTK, SCLITE, UNIT, Costs
from signkit.eval.measure import Floats, Measure, ratio
from signkit.eval.transcripts import DELETION, INSERTION, SUBSTITUTION, Aligned

_EDITS = (("substitutions", SUBSTITUTION), ("deletions", DELETION), ("insertions", INSERTION))


def error_rate(aligned: Aligned, costs: Costs = SCLITE, *, name: str = "wer", unit: str = "word") -> Measure:
    """All edits over all words of the references; perhaps above 1. NaN where there are no words.

    Args:
        aligned: alignments of least cost at `costs`.
        unit: what a token is, as the signature and the note call it.
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
    """What substitutions, deletions and insertions each add to the error rate."""
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
    """The share of sentences with an error; the costs of the alignment do not matter."""
    wrong = aligned.errors > 0
    return Measure.of(
        "sentence_error",
        np.stack([wrong, np.ones_like(wrong)], axis=1),
        ratio,
        f"unit:{unit}",
        note=f"{wrong.sum()} of {len(wrong)} sentences",
    )


def letter_accuracy(aligned: Aligned, costs: Costs = HTK) -> Measure:
    """1 - (S + D + I) / N over letters: HTK's ``Acc``, perhaps below 0.

    Args:
        aligned: alignments of letters of least cost at `costs`.
    """
    return _accuracy("letter_accuracy", aligned, "letter", costs)


def aslfr(aligned: Aligned) -> Measure:
    """(N - D) / N of the ASL fingerspelling competition (Google, 2023), perhaps below 0.

    N are the characters of all references, D the sum of the sentences' Levenshtein distances.

    Args:
        aligned: alignments of characters, blanks among them, with the fewest edits (`UNIT`).
    """
    return _accuracy("aslfr", aligned, "character", UNIT)


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
