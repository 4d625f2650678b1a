"""What is voted on: the tokens of candidates, or where these are pieces the words that they spell.

A word is right only if all of its pieces are, and those of one word stand and fall together. So the beam
votes on words, candidates that spell the same ones say the same, and a temperature is fitted to words. Along
the one path of greedy search a word has the product of the probabilities of its pieces (chain rule).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import prod

from signkit.decode.confidence import NBest
from signkit.decode.state import Candidate
from signkit.text.vocabulary import Vocabulary


class InWords:
    """Numbers of a vocabulary's tokens, or of the words that are seen, one number each.

    Args:
        vocabulary: of the candidates.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._number: dict[str, int] = {}

    def candidates(self, found: NBest) -> NBest:
        """N-best lists in these numbers."""
        if self._vocabulary.subwords is None:
            return found
        return [[self._spelt(candidate) for candidate in nbest] for nbest in found]

    def encode(self, tokens: Iterable[str]) -> tuple[int, ...]:
        """A reference in these numbers."""
        if self._vocabulary.subwords is None:
            return self._vocabulary.encode(tokens)
        return tuple(self._number.setdefault(word, len(self._number)) for word in tokens)

    def _spelt(self, candidate: Candidate) -> Candidate:
        spans = self._vocabulary.spans(candidate.tokens)
        return replace(
            candidate,
            tokens=self.encode(self._vocabulary.decode(candidate.tokens)),
            chunks=tuple(candidate.chunks[first] for first, _ in spans),
            confidences=_products(candidate.confidences, spans),
        )


def _products(sure: Sequence[float], spans: Sequence[tuple[int, int]]) -> tuple[float, ...]:
    return tuple(prod(sure[first:end]) for first, end in spans) if sure else ()
