"""A language model of words for a recogniser of characters.

Words are spelt along a prefix tree. Reaching a node adds the best unigram score of the words below it, and at
the end of the word this look-ahead is subtracted again and the word's own score added (Ortmanns et al. 1996).
So a beam is not misled within a word, and the total of a sentence is exactly the language model's.
"""

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np

from signkit.decode.context_logits import Floats
from signkit.decode.external.build import TrainText
from signkit.decode.external.configs import WordsConfig
from signkit.decode.external.known import check_share
from signkit.decode.external.ngram import word_scores
from signkit.decode.external.spelling import NONE, Spelling, spelling
from signkit.decode.history import Ints
from signkit.decode.lattice import MAX_STATES
from signkit.decode.scorer import Singles
from signkit.errors import UserError
from signkit.lm import NGram, load
from signkit.lm.grams import SPECIAL
from signkit.text.vocabulary import PLURAL, Vocabulary, composed


class WordScorer:
    """A `Scorer` of the words that characters spell. A state is a pair of the model's state and a tree node.

    A word that the model does not have counts as its unknown word, and each of its characters costs
    `back_off`; so does a blank that separates no words. If `back_off` is 0, both are forbidden.

    Args:
        model: an n-gram model of words.
        tree: the characters of the words in ``spelt``.
        spelt: numbers of the model's words, in the order of the tree's sequences.
        back_off: cost in nats.
    """

    def __init__(self, model: NGram, tree: Spelling, spelt: Ints, back_off: float) -> None:
        self._model, self._tree = model, tree
        self._price = back_off or np.inf
        self._word = np.where(tree.entry == NONE, model.unknown, spelt[tree.entry])
        self._unspelt: Floats = np.where(tree.entry == NONE, self._price * np.maximum(tree.depth, 1), 0.0)
        self._ahead = _best_below(tree, word_scores(model, np.zeros(len(spelt), np.int64), spelt))
        self._begin()

    def _begin(self) -> None:
        """Reset to the state of the empty text."""
        self._pairs = _KeyNumbers()
        self.start = int(self._numbers(np.array([self._model.start]), np.array([0]))[0])

    def forget(self) -> None:
        """Drop all states if there are many; see `signkit.decode.lattice.ForgetsStates`."""
        if len(self._pairs) > MAX_STATES:
            self._begin()

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The states [n] after ``states`` [n] and characters [n]; the end of a word advances the model."""
        history, node = self._split(states)
        after = self._tree.advance(node, tokens)
        within = self._tree.depth[node] > 0
        leaves = (after == self._tree.outside) & (node != self._tree.outside)
        ends_word = leaves | (within & (tokens == self._tree.blank))
        word = np.where(leaves, self._model.unknown, self._word[node])
        history[ends_word] = self._model.advance(history[ends_word], word[ends_word])
        return self._numbers(history, after)

    def rows(self, states: Ints) -> Singles:
        """log scores [n, vocab] of every character after the states."""
        tree = self._tree
        history, node = self._split(states)
        ahead, outside = self._ahead[node], node == tree.outside
        unknown = np.where(outside, 0.0, word_scores(self._model, history, self._model.unknown))
        leave = unknown - ahead - self._price * (tree.depth[node] + 1)
        rows = np.repeat(leave.astype(np.float32)[:, None], tree.vocab, axis=1)
        place, token, below = tree.edges(node)
        rows[place, token] = self._ahead[below] - ahead[place]
        if tree.blank != NONE:
            rows[:, tree.blank] = self._word_ends(history, node)
        return rows

    def ends(self, states: Ints) -> Floats:
        """log scores [n] of the end of the word and of the sentence."""
        history, node = self._split(states)
        within = self._tree.depth[node] > 0
        total = self._word_ends(history, node)
        total[node == 0] = 0.0
        history[within] = self._model.advance(history[within], self._word[node[within]])
        return total + word_scores(self._model, history, self._model.end)

    def _word_ends(self, history: Ints, node: Ints) -> Floats:
        """log scores [n] of the words that end at nodes, minus the look-ahead added before; minus the cost if
        no word ends there."""
        tree = self._tree
        within = tree.depth[node] > 0
        word = np.where(within, word_scores(self._model, history, self._word[node]), 0.0)
        total: Floats = word - self._ahead[node] - self._unspelt[node]
        total[node == tree.outside] = 0.0 if np.isfinite(self._price) else -np.inf
        return total

    def _split(self, states: Ints) -> tuple[Ints, Ints]:
        """The model's state and the tree's node of each state."""
        keys = self._pairs.keys(states)
        return keys // self._tree.size, keys % self._tree.size

    def _numbers(self, history: Ints, node: Ints) -> Ints:
        return self._pairs.numbers(history * self._tree.size + node)


class _KeyNumbers:
    """Numbers keys densely from 0 on, in the order in which they are first seen.

    A pair of a model state and a node would be a number too large to index arrays by.
    """

    def __init__(self) -> None:
        self._number: dict[int, int] = {}
        self._keys: Ints = np.zeros(1024, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._number)

    def numbers(self, keys: Ints) -> Ints:
        """The number of each key."""
        numbers = np.fromiter(map(self._number.get, keys.tolist(), repeat(NONE)), np.int64, len(keys))
        new = numbers == NONE
        if new.any():
            fresh, which = np.unique(keys[new], return_inverse=True)
            start, end = len(self._number), len(self._number) + len(fresh)
            if end > len(self._keys):
                self._keys = np.concatenate([self._keys, np.zeros(end, dtype=np.int64)])
            self._keys[start:end] = fresh
            self._number.update(zip(fresh.tolist(), range(start, end), strict=True))
            numbers[new] = start + which
        return numbers

    def keys(self, numbers: Ints) -> Ints:
        """The key of each number."""
        return self._keys[numbers]


def _best_below(tree: Spelling, unigrams: Floats) -> Floats:
    """The best unigram score of the words that end at or below each node [states]; 0 where no word has
    begun."""
    best = np.where(tree.entry == NONE, -np.inf, unigrams[tree.entry])
    parent, levels = tree.parents()
    for level in reversed(levels):
        np.maximum.at(best, parent[level], best[level.start + 1 : level.stop + 1])
    best[tree.depth == 0] = 0.0
    return best


def build(config: WordsConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText) -> WordScorer:
    """A scorer with the word model of a file over the recogniser's characters.

    Raises:
        UserError: the recogniser does not write characters, the file is no model of words, or almost none of
            its words can be spelt.
    """
    if vocabulary.unit != "character":
        units = PLURAL[vocabulary.unit]
        what = f"`words` is for a recogniser of characters, and this one writes {units}"
        raise UserError("decode.fusion", what, f"`name: ngram` takes a model of {units}")
    language_model = load(config.file)
    if language_model.unit != "word":
        raise UserError(config.file, "is a model of characters, not of words", "`name: ngram` takes one")
    letters = {token for token in vocabulary.tokens[2:] if token != " "}
    words = [word for word in language_model.words if word not in SPECIAL]
    known = [letters.issuperset(composed(word)) for word in words]
    what = "has {} words that the recogniser's characters can spell"
    check_share(config.file, what, known, ours=sorted(letters), theirs=words)
    spelt = [word for word, can in zip(words, known, strict=True) if can]
    return words_scorer(language_model, spelt, vocabulary, config.back_off)


def words_scorer(model: NGram, words: Sequence[str], vocabulary: Vocabulary, back_off: float) -> WordScorer:
    """A scorer of a model's ``words``, each spelt in the vocabulary's characters."""
    index = vocabulary.index
    tree = spelling([[*map(index.__getitem__, composed(w))] for w in words], len(index), index.get(" ", NONE))
    return WordScorer(model, tree, model.encode(words), back_off)
