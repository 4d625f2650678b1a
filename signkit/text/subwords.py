"""Subwords: words split into the pieces of a sentencepiece model, learnt from text or read from a file.

Each word is split on its own, independent of its neighbours, and can be restored from its pieces: the first
piece of a word begins with "▁", sentencepiece's sign for a blank, and no other piece has one. Characters that
no piece contains become a piece of their own, which is unknown to a vocabulary; models trained elsewhere may
have byte fallback instead.
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

import numpy as np
import numpy.typing as npt

from signkit.config.registry import extra_for
from signkit.errors import UserError
from signkit.runtime.files import read_bytes
from signkit.text.byte_pairs import merged

SPACE = "▁"
MOST = 1_000_000
"""Most sentences that pieces are learnt from; of a larger text a sample is drawn."""
SEED = 1
"""Seed of that sample. It is fixed, so that training runs with different seeds have the same pieces."""
RESERVED = ("\0", "\u2585")
"""Characters that sentencepiece reserves; it would skip every sentence that contains one."""
CUTS, SHARPNESS = 16, 0.3
"""Of drawing the pieces of a word by a unigram model: among how many cuts, and the power of their
probabilities."""
SPECIFICATIONS = {2, 3}
"""Fields of the model's file after its pieces: the specifications of trainer and normaliser."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word and the range of its pieces: from ``first`` to ``end``, exclusive."""

    text: str
    first: int
    end: int


@dataclass(frozen=True)
class Subwords:
    """A sentencepiece model, from `read` or `learn`; two are equal if their bytes are.

    Attributes:
        model: the content of the model's file.
        where: how messages name it.
    """

    model: bytes = field(repr=False)
    where: str = field(default="text.unit", compare=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return Subwords, (self.model, self.where)  # the processor is not pickled but created again

    @property
    def digest(self) -> str:
        """SHA-256 of the model, in hexadecimal."""
        return hashlib.sha256(self.model).hexdigest()

    @cached_property
    def pieces(self) -> tuple[str, ...]:
        """The pieces that can occur in text, without unknown, control and unused ones."""
        known = self._processor
        silent = (known.is_unknown, known.is_control, known.is_unused)
        written = (i for i in range(known.vocab_size()) if not any(test(i) for test in silent))
        return tuple(known.id_to_piece(i) for i in written)

    @property
    def all_pieces(self) -> tuple[str, ...]:
        """The pieces by their number in the model, with those that cannot occur in text."""
        return tuple(self._processor.id_to_piece(i) for i in range(self._processor.vocab_size()))

    @cached_property
    def has_cuts(self) -> bool:
        """Whether it chooses among several cuts of a word, as unigram models do, and does not merge pairs."""
        try:
            self._processor.nbest_encode_as_pieces("a", 2)
        except (RuntimeError, NotImplementedError):
            return False
        return True

    @property
    def falls_back(self) -> bool:
        """Whether characters without a piece are cut into bytes."""
        return bool(self._bytes)

    def split(self, word: str) -> tuple[str, ...]:
        """The pieces of one word in composed form (NFC); adjacent unknown characters are one piece.

        Raises:
            UserError: the word cannot be restored from its pieces.
        """
        if word not in self._cuts:
            self._cuts[word] = self._cut(word)
        return self._cuts[word]

    def drawn(self, word: str, rng: np.random.Generator) -> tuple[str, ...]:
        """Pieces of one word, drawn from its `CUTS` likeliest cuts with their probability to the power of
        `SHARPNESS` (Kudo 2018), or by byte pair encoding with dropout (`signkit.text.byte_pairs`).

        Raises:
            UserError: the word cannot be restored from its pieces.
        """
        if self._merges:
            letters = [SPACE, *word]
            known = self._known.issuperset(letters)
            return merged(letters, self._merges, self._known, rng) if known else self.split(word)
        if word not in self._choices:
            self._choices[word] = self._alternatives(word)
        cuts, upto = self._choices[word]
        return cuts[min(int(np.searchsorted(upto, rng.random(), "right")), len(cuts) - 1)]

    def words(self, pieces: Sequence[str]) -> tuple[Word, ...]:
        """The words that a sequence of pieces spells; any blank in a piece begins a new word."""
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
        """Cache of the pieces of words split so far."""
        return {}

    @cached_property
    def _choices(self) -> dict[str, tuple[list[tuple[str, ...]], npt.NDArray[np.float64]]]:
        """Cache of the cuts of words that were drawn from so far, with the sums of their shares."""
        return {}

    def _alternatives(self, word: str) -> tuple[list[tuple[str, ...]], npt.NDArray[np.float64]]:
        found = self._processor.nbest_encode_as_pieces(word, CUTS)
        cuts = [cut for cut in map(tuple, found) if self.words(cut) == (Word(word, 0, len(cut)),)]
        known = self._processor
        logs = [sum(known.get_score(known.piece_to_id(piece)) for piece in cut) for cut in cuts]
        shares = np.exp(SHARPNESS * (np.array(logs) - max(logs)))
        return cuts, np.cumsum(shares / shares.sum())

    @cached_property
    def _merges(self) -> dict[str, float]:
        """The score of each piece that two others are merged into; empty for a unigram model. Pieces that are
        unused are merged, too."""
        if self.has_cuts:
            return {}
        known, every = self._processor, enumerate(self.all_pieces)
        return {piece: known.get_score(place) for place, piece in every if not known.is_control(place)}

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.pieces)

    @cached_property
    def _bytes(self) -> dict[str, int]:
        """The byte of each piece of byte fallback, such as ``<0xE2>``."""
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
        """The text of pieces with their range; adjacent bytes are decoded together, as UTF-8."""
        for coded, group in groupby(enumerate(pieces), lambda each: each[1] in self._bytes):
            if not coded:
                yield from ((piece, place, place + 1) for place, piece in group)
                continue
            run = [*group]
            text = bytes(self._bytes[piece] for _, piece in run).decode("utf-8", "replace")
            plain = "".join(SPACE if letter.isspace() else letter for letter in text)
            yield plain, run[0][0], run[-1][0] + 1


