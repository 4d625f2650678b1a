"""Counting the n-grams that two texts share, for many pairs of texts at once."""

import numpy as np
import numpy.typing as npt

from signkit.eval.transcripts import Ragged

AT_ONCE = 8192
"""Pairs of texts processed at once."""

Counts = npt.NDArray[np.int64]


def shared_ngrams(left: Ragged, right: Ragged, order: int) -> Counts:
    """Number of n-grams that both texts of a pair contain, [pairs, order], for n from 1 to `order`.

    An n-gram that occurs x times in one text and y times in the other counts min(x, y) times.
    """
    shared = np.zeros((len(left), order), dtype=np.int64)
    for start in range(0, len(left), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        shared[part] = _shared(_part(left, part), _part(right, part), order)
    return shared


def ngrams(texts: Ragged, order: int) -> Counts:
    """Number of n-grams of each text, [texts, order], for n from 1 to `order`."""
    return np.asarray(np.maximum(texts.lengths[:, None] - np.arange(order), 0))


def _part(texts: Ragged, part: slice) -> Ragged:
    offsets = texts.offsets[part.start : part.stop + 1]
    return Ragged(texts.values[offsets[0] : offsets[-1]], offsets - offsets[0])


def _shared(left: Ragged, right: Ragged, order: int) -> Counts:
    """Count order by order, for all pairs at once.

    An n-gram is identified by two numbers: that of its first n - 1 tokens and its last token. The number of
    the empty n-gram is that of the pair, so n-grams of different pairs are never equal. N-grams that only one
    side has are dropped before the next order, since nothing longer that begins with them can be shared.
    """
    pairs, border = len(left), len(left.values)
    tokens = np.concatenate([left.values, right.values]).astype(np.int64)
    pair = np.concatenate([np.repeat(np.arange(pairs), side.lengths) for side in (left, right)])
    # where the text of each token ends; `begin` are the places at which the n-grams still counted begin
    stop = np.concatenate([left.offsets[1:], right.offsets[1:] + border])
    stop = np.repeat(stop, np.concatenate([left.lengths, right.lengths]))
    width = int(tokens.max(initial=0)) + 1
    shared = np.zeros((pairs, order), dtype=np.int64)
    begin, number = np.arange(len(tokens)), pair
    for n in range(order):
        inside = begin + n < stop[begin]
        begin, number = begin[inside], number[inside]
        distinct, number = np.unique(number * width + tokens[begin + n], return_inverse=True)
        is_left = begin < border
        times = np.minimum(
            *(np.bincount(number[side], minlength=len(distinct)) for side in (is_left, ~is_left))
        )
        of = np.zeros(len(distinct), dtype=np.int64)
        of[number] = pair[begin]
        shared[:, n] = np.bincount(of, times, pairs)
        alive = times[number] > 0
        begin, number = begin[alive], number[alive]
    return shared
