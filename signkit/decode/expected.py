"""Minimum Bayes risk: of a beam's texts the one with the highest expected score, if any of them may be right.

As in Kumar and Byrne 2004: the expected score of a text is the mean of its chrF (or BLEU) against all texts
of the beam, weighted by their probabilities. These are the exponentials of the beam's scores, which
`decode.length_norm` has divided by a power of the length, made to sum to 1.
"""

import math
from collections.abc import Sequence
from typing import Literal

from signkit.decode.state import Candidate
from signkit.text.vocabulary import Vocabulary


def highest_expected(
    candidates: Sequence[Candidate], vocabulary: Vocabulary, metric: Literal["chrf", "bleu"]
) -> list[Candidate]:
    """The candidates by their expected score, the highest first; equal ones stay in their order.

    Args:
        candidates: a beam, best first. Those that spell one text in different subwords count together.
    """
    if len(candidates) < 2 or not math.isfinite(candidates[0].score):
        return list(candidates)
    texts = [vocabulary.join(vocabulary.decode(each.tokens)) for each in candidates]
    shares: dict[str, float] = {}
    for text, each in zip(texts, candidates, strict=True):
        shares[text] = shares.get(text, 0.0) + math.exp(each.score - candidates[0].score)
    compare = _metric(metric, vocabulary)
    expected = {
        text: sum(share * compare.sentence_score(text, [other]).score for other, share in shares.items())
        for text in shares
    }
    order = sorted(range(len(texts)), key=lambda place: -expected[texts[place]])
    return [candidates[place] for place in order]


def _metric(metric: str, vocabulary: Vocabulary):  # type: ignore[no-untyped-def] # sacrebleu's, imported late
    if metric == "chrf":
        from sacrebleu.metrics.chrf import CHRF

        return CHRF()
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize="char" if vocabulary.unit == "character" else "none", effective_order=True)
