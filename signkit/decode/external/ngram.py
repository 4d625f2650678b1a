"""An n-gram model in the search, of the recogniser's unit: glosses, subwords, or characters including the
blank between words."""

from functools import lru_cache
from typing import Any

import numpy as np

from signkit.decode.context_logits import Floats
from signkit.decode.external.build import TrainText
from signkit.decode.external.configs import NgramConfig
from signkit.decode.external.known import check_share
from signkit.decode.history import Ints
from signkit.decode.scorer import Singles
from signkit.errors import UserError
from signkit.lm import NGram, estimate, load
from signkit.lm.grams import SPECIAL, Bools, Unit
from signkit.lm.trie import step
from signkit.text.vocabulary import PLURAL, Vocabulary

UNITS: dict[str, Unit] = {"gloss": "word", "character": "character", "subword": "word"}
"""The unit of an n-gram model for each unit of a vocabulary."""


class NgramScorer:
    """A `Scorer` of an n-gram model; its states are the model's.

    Args:
        model: of the vocabulary's unit; tokens that it lacks are mapped to its unknown word.
        vocabulary: the recogniser's.
    """

    def __init__(self, model: NGram, vocabulary: Vocabulary) -> None:
        self.model, self.start = model, model.start
        self._word: Ints = model.encode(vocabulary.tokens)

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The states [n] after ``states`` [n] and ``tokens`` [n]: the longest histories that the model
        has."""
        return self.model.advance(states, self._word[tokens])

    def rows(self, states: Ints) -> Singles:
        """log P [n, vocab] of every token."""
        return self.model.rows(states).take(self._word, axis=1)

    def ends(self, states: Ints) -> Floats:
        """log P [n] that the sentence ends."""
        return word_scores(self.model, states, self.model.end)


def word_scores(model: NGram, states: Ints, words: Ints | int) -> Floats:
    """log P [n] of words, given by their numbers, after a model's states [n]."""
    return step(model.trie, states, np.broadcast_to(np.int64(words), states.shape), len(model.words))[0]


def build(config: NgramConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText) -> NgramScorer:
    """A scorer with the model of a file, or with one estimated from the train references.

    Raises:
        UserError: the file is no model, or a model of another unit, or one that knows almost nothing of the
            vocabulary; or there are no references to estimate one from.
    """
    if not config.file:
        return NgramScorer(_of_references(config, text, vocabulary), vocabulary)
    language_model = load_model(config.file, vocabulary)
    what = "knows {} " + PLURAL[vocabulary.unit] + " of the recogniser"
    known = _known(language_model, vocabulary).tolist()
    check_share(config.file, what, known, ours=vocabulary.tokens[2:], theirs=language_model.words)
    if " " in vocabulary and " " not in language_model.index:
        hint = "train it on text with blanks, or by `signkit lm train` with data.unit=character"
        raise UserError(config.file, "knows no blank between words, and the recogniser writes one", hint)
    return NgramScorer(language_model, vocabulary)


def load_model(file: str, vocabulary: Vocabulary) -> NGram:
    """Read a model of the vocabulary's unit.

    An ARPA file does not name its unit, so it is guessed from the words, and a model of one-letter glosses
    looks like one of characters. Such a model counts as one of glosses if it knows most of the recogniser's.

    Raises:
        UserError: the file is no model, or a model of another unit.
    """
    unit, model = UNITS[vocabulary.unit], load(file)
    if model.unit == unit:
        return model
    if model.unit_guessed and unit == "word" and _known(model, vocabulary).mean() > 0.5:
        return load(file, unit)
    ours = PLURAL[vocabulary.unit]
    hint = "" if unit == "word" else "`name: words` takes one of words"
    raise UserError(file, f"is a model of {model.unit}s, but the recogniser writes {ours}", hint)


def _known(model: NGram, vocabulary: Vocabulary) -> Bools:
    """Which of the recogniser's tokens a model knows, without the blank and the unknown token."""
    known: Bools = model.encode(vocabulary.tokens[2:]) != model.unknown
    return known


def _of_references(config: NgramConfig, text: TrainText, vocabulary: Vocabulary) -> NGram:
    """A model of the train references, as `signkit lm train` estimates it; for subwords, of their pieces."""
    texts = [*text.references(), *(text.extra() if config.extra_text else ())]
    sentences = [vocabulary.segment(sentence) for sentence in texts if sentence]
    if config.distinct:
        sentences = [*dict.fromkeys(sentences)]
    if not sentences:
        raise UserError("decode.fusion", "the train references have no words to make an n-gram model of")
    marks = {token for sentence in sentences for token in sentence}.intersection(SPECIAL)
    if marks:
        what = f"the train references hold `{min(marks)}`, a mark of n-gram models"
        raise UserError("decode.fusion", what, "rename it there, or give a model by `file`")
    return _estimated(tuple(sentences), config.order, UNITS[vocabulary.unit])


@lru_cache(maxsize=4)
def _estimated(sentences: tuple[tuple[str, ...], ...], order: int, unit: Unit) -> NGram:
    """Cached, because a run builds the same model before training, for decoding and for the export."""
    return NGram.from_grams(estimate(sentences, order, unit=unit).grams)
