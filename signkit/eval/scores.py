"""Scoring one system by a protocol: every metric with its confidence interval and signature."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from os import PathLike
from typing import cast

import numpy as np
import numpy.typing as npt

from signkit.errors import UserError
from signkit.eval.alignment import SCLITE, Costs
from signkit.eval.analyses import seen as occurs_in_train
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.bootstrap import interval
from signkit.eval.formats.mistaken import check_plain, check_words
from signkit.eval.measure import Measure, ratio
from signkit.eval.metrics import (
    OF_TEXTS,
    Sentences,
    check_names,
    main_figure,
    main_rate,
    measures,
    metric_of,
)
from signkit.eval.notes import notes_of, unsegmented
from signkit.eval.pairing import Missing, pair
from signkit.eval.protocols import Metric, Protocol, load
from signkit.eval.tokens import folding
from signkit.eval.transcripts import Pairs, Ragged, Transcripts
from signkit.text.vocabulary import composed
from signkit.types import Score
from signkit.version import __version__

Text = str | Sequence[str]
Texts = Mapping[str, Text] | Sequence[Text] | Transcripts
"""Sentences by id, in a sequence, or as read from a file; a sentence is a string or its words."""
Train = Collection[tuple[str, ...]]
"""Sentences of train as words, cleaned."""
SHOWN = 60
"""Characters of a wrong argument in a message."""
Ints = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """Options of bootstrap intervals, see `signkit.eval.bootstrap`.

    Attributes:
        resamples: number of resamples; 0 for no intervals.
        seed: seed of the random numbers.
        confidence: probability with which an interval should contain the true value.
        by_signer: draw signers instead of sentences.
    """

    resamples: int = 1000
    seed: int = 0
    confidence: float = 0.95
    by_signer: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """The scores of one system, and what they were computed from.

    Attributes:
        scores: the scores, in the order of the metrics; `Score.split` is the caller's name of the split.
        measures: the measures of the metrics and of the protocol's variants, except those of seen and unseen
            sentences.
        sentences: the cleaned sentences and their alignments.
        signature: how all scores were computed; what concerns a single metric is in its `Score.signature`.
        notes: what the reader of the scores should know, a sentence each.
        variants: how the scores of the protocol's variants were computed, as `signature`.
    """

    scores: tuple[Score, ...]
    measures: tuple[Measure, ...]
    sentences: Sentences
    signature: str
    notes: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()

    @property
    def signatures(self) -> tuple[str, ...]:
        """How the scores were computed: by the protocol, and by each of its variants."""
        return (self.signature, *self.variants)

    def __getitem__(self, name: str) -> Score:
        """The score of a metric by name.

        Raises:
            KeyError: there is no score of that name.
        """
        for each in self.scores:
            if each.name == name:
                return each
        raise KeyError(name)


def score(
    references: Texts,
    hypotheses: Texts,
    protocol: Protocol | str | PathLike[str] = "plain",
    *,
    metrics: Sequence[str] = (),
    split: str = "",
    signers: Sequence[str] = (),
    train: Train | None = None,
    missing: Missing = "refuse",
    resampling: Resampling | None = None,
) -> Scored:
    """Score hypotheses by a protocol.

    Args:
        references: the reference sentences, by id or in a sequence.
        hypotheses: the recognised sentences, with the same ids (in any order) or the same number.
        protocol: a protocol, the name of one in `eval/`, or a YAML file.
        metrics: names of metrics (`signkit.eval.metrics.NAMES`) to compute instead of the protocol's own.
        split: name of the split, for `Score.split`.
        signers: signer of each reference, for intervals by signer.
        train: sentences of train as words, for the metric ``seen``; None leaves that metric out.
        missing: ``refuse`` references that have no hypothesis, or count all their words as ``deletions``.
        resampling: options of the bootstrap intervals.

    Returns:
        The scores, as fractions. An undefined score (for example if the references have no words) is NaN, and
        its note tells why.

    Raises:
        UserError: ids that do not match, an unknown metric, a fault in the protocol, or one string where
            sentences are meant.

    Example:
        >>> result = score({"s1": "MY NAME ANN"}, {"s1": "MY NAME BEN"}, metrics=["wer", "sentence_error"])
        >>> [(each.name, round(each.value, 3), each.note) for each in result.scores]
        [('wer', 0.333, '1 errors, 3 words, 1 sentences'), ('sentence_error', 1.0, '1 of 1 sentences')]
    """
    rules = protocol if isinstance(protocol, Protocol) else load(protocol)
    left, right = as_transcripts(references, "references", signers), as_transcripts(hypotheses, "hypotheses")
    looked = _check_look(left, right) if _as_text(references) and _as_text(hypotheses) else ()
    names = metrics or rules.metrics
    check_names(names, "metrics")
    rules = replace(rules, metrics=cast(tuple[Metric, ...], tuple(dict.fromkeys(names))))
    sentences = Sentences(pair(left, right, rules, missing), rules)
    resampling = resampling or Resampling()
    common = signature(sentences, resampling, a_word_a_line=right.a_word_a_line)
    group = groups(sentences.cleaned.signers) if resampling.by_signer else None
    measured = measures(names, sentences)
    of_variants, left_out = _variants(left, right, rules, missing, resampling)
    measured += tuple(measure for measure, _ in of_variants)
    made = (*[common] * (len(measured) - len(of_variants)), *(how for _, how in of_variants))
    scores = [_score(each, resampling, split, how, group) for each, how in zip(measured, made, strict=True)]
    if "seen" in names and train is not None:
        share, parts = _seen(sentences, train)
        scores.append(_score(share, resampling, split, common, group))
        for each, chosen in parts:
            scores.append(_score(each, resampling, split, common, group if group is None else group[chosen]))
    notes = dict.fromkeys((*notes_of(sentences, left, right), *looked, *left_out))
    variants = tuple(dict.fromkeys(how for _, how in of_variants))
    return Scored(tuple(scores), measured, sentences, common, tuple(notes), variants)


def error_rate(
    references: Mapping[str, Sequence[str]], hypotheses: Mapping[str, Sequence[str]], costs: Costs = SCLITE
) -> float:
    """The error rate of tokens without clean-up; NaN if the references have no tokens.

    Args:
        references: tokens of each reference by id.
        hypotheses: tokens of each hypothesis by id.
        costs: costs of the alignment.

    Raises:
        UserError: an id occurs on one side only.
    """
    for i in references.keys() ^ hypotheses.keys():
        lacking, other = ("hypothesis", "reference") if i in references else ("reference", "hypothesis")
        raise UserError("error_rate", f"the {other} {i!r} has no {lacking}")
    numbers: dict[str, int] = {}
    sides = []
    for side in (references, hypotheses):
        tokens = [[numbers.setdefault(composed(t), len(numbers)) for t in side[i]] for i in references]
        offsets = np.cumsum([0, *map(len, tokens)], dtype=np.int64)
        sides.append(Ragged(np.fromiter(chain.from_iterable(tokens), np.int32), offsets))
    aligned = align_pairs(Pairs(tuple(references), sides[0], sides[1], tuple(numbers)), costs)
    return float(ratio(np.array([aligned.errors.sum(), aligned.words.sum()], dtype=np.float64)))


def signature(sentences: Sentences, resampling: Resampling, *, a_word_a_line: bool = False) -> str:
    """A signature of how scores are computed, in the style of sacrebleu."""
    protocol, cleaned = sentences.protocol, sentences.cleaned
    by = "signer" if resampling.by_signer else "sentence"
    parts = [
        f"protocol:{protocol.name}",
        f"rules:{protocol.digest}",
        f"case:{protocol.case}",
        "unicode:nfc",
        f"sentences:{len(cleaned.ids)}",
    ]
    if protocol.final_period != "kept":
        parts.append(f"final-period:{protocol.final_period}")
    if a_word_a_line and protocol.rules:
        parts.append("cleaned:by-word")
    if cleaned.missing:
        parts.append(f"missing:{len(cleaned.missing)}")
    if resampling.resamples:
        options = f"{resampling.resamples}/{by}/{resampling.confidence:g}/seed{resampling.seed}"
        parts.append(f"bootstrap:{options}")
    return "|".join((*parts, f"version:{__version__}"))


def as_transcripts(texts: Texts, source: str, signers: Sequence[str] = ()) -> Transcripts:
    """Sentences given as Python values, in the form of sentences read from a file.

    Raises:
        UserError: they are no collection of sentences.
    """
    if isinstance(texts, Transcripts):
        return texts
    if isinstance(texts, str | bytes | PathLike):
        what = f"is {_shortened(texts)}, and not a list of sentences or a dict of them by id"
        hint = f"a list of one sentence is [{_shortened(texts)}]" if isinstance(texts, str) else ""
        raise UserError(source, what, hint or "`signkit score` reads files")
    if isinstance(texts, set | frozenset):
        raise UserError(source, f"is a {type(texts).__name__}, whose sentences have no order", "give a list")
    if isinstance(texts, Mapping):
        given, format = {str(name): text for name, text in texts.items()}, "python"
        if len(given) < len(texts):
            raise UserError(source, "has two ids that are the same as text, such as 1 and '1'")
    else:
        given, format = {str(n): text for n, text in enumerate(texts, start=1)}, "lines"
    plain = tuple(_sentence(source, name, text) for name, text in given.items())
    lines = range(1, len(plain) + 1)
    return Transcripts(source, format, tuple(given), plain, lines, tuple(signers))


def _sentence(source: str, name: str, text: object) -> str:
    """A sentence as text.

    Raises:
        UserError: it is neither text nor words.
    """
    if isinstance(text, str):
        return text
    where = f"{source}, sentence {name}"
    if isinstance(text, bytes | bytearray | Mapping | set | frozenset) or not isinstance(text, Iterable):
        raise UserError(where, f"is {_shortened(text)}, which is neither text nor words")
    words = list(text)
    odd = [word for word in words if not isinstance(word, str)]
    if odd:
        raise UserError(where, f"has {_shortened(odd[0])} among its words, which is no text")
    return " ".join(words)


def _as_text(texts: Texts) -> bool:
    """Whether sentences come from Python as texts, which may hold what is no word, and not as words."""
    if isinstance(texts, Transcripts):
        return False
    return all(isinstance(text, str) for text in (texts.values() if isinstance(texts, Mapping) else texts))


def _check_look(references: Transcripts, hypotheses: Transcripts) -> tuple[str, ...]:
    """Refuse what the texts of files are refused for, and return the notes; no option of a command is named.

    Raises:
        UserError: the texts hold what is no word.
    """
    try:
        check_plain((references, hypotheses), of_files=False)
        notes = check_words(references, (hypotheses,), separated=False)
    except UserError as error:
        hint = error.hint if "--" not in error.hint else "give each sentence as a list of its words"
        raise UserError(error.where, error.what, hint) from None
    return tuple(note.partition("; `--")[0] for note in notes)


def _shortened(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def groups(signers: Sequence[str]) -> Ints:
    """The signer of each sentence as a number: [sentences].

    Raises:
        UserError: the signer of some sentence is not known.
    """
    if not all(signers) or not signers:
        which = "no signers" if not any(signers) else f"no signer for {sum(not s for s in signers)} sentences"
        raise UserError("references", f"name {which}, so no intervals by signer can be found")
    return np.unique(np.array(signers), return_inverse=True)[1].astype(np.int64)


def _score(measure: Measure, resampling: Resampling, split: str, common: str, group: Ints | None) -> Score:
    value = measure.total()
    low = high = math.nan
    if resampling.resamples:
        low, high = interval(
            measure,
            confidence=resampling.confidence,
            resamples=resampling.resamples,
            seed=resampling.seed,
            groups=group,
        )
    note = measure.note
    if math.isnan(value):
        note = f"undefined: {note or 'nothing to divide by'}"
    return Score(measure.name, value, split, f"{common}|{measure.signature}", note, low, high)


def _variants(
    references: Transcripts,
    hypotheses: Transcripts,
    protocol: Protocol,
    missing: Missing,
    resampling: Resampling,
) -> tuple[list[tuple[Measure, str]], list[str]]:
    """The measures of a protocol's variants with their common signatures, and notes on those left out.

    Of a variant's metrics those are computed that the protocol has.
    """
    found: list[tuple[Measure, str]] = []
    notes = []
    for variant in protocol.variants:
        names = [name for name in variant.metrics if name in protocol.metrics]
        if not names:
            continue
        rules = protocol.by_variant(variant)
        sentences = Sentences(pair(references, hypotheses, rules, missing), rules)
        if variant.segmented and (without := unsegmented(sentences, references, hypotheses)):
            notes.append(f"no figures by {variant.name}: {without} has no blanks between words")
            continue
        common = signature(sentences, resampling, a_word_a_line=hypotheses.a_word_a_line)
        for measure in measures(names, sentences):
            found.append((replace(measure, name=f"{measure.name}_{variant.name}"), common))
    return found, notes


def _seen(sentences: Sentences, train: Train) -> tuple[Measure, tuple[tuple[Measure, Booleans], ...]]:
    """The share of sentences that occur in train, and the figures of these and of all others: the error rate,
    or BLEU, chrF or ROUGE-L if that is what the protocol is about."""
    protocol = sentences.protocol
    name = main_figure(protocol)
    if metric_of(name) not in OF_TEXTS:
        name = main_rate(protocol)
    fold = folding(protocol.case)
    known = occurs_in_train(sentences.pairs("word"), train, lambda token: fold(composed(token)))
    whole = next(each for each in measures((metric_of(name),), sentences) if each.name == name)
    share = Measure.of(
        "seen_share",
        np.stack([known, np.ones_like(known)], axis=1),
        ratio,
        "unit:sentence",
        note=f"{known.sum()} of {len(known)} sentences",
    )
    parts = []
    for chosen, what in ((known, "seen"), (~known, "unseen")):
        note = f"{chosen.sum()} sentences"
        if name in ("wer", "cer"):
            errors, words = whole.rows[whole.row[chosen]].sum(axis=0).astype(int).tolist()
            unit = "characters" if name == "cer" else "words"
            note = f"{errors} errors, {words} {unit}, {note}"
        parts.append((whole.part(chosen, f"{name}_{what}", note), chosen))
    return share, tuple(parts)
