"""Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998), as in KenLM's lmplz.

See Heafield et al., "Scalable Modified Kneser-Ney Language Model Estimation", ACL 2013. With c the adjusted
count of an n-gram and h its first n - 1 words, each order is interpolated with the one below:

    P(w | h) = (c(h w) - D(c(h w))) / sum_w c(h w)  +  weight(h) P(w | h without its first word)
    weight(h) = sum_w D(c(h w)) / sum_w c(h w)

One thing differs from lmplz. When it estimates the discounts of a lower order, lmplz uses the number of
occurrences of the last n-gram that it reads instead of its adjusted count. Here all are treated alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signkit.errors import UserError
from signkit.lm.counts import BEGIN, Counted, count, pruned, words_of
from signkit.lm.grams import Bools, Floats, Grams, Ints, Unit
from signkit.lm.sentences import numbered

Discounts = tuple[float, float, float]
FALLBACK: Discounts = (0.5, 1.0, 1.5)
DIGITS = 7
"""Decimals of logarithms, so that an ARPA file holds exactly the model's numbers."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """A model and how it was estimated.

    Attributes:
        grams: the model.
        discounts: for each order, what is subtracted from an adjusted count of 1, of 2, and of more.
        fallback: the orders whose discounts could not be estimated.
        counted: the number of n-grams of each order before pruning.
    """

    grams: Grams
    discounts: tuple[Discounts, ...]
    fallback: tuple[int, ...]
    counted: tuple[int, ...]


def estimate(
    sentences: Sequence[Sequence[str]],
    order: int,
    *,
    unit: Unit = "word",
    prune: Sequence[int] = (),
    fallback: Discounts | None = FALLBACK,
) -> Estimated:
    """Estimate an n-gram model with modified Kneser-Ney smoothing, as KenLM's lmplz does.

    Args:
        sentences: the words (or characters) of each sentence.
        order: number of words of the longest n-grams.
        unit: what a word is, ``word`` or ``character``.
        prune: for each order, the number of occurrences up to which n-grams are left out. The first must be
            0, none may be lower than the one before, and the last holds for all higher orders.
        fallback: discounts for an order where they cannot be estimated; None to refuse.

    Raises:
        UserError: the discounts cannot be estimated, and there is no fallback.
        ValueError: no sentences, an order below 1, or numbers in `prune` that are not as above.

    Example:
        >>> sentences = [["MY", "NAME", "ANN"], ["MY", "NAME", "BEN"], ["NAME", "WHAT"]]
        >>> estimated = estimate(sentences, 2)
        >>> estimated.grams.counts  # the special words are 1-grams too
        (8, 9)
        >>> estimated.fallback  # orders with too little text to estimate discounts
        (1, 2)
    """
    if not len(sentences) or order < 1 or [*prune] != sorted(prune) or any(prune[:1]):
        raise ValueError(f"{len(sentences)} sentences, order {order}, prune {[*prune]}")
    text, words = numbered(sentences)
    counted = count(text, len(words), order)
    least = tuple(prune[min(n, len(prune) - 1)] if prune else 0 for n in range(order))
    without = pruned(counted, least)
    estimated = [discounts(each.adjusted) for each in counted]
    used = tuple(_used(n, own, fallback) for n, own in enumerate(estimated, 1))
    lower = np.full(1, 1.0 / (len(words) - 1))  # order 0: uniform over all words but <s>
    probabilities: list[Floats] = []
    backoffs: list[Floats] = []
    for each, left_out, discount in zip(counted, without, used, strict=True):
        alone, weight = _of_order(each, left_out, discount, len(lower))
        if not probabilities:
            lower = alone + weight[0] * lower
            lower[BEGIN] = 1.0  # as in lmplz; never used
        else:
            backoffs.append(weight)
            lower = alone + weight[each.prefix] * lower[each.suffix]
        probabilities.append(lower)
    masks = [~left_out for left_out in without]
    grams = Grams(
        words,
        unit,
        tuple(tokens[keep] for tokens, keep in zip(words_of(counted), masks, strict=True)),
        tuple(_log10(each[keep]) for each, keep in zip(probabilities, masks, strict=True)),
        tuple(_log10(each[keep]) for each, keep in zip(backoffs, masks, strict=False)),
    )
    return Estimated(
        grams,
        used,
        tuple(n for n, discount in enumerate(estimated, 1) if discount is None),
        tuple(len(each.raw) for each in counted),
    )


def discounts(adjusted: Ints) -> Discounts | None:
    """The discounts D1, D2 and D3+ of an order (Chen and Goodman 1998, equation 26).

    None if they cannot be estimated: no n-gram has the adjusted count 1, or 2, or 3, or a discount would not
    be positive.
    """
    n = np.bincount(adjusted[adjusted < 5], minlength=5).tolist()
    if not (n[1] and n[2] and n[3]):
        return None
    y = n[1] / (n[1] + 2 * n[2])
    first, second, third = (k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))
    return (first, second, third) if min(first, second, third) > 0 else None


def _used(order: int, own: Discounts | None, fallback: Discounts | None) -> Discounts:
    if own is not None or fallback is not None:
        return own or fallback or FALLBACK
    what = f"the discounts of {order}-grams cannot be estimated: the text is too small, or too regular"
    raise UserError("text", what, "a lower order, more text, or fixed discounts (discount_fallback)")


def _of_order(counted: Counted, without: Bools, discount: Discounts, prefixes: int) -> tuple[Floats, Floats]:
    """The discounted probability of each n-gram, and for each prefix the weight of the order below.

    N-grams that are left out give all their mass to the order below. A prefix that no n-gram has gets the
    weight 1.
    """
    prefix, adjusted = counted.prefix, counted.adjusted
    total = np.bincount(prefix, adjusted, prefixes)
    taken = np.where(without, adjusted, np.array([0.0, *discount])[np.minimum(adjusted, 3)])
    alone = np.divide(adjusted - taken, total[prefix])
    weight = np.divide(np.bincount(prefix, taken, prefixes), total, out=np.ones(prefixes), where=total > 0)
    return alone, weight


def _log10(values: Floats) -> Floats:
    return np.asarray(np.round(np.log10(values), DIGITS) + 0.0)  # no -0
