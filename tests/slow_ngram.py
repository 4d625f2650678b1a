"""N-gram models by the definitions, with dictionaries: what the fast ones are compared with."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from signkit.lm.grams import Grams

Gram = tuple[str, ...]
Model = tuple[dict[Gram, float], dict[Gram, float]]
"""Base-10 logarithms of probabilities, and of back-off weights."""


def slow_model(
    sentences: Sequence[Sequence[str]], order: int, prune: Sequence[int] = (), fallback=(0.5, 1.0, 1.5)
) -> Model:
    """Interpolated modified Kneser-Ney (Chen and Goodman 1998), n-gram by n-gram."""
    raw: Counter[Gram] = Counter()
    for sentence in sentences:
        marked = ["<s>", *sentence, "</s>"]
        for end in range(1, len(marked)):
            for n in range(1, min(order, end + 1) + 1):
                raw[tuple(marked[end + 1 - n : end + 1])] += 1
    before = defaultdict(set)
    for gram in raw:
        before[gram[1:]].add(gram[0])
    words = sorted({gram[0] for gram in raw if len(gram) == 1} - {"</s>"})
    counts = {
        gram: times if len(gram) == order or gram[0] == "<s>" else len(before[gram])
        for gram, times in raw.items()
    }
    least = [prune[min(n, len(prune) - 1)] if prune else 0 for n in range(order)]
    out = {gram for gram, times in raw.items() if times <= least[len(gram) - 1] and len(gram) > 1}
    discounts = [
        _discounts([c for g, c in counts.items() if len(g) == n + 1], fallback) for n in range(order)
    ]
    follow = defaultdict(list)
    for gram in counts:
        follow[gram[:-1]].append(gram)
    weight = {}
    for history, grams in follow.items():
        taken = sum(counts[g] if g in out else discounts[len(history)][min(counts[g], 3) - 1] for g in grams)
        weight[history] = taken / sum(counts[g] for g in grams)

    def probability(gram: Gram) -> float:
        if not gram:
            return 1 / (len(words) + 2)
        history, own = gram[:-1], 0.0
        if gram in counts and gram not in out:
            total = sum(counts[g] for g in follow[history])
            own = (counts[gram] - discounts[len(history)][min(counts[gram], 3) - 1]) / total
        return own + weight.get(history, 1.0) * probability(gram[1:])

    kept = [("<unk>",), *(gram for gram in counts if gram not in out)]
    figures = {gram: math.log10(probability(gram)) for gram in kept}
    figures[("<s>",)] = 0.0
    backoffs = {gram: math.log10(weight.get(gram, 1.0)) for gram in figures if len(gram) < order}
    return figures, backoffs


def slow_log10(model: Model, history: Gram, word: str) -> float:
    """The probability of a word after a history, by the rule of backing off."""
    figures, backoffs = model
    known = (word,) if (word,) in figures else ("<unk>",)
    return figures.get(history + known, None) if history + known in figures else (
        backoffs.get(history, 0.0) + slow_log10(model, history[1:], word)
    )  # fmt: skip


def as_dictionaries(grams: Grams) -> Model:
    """A model's n-grams with their words."""
    figures: dict[Gram, float] = {}
    backoffs: dict[Gram, float] = {}
    for n, (tokens, log10) in enumerate(zip(grams.tokens, grams.log10, strict=True)):
        names = [tuple(grams.words[token] for token in gram) for gram in tokens.tolist()]
        figures |= dict(zip(names, log10.tolist(), strict=True))
        if n + 1 < grams.order:
            backoffs |= dict(zip(names, grams.backoff[n].tolist(), strict=True))
    return figures, backoffs


def _discounts(counts, fallback):
    n = Counter(counts)
    if not (n[1] and n[2] and n[3]):
        return fallback
    y = n[1] / (n[1] + 2 * n[2])
    found = tuple(k - (k + 1) * y * n[k + 1] / n[k] for k in (1, 2, 3))
    return found if min(found) > 0 else fallback
