"""BLEU, chrF and ROUGE-L as measures.

The tokenisers of BLEU are those of sacrebleu, and BLEU and chrF follow its formulas: the total equals its
`corpus_score`, as a fraction. sacrebleu is slow to import, so it is imported when it is first needed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from signkit.eval.alignment import Costs
from signkit.eval.batch_alignment import align_pairs
from signkit.eval.measure import Floats, Measure, ratio
from signkit.eval.ngrams import ngrams, shared_ngrams
from signkit.eval.protocols import Tokenizer
from signkit.eval.transcripts import CORRECT, Ints, Pairs, Ragged

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

Smoothing = Literal["exp", "none"]

BLEU_ORDER = 4
CHRF_ORDER = 6
CHRF_BETA = 2
ROUGE_BETA = 1.2

LONGEST_COMMON = Costs(substitution=2, insertion=1, deletion=1)
"""Costs whose best alignment has the most correct tokens: a substitution costs as much as a deletion plus an
insertion. With C correct tokens the cost is N + M - 2 C, so C is the length of the longest common
subsequence."""


def bleu(
    references: Sequence[str],
    hypotheses: Sequence[str],
    tokenize: Tokenizer = "none",
    smoothing: Smoothing = "exp",
) -> tuple[Measure, Measure, Measure, Measure]:
    """Corpus BLEU-1 to BLEU-4 (Papineni et al., 2002): the measures ``bleu1`` to ``bleu4``.

    BLEU-k uses n-grams up to k. NaN if the references have no
    tokens; 0, with a note, if no hypothesis has k tokens, even where all are right.

    Args:
        references: text of each reference.
        hypotheses: text of each hypothesis.
        tokenize: sacrebleu's tokeniser: ``none`` splits at blanks, for glosses; ``13a`` is for spoken
            languages; ``zh`` for Chinese, ``char`` for its characters.
        smoothing: of orders without a match, where there are n-grams: ``exp``, sacrebleu's default, or
            ``none``, with which BLEU-k is 0 if nothing of some order up to k matches. This is what signjoey
            and the code derived from it have ("floor" smoothing with 0).

    Raises:
        ValueError: the numbers of hypotheses and references differ.
    """
    from sacrebleu.metrics.bleu import BLEU

    _check(references, hypotheses)
    scorers = [
        BLEU(tokenize=tokenize, smooth_method=smoothing, max_ngram_order=order)
        for order in range(1, BLEU_ORDER + 1)
    ]
    tokenizer = scorers[0].tokenizer
    numbers: dict[str, int] = {}
    reference, hypothesis = (
        _numbered([tokenizer(text.rstrip()).split() for text in side], numbers)
        for side in (references, hypotheses)
    )
    lengths = np.stack([hypothesis.lengths, reference.lengths], axis=1)
    matched = shared_ngrams(reference, hypothesis, BLEU_ORDER)
    grams = ngrams(hypothesis, BLEU_ORDER)
    first, second, third, fourth = (
        Measure.of(
            f"bleu{order}",
            np.concatenate([lengths, matched[:, :order], grams[:, :order]], axis=1),
            _bleu_of if smoothing == "exp" else _unsmoothed_bleu_of,
            f"order:{order}|{_signature(scorer)}",
            higher_is_better=True,
            note=""
            if grams[:, order - 1].any() or not lengths[:, 1].any()
            else f"0, as no hypothesis has {order} tokens",
        )
        for order, scorer in enumerate(scorers, start=1)
    )
    return first, second, third, fourth


def chrf(references: Sequence[str], hypotheses: Sequence[str]) -> Measure:
    """Corpus chrF2 (Popović, 2015): F-score of character n-grams up to 6, without blanks, with beta = 2.

    NaN if the references have no characters.

    Raises:
        ValueError: the numbers of hypotheses and references differ.
    """
    from sacrebleu.metrics.chrf import CHRF

    _check(references, hypotheses)
    reference, hypothesis = _characters(references), _characters(hypotheses)
    of_reference, of_hypothesis = ngrams(reference, CHRF_ORDER), ngrams(hypothesis, CHRF_ORDER)
    of_hypothesis[of_reference == 0] = 0  # as in sacrebleu: an order too long for the reference is left out
    matched = shared_ngrams(reference, hypothesis, CHRF_ORDER)
    return Measure.of(
        "chrf",
        np.concatenate([of_hypothesis, of_reference, matched], axis=1),
        _chrf_of,
        _signature(CHRF(char_order=CHRF_ORDER, beta=CHRF_BETA)),
        higher_is_better=True,
    )


def rouge_l(pairs: Pairs, unit: str = "word") -> Measure:
    """ROUGE-L (Lin, 2004) as in the COCO caption code and sign translation papers: mean over sentences.

    With L the length of the longest common subsequence, P = L / hypothesis and R = L / reference, the F-score
    of a sentence is (1 + 1.2²) P R / (R + 1.2² P), 0 without a common token, and 1 for two empty sentences.

    Args:
        pairs: references and hypotheses as tokens.
        unit: what a token is, for the signature.
    """
    common = align_pairs(pairs, LONGEST_COMMON).counts[:, CORRECT].astype(np.float64)
    reference, hypothesis = pairs.references.lengths, pairs.hypotheses.lengths
    # with P and R inserted, F simplifies to (1 + b²) L / (hypothesis + b² reference)
    weighted = hypothesis + ROUGE_BETA**2 * reference
    f = np.divide((1 + ROUGE_BETA**2) * common, weighted, out=np.ones_like(common), where=weighted > 0)
    statistics = np.stack([f, np.ones_like(f)], axis=1)
    return Measure.of(
        "rouge_l",
        statistics,
        ratio,
        f"unit:{unit}|beta:{ROUGE_BETA}|mean:sentences",
        higher_is_better=True,
    )


def _bleu_of(sums: Floats) -> Floats:
    """BLEU from sums [..., statistics]: hypothesis and reference lengths, matched n-grams of each order,
    n-grams of the hypotheses of each order."""
    order = (sums.shape[-1] - 2) // 2
    hypothesis, reference = sums[..., 0], sums[..., 1]
    matched, grams = sums[..., 2 : 2 + order], sums[..., 2 + order :]
    with np.errstate(divide="ignore", invalid="ignore"):
        brevity = np.where(hypothesis < reference, np.exp(1 - reference / hypothesis), 1.0)
        # exp smoothing: the first order without matches counts half a match, the second a quarter, …
        halvings = np.cumsum(matched == 0, axis=-1)
        precision = np.where(matched > 0, matched / grams, 1.0 / (2.0**halvings * grams))
        score = brevity * np.exp(np.log(precision).sum(axis=-1) / order)
    defined = (matched.sum(axis=-1) > 0) & (grams > 0).all(axis=-1)
    return np.where(reference > 0, np.where(defined, score, 0.0), np.nan)


def _unsmoothed_bleu_of(sums: Floats) -> Floats:
    """BLEU from the sums of `_bleu_of`, 0 where an order has no match."""
    order = (sums.shape[-1] - 2) // 2
    matches = (sums[..., 2 : 2 + order] > 0).all(axis=-1)
    return np.where(matches | (sums[..., 1] == 0), _bleu_of(sums), 0.0)


def _chrf_of(sums: Floats) -> Floats:
    """chrF from sums [..., statistics]: n-grams of the hypotheses, of the references and matched ones, each
    for all orders."""
    hypothesis, reference, matched = np.split(sums, 3, axis=-1)
    counted = (hypothesis > 0) & (reference > 0)
    orders = np.maximum(counted.sum(axis=-1), 1)
    precision, recall = (
        np.divide(matched, whole, out=np.zeros_like(matched), where=counted).sum(axis=-1) / orders
        for whole in (hypothesis, reference)
    )
    weighted = CHRF_BETA**2 * precision + recall
    product = (1 + CHRF_BETA**2) * precision * recall
    f = np.divide(product, weighted, out=np.zeros_like(product), where=weighted > 0)
    return np.where(reference[..., 0] > 0, f, np.nan)


def _numbered(texts: Sequence[Sequence[str]], numbers: dict[str, int]) -> Ragged:
    """Tokens as numbers; new tokens are added to `numbers`."""
    values = [numbers.setdefault(token, len(numbers)) for text in texts for token in text]
    return _ragged(np.array(values, dtype=np.int32), [len(text) for text in texts])


def _characters(texts: Sequence[str]) -> Ragged:
    """Texts without blanks as code points."""
    packed = ["".join(text.split()) for text in texts]
    values = np.frombuffer("".join(packed).encode("utf-32-le", "surrogatepass"), dtype="<i4")
    return _ragged(values.astype(np.int32), [len(text) for text in packed])


def _ragged(values: Ints, lengths: Sequence[int]) -> Ragged:
    return Ragged(values, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))


def _signature(scorer: "BLEU | CHRF") -> str:
    """sacrebleu's signature, which a metric only has once it has scored something."""
    scorer.corpus_score(["-"], [["-"]])
    return str(scorer.get_signature())


def _check(references: Sequence[str], hypotheses: Sequence[str]) -> None:
    if len(references) != len(hypotheses):
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} references")
