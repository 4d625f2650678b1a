"""The units that confidences are about: the tokens of candidates or, of subwords, the words they spell.

A word is right only if all of its pieces are. So for a model of subwords the beam votes on words, candidates
that spell the same words agree, and the temperature is fitted to words. On the single path of greedy search
the probability of a word is the product of those of its pieces (chain rule).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import prod

from signkit.decode.confidence import NBest
from signkit.decode.state import Candidate
from signkit.text.vocabulary import Vocabulary


class InWords:
    """Numbers for what is voted on: a vocabulary's tokens or, of subwords, the words as they occur.

    Args:
        vocabulary: that of the candidates.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._number: dict[str, int] = {}

    def candidates(self, nbest_lists: NBest) -> NBest:
        """N-best lists with these numbers as tokens; unchanged where the vocabulary has no subwords."""
        if self._vocabulary.subwords is None:
            return nbest_lists
        return [[self._spelt(candidate) for candidate in nbest] for nbest in nbest_lists]

    def encode(self, tokens: Iterable[str]) -> tuple[int, ...]:
        """The tokens of a reference as these numbers."""
        if self._vocabulary.subwords is None:
            return self._vocabulary.encode(tokens)
        return tuple(self._number.setdefault(word, len(self._number)) for word in tokens)

    def _spelt(self, candidate: Candidate) -> Candidate:
        """A candidate in words; a word is emitted where its first piece is."""
        spans = self._vocabulary.spans(candidate.tokens)
        return replace(
            candidate,
            tokens=self.encode(self._vocabulary.decode(candidate.tokens)),
            chunks=tuple(candidate.chunks[first] for first, _ in spans),
            confidences=_products(candidate.confidences, spans),
        )


def _products(sure: Sequence[float], spans: Sequence[tuple[int, int]]) -> tuple[float, ...]:
    return tuple(prod(sure[first:end]) for first, end in spans) if sure else ()
