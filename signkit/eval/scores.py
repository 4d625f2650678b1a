"""Error rates of a corpus, and the scores a protocol asks for."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields

import signkit
from signkit.errors import UserError
from signkit.eval.alignment import SCLITE, Costs, align
from signkit.eval.protocols import Protocol
from signkit.text import composed
from signkit.types import Score

Tokens = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """Edits of a corpus, summed over its sentences.

    Attributes:
        words: of the references (characters, where characters are counted).
        wrong: sentences with at least one edit.
    """

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    words: int = 0
    sentences: int = 0
    wrong: int = 0

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def value(self) -> float:
        """Errors a word of the references, a fraction, perhaps above 1; NaN when there are no words."""
        return _share(self.errors, self.words)

    def __add__(self, other: "ErrorRate") -> "ErrorRate":
        return ErrorRate(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def sentence_errors(
    reference: Sequence[str], hypothesis: Sequence[str], costs: Costs = SCLITE, *, characters: bool = False
) -> ErrorRate:
    """Edits of one sentence. Tokens are compared in Unicode's composed form (NFC)."""
    reference, hypothesis = _units(reference, characters), _units(hypothesis, characters)
    found = align(reference, hypothesis, costs)
    edits = (found.substitutions, found.deletions, found.insertions)
    return ErrorRate(*edits, words=len(reference), sentences=1, wrong=int(found.errors > 0))


def error_rate(
    references: Tokens, hypotheses: Tokens, costs: Costs = SCLITE, *, characters: bool = False
) -> ErrorRate:
    """Word error rate of a corpus: all edits over all words of the references; both are tokens by id.

    An empty reference adds its insertions and no words. With `characters`, the character error rate:
    the characters of a sentence's tokens laid end to end (no spaces between them).

    Raises:
        UserError: an id is in one of the two only.
    """
    _check_ids(references, hypotheses)
    sentences = (
        sentence_errors(references[i], hypotheses[i], costs, characters=characters) for i in references
    )
    return sum(sentences, ErrorRate())


def score(
    references: Tokens,
    hypotheses: Tokens,
    protocol: Protocol,
    split: str,
    seen: Collection[str] | None = None,
) -> tuple[Score, ...]:
    """The scores of one split by a protocol.

    A score that is undefined (no reference words, no sentence of train among them) is NaN, and its
    note says why.

    Args:
        references: tokens by sample id.
        hypotheses: tokens by sample id.
        seen: the sentences of train, each its tokens joined by a space; None leaves out what needs them.

    Raises:
        UserError: an id is in references or hypotheses only.
    """
    _check_ids(references, hypotheses)
    characters = protocol.unit == "character"
    each = {
        i: sentence_errors(references[i], hypotheses[i], protocol.costs, characters=characters)
        for i in references
    }
    total = sum(each.values(), ErrorRate())
    name = "cer" if characters else "wer"
    values: dict[str, tuple[float, str]] = {}
    if "rate" in protocol.metrics:
        values[name] = (total.value, _counts(total))
    if "edits" in protocol.metrics:
        values |= {f"{name}_{edit}": (_share(getattr(total, edit), total.words), "") for edit in _EDITS}
    if "sentence" in protocol.metrics:
        values["sentence_error"] = (_share(total.wrong, total.sentences), "")
    if "seen" in protocol.metrics and seen is not None:
        values |= _seen_scores(references, each, seen, name)
    signed = signature(protocol, len(references))
    return tuple(
        Score(name=key, value=value, split=split, signature=signed, note=_note(value, note))
        for key, (value, note) in values.items()
    )


def signature(protocol: Protocol, sentences: int) -> str:
    """How a score was made, in the manner of sacrebleu."""
    costs = protocol.costs
    return "|".join(
        (
            f"protocol:{protocol.name}",
            f"unit:{protocol.unit}",
            f"costs:s{costs.substitution}i{costs.insertion}d{costs.deletion}",
            "unicode:nfc",
            f"sentences:{sentences}",
            f"version:{signkit.__version__}",
        )
    )


_EDITS = ("substitutions", "deletions", "insertions")


def _seen_scores(
    references: Tokens, each: Mapping[str, ErrorRate], seen: Collection[str], name: str
) -> dict[str, tuple[float, str]]:
    """The share of sentences that occur in train, and the error rates of those and of the rest."""
    known = {composed(sentence) for sentence in seen}
    of_train = {i for i in references if " ".join(_units(references[i], False)) in known}
    first = sum((each[i] for i in each if i in of_train), ErrorRate())
    rest = sum((each[i] for i in each if i not in of_train), ErrorRate())
    return {
        "seen_share": (_share(first.sentences, len(each)), f"{first.sentences} of {len(each)} sentences"),
        f"{name}_seen": (first.value, _counts(first)),
        f"{name}_unseen": (rest.value, _counts(rest)),
    }


def _units(tokens: Sequence[str], characters: bool) -> tuple[str, ...]:
    compared = (composed(token) for token in tokens)
    return tuple("".join(compared)) if characters else tuple(compared)


def _counts(rate: ErrorRate) -> str:
    return f"{rate.errors} errors, {rate.words} words, {rate.sentences} sentences"


def _note(value: float, note: str) -> str:
    return f"undefined: {note or 'nothing to divide by'}" if math.isnan(value) else note


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def _check_ids(references: Tokens, hypotheses: Tokens) -> None:
    missing = [i for i in references if i not in hypotheses]
    extra = [i for i in hypotheses if i not in references]
    for ids, what in ((missing, "no hypothesis for"), (extra, "no reference for")):
        if ids:
            more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
            raise UserError("hypotheses", f"{what} the sample {ids[0]!r}{more}")
