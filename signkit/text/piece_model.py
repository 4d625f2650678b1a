"""Changing the file of a sentencepiece model trained elsewhere: which of its pieces are used.

The file is a protobuf message, whose fields are edited as bytes: sentencepiece itself can only restrict a
model to some pieces and all single characters, of which a multilingual one has tens of thousands.
"""

import struct
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

from signkit.text.subwords import RESERVED, SPACE, Subwords, varint

PIECE, TRAINER, NORMALISER = 1, 2, 3
"""Fields of a model."""
TEXT, SCORE, TYPE = 1, 2, 3
"""Fields of a piece."""
NORMAL, UNKNOWN, USER_DEFINED, UNUSED, BYTE = 1, 2, 4, 5, 6
"""Types of pieces."""
NAME, RULES, TABLE = 1, 2, 6
"""Fields of a normaliser."""
UNIGRAM, FALL_BACK = bytes([3 << 3, 1]), bytes([0x98, 0x02, 1])
"""Options of a trainer: `model_type`, field 3, and `byte_fallback`, field 35."""


def for_text(model: Subwords, sentences: Iterable[Sequence[str]], *, prune: bool) -> Subwords:
    """A model as it is for some text: it leaves all characters as they are, and each of the text is a piece.

    Characters that the model lacks are added behind its pieces, unless it has byte fallback. A pruned model
    cuts the words of the text as before, into pieces that are the only ones left besides the text's
    characters. Of byte pair encoding the others are there still, marked as unused, as it merges by them.

    Args:
        sentences: their words, in composed form (NFC).

    Raises:
        UserError: a word cannot be cut.
    """
    words = {*chain.from_iterable(sentences)}
    letters = {*"".join(words), SPACE}
    pieces = {*model.pieces}
    lacking = () if model.falls_back else sorted(letters - pieces - {*RESERVED})
    whole = replace(model, model=b"".join(_changed(model.model, None, lacking, drop=False)))
    if not prune:
        return whole
    kept = letters.union(*map(whole.split, words))
    return replace(model, model=b"".join(_changed(whole.model, kept, (), drop=model.has_cuts)))


def of_bytes() -> Subwords:
    """A model whose pieces are the bytes of UTF-8, and the blank that begins a word."""
    named = [("<unk>", UNKNOWN), (SPACE, NORMAL), *((f"<0x{byte:02X}>", BYTE) for byte in range(256))]
    pieces = b"".join(_field(PIECE, _piece(name, -1.0) + bytes([TYPE << 3, kind])) for name, kind in named)
    rest = _field(TRAINER, UNIGRAM + FALL_BACK) + _field(NORMALISER, _field(NAME, b"identity"))
    return Subwords(pieces + rest)


def _changed(
    model: bytes, kept: Collection[str] | None, added: Sequence[str], *, drop: bool
) -> Iterator[bytes]:
    """The fields of a model without normalisation, with only some pieces in use (None: all), the others
    dropped or marked, and with new ones added, which are less likely than any that it has."""
    lowest = 0.0
    for field, content, _ in _fields(model):
        if field == PIECE:
            lowest = min(lowest, *(struct.unpack("<f", c)[0] for f, c, _ in _fields(content) if f == SCORE))
    for field, content, whole in _fields(model):
        if field == PIECE and kept is not None:
            if (changed := _used_if(kept, content)) == content:
                yield whole
            elif not drop:
                yield _field(PIECE, changed)
        elif field == NORMALISER:
            rest = (part for f, _, part in _fields(content) if f not in (NAME, RULES, TABLE))
            yield _field(NORMALISER, _field(NAME, b"identity") + b"".join(rest))
        else:
            yield whole
    for piece in added:
        yield _field(PIECE, _piece(piece, lowest - 1.0))


def _piece(text: str, score: float) -> bytes:
    return _field(TEXT, text.encode()) + bytes([SCORE << 3 | 5]) + struct.pack("<f", score)


def _used_if(kept: Collection[str], piece: bytes) -> bytes:
    """A piece, marked as unused if it is a normal one and not among those that are kept."""
    parts = {field: content for field, content, _ in _fields(piece)}
    kind = parts.get(TYPE, bytes([NORMAL]))[0]
    if kind not in (NORMAL, USER_DEFINED) or parts[TEXT].decode() in kept:
        return piece
    return b"".join(whole for f, _, whole in _fields(piece) if f != TYPE) + bytes([TYPE << 3, UNUSED])


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """The fields of a message: number, content, and the field as it is written."""
    place = 0
    while place < len(message):
        start = place
        key, place = varint(message, place)
        if key & 7 == 2:
            length, place = varint(message, place)
            end = place + length
        else:
            end = {0: varint(message, place)[1], 1: place + 8, 5: place + 4}[key & 7]
        yield key >> 3, message[place:end], message[start:end]
        place = end


def _field(number: int, content: bytes) -> bytes:
    length, rest = bytearray(), len(content)
    while rest > 127:
        length.append(rest & 127 | 128)
        rest >>= 7
    return bytes([number << 3 | 2, *length, rest]) + content
