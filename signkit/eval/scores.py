"""Scores of one system by a protocol: each figure with its interval and its signature."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt

import signkit
from signkit.errors import UserError
from signkit.eval.alignment import SCLITE, Costs
from signkit.eval.analyses import seen as occurs_in_train
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.bootstrap import interval
from signkit.eval.measure import Measure, ratio
from signkit.eval.metrics import Sentences, check_names, main_rate, measures
from signkit.eval.pairing import Missing, pair
from signkit.eval.protocols import Protocol, load
from signkit.eval.tokens import folding
from signkit.eval.transcripts import Pairs, Ragged, Transcripts
from signkit.text.vocabulary import composed
from signkit.types import Score

Text = str | Sequence[str]
Texts = Mapping[str, Text] | Sequence[Text] | Transcripts
"""Sentences by id, or one after another, or as read from a file; a sentence is a string or its words."""
Train = Collection[tuple[str, ...]]
"""Sentences of train: cleaned, in words."""
Ints = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How intervals are found: by the bootstrap, see `signkit.eval.bootstrap`.

    Attributes:
        resamples: how many times; 0 gives no intervals.
        by_signer: whether signers are drawn, not sentences.
    """

    resamples: int = 1000
    seed: int = 0
    confidence: float = 0.95
    by_signer: bool = False


@dataclass(frozen=True, slots=True)
class Scored:
    """One system's sentences and scores.

    Attributes:
        scores: of all sentences; `Score.split` is what the caller named it.
        measures: of the metrics, those of seen and unseen sentences not among them.
        signature: how the figures were made, without what is a single metric's own.
    """

    scores: tuple[Score, ...]
    measures: tuple[Measure, ...]
    sentences: Sentences
    signature: str

    def __getitem__(self, name: str) -> Score:
        """The score of a metric.

        Raises:
            KeyError: there is none of that name.
        """
        for each in self.scores:
            if each.name == name:
                return each
        raise KeyError(name)


def score(
    references: Texts,
    hypotheses: Texts,
    protocol: Protocol | str = "plain",
    *,
    metrics: Sequence[str] = (),
    split: str = "",
    signers: Sequence[str] = (),
    train: Train | None = None,
    missing: Missing = "refuse",
    resampling: Resampling | None = None,
) -> Scored:
    """Score hypotheses by a protocol.

    A score that is undefined (no reference words, no sentence of train among them) is NaN, and its note
    says why.

    Args:
        references: the sentences as they were signed.
        hypotheses: the recognised sentences, with the ids of the references (in any order), or as many.
        protocol: a protocol, the name of one of `eval/`, or a YAML file.
        metrics: names of `signkit.eval.metrics.NAMES` in place of the protocol's own.
        split: what `Score.split` shall be.
        signers: of each reference, for intervals by signer.
        train: leaves out the metric ``seen`` if None.
        missing: what to do with references that have no hypothesis.

    Raises:
        UserError: ids that do not match, a metric that does not exist, a fault in the protocol.
    """
    rules = load(protocol) if isinstance(protocol, str) else protocol
    left, right = as_transcripts(references, "references", signers), as_transcripts(hypotheses, "hypotheses")
    sentences = Sentences(pair(left, right, rules, missing), rules)
    names = metrics or rules.metrics
    check_names(names, "metrics")
    drawn = resampling or Resampling()
    signed = signature(sentences, drawn, a_word_a_line=right.a_word_a_line)
    group = groups(sentences.cleaned.signers) if drawn.by_signer else None
    measured = measures(names, sentences)
    scores = [_score(each, drawn, split, signed, group) for each in measured]
    if "seen" in names and train is not None:
        share, parts = _seen(sentences, train)
        scores.append(_score(share, drawn, split, signed, group))
        for each, chosen in parts:
            scores.append(_score(each, drawn, split, signed, group if group is None else group[chosen]))
    return Scored(tuple(scores), measured, sentences, signed)


