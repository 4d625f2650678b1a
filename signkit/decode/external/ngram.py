"""An n-gram model beside a recogniser of the same unit: glosses, subwords, or characters with the blank as
one."""

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
"""What a language model calls the unit of a vocabulary."""


class NgramScorer:
    """A `Scorer` of an n-gram model; its states are the model's.

    Args:
        model: of the vocabulary's unit; tokens that it does not know are its unknown word.
    """

    def __init__(self, model: NGram, vocabulary: Vocabulary) -> None:
        self.model, self.start = model, model.start
        self._word: Ints = model.encode(vocabulary.tokens)

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The longest histories that the model knows, after ``states`` and ``tokens``."""
        return self.model.advance(states, self._word[tokens])

    def rows(self, states: Ints) -> Singles:
        """Natural logarithms of the probabilities of every token."""
        return self.model.rows(states).take(self._word, axis=1)

    def ends(self, states: Ints) -> Floats:
        """Natural logarithms of the probability that the sentence ends."""
        return word_scores(self.model, states, self.model.end)


def word_scores(model: NGram, states: Ints, words: Ints | int) -> Floats:
    """log P [n] of words, by number, after a model's states [n]."""
    return step(model.trie, states, np.broadcast_to(np.int64(words), states.shape), len(model.words))[0]


def build(config: NgramConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText) -> NgramScorer:
    """The model of the file, or one made from the train references.

    Raises:
        UserError: the file is no model, one of another unit, or one that knows next to nothing of the
            vocabulary; or there is nothing to learn from.
    """
    if not config.file:
        return NgramScorer(_of_references(config, text, vocabulary), vocabulary)
    found = load_model(config.file, vocabulary)
    what = "knows {} " + PLURAL[vocabulary.unit] + " of the recogniser"
    known = _known(found, vocabulary).tolist()
    check_share(config.file, what, known, ours=vocabulary.tokens[2:], theirs=found.words)
    if " " in vocabulary and " " not in found.index:
        hint = "train it on text with blanks, or by `signkit lm train` with data.unit=character"
        raise UserError(config.file, "knows no blank between words, and the recogniser writes one", hint)
    return NgramScorer(found, vocabulary)


def load_model(file: str, vocabulary: Vocabulary) -> NGram:
    """Read a model of the vocabulary's unit.

    What an ARPA file does not say is told by its look, and a model of one-letter glosses looks like one of
    characters; it is taken as one of glosses where it knows most of the recogniser's.

    Raises:
        UserError: it is no model, or one of the other unit.
    """
    unit, found = UNITS[vocabulary.unit], load(file)
    if found.unit == unit:
        return found
    if found.unit_guessed and unit == "word" and _known(found, vocabulary).mean() > 0.5:
        return load(file, unit)
    ours = PLURAL[vocabulary.unit]
    hint = "" if unit == "word" else "`name: words` takes one of words"
    raise UserError(file, f"is a model of {found.unit}s, but the recogniser writes {ours}", hint)


def _known(model: NGram, vocabulary: Vocabulary) -> Bools:
    """Which of the recogniser's tokens a model knows, from the first that can be written on."""
    known: Bools = model.encode(vocabulary.tokens[2:]) != model.unknown
    return known


def _of_references(config: NgramConfig, text: TrainText, vocabulary: Vocabulary) -> NGram:
    """A model of the train references, as `signkit lm train` makes one; of their pieces for subwords."""
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
    """A run asks for the same model before its training, for decoding and for the export."""
    return NGram.from_grams(estimate(sentences, order, unit=unit).grams)
