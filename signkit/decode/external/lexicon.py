"""A lexicon: a constraint to the words or sentences of a list.

With back-off, each token of a word (or sentence) outside the list costs `back_off`, and so does a blank where
no word ends; without back-off they are forbidden. The cost of a word is charged at the token at which it
leaves the tree, for all of its tokens so far.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from signkit.data.corpora.table import fail_together
from signkit.decode.context_logits import Floats
from signkit.decode.external.build import TrainText
from signkit.decode.external.configs import LexiconConfig
from signkit.decode.external.spelling import NONE, Spelling, spelling
from signkit.decode.history import Ints
from signkit.decode.scorer import Scorer, Singles
from signkit.errors import UserError
from signkit.runtime.files import read_text
from signkit.text.vocabulary import Vocabulary

MAX_SHOWN = 10
"""Entries that a message names, at most."""


class TokenLexicon:
    """A `Scorer` that allows a set of tokens, for words of a recogniser of glosses. It has a single state."""

    def __init__(self, tokens: Sequence[int], vocab: int, back_off: float) -> None:
        self.start = 0
        self._row: Singles = np.full(vocab, -_price(back_off), dtype=np.float32)
        self._row[list(tokens)] = 0.0

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The single state, for every sequence."""
        return np.zeros_like(states)

    def rows(self, states: Ints) -> Singles:
        """[n, vocab]: 0 for the tokens of the set, minus the cost for all others."""
        return np.tile(self._row, (len(states), 1))

    def ends(self, states: Ints) -> Floats:
        """Zeros [n]: a sequence may end anywhere."""
        return np.zeros(len(states))


class SequenceLexicon:
    """A `Scorer` that allows the sequences of a tree: whole sentences, or words between blanks.

    A text of no words may end, but an empty sentence may not.
    """

    def __init__(self, tree: Spelling, back_off: float) -> None:
        self.start, self._tree = 0, tree
        price, inside = np.float64(_price(back_off)), tree.entry != NONE
        self._leave: Floats = -price * (tree.depth + 1)  # also for the tokens since the root, free until now
        self._blank: Floats = np.where(inside, np.float64(0), -price * np.maximum(tree.depth, 1))
        self._end = self._blank.copy()
        if tree.blank != NONE or back_off:
            self._end[0] = 0.0
        self._blank[tree.outside] = self._end[tree.outside] = 0.0 if back_off else -np.inf

    def advance(self, states: Ints, tokens: Ints) -> Ints:
        """The states [n] after ``states`` [n] and ``tokens`` [n]: nodes of the tree."""
        return self._tree.advance(states, tokens)

    def rows(self, states: Ints) -> Singles:
        """[n, vocab]: 0 along the tree and for the blank where a word ends, minus the cost elsewhere."""
        rows = np.repeat(self._leave[states].astype(np.float32)[:, None], self._tree.vocab, axis=1)
        place, token, _ = self._tree.edges(states)
        rows[place, token] = 0.0
        if self._tree.blank != NONE:
            rows[:, self._tree.blank] = self._blank[states]
        return rows

    def ends(self, states: Ints) -> Floats:
        """[n]: 0 where a word or sentence ends, minus the cost elsewhere."""
        return self._end[states]


def build(config: LexiconConfig, *, vocabulary: Vocabulary, model: Any, text: TrainText) -> Scorer:
    """A scorer for the list in a file.

    Raises:
        UserError: the list is empty, has several words in a line, or has entries that the recogniser cannot
            write.
    """
    if vocabulary.unit == "subword" and config.of == "words":
        what = "`lexicon` of words is for a recogniser of glosses or characters, and this one writes subwords"
        raise UserError("decode.fusion", what, "of: sentences")
    entries = _entries(config, vocabulary)
    sequences = [tuple(map(vocabulary.index.__getitem__, tokens)) for tokens in entries]
    if config.of == "words" and vocabulary.unit == "gloss":
        return TokenLexicon([token for (token,) in sequences], len(vocabulary), config.back_off)
    blank = vocabulary.index.get(" ", NONE) if config.of == "words" else NONE
    return SequenceLexicon(spelling(sequences, len(vocabulary), blank), config.back_off)


def _price(back_off: float) -> float:
    return back_off or np.inf


def _entries(config: LexiconConfig, vocabulary: Vocabulary) -> list[tuple[str, ...]]:
    """The tokens of each distinct word or sentence of the file."""
    lines: dict[str, int] = {}
    several: list[UserError] = []
    for number, line in enumerate(read_text(Path(config.file)).splitlines(), 1):
        words = line.split()
        if config.of == "words" and len(words) > 1:
            where, what = f"{config.file}:{number}", f"`{' '.join(words)}` is {len(words)} words"
            several.append(UserError(where, what, "write one a line, or set `of: sentences`"))
        elif words:
            lines.setdefault(" ".join(words), number)
    fail_together(several, config.file)
    if not lines:
        raise UserError(config.file, f"has no {config.of}", "write one a line")
    entries = {entry: vocabulary.segment(vocabulary.split(entry)) for entry in lines}
    known = {*vocabulary.tokens[2:]}
    lacking = {entry: [t for t in tokens if t not in known] for entry, tokens in entries.items()}
    faults = [(entry, missing) for entry, missing in lacking.items() if missing]
    if faults:
        named = [_named(entry, lines[entry], missing) for entry, missing in faults[:MAX_SHOWN]]
        more = f" and {len(faults) - MAX_SHOWN} more" if len(faults) > MAX_SHOWN else ""
        what = f"{len(faults)} of {len(entries)} {config.of} are outside the recogniser's vocabulary: "
        where = f"{config.file}:{lines[faults[0][0]]}"
        raise UserError(where, what + ", ".join(named) + more, "take them out of the list")
    return [*entries.values()]


def _named(entry: str, line: int, missing: list[str]) -> str:
    """An entry for a message, with its unknown tokens if it is longer than one token."""
    only = "" if missing == [entry] else ": " + " ".join(f"`{token}`" for token in dict.fromkeys(missing))
    return f"`{entry}` (line {line}{only})"
