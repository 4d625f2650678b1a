"""Written sources, such as glosses to be translated, as token indices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signkit.config.recipe import SourceConfig, TextConfig
from signkit.text import subwords
from signkit.text.vocabulary import UNKNOWN_AT, Vocabulary, composed


@dataclass(frozen=True, slots=True)
class Source:
    """A sentence as a model reads it.

    Attributes:
        tokens: indices of its vocabulary.
        words: int64 [tokens], the word that each token is of, from 0.
    """

    tokens: tuple[int, ...]
    words: npt.NDArray[np.int64]


def text_and_source(
    text: TextConfig,
    source: SourceConfig,
    texts: Sequence[Sequence[str]],
    sources: Sequence[Sequence[str]],
    more: Iterable[Sequence[str]] = (),
) -> Vocabulary | None:
    """The vocabulary that texts and sources share; None if they do not.

    Args:
        texts: of train, in words.
        sources: of train.
        more: further text that pieces are learnt from.
    """
    if source.unit != "shared":
        return None
    if text.file:
        return Vocabulary.of_subwords(subwords.read(Path(text.file)))
    read = (as_read(sentence, source) for sentence in sources)
    sentences = ([composed(word) for word in words] for words in (*texts, *read, *more))
    return Vocabulary.of_subwords(subwords.learn(sentences, text.pieces, algorithm=text.algorithm))


def source_vocabulary(
    source: SourceConfig, sentences: Sequence[Sequence[str]], algorithm: str = "unigram"
) -> Vocabulary:
    """The vocabulary of the sources of train, which is not `shared`; subwords are learnt by ``algorithm``."""
    read = [as_read(sentence, source) for sentence in sentences]
    if source.unit == "subword":
        words = ([composed(word) for word in sentence] for sentence in read)
        return Vocabulary.of_subwords(subwords.learn(words, source.pieces, "source", algorithm))
    if source.unit == "character":
        return Vocabulary.from_references((tuple(" ".join(words)) for words in read), "character")
    return Vocabulary.from_references(read)


def as_read(tokens: Sequence[str], source: SourceConfig) -> tuple[str, ...]:
    """The words of a source, in lower case if it is read so."""
    return tuple(token.lower() for token in tokens) if source.lowercase else tuple(tokens)


def encode_source(
    tokens: Sequence[str],
    vocabulary: Vocabulary,
    source: SourceConfig,
    rng: np.random.Generator | None = None,
) -> Source:
    """The token indices of a source; with ``rng`` changed for training: words hidden, pieces drawn."""
    words = as_read(tokens, source)
    if vocabulary.unit == "character":
        words = tuple(" ".join(words))
    hidden = np.zeros(len(words), dtype=bool)
    if rng is not None and source.hide:
        hidden = rng.random(len(words)) < source.hide
    found = [
        (UNKNOWN_AT,) if hide else _encoded(word, vocabulary, source.sampling, rng)
        for word, hide in zip(words, hidden, strict=True)
    ]
    places = np.repeat(np.arange(len(found)), [len(each) for each in found])
    return Source(tuple(chain.from_iterable(found)), places)


def _encoded(
    word: str, vocabulary: Vocabulary, sampling: float, rng: np.random.Generator | None
) -> tuple[int, ...]:
    return vocabulary.encode((word,)) if rng is None else vocabulary.drawn((word,), sampling, rng)
