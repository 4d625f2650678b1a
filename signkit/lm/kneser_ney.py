"""Modified Kneser-Ney smoothing, interpolated (Chen and Goodman 1998), as KenLM's lmplz estimates it.

Heafield et al., "Scalable Modified Kneser-Ney Language Model Estimation", ACL 2013. One thing differs:
among the counts that discounts are estimated from, lmplz takes for the last n-gram that it reads of each
lower order how often it occurs in place of its adjusted count; here it counts as the others do.
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
"""Of the logarithms that are kept, after the point: an ARPA file has the very figures."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """A trained model and how it came about.

    Attributes:
        discounts: of each order: what is taken from an n-gram that was counted once, twice, more often.
        fallback: the orders whose discounts could not be estimated.
        counted: n-grams of each order before pruning.
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
    """Train a model on sentences, given as their words (or characters).

    Args:
        order: words of the longest n-grams.
        prune: of each order, how often an n-gram may occur and be left out; the last holds for all higher
            orders, the first is 0.
        fallback: discounts of an order where they cannot be estimated.

    Raises:
        UserError: they cannot be estimated, and there is no fallback.
    """
    if not len(sentences) or order < 1 or [*prune] != sorted(prune) or any(prune[:1]):
        raise ValueError(f"{len(sentences)} sentences, order {order}, prune {[*prune]}")
    text, words = numbered(sentences)
    counted = count(text, len(words), order)
    least = tuple(prune[min(n, len(prune) - 1)] if prune else 0 for n in range(order))
    without = pruned(counted, least)
    estimated = [discounts(each.adjusted) for each in counted]
    used = tuple(_used(n, own, fallback) for n, own in enumerate(estimated, 1))
    lower = np.full(1, 1.0 / (len(words) - 1))  # of any word but <s>
    probabilities: list[Floats] = []
    backoffs: list[Floats] = []
    for each, left_out, discount in zip(counted, without, used, strict=True):
        alone, weight = _of_order(each, left_out, discount, len(lower))
        if not probabilities:
            lower = alone + weight[0] * lower
            lower[BEGIN] = 1.0  # as in lmplz; it is never asked for
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
    """D1, D2 and D3+ of an order (equation 26 of Chen and Goodman); None where they cannot be estimated.

    That is where no n-gram has the adjusted count 1, 2 or 3, or where a discount is not above 0.
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
    """Of an order: each n-gram's own probability, and of each prefix the weight of the order below.

    What is left out gives all its mass to the order below; a prefix of nothing has the weight 1.
    """
    prefix, adjusted = counted.prefix, counted.adjusted
    total = np.bincount(prefix, adjusted, prefixes)
    taken = np.where(without, adjusted, np.array([0.0, *discount])[np.minimum(adjusted, 3)])
    alone = np.divide(adjusted - taken, total[prefix])
    weight = np.divide(np.bincount(prefix, taken, prefixes), total, out=np.ones(prefixes), where=total > 0)
    return alone, weight


def _log10(values: Floats) -> Floats:
    return np.asarray(np.round(np.log10(values), DIGITS) + 0.0)  # no -0
