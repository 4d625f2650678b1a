"""N-gram models as automata: a state is a history that the model knows, an edge a word that may follow.

Only histories that n-grams begin with, or whose back-off weight is not 1, become states. Others give the same
probabilities as the shorter history that they back off to, and are represented by its state.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.lm.grams import BEGIN, Bools, Floats, Grams, Ints, find, place

NEVER = -99.0
"""Base-10 log-probability of `BEGIN`, which is never predicted."""
LEAST = 1e30
"""Largest absolute value of a logarithm, so that sums of them stay finite."""

Narrow = npt.NDArray[np.int32]
Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Trie:
    """States and edges of the automaton.

    State 0 is the empty history. It has an edge for every word, so backing off ends there at the latest.

    Attributes:
        keys: int64 [edges], sorted: state times the number of words plus the word.
        log: float32 [edges], natural log-probability of the word in that state.
        target: int32 [edges], the next state.
        backoff: float32 [states], natural logarithm of the back-off weight.
        shorter: int32 [states], the state to back off to: the longest proper suffix of the history that is a
            state; 0 for state 0.
    """

    keys: Ints
    log: Singles
    target: Narrow
    backoff: Singles
    shorter: Narrow


def build(grams: Grams) -> Trie:
    """The automaton of a model's n-grams.

    An n-gram is an edge, from the state of its first n - 1 words. It leads to the state of the whole n-gram
    if there is one, else to the longest suffix that is one. Orders are added from the lowest up, so what a
    new edge backs off to is there already, and `keys` stay sorted, since states are numbered by order too.
    """
    words, order = len(grams.words), grams.order
    prefixes = _prefixes(grams)
    backoffs = [np.zeros(1), *grams.backoff]
    numbers, size = _states(prefixes, backoffs)
    shorter = np.zeros(size, dtype=np.int64)
    keys, target = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    for n in range(order):
        source, word = numbers[n][prefixes[n]], grams.tokens[n][:, -1]
        # where the same word leads from the next shorter history
        down = _advance(keys, target, shorter, shorter[source], word, words) if n else np.zeros(words, int)
        reached = down
        if n + 1 < order:
            state = numbers[n + 1]
            known = state >= 0
            shorter[state[known]] = down[known]
            reached = np.where(known, state, down)
        keys = np.concatenate([keys, source * words + word])
        target = np.concatenate([target, reached])
    log = np.concatenate(grams.log10)
    log[grams.words.index(BEGIN)] = NEVER
    backoff = np.zeros(size)
    for number, figures in zip(numbers, backoffs, strict=True):
        backoff[number[number >= 0]] = figures[number >= 0]
    return Trie(
        keys,
        _single(log),
        target.astype(np.int32),
        _single(backoff),
        shorter.astype(np.int32),
    )


def advance(trie: Trie, states: Ints, tokens: Ints, words: int) -> Ints:
    """The state after each word ``tokens`` [n] in ``states`` [n]."""
    return _advance(trie.keys, trie.target, trie.shorter, states, tokens, words)


def step(trie: Trie, states: Ints, tokens: Ints, words: int) -> tuple[npt.NDArray[np.float64], Ints]:
    """Natural log-probabilities of the words ``tokens`` [n] in ``states`` [n], and the states after them."""
    log = np.zeros(len(states))
    target = np.zeros(len(states), dtype=np.int64)
    left = np.arange(len(states))  # those without an edge so far back off together, until each has one
    while len(left):
        at, here = find(trie.keys, states * words + tokens)
        log[left[here]] += trie.log[at[here]]
        target[left[here]] = trie.target[at[here]]
        left, states, tokens = left[~here], states[~here], tokens[~here]
        log[left] += trie.backoff[states]
        states = trie.shorter[states].astype(np.int64)
    return log, target


def _advance(
    keys: Ints,
    target: npt.NDArray[np.integer],
    shorter: npt.NDArray[np.integer],
    states: Ints,
    tokens: Ints,
    words: int,
) -> Ints:
    after = np.zeros(len(states), dtype=np.int64)
    left = np.arange(len(states))
    while len(left):
        at, here = find(keys, states * words + tokens)
        after[left[here]] = target[at[here]]
        left, states, tokens = left[~here], shorter[states[~here]].astype(np.int64), tokens[~here]
    return after


def _single(log10: Floats) -> Singles:
    """Base-10 logarithms as natural ones in float32, clipped to stay finite."""
    return np.asarray(np.clip(log10 * np.log(10), -LEAST, LEAST), dtype=np.float32)


def _prefixes(grams: Grams) -> list[Ints]:
    """For each order, the place of each n-gram's first n - 1 words in the order below."""
    prefixes: list[Ints] = [np.zeros(len(grams.words), dtype=np.int64)]
    keys: list[Ints] = []
    for tokens in grams.tokens[1:]:
        at, _ = place(tokens[:, :-1], keys, len(grams.words))
        prefixes.append(at)
        keys.append(at * len(grams.words) + tokens[:, -1])
    return prefixes


def _states(prefixes: list[Ints], backoffs: list[npt.NDArray[np.float64]]) -> tuple[list[Ints], int]:
    """The state of each n-gram of every order from 0 to the last but one, -1 for none; and their number."""
    numbers, size = [], 0
    for n, (begins, figures) in enumerate(zip(prefixes, backoffs, strict=True)):
        known: Bools = figures != 0
        known[begins] = True
        known |= n == 0
        numbers.append(np.where(known, size + np.cumsum(known) - 1, -1))
        size += int(known.sum())
    return numbers, size
