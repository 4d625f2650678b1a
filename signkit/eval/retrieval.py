"""The retrieval floor of translation: the text of the training source that is nearest to each source.

A translator that has learnt more than its training pairs must be better than looking one of them up.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from signkit.errors import UserError
from signkit.eval.tokens import Numbers, words
from signkit.eval.transcripts import Ragged, Transcripts

Ints = npt.NDArray[np.int64]


def nearest_texts(
    train_sources: Sequence[str], train_texts: Sequence[str], sources: Sequence[str]
) -> list[str]:
    """For each source the text of the nearest source of train, see `nearest`.

    Args:
        train_sources: such as the glosses of train, words joined by blanks.
        train_texts: the text of each of them, returned as it is.
        sources: those to translate.

    Raises:
        UserError: there are no sources of train, or not as many as texts.

    Example:
        >>> glosses, texts = ["TODAY RAIN", "TOMORROW SUN"], ["today it rains", "the sun shines tomorrow"]
        >>> nearest_texts(glosses, texts, ["TOMORROW RAIN SUN", "TODAY WIND"])
        ['the sun shines tomorrow', 'today it rains']
    """
    if len(train_sources) != len(train_texts):
        raise UserError("train", f"{len(train_sources)} sources for {len(train_texts)} texts")
    return [train_texts[place] for place in nearest(train_sources, sources).tolist()]


def sources_of(sources: Transcripts, texts: Transcripts) -> tuple[str, ...]:
    """The sources of texts, in their order: those of the same ids, or line by line where neither has ids.

    Raises:
        UserError: a text has no source, or the numbers of lines differ.
    """
    if sources.format == texts.format == "lines":
        if len(sources) < len(texts) or any(sources.texts[len(texts) :]):
            what = f"{len(sources)} lines against the {len(texts)} of {texts.source}"
            raise UserError(sources.source, what, "line n is the source of line n")
        return sources.texts[: len(texts)]
    absent = [name for name in texts.ids if name not in sources.index]
    if absent:
        what = f"no source for {len(absent)} of the {len(texts)} sentences of {texts.source}"
        raise UserError(sources.source, f"{what}, such as {absent[0]!r}")
    return tuple(sources.texts[sources.index[name]] for name in texts.ids)


def nearest(train_sources: Sequence[str], sources: Sequence[str]) -> Ints:
    """The place of the source of train that is most similar to each source: [sources].

    The similarity is the F-score of the words and pairs of neighbouring words that both have: with S of
    them shared, N in one and M in the other, 2 S / (N + M). One that occurs twice on both sides is shared
    twice. Of equally similar ones the first is taken.

    On PHOENIX-2014T this finds better texts than the edit distance, which prefers short sources.

    Raises:
        UserError: there are no sources of train.
    """
    count = len(train_sources)
    if not count:
        raise UserError("train", "has no sources")
    sentence, gram = _grams(words([*train_sources, *sources], Numbers(str)))
    sizes = np.bincount(sentence, minlength=count + len(sources))
    border = int(sizes[:count].sum())
    # The sentences of train that have a gram lie together: those of gram g from begin[g] to begin[g + 1].
    having = sentence[:border][np.argsort(gram[:border], kind="stable")]
    begin = np.concatenate(([0], np.cumsum(np.bincount(gram[:border], minlength=gram.max(initial=-1) + 1))))
    edges = np.cumsum(sizes[count - 1 :]) - sizes[count - 1] + border
    found = np.zeros(len(sources), dtype=np.int64)
    for place, (first, last) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        sharing = [having[begin[of] : begin[of + 1]] for of in gram[first:last]]
        shared = np.bincount(np.concatenate(sharing or [np.zeros(0, np.int64)]), minlength=count)
        total = sizes[:count] + (last - first)
        found[place] = np.divide(2 * shared, total, out=np.ones(count), where=total > 0).argmax()
    return found


def _grams(texts: Ragged) -> tuple[Ints, Ints]:
    """The words and pairs of neighbours of all texts, text by text: the text and the number of each.

    The second occurrence of a gram in a text has another number than the first, and so on. So the grams that
    two texts share, each as often as both have it, are the numbers that both have.
    """
    tokens = texts.values.astype(np.int64)
    text = np.repeat(np.arange(len(texts)), texts.lengths)
    width = int(tokens.max(initial=0)) + 1
    inside = text[:-1] == text[1:]
    pairs = (tokens[:-1] + 1) * width + tokens[1:]  # at least width, so that no pair has a word's number
    text, gram = np.concatenate([text, text[:-1][inside]]), np.concatenate([tokens, pairs[inside]])
    order = np.lexsort((gram, text))
    text, gram = text[order], gram[order]
    # equal grams of a text are neighbours now: they are numbered by their distance from the first
    new = np.ones(len(gram), dtype=bool)
    new[1:] = (gram[1:] != gram[:-1]) | (text[1:] != text[:-1])
    steps = np.arange(len(gram))
    again = steps - np.maximum.accumulate(np.where(new, steps, 0))
    number = np.unique(gram * (int(again.max(initial=0)) + 1) + again, return_inverse=True)[1]
    return text, number.astype(np.int64)
