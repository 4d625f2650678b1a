"""An n-gram language model, queried by state and word."""

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
    """An n-gram model in back-off form, as an automaton.

    A state is the longest suffix of the history that the model knows, by its number; 0 is the empty history.

    Attributes:
        words: the word of each number, including the special ones; the blank of a model of characters is
            ``" "``.
        unit: whether words are words (glosses) or characters.
        counts: number of n-grams of each order.
        trie: states and edges.
        unit_guessed: whether the unit was guessed from the words because the file does not tell it.
        notes: what is unusual in the file that the model was read from, a line each.

    Example:
        >>> from signkit.lm import estimate
        >>> model = NGram.from_grams(estimate([["MY", "NAME", "ANN"], ["MY", "NAME", "BEN"]], 2).grams)
        >>> model.score(["MY", "NAME", "BEN"]).round(2).tolist()  # natural logarithms, the end included
        [-0.54, -0.54, -1.1, -0.47]
        >>> after_my = model.advance([model.start], model.encode(["MY"]))
        >>> model.words[model.rows(after_my)[0].argmax()]
        'NAME'
    """

    words: tuple[str, ...]
    unit: Unit
    counts: tuple[int, ...]
    trie: Trie
    unit_guessed: bool = False
    notes: tuple[str, ...] = ()

    @classmethod
    def from_grams(cls, grams: Grams, *, unit_guessed: bool = False) -> "NGram":
        """The model of some n-grams."""
        return cls(grams.words, grams.unit, grams.counts, build(grams), unit_guessed, grams.notes)

    @property
    def order(self) -> int:
        """The number of words of the longest n-grams."""
        return len(self.counts)

    @property
    def states(self) -> int:
        """The number of states."""
        return len(self.trie.backoff)

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each word."""
        return {word: number for number, word in enumerate(self.words)}

    @cached_property
    def unknown(self) -> int:
        """The number of the unknown word, which stands for every word that the model does not have."""
        return self.index[UNKNOWN]

    @cached_property
    def end(self) -> int:
        """The number of the word that ends a sentence."""
        return self.index[END]

    @cached_property
    def start(self) -> int:
        """The state at the beginning of a sentence."""
        return int(self.advance(np.zeros(1, dtype=np.int64), np.array([self.index[BEGIN]]))[0])

    def encode(self, words: Sequence[str]) -> Ints:
        """The numbers of words: int64 [n]; `unknown` for unknown words and for the special ones."""
        number, marks = self.index, (BEGIN, END)
        numbers = (self.unknown if w in marks else number.get(w, self.unknown) for w in map(composed, words))
        return np.fromiter(numbers, np.int64, len(words))

    def advance(self, states: npt.ArrayLike, tokens: npt.ArrayLike) -> Ints:
        """The states after the words ``tokens`` [n] in ``states`` [n]: int64 [n]."""
        return advance(self.trie, *_numbers(states, tokens), len(self.words))

    def rows(self, states: npt.ArrayLike) -> Singles:
        """Natural log-probabilities of every next word in ``states`` [n]: float32 [n, words].

        That of the word which begins a sentence is very low, but finite.
        """
        return self._rows(np.asarray(states, dtype=np.int64))

    def score(self, sentence: Sequence[str]) -> Floats:
        """Natural log-probabilities of a sentence's words and of its end: [words + 1]."""
        return self.scores([sentence])[0]

    def scores(self, sentences: Sequence[Sequence[str]]) -> list[Floats]:
        """`score` of each of many sentences."""
        if not len(sentences):
            return []
        log, _ = self.flat_scores(sentences)
        return np.split(log, np.cumsum([len(sentence) + 1 for sentence in sentences])[:-1])

    def flat_scores(self, sentences: Sequence[Sequence[str]]) -> tuple[Floats, Bools]:
        """The log-probabilities of all sentences one after another, and which words are unknown.

        Both are arrays over the words of all sentences, each followed by its end.
        """
        lengths = np.fromiter(map(len, sentences), np.int64, len(sentences)) + 1
        stops = np.cumsum(lengths)
        tokens = np.full(int(lengths.sum()), self.end, dtype=np.int64)
        inside = np.ones(len(tokens), dtype=np.bool_)
        inside[stops - 1] = False
        tokens[inside] = self.encode([*chain.from_iterable(sentences)])
        log = np.zeros(len(tokens))
        # All sentences advance side by side, a word at a time. Sorted by length, those that still go on are a
        # prefix of the arrays.
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
