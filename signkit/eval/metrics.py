"""The metrics of protocols by name: the tokens and costs each one needs, and how it is computed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from signkit.config.suggest import suggestion
from signkit.errors import UserError
from signkit.eval import labels, rates, text_metrics
from signkit.eval.alignment import HTK, UNIT, Costs
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.measure import Measure
from signkit.eval.pairing import Cleaned, encode, with_chosen
from signkit.eval.protocols import Metric, Protocol
from signkit.eval.tokens import Unit
from signkit.eval.transcripts import Aligned, Pairs
from signkit.text.vocabulary import composed

OF_LABELS = ("accuracy", "macro_f1", "per_class")
"""Metrics of sentences that are one label each."""
OF_TEXTS = ("bleu", "chrf", "rouge_l")
"""Metrics of translations."""
NAMES: tuple[str, ...] = get_args(Metric)
"""Names that a protocol may list; ``edits``, ``seen`` and ``bleu`` give several figures each."""


@dataclass(frozen=True)
class Sentences:
    """Cleaned sentences, their tokens and their alignments; the latter are computed on demand and cached."""

    cleaned: Cleaned
    protocol: Protocol
    _pairs: dict[tuple[Unit, bool], Pairs] = field(default_factory=dict)
    _aligned: dict[tuple[Unit, bool, Costs], Aligned] = field(default_factory=dict)
    _labels: dict[str, tuple[Pairs, Aligned]] = field(default_factory=dict)

    def pairs(self, unit: Unit, spaces: bool = False) -> Pairs:
        """The sentences as tokens of a unit."""
        if (unit, spaces) not in self._pairs:
            self._pairs[unit, spaces] = encode(self.cleaned, unit, case=self.protocol.case, spaces=spaces)
        return self._pairs[unit, spaces]

    def aligned(self, unit: Unit, costs: Costs, spaces: bool = False) -> Aligned:
        """Their alignments in tokens of a unit, at some costs."""
        key = (unit, spaces, costs)
        if key not in self._aligned:
            pairs = self.pairs(unit, spaces)
            aligned = align_pairs(pairs, costs)
            if unit == "word":
                aligned = with_chosen(aligned, self.cleaned.chosen)
            self._aligned[key] = aligned
        return self._aligned[key]

    @property
    def composed(self) -> tuple[list[str], list[str]]:
        """The texts of the references and of the hypotheses in composed form (NFC)."""
        cleaned = self.cleaned
        return [*map(composed, cleaned.references)], [*map(composed, cleaned.hypotheses)]

    @property
    def main(self) -> tuple[Pairs, Aligned]:
        """Tokens in the protocol's unit, and alignments at its costs."""
        protocol = self.protocol
        spaces = protocol.spaces and protocol.unit == "character"
        return self.pairs(protocol.unit, spaces), self.aligned(protocol.unit, protocol.costs, spaces)

    @property
    def error_unit(self) -> Literal["word", "character", "label"]:
        """What is right or wrong: the label of a whole sentence if the first metric is one of labels, else
        the protocol's unit."""
        return "label" if self.protocol.metrics[0] in OF_LABELS else self.protocol.unit

    @property
    def errors(self) -> tuple[Pairs, Aligned]:
        """Tokens and alignments in `error_unit`, for analyses and for the eye: `main`, or each sentence as
        one token."""
        if self.error_unit != "label":
            return self.main
        if "label" not in self._labels:
            pairs = labels.as_tokens(self.pairs("word"))
            self._labels["label"] = pairs, align_pairs(pairs, self.protocol.costs)
        return self._labels["label"]


def measures(names: Sequence[str], sentences: Sentences) -> tuple[Measure, ...]:
    """The measures of the named metrics, in the order of the names, each once.

    Raises:
        UserError: a name that is not of a metric.
    """
    by_name: dict[str, Measure] = {}
    for name in names:
        for measure in _measures(name, sentences):
            by_name.setdefault(measure.name, measure)
    return tuple(by_name.values())


def check_names(names: Sequence[str], where: str) -> None:
    """Check the names of metrics.

    Raises:
        UserError: a name is not of a metric; the most similar one is suggested.
    """
    for name in names:
        if name not in NAMES:
            raise UserError(where, f"there is no metric {name!r}", suggestion(name.lower(), NAMES))


def main_rate(protocol: Protocol) -> str:
    """The name of the error rate in the protocol's unit."""
    return "cer" if protocol.unit == "character" else "wer"


_FIGURES = {"bleu": "bleu4"}
"""The figure that stands for a metric of several."""
_NO_FIGURE = ("edits", "seen", "per_class")


def main_figure(protocol: Protocol) -> str:
    """The name of the figure that a protocol is about: its first metric that is one."""
    named = next((name for name in protocol.metrics if name not in _NO_FIGURE), main_rate(protocol))
    return _FIGURES.get(named, named)


def metric_of(figure: str) -> str:
    """The metric that a figure of `main_figure` is one of."""
    return next((name for name, of in _FIGURES.items() if of == figure), figure)


def _measures(name: str, sentences: Sentences) -> tuple[Measure, ...]:
    protocol = sentences.protocol
    unit, spaces = protocol.unit, protocol.spaces
    if name == "wer":
        return (rates.error_rate(sentences.aligned("word", protocol.costs), protocol.costs),)
    if name == "cer":
        aligned = sentences.aligned("character", protocol.costs, spaces)
        return (rates.error_rate(aligned, protocol.costs, name="cer", unit="character"),)
    if name == "edits":
        return rates.edit_rates(sentences.main[1], protocol.costs, name=main_rate(protocol), unit=unit)
    if name == "sentence_error":
        return (rates.sentence_error(sentences.main[1], unit=unit),)
    if name == "letter_accuracy":
        return (rates.letter_accuracy(sentences.aligned("character", HTK, spaces)),)
    if name == "aslfr":
        return (rates.aslfr(sentences.aligned("character", UNIT, spaces=True)),)
    if name == "space_accuracy":
        pairs, aligned = (
            sentences.pairs("character", True),
            sentences.aligned("character", protocol.costs, spaces=True),
        )
        return (rates.space_accuracy(pairs, aligned, protocol.costs),)
    if name == "bleu":
        sides = sentences.composed
        return text_metrics.bleu(*sides, protocol.tokenize, protocol.smoothing)[::-1]  # the main figure first
    if name == "chrf":
        return (text_metrics.chrf(*sentences.composed),)
    if name == "rouge_l":
        of: Unit = "character" if protocol.tokenize == "char" else "word"
        return (text_metrics.rouge_l(sentences.pairs(of), of),)
    if name == "accuracy":
        return (labels.accuracy(labels.labels(sentences.pairs("word"))),)
    if name == "macro_f1":
        return (labels.macro_f1(labels.labels(sentences.pairs("word"))),)
    return ()  # `seen` needs train and `per_class` is a table; the callers that have them add them