def learn(
    sentences: Iterable[Sequence[str]], pieces: int, section: str = "text", algorithm: str = "unigram"
) -> Subwords:
    """Train a model; the same sentences in any order give the same one.

    Every character of the text is a piece.

    Args:
        sentences: their words, in composed form (NFC).
        pieces: number of pieces; a small text may yield fewer.
        section: of the recipe, for messages.
        algorithm: ``unigram`` (Kudo 2018) or ``bpe``, byte pair encoding (Sennrich et al. 2016).

    Raises:
        UserError: the sentences have no words, or more characters than `pieces`; sentencepiece is not
            installed.
    """
    text = sorted(line for line in (" ".join(words) for words in sentences) if line)
    text = random.Random(SEED).sample(text, MOST) if len(text) > MOST else text
    characters = {*"".join(text), SPACE}.difference(" ", RESERVED)
    if len(characters) < 2:
        raise UserError(f"{section}.unit", "train has no words to learn subwords from")
    if pieces < len(characters):
        what = f"is {pieces}, but train has {len(characters)} characters, each of them a piece"
        raise UserError(f"{section}.pieces", what, f"at least {len(characters)}, better some times as many")
    model = io.BytesIO()
    try:
        _sentencepiece().SentencePieceTrainer.train(
            sentence_iterator=iter([line.translate(dict.fromkeys(map(ord, RESERVED))) for line in text]),
            model_writer=model,
            model_type=algorithm,
            vocab_size=pieces + 1,  # and the unknown one
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="identity",
            max_sentence_length=max(4192, *(len(line.encode()) + 1 for line in text)),
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            num_threads=1,  # several threads add floats in another order, and the pieces would differ
            minloglevel=2,
        )
    except RuntimeError as error:
        raise UserError(f"{section}.unit", f"sentencepiece learns nothing from train: {error}") from error
    return Subwords(model.getvalue(), f"{section}.unit")


def read(path: Path, where: str = "") -> Subwords:
    """Read the file of a sentencepiece model.

    Args:
        path: the file.
        where: how messages name it; its path if empty.

    Raises:
        UserError: there is no such file, or it is not a complete model; sentencepiece is not installed.
        OperationalError: the file cannot be read.
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
    """The field numbers of a protobuf message; empty if the message is truncated.

    A model file that was cut off between two pieces is still a valid message. It only lacks the fields after
    the pieces, `SPECIFICATIONS`.
    """
    fields, place = set(), 0
    while place < len(content):
        key, place = varint(content, place)
        if key & 7 != 2:  # every field of a model has a length
            return set()
        length, place = varint(content, place)
        fields.add(key >> 3)
        place += length
    return fields if place == len(content) else set()


def varint(content: bytes, place: int) -> tuple[int, int]:
    """Decode a varint (7 bits a byte, lowest first) at ``place``: its value, and the place after it."""
    value = shift = 0
    while place < len(content):
        value |= (content[place] & 127) << shift
        place, shift = place + 1, shift + 7
        if content[place - 1] < 128:
            return value, place
    return value, place + 1  # beyond the end


def _sentencepiece() -> Any:
    with extra_for("text.unit"):
        import sentencepiece
    return sentencepiece
