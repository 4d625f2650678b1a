"""What the model writes: the vocabulary of glosses or characters, and files of gloss sentences."""

import hashlib
import json
import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from signkit.errors import OperationalError, UserError

Unit = Literal["gloss", "character"]
BLANK, UNKNOWN = "<blank>", "<unk>"


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by index: 0 is the blank, 1 an unknown token, then the tokens in their order.

    Attributes:
        tokens: all of them, in Unicode's composed form (NFC).
        unit: ``gloss`` (joined by spaces) or ``character`` (joined by nothing).

    Raises:
        UserError: no token but the first two, a token twice, one that is not of the unit.
    """

    tokens: tuple[str, ...]
    unit: Unit = "gloss"

    def __post_init__(self) -> None:
        for fault in _faults(self.tokens, self.unit):
            raise UserError("vocabulary", fault)

    @classmethod
    def from_references(cls, references: Iterable[Sequence[str]], unit: Unit = "gloss") -> "Vocabulary":
        """The vocabulary of some references, its tokens sorted by code point.

        Raises:
            UserError: the references have no token, or one that is not of the unit.
        """
        found = {_nfc(token) for reference in references for token in reference}
        return cls((BLANK, UNKNOWN, *sorted(found - {UNKNOWN})), unit)

    @cached_property
    def index(self) -> dict[str, int]:
        """The index of each token."""
        return {token: place for place, token in enumerate(self.tokens)}

    @property
    def fingerprint(self) -> str:
        """SHA-256 of unit and tokens: equal for equal vocabularies only."""
        return hashlib.sha256(self._json().encode()).hexdigest()

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return isinstance(token, str) and _nfc(token) in self.index

    def encode(self, tokens: Iterable[str]) -> tuple[int, ...]:
        """Indices of tokens; 1 for one that is not known."""
        return tuple(self.index.get(_nfc(token), 1) for token in tokens)

    def decode(self, indices: Iterable[int]) -> tuple[str, ...]:
        """Tokens of indices.

        Raises:
            IndexError: an index that the vocabulary does not have.
        """
        indices = tuple(indices)
        if any(not 0 <= index < len(self.tokens) for index in indices):
            raise IndexError(f"indices {list(indices)} of a vocabulary of {len(self.tokens)}")
        return tuple(self.tokens[index] for index in indices)

    def join(self, tokens: Iterable[str]) -> str:
        """Tokens as one string."""
        return (" " if self.unit == "gloss" else "").join(tokens)

    def split(self, text: str) -> tuple[str, ...]:
        """The tokens of a string, known or not."""
        return tuple(_nfc(text).split() if self.unit == "gloss" else _nfc(text))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write as JSON, aside first and then renamed.

        Raises:
            OperationalError: the file cannot be written.
        """
        aside = Path(f"{os.fspath(path)}.part")
        try:
            aside.write_text(self._json(indent=1) + "\n", encoding="utf-8")
            aside.replace(path)
        except OSError as error:
            raise OperationalError(f"{path}: cannot be written: {error.strerror}") from error

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Vocabulary":
        """Read what `save` wrote.

        Raises:
            UserError: no such file, not UTF-8, not JSON, or not a vocabulary; the file is named.
        """
        where = os.fspath(path)
        try:
            content = json.loads(_read_utf8(where))
        except (json.JSONDecodeError, RecursionError) as error:
            place = f":{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise UserError(where + place, "is not JSON") from error
        tokens, unit = _checked_fields(content, where)
        for fault in _faults(tokens, unit):
            raise UserError(where, fault)
        return cls(tokens, unit)

    def _json(self, indent: int | None = None) -> str:
        return json.dumps({"unit": self.unit, "tokens": self.tokens}, ensure_ascii=False, indent=indent)


def read_sentences(path: str | os.PathLike[str], vocabulary: Vocabulary) -> tuple[tuple[str, ...], ...]:
    """Sentences of a text file, one a line, split into the vocabulary's unit; empty lines are left out.

    Raises:
        UserError: no such file, not UTF-8, or no sentence in it.
    """
    where = os.fspath(path)
    lines = (line.strip() for line in _read_utf8(where).splitlines())
    sentences = tuple(vocabulary.split(line) for line in lines if line)
    if not sentences:
        raise UserError(where, "has no sentence", "write one a line")
    return sentences


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _faults(tokens: Sequence[str], unit: str) -> Iterable[str]:
    """What is wrong with the tokens of a vocabulary, the gravest first."""
    if tuple(tokens[:2]) != (BLANK, UNKNOWN):
        yield f"the first tokens are {list(tokens[:2])}, not {[BLANK, UNKNOWN]}"
    if len(tokens) < 3:
        yield "has no tokens"
    seen: set[str] = set()
    for token in tokens[2:]:
        if token in seen or token in (BLANK, UNKNOWN):
            yield f"token {token!r} is there twice"
        if token != _nfc(token):
            yield f"token {token!r} is not in Unicode's composed form (NFC)"
        if unit == "gloss" and token.split() != [token]:
            yield f"token {token!r} is empty or has a space in it, so it is not one gloss"
        if unit == "character" and len(token) != 1:
            yield f"token {token!r} is not one character"
        seen.add(token)


def _checked_fields(content: Any, where: str) -> tuple[tuple[str, ...], Unit]:
    if not isinstance(content, dict) or set(content) != {"unit", "tokens"}:
        raise UserError(where, "is not a vocabulary", 'it needs {"unit": …, "tokens": […]} and nothing else')
    tokens, unit = content["tokens"], content["unit"]
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise UserError(where, "`tokens` is not a list of strings")
    if unit not in get_args(Unit):
        raise UserError(where, f"unit {unit!r} is neither gloss nor character")
    return tuple(tokens), unit


def _read_utf8(where: str) -> str:
    """A file's text, its byte order mark left out."""
    try:
        raw = Path(where).read_bytes()
    except OSError as error:
        raise UserError(where, f"cannot be read: {error.strerror}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UserError(f"{where}:{line}", "is not UTF-8", "save the file as UTF-8") from error
