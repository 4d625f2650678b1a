"""An n-gram language model, asked by state and word."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt

from signkit.lm.grams import BEGIN, END, UNKNOWN, Bools, Floats, Grams, Ints, Unit
from signkit.lm.next_words import NextWords
from signkit.lm.trie import Singles, Trie, advance, build, step
from signkit.text.vocabulary import composed


@dataclass(frozen=True)
class NGram:
    """A back-off model. A state is the longest history that the model knows, by its number; 0 is none.

    Attributes:
        words: the word of each number, those of the marks among them; a blank is ``" "``.
        unit: whether words are glosses or characters.
        counts: n-grams of each order.
        trie: states and edges.
        unit_guessed: whether the unit was told by the look of the words, because the file says nothing.
    """

    words: tuple[str, ...]
    unit: Unit
    counts: tuple[int, ...]
    trie: Trie
    unit_guessed: bool = False

    @classmethod
    def from_grams(cls, grams: Grams, *, unit_guessed: bool = False) -> "NGram":
        """The model of some n-grams."""
        return cls(grams.words, grams.unit, grams.counts, build(grams), unit_guessed)

    @property
    def order(self) -> int:
        """Words of the longest n-grams."""
        return len(self.counts)

    @property
    def states(self) -> int:
        """How many there are."""
        return len(self.trie.backoff)

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def unknown(self) -> int:
        """The number that stands for every word that is not known."""
        return self.index[UNKNOWN]

    @cached_property
    def end(self) -> int:
        """The number of the end of a sentence."""
        return self.index[END]

    @cached_property
    def start(self) -> int:
        """The state at the beginning of a sentence."""
        return int(self.advance(np.zeros(1, dtype=np.int64), np.array([self.index[BEGIN]]))[0])

    def encode(self, words: Sequence[str]) -> Ints:
        """The numbers of words; `unknown` for those not known, and for marks."""
        number, marks = self.index, (BEGIN, END)
        numbers = (self.unknown if w in marks else number.get(w, self.unknown) for w in map(composed, words))
        return np.fromiter(numbers, np.int64, len(words))

    def advance(self, states: npt.ArrayLike, tokens: npt.ArrayLike) -> Ints:
        """The states after some states and words, by number: int64 [n]."""
        return advance(self.trie, *_numbers(states, tokens), len(self.words))

    def rows(self, states: npt.ArrayLike) -> Singles:
        """Natural logarithms of the probabilities of every next word: float32 [n, words].

        That of the mark which begins a sentence is next to none, but finite.
        """
        return self._rows(np.asarray(states, dtype=np.int64))

    def score(self, sentence: Sequence[str]) -> Floats:
        """Natural logarithms of the probabilities of a sentence's words and its end: [words + 1]."""
        return self.scores([sentence])[0]

    def scores(self, sentences: Sequence[Sequence[str]]) -> list[Floats]:
        """`score` of many sentences."""
        if not len(sentences):
            return []
        log, _ = self.flat_scores(sentences)
        return np.split(log, np.cumsum([len(sentence) + 1 for sentence in sentences])[:-1])

    def flat_scores(self, sentences: Sequence[Sequence[str]]) -> tuple[Floats, Bools]:
        """Of all sentences end to end: the logarithms, and which words are not known; ends included."""
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences)) + 1
        stops = np.cumsum(lengths)
        tokens = np.full(int(lengths.sum()), self.end, dtype=np.int64)
        inside = np.ones(len(tokens), dtype=np.bool_)
        inside[stops - 1] = False
        tokens[inside] = self.encode([*chain.from_iterable(sentences)])
        log = np.zeros(len(tokens))
        longest = np.argsort(-lengths, kind="stable")
        place, lengths = (stops - lengths)[longest], lengths[longest]
        states = np.full(len(place), self.start, dtype=np.int64)
        for column in range(int(lengths[0]) if len(lengths) else 0):
            active = int(np.searchsorted(-lengths, -column))  # those longer than `column`
            at = place[:active] + column
            log[at], states = step(self.trie, states[:active], tokens[at], len(self.words))
        return log, tokens == self.unknown

    @cached_property
    def _rows(self) -> NextWords:
        return NextWords(self.trie, len(self.words))


def _numbers(states: npt.ArrayLike, tokens: npt.ArrayLike) -> tuple[Ints, Ints]:
    return np.asarray(states, dtype=np.int64), np.asarray(tokens, dtype=np.int64)
