"""The vocabulary of a model, of glosses, characters or subwords; and reading files of sentences."""

import hashlib
import json
import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from signkit.errors import UserError
from signkit.runtime.files import read_text, write_bytes, write_text
from signkit.text.subwords import Subwords
from signkit.text.subwords import read as read_subwords

Unit = Literal["gloss", "character", "subword"]
PLURAL: dict[str, str] = {"gloss": "glosses", "character": "characters", "subword": "subwords"}
"""Plural of each unit, for messages."""
BLANK, UNKNOWN = "<blank>", "<unk>"
UNKNOWN_AT = 1
"""The index of the unknown token, in every vocabulary."""
PHOENIX_SYMBOLS = 1296
SUBWORDS = "subwords.model"
"""File name of the sentencepiece model, in the folder of the vocabulary's file."""


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by index: 0 is the blank, 1 the unknown token, then all others in their order.

    `encode`, `decode`, `join` and `split` take and return glosses or characters. In a vocabulary of subwords
    they take and return whole words; only the indices are those of pieces.

    Attributes:
        tokens: all tokens; glosses and characters in Unicode's composed form (NFC).
        unit: ``gloss`` (joined by spaces), ``character`` (joined by nothing) or ``subword``.
        subwords: the model that splits words into pieces, for the unit ``subword``.

    Raises:
        UserError: there are no tokens but the first two, a token occurs twice, or one is not of the unit.

    Example:
        >>> vocabulary = Vocabulary.from_references([["MY", "NAME"], ["YOUR", "NAME"]])
        >>> vocabulary.tokens
        ('<blank>', '<unk>', 'MY', 'NAME', 'YOUR')
        >>> vocabulary.encode(["MY", "DOG"]), vocabulary.decode([4, 3])
        ((2, 1), ('YOUR', 'NAME'))
    """

    tokens: tuple[str, ...]
    unit: Unit = "gloss"
    subwords: Subwords | None = None

    def __post_init__(self) -> None:
        for fault in _faults(self.tokens, self.unit, self.subwords):
            raise UserError("vocabulary", fault)

    @classmethod
    def from_references(cls, references: Iterable[Sequence[str]], unit: Unit = "gloss") -> "Vocabulary":
        """The vocabulary of all tokens in some references, sorted by code point.

        Raises:
            UserError: the references have no tokens, or one that is not of the unit.
        """
        tokens = {composed(token) for reference in references for token in reference}
        return cls((BLANK, UNKNOWN, *sorted(tokens - {UNKNOWN})), unit)

    @classmethod
    def of_subwords(cls, subwords: Subwords) -> "Vocabulary":
        """The vocabulary of all pieces of a sentencepiece model, in the model's order."""
        return cls((BLANK, UNKNOWN, *subwords.pieces), "subword", subwords)

    @cached_property
    def index(self) -> dict[str, int]:
        """The index of each token."""
        return {token: place for place, token in enumerate(self.tokens)}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over unit, tokens and sentencepiece model, the same only for equal vocabularies."""
        return hashlib.sha256(self._json().encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return isinstance(token, str) and composed(token) in self.index

    def segment(self, tokens: Iterable[str]) -> tuple[str, ...]:
        """The pieces of words; glosses and characters are returned as they are.

        Raises:
            UserError: a word cannot be split into pieces.
        """
        if self.subwords is None:
            return tuple(tokens)
        return tuple(chain.from_iterable(map(self.subwords.split, map(composed, tokens))))

    def encode(self, tokens: Iterable[str]) -> tuple[int, ...]:
        """The indices of tokens, or of the pieces of words; 1 for unknown ones."""
        if self.subwords is not None:
            return tuple(self.index.get(piece, 1) for piece in self.segment(tokens))
        return tuple(self.index.get(composed(token), 1) for token in tokens)

    def drawn(self, tokens: Sequence[str], share: float, rng: np.random.Generator) -> tuple[int, ...]:
        """As `encode`, but for a share of the words, whose pieces are drawn (`Subwords.drawn`)."""
        if self.subwords is None or not share:
            return self.encode(tokens)
        chosen = rng.random(len(tokens)) < share
        pieces = (
            self.subwords.drawn(word, rng) if draw else self.subwords.split(word)
            for word, draw in zip(map(composed, tokens), chosen, strict=True)
        )
        return tuple(self.index.get(piece, UNKNOWN_AT) for piece in chain.from_iterable(pieces))

    def decode(self, indices: Iterable[int]) -> tuple[str, ...]:
        """The tokens of indices, or the words that pieces spell.

        Raises:
            IndexError: an index is out of range.
        """
        tokens = self._tokens_of(indices)
        return tokens if self.subwords is None else tuple(word.text for word in self.subwords.words(tokens))

    def spans(self, indices: Iterable[int]) -> tuple[tuple[int, int], ...]:
        """For each token of `decode`, the range of its indices (first, end); a word may have several."""
        tokens = self._tokens_of(indices)
        if self.subwords is None:
            return tuple((place, place + 1) for place in range(len(tokens)))
        return tuple((word.first, word.end) for word in self.subwords.words(tokens))

    def join(self, tokens: Iterable[str]) -> str:
        """Tokens (of subwords: words) as one string."""
        return ("" if self.unit == "character" else " ").join(tokens)

    def split(self, text: str) -> tuple[str, ...]:
        """The tokens (of subwords: words) of a string, including unknown ones."""
        return tuple(composed(text) if self.unit == "character" else composed(text).split())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write as JSON, completely or not at all; a sentencepiece model goes into the same folder.

        Raises:
            OperationalError: a file cannot be written.
        """
        if self.subwords is not None:
            write_bytes(_model_file(Path(path)), self.subwords.model)
        write_text(Path(path), self._json(indent=1) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Vocabulary":
        """Read a vocabulary that `save` wrote.

        Raises:
            UserError: there is no such file, or it is not UTF-8, not JSON or not a vocabulary; the message
                names the file.
            OperationalError: the file cannot be read.
        """
        where = os.fspath(path)
        try:
            content = json.loads(read_text(Path(path)))
        except (json.JSONDecodeError, RecursionError) as error:
            place = f":{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise UserError(where + place, "is not JSON") from error
        tokens, unit = _checked_fields(content, where)
        subwords = _subwords(Path(path), content["sha256"]) if unit == "subword" else None
        for fault in _faults(tokens, unit, subwords):
            raise UserError(where, fault)
        return cls(tokens, unit, subwords)

    def _tokens_of(self, indices: Iterable[int]) -> tuple[str, ...]:
        indices = tuple(indices)
        if any(not 0 <= index < len(self.tokens) for index in indices):
            raise IndexError(f"indices {list(indices)} of a vocabulary of {len(self.tokens)}")
        return tuple(self.tokens[index] for index in indices)

    def _json(self, indent: int | None = None) -> str:
        content: dict[str, Any] = {"unit": self.unit, "tokens": self.tokens}
        if self.subwords is not None:
            content["sha256"] = self.subwords.digest
        return json.dumps(content, ensure_ascii=False, indent=indent)


def read_sentences(path: str | os.PathLike[str], vocabulary: Vocabulary) -> tuple[tuple[str, ...], ...]:
    """The sentences of a text file, one a line, split into the vocabulary's unit; empty lines are skipped.

    Raises:
        UserError: there is no such file, it is not UTF-8, or has no sentence.
        OperationalError: the file cannot be read.
    """
    lines = (line.strip() for line in read_text(Path(path)).splitlines())
    sentences = tuple(vocabulary.split(line) for line in lines if line)
    if not sentences:
        raise UserError(os.fspath(path), "has no sentence", "write one a line")
    return sentences


def take_subwords(theirs: Vocabulary, run: str) -> str:
    """The hint how a recipe can use the subwords of a run; "" if the run has none."""
    return f"text.file: {Path(run) / 'export' / SUBWORDS} takes its subwords" if theirs.subwords else ""


def synthetic_vocabulary(symbols: int = 0) -> Vocabulary:
    """A vocabulary of so many symbols, blank and unknown token included; 0: those of PHOENIX-2014."""
    names = (f"G{number:06d}" for number in range(max(1, (symbols or PHOENIX_SYMBOLS) - 2)))
    return Vocabulary((BLANK, UNKNOWN, *names))


def composed(text: str) -> str:
    """Text in Unicode's composed form (NFC), in which all text is compared."""
    return unicodedata.normalize("NFC", text)


def _faults(tokens: Sequence[str], unit: str, subwords: Subwords | None) -> Iterable[str]:
    """The faults of a vocabulary's tokens, the gravest first."""
    if tuple(tokens[:2]) != (BLANK, UNKNOWN):
        yield f"the first tokens are {list(tokens[:2])}, not {[BLANK, UNKNOWN]}"
    if len(tokens) < 3:
        yield "has no tokens"
    if (unit == "subword") != (subwords is not None):
        yield f"has {PLURAL[unit]} with{'out' if subwords is None else ''} a sentencepiece model"
    if subwords is not None and tuple(tokens[2:]) != subwords.pieces:
        yield "its tokens are not the pieces of its sentencepiece model"
    seen: set[str] = set()
    for token in tokens[2:]:
        if token in seen or token in (BLANK, UNKNOWN):
            yield f"token {token!r} occurs twice"
        if unit != "subword" and token != composed(token):
            yield f"token {token!r} is not in Unicode's composed form (NFC)"
        if any("\ud800" <= letter <= "\udfff" for letter in token):
            yield f"token {token!r} has half a character, a lone surrogate"
        if unit == "gloss" and token.split() != [token]:
            yield f"token {token!r} is empty or has a space in it, so it is not one gloss"
        if unit == "character" and len(token) != 1:
            yield f"token {token!r} is not one character"
        seen.add(token)


def _checked_fields(content: Any, where: str) -> tuple[tuple[str, ...], Unit]:
    subword = isinstance(content, dict) and content.get("unit") == "subword"
    if not isinstance(content, dict) or set(content) != {"unit", "tokens", *(["sha256"] * subword)}:
        keys = '"unit": …, "tokens": […]' + ', "sha256": …' * subword
        raise UserError(where, "is not a vocabulary", f"it needs {{{keys}}} and nothing else")
    tokens, unit = content["tokens"], content["unit"]
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise UserError(where, "`tokens` is not a list of strings")
    if unit not in get_args(Unit):
        raise UserError(where, f"unit {unit!r} is none of gloss, character, subword")
    return tuple(tokens), unit


def _model_file(vocabulary: Path) -> Path:
    """The file of the sentencepiece model of a vocabulary's file: `source.vocabulary.json` has its own."""
    own = (
        vocabulary.name.removesuffix("vocabulary.json")
        if vocabulary.name.endswith(".vocabulary.json")
        else ""
    )
    return vocabulary.with_name(own + SUBWORDS)


def _subwords(vocabulary: Path, sha256: Any) -> Subwords:
    """The sentencepiece model in the folder of a vocabulary's file.

    Raises:
        UserError: it is missing, is no model, or is not the vocabulary's.
    """
    path = _model_file(vocabulary)
    subwords = read_subwords(path)
    if subwords.digest != sha256:
        raise UserError(str(path), f"is another sentencepiece model than that of {vocabulary.name}")
    return subwords
