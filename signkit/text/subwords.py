"""Sub-words: the pieces of words that a sentencepiece model knows, learnt from text or read from a file.

Words are cut one at a time, whatever stands beside them, and each comes back from its pieces as it was: "▁",
sentencepiece's sign for a blank, begins every word and nothing else. Characters that no piece has make a
piece of their own, which a vocabulary calls unknown; models of others may have byte fallback instead.
"""

import hashlib
import io
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

from signkit.config.registry import check_extra
from signkit.errors import UserError
from signkit.runtime.files import read_bytes

SPACE = "▁"
MOST = 1_000_000
"""Sentences that pieces are learnt from; of more, so many are drawn."""
SEED = 1
"""Of that draw. It is not the training's: runs of several seeds have the same pieces."""
RESERVED = ("\0", "\u2585")
"""Characters that sentencepiece keeps for itself: it would leave out whole sentences because of them."""
SPECIFICATIONS = {2, 3}
"""Fields that every model has behind its pieces: how it was trained and how it normalises."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word and the places of its pieces, from ``first`` up to, but not with, ``end``."""

    text: str
    first: int
    end: int


@dataclass(frozen=True)
class Subwords:
    """A sentencepiece model, of `read` or `learn`; equal to another where the bytes are.

    Attributes:
        model: the content of its file.
        where: what messages call it.
    """

    model: bytes = field(repr=False)
    where: str = field(default="text.unit", compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return Subwords, (self.model, self.where)  # the processor is made anew where it arrives

    @property
    def digest(self) -> str:
        """SHA-256 of the model, in hexadecimal."""
        return hashlib.sha256(self.model).hexdigest()

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """Those that can be written, without the unknown one, marks and what is not used."""
        known = self._processor
        silent = (known.is_unknown, known.is_control, known.is_unused)
        written = (i for i in range(known.vocab_size()) if not any(test(i) for test in silent))
        return tuple(known.id_to_piece(i) for i in written)

    def split(self, word: str) -> tuple[str, ...]:
        """The pieces of one word in composed form (NFC); unknown characters side by side are one.

        Raises:
            UserError: the word does not come back from them.
        """
        if word not in self._cuts:
            self._cuts[word] = self._cut(word)
        return self._cuts[word]

    def words(self, pieces: Sequence[str]) -> tuple[Word, ...]:
        """The words that any sequence of pieces spells; a piece with a blank in it begins one."""
        spelled: list[Word] = []
        text, first, end = "", 0, 0
        for part, place, after in self._parts(pieces):
            for number, letters in enumerate(part.split(SPACE)):
                if number:
                    spelled += [Word(text, first, end)] if text else []
                    text, first = "", place
                if letters:
                    text, end = text + letters, after
        return (*spelled, Word(text, first, end)) if text else tuple(spelled)

    @cached_property
    def _processor(self) -> Any:
        return _sentencepiece().SentencePieceProcessor(model_proto=self.model)

    @cached_property
    def _cuts(self) -> dict[str, tuple[str, ...]]:
        """Of the words seen so far."""
        return {}

    @cached_property
    def _bytes(self) -> dict[str, int]:
        """The pieces of byte fallback."""
        known = self._processor
        pieces = (known.id_to_piece(i) for i in range(known.vocab_size()) if known.is_byte(i))
        return {piece: int(piece[1:-1], 16) for piece in pieces}

    def _cut(self, word: str) -> tuple[str, ...]:
        if SPACE in word:
            raise UserError(self.where, f"`{word}` holds `{SPACE}`, which is a blank to sentencepiece")
        pieces: tuple[str, ...] = tuple(self._processor.encode(word, out_type=str))
        if pieces and not pieces[0].startswith(SPACE):
            what = f"`{word}` does not begin with a blank, {SPACE}, in its pieces"
            raise UserError(self.where, what, "train the model with add_dummy_prefix, which is the default")
        back = self.words(pieces)
        if back != (Word(word, 0, len(pieces)),):
            what = f"`{word}` comes back from its pieces as `{' '.join(each.text for each in back)}`"
            raise UserError(
                self.where, what, "normalization_rule_name=identity trains a model that keeps text"
            )
        return pieces

    def _parts(self, pieces: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """The text of pieces, and from where to where they stand; bytes side by side are read together."""
        for coded, group in groupby(enumerate(pieces), lambda each: each[1] in self._bytes):
            if not coded:
                yield from ((piece, place, place + 1) for place, piece in group)
                continue
            run = [*group]
            text = bytes(self._bytes[piece] for _, piece in run).decode("utf-8", "replace")
            plain = "".join(SPACE if letter.isspace() else letter for letter in text)
            yield plain, run[0][0], run[-1][0] + 1


def learn(sentences: Iterable[Sequence[str]], pieces: int) -> Subwords:
    """A unigram model (Kudo 2018) of at most so many pieces, the same for the same sentences in any order.

    Every character of the text is a piece, so there are fewer than asked for where the text has no more.

    Args:
        sentences: of words in composed form (NFC).

    Raises:
        UserError: there are no words, or more characters than pieces; sentencepiece is not installed.
    """
    text = sorted(line for line in (" ".join(words) for words in sentences) if line)
    text = random.Random(SEED).sample(text, MOST) if len(text) > MOST else text
    characters = {*"".join(text), SPACE}.difference(" ", RESERVED)
    if len(characters) < 2:
        raise UserError("text.unit", "the train references have no words to learn sub-words from")
    if pieces < len(characters):
        what = f"is {pieces}, but train has {len(characters)} characters, each of them a piece"
        raise UserError("text.pieces", what, f"at least {len(characters)}, better some times as many")
    model = io.BytesIO()
    try:
        _sentencepiece().SentencePieceTrainer.train(
            sentence_iterator=iter([line.translate(dict.fromkeys(map(ord, RESERVED))) for line in text]),
            model_writer=model,
            model_type="unigram",
            vocab_size=pieces + 1,  # and the unknown one
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="identity",
            max_sentence_length=max(4192, *(len(line.encode()) + 1 for line in text)),
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            num_threads=1,  # sums of several would be others
            minloglevel=2,
        )
    except RuntimeError as error:
        raise UserError(
            "text.unit", f"sentencepiece learns nothing from the train references: {error}"
        ) from error
    return Subwords(model.getvalue())


def read(path: Path, where: str = "") -> Subwords:
    """A sentencepiece model's file.

    Args:
        where: what messages call it; its path if empty.

    Raises:
        UserError: there is no such file, it is no model or not a whole one; sentencepiece is not installed.
        OperationalError: it cannot be read.
    """
    content, where = read_bytes(path), where or str(path)
    if not _fields(content) >= SPECIFICATIONS:
        raise UserError(where, "is no sentencepiece model, or not a whole one")
    subwords = Subwords(content, where)
    try:
        pieces = subwords.pieces
    except (RuntimeError, ValueError) as error:
        raise UserError(where, f"is no sentencepiece model: {error}") from error
    if not pieces:
        raise UserError(where, "is a sentencepiece model without pieces")
    return subwords


def _fields(content: bytes) -> set[int]:
    """The numbers of a protobuf message's fields as far as it can be read; none where it breaks off.

    A model that was cut between two pieces is a message all the same, so the last fields are asked for.
    """
    fields, place = set(), 0
    while place < len(content):
        key, place = _varint(content, place)
        if key & 7 != 2:  # every field of a model has a length
            return set()
        length, place = _varint(content, place)
        fields.add(key >> 3)
        place += length
    return fields if place == len(content) else set()


def _varint(content: bytes, place: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and the place behind it."""
    value = shift = 0
    while place < len(content):
        value |= (content[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if content[place - 1] < 128:
            return value, place
    return value, place + 1  # beyond the end


def _sentencepiece() -> Any:
    try:
        import sentencepiece
    except ImportError as error:
        check_extra(error, "text.unit")
        raise
    return sentencepiece
