"""A language model of words over a recogniser of characters.

A word is spelt along a tree. Each node carries the best unigram below it, given when the node is reached
and taken back when the word is known (look-ahead, Ortmanns et al. 1996), so that a beam is not misled
within a word, and totals are the model's own.
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
from signkit.decode.lattice import MANY
from signkit.decode.scorer import Singles
from signkit.errors import UserError
from signkit.lm import NGram, load
from signkit.lm.grams import SPECIAL
from signkit.text.vocabulary import PLURAL, Vocabulary, composed


class WordScorer:
    """A `Scorer` of the words that characters spell.

    A word that the model does not know is its unknown word, and each of its characters costs `back_off`;
    so does a blank that parts no two words. All of that is forbidden where `back_off` is 0.

    Args:
        model: of words.
        tree: of the characters of the words in ``spelt``.
        spelt: numbers of the model's words, in the tree's order.
    """

    def __init__(self, model: NGram, tree: Spelling, spelt: Ints, back_off: float) -> None:
        self._model, self._tree = model, tree
        self._price = back_off or np.inf
        self._word = np.where(tree.entry == NONE, model.unknown, spelt[tree.entry])
        self._unspelt: Floats = np.where(tree.entry == NONE, self._price * np.maximum(tree.depth, 1), 0.0)
        self._ahead = _best_below(tree, word_scores(model, np.zeros(len(spelt), np.int64), spelt))
        self._begin()

    def _begin(self) -> None:
        """With the state of the empty text alone."""
        self._pairs = _Numbered()
        self.start = int(self._numbers(np.array([self._model.start]), np.array([0]))[0])

    def forget(self) -> None:
        """Forget all states if there are many; see `Growing`."""
        if len(self._pairs) > MANY:
            self._begin()

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The states after characters; a word's end moves the model on."""
        history, node = self._split(states)
        after = self._tree.advance(node, tokens)
        within = self._tree.depth[node] > 0
        leaves = (after == self._tree.outside) & (node != self._tree.outside)
        said = leaves | (within & (tokens == self._tree.blank))
        word = np.where(leaves, self._model.unknown, self._word[node])
        history[said] = self._model.advance(history[said], word[said])
        return self._numbers(history, after)

    def rows(self, states: Ints) -> Singles:
        """log scores of every character after the states."""
        tree = self._tree
        history, node = self._split(states)
        ahead, outside = self._ahead[node], node == tree.outside
        unknown = np.where(outside, 0.0, word_scores(self._model, history, self._model.unknown))
        leave = unknown - ahead - self._price * (tree.depth[node] + 1)
        found = np.repeat(leave.astype(np.float32)[:, None], tree.vocab, axis=1)
        place, token, below = tree.edges(node)
        found[place, token] = self._ahead[below] - ahead[place]
        if tree.blank != NONE:
            found[:, tree.blank] = self._word_ends(history, node)
        return found

    def ends(self, states: Ints) -> Floats:
        """log scores of the end of the word and of the sentence."""
        history, node = self._split(states)
        within = self._tree.depth[node] > 0
        said = self._word_ends(history, node)
        said[node == 0] = 0.0
        history[within] = self._model.advance(history[within], self._word[node[within]])
        return said + word_scores(self._model, history, self._model.end)

    def _word_ends(self, history: Ints, node: Ints) -> Floats:
        """log scores of the words that end at nodes, less what was given ahead; a price where none does."""
        tree = self._tree
        within = tree.depth[node] > 0
        word = np.where(within, word_scores(self._model, history, self._word[node]), 0.0)
        total: Floats = word - self._ahead[node] - self._unspelt[node]
        total[node == tree.outside] = 0.0 if np.isfinite(self._price) else -np.inf
        return total

    def _split(self, states: Ints) -> tuple[Ints, Ints]:
        """The model's state and the tree's of each state."""
        keys = self._pairs.keys(states)
        return keys // self._tree.size, keys % self._tree.size

    def _numbers(self, history: Ints, node: Ints) -> Ints:
        return self._pairs.numbers(history * self._tree.size + node)


class _Numbered:
    """Keys numbered densely from 0 on, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._number: dict[int, int] = {}
        self._keys: Ints = np.zeros(1024, dtype=np.int64)

    def __len__(self) -> int:
        return len(self._number)

    def numbers(self, keys: Ints) -> Ints:
        """The number of each key."""
        found = np.fromiter(map(self._number.get, keys.tolist(), repeat(NONE)), np.int64, len(keys))
        new = found == NONE
        if new.any():
            fresh, which = np.unique(keys[new], return_inverse=True)
            start, end = len(self._number), len(self._number) + len(fresh)
            if end > len(self._keys):
                self._keys = np.concatenate([self._keys, np.zeros(end, dtype=np.int64)])
            self._keys[start:end] = fresh
            self._number.update(zip(fresh.tolist(), range(start, end), strict=True))
            found[new] = start + which
        return found

    def keys(self, numbers: Ints) -> Ints:
        """The key of each number."""
        return self._keys[numbers]


def _best_below(tree: Spelling, unigrams: Floats) -> Floats:
    """The best unigram of the words that end at or below each node [states]; 0 where no word is begun."""
    best = np.where(tree.entry == NONE, -np.inf, unigrams[tree.entry])
    parent, levels = tree.parents()
    for level in reversed(levels):
        np.maximum.at(best, parent[level], best[level.start + 1 : level.stop + 1])
    best[tree.depth == 0] = 0.0
    return best


def build(config: WordsConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText) -> WordScorer:
    """The model of a file over the recogniser's characters.

    Raises:
        UserError: the recogniser writes glosses; the file is no model of words, or next to none of its
            words can be spelt.
    """
    if vocabulary.unit != "character":
        units = PLURAL[vocabulary.unit]
        what = f"`words` is for a recogniser of characters, and this one writes {units}"
        raise UserError("decode.fusion", what, f"`name: ngram` takes a model of {units}")
    found = load(config.file)
    if found.unit != "word":
        raise UserError(config.file, "is a model of characters, not of words", "`name: ngram` takes one")
    letters = {token for token in vocabulary.tokens[2:] if token != " "}
    words = [word for word in found.words if word not in SPECIAL]
    known = [letters.issuperset(composed(word)) for word in words]
    what = "has {} words that the recogniser's characters can spell"
    check_share(config.file, what, known, ours=sorted(letters), theirs=words)
    spelt = [word for word, can in zip(words, known, strict=True) if can]
    return words_scorer(found, spelt, vocabulary, config.back_off)


def words_scorer(model: NGram, words: Sequence[str], vocabulary: Vocabulary, back_off: float) -> WordScorer:
    """The scorer of a model's ``words``, each spelt in the vocabulary's characters."""
    index = vocabulary.index
    tree = spelling([[*map(index.__getitem__, composed(w))] for w in words], len(index), index.get(" ", NONE))
    return WordScorer(model, tree, model.encode(words), back_off)