def error_rate(
    references: Mapping[str, Sequence[str]], hypotheses: Mapping[str, Sequence[str]], costs: Costs = SCLITE
) -> float:
    """The error rate of tokens as they are: no clean-up, no interval; NaN without reference tokens.

    Raises:
        UserError: an id is in one of the two only.
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
    """How scores are made, in the manner of sacrebleu."""
    protocol, cleaned = sentences.protocol, sentences.cleaned
    by = "signer" if resampling.by_signer else "sentence"
    parts = [
        f"protocol:{protocol.name}",
        f"rules:{protocol.digest}",
        f"case:{protocol.case}",
        "unicode:nfc",
        f"sentences:{len(cleaned.ids)}",
    ]
    if a_word_a_line and protocol.rules:
        parts.append("cleaned:by-word")
    if cleaned.missing:
        parts.append(f"missing:{len(cleaned.missing)}")
    if resampling.resamples:
        drawn = f"{resampling.resamples}/{by}/{resampling.confidence:g}/seed{resampling.seed}"
        parts.append(f"bootstrap:{drawn}")
    return "|".join((*parts, f"version:{signkit.__version__}"))


def as_transcripts(texts: Texts, source: str, signers: Sequence[str] = ()) -> Transcripts:
    """Sentences given as Python values, in the form of those read from a file."""
    if isinstance(texts, Transcripts):
        return texts
    if isinstance(texts, Mapping):
        given, format = texts, "python"
    else:
        given, format = {str(n): text for n, text in enumerate(texts, start=1)}, "lines"
    plain = tuple(text if isinstance(text, str) else " ".join(text) for text in given.values())
    lines = range(1, len(plain) + 1)
    return Transcripts(source, format, tuple(given), plain, lines, tuple(signers))


def groups(signers: Sequence[str]) -> Ints:
    """The number of each sentence's signer: [sentences].

    Raises:
        UserError: no signer is known.
    """
    if not all(signers) or not signers:
        which = "no signers" if not any(signers) else f"no signer for {sum(not s for s in signers)} sentences"
        raise UserError("references", f"name {which}, so no intervals by signer can be found")
    return np.unique(np.array(signers), return_inverse=True)[1].astype(np.int64)


def _score(measure: Measure, drawn: Resampling, split: str, signed: str, group: Ints | None) -> Score:
    value = measure.total()
    low = high = math.nan
    if drawn.resamples:
        low, high = interval(
            measure, confidence=drawn.confidence, resamples=drawn.resamples, seed=drawn.seed, groups=group
        )
    note = measure.note
    if math.isnan(value):
        note = f"undefined: {note or 'nothing to divide by'}"
    return Score(measure.name, value, split, f"{signed}|{measure.signature}", note, low, high)


def _seen(sentences: Sentences, train: Train) -> tuple[Measure, tuple[tuple[Measure, Booleans], ...]]:
    """The share of sentences that occur in train, and the error rates of those and of the rest."""
    protocol = sentences.protocol
    name = main_rate(protocol)
    fold = folding(protocol.case)
    known = occurs_in_train(sentences.pairs("word"), train, lambda token: fold(composed(token)))
    (whole,) = measures((name,), sentences)
    share = Measure.of(
        "seen_share",
        np.stack([known, np.ones_like(known)], axis=1),
        ratio,
        "unit:sentence",
        note=f"{known.sum()} of {len(known)} sentences",
    )
    parts = []
    for chosen, what in ((known, "seen"), (~known, "unseen")):
        errors, words = whole.rows[whole.row[chosen]].sum(axis=0).astype(int).tolist()
        unit = "characters" if name == "cer" else "words"
        note = f"{errors} errors, {words} {unit}, {chosen.sum()} sentences"
        parts.append((whole.part(chosen, f"{name}_{what}", note), chosen))
    return share, tuple(parts)
