"""From the n-grams of an ARPA file to sorted ones, with the contexts that pruning left out.

Programs that prune n-grams one by one may drop `a b` and keep `a b c`. A missing context is added with the
probability that the model gives it by backing off, and with the back-off 0. That changes no probability,
and is what KenLM does.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from signkit.lm.arpa_section import Listed
from signkit.lm.grams import Floats, Ints, place


def with_contexts(listed: Sequence[Listed]) -> tuple[list[Listed], list[Ints]]:
    """The n-grams of each order, sorted, each with its first n - 1 words among those of the order below.

    Args:
        listed: the n-grams of each order as the file lists them.

    Returns:
        The same, sorted by their keys (see `Listed`), and those of each order that were added.

    Raises:
        UserError: an n-gram occurs twice.
    """
    done = _sorted(listed)
    if done is not None:
        return done, []
    added = _missing([each.tokens for each in listed], len(listed[0].names))
    done = []
    for each, grams in zip(listed, added, strict=True):
        done.append(_by_keys(_extended(each, grams, done), done))
    return done, added


def _sorted(listed: Sequence[Listed]) -> list[Listed] | None:
    """The n-grams of each order, sorted by their keys; None if a context is missing."""
    words = len(listed[0].names)
    done: list[Listed] = []
    for each in listed:
        if done and not place(each.tokens[:, :-1], _keys(done), words)[1].all():
            return None
        done.append(_by_keys(each, done))
    return done


def _by_keys(listed: Listed, lower: Sequence[Listed]) -> Listed:
    """One order, sorted by its keys, given those below."""
    if not lower:
        return listed
    names = lower[0].names
    at, _ = place(listed.tokens[:, :-1], _keys(lower), len(names))
    keys = at * len(names) + listed.tokens[:, -1]
    sort = np.argsort(keys, kind="stable")
    keys = keys[sort]
    again = np.flatnonzero(keys[1:] == keys[:-1])
    if len(again):
        first, second = listed.row[sort[again[0] : again[0] + 2]].tolist()
        gram = " ".join(names[token] for token in listed.tokens[sort[again[0]]])
        section = listed.section
        section.refuse(second, f"`{gram}` occurs twice", f"first in line {section.line + 1 + first}")
    return replace(
        listed, tokens=listed.tokens[sort], keys=keys, log10=listed.log10[sort], backoff=listed.backoff[sort],
        row=listed.row[sort],
    )  # fmt: skip


def _keys(listed: Sequence[Listed]) -> list[Ints]:
    return [each.keys for each in listed[1:]]


def _missing(tokens: Sequence[Ints], words: int) -> list[Ints]:
    """For each order the n-grams that longer ones begin with but that are not there: [n-grams, order]."""
    order = len(tokens)
    missing = [np.zeros((0, n + 1), dtype=np.int64) for n in range(order)]
    # the number of what each n-gram begins with: of its first word, then of its first two words, ...
    begins = [each[:, 0] for each in tokens]
    for n in range(1, order - 1):
        longer = [begins[m] * words + tokens[m][:, n] for m in range(n, order)]
        wanted, row = np.unique(np.concatenate(longer[1:]), return_index=True)
        lacking = row[~np.isin(wanted, longer[0])]
        missing[n] = np.concatenate([each[:, : n + 1] for each in tokens[n + 1 :]])[lacking]
        known = np.unique(np.concatenate(longer))
        for m in range(n, order):
            begins[m] = np.searchsorted(known, longer[m - n])
    return missing


def _extended(listed: Listed, grams: Ints, lower: Sequence[Listed]) -> Listed:
    """An order with further n-grams, whose probabilities are those that the orders below give them."""
    if not len(grams):
        return listed
    return replace(
        listed,
        tokens=np.concatenate([listed.tokens, grams]),
        log10=np.concatenate([listed.log10, _backed_off(grams, lower)]),
        backoff=np.concatenate([listed.backoff, np.zeros(len(grams))]),
        row=np.concatenate([listed.row, np.full(len(grams), -1)]),
    )


def _backed_off(grams: Ints, lower: Sequence[Listed]) -> Floats:
    """Base-10 log-probabilities of n-grams that are not in the model, by the orders below."""
    words, keys = len(lower[0].names), _keys(lower)
    log10 = np.zeros(len(grams))
    left = np.arange(len(grams))
    while len(left):
        context, known = place(grams[:, :-1], keys, words)
        log10[left[known]] += lower[grams.shape[1] - 2].backoff[context[known]]
        grams = grams[:, 1:]
        at, here = place(grams, keys, words)
        log10[left[here]] += lower[grams.shape[1] - 1].log10[at[here]]
        left, grams = left[~here], grams[~here]
    return log10
