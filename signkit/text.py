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

from signkit.errors import UserError
from signkit.files import read_text, write_text

Unit = Literal["gloss", "character"]
PLURAL: dict[str, str] = {"gloss": "glosses", "character": "characters"}
"""Units as messages name them."""
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
        found = {composed(token) for reference in references for token in reference}
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
        return isinstance(token, str) and composed(token) in self.index

    def encode(self, tokens: Iterable[str]) -> tuple[int, ...]:
        """Indices of tokens; 1 for one that is not known."""
        return tuple(self.index.get(composed(token), 1) for token in tokens)

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
        return tuple(composed(text).split() if self.unit == "gloss" else composed(text))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write as JSON, whole or not at all.

        Raises:
            OperationalError: the file cannot be written.
        """
        write_text(Path(path), self._json(indent=1) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Vocabulary":
        """Read what `save` wrote.

        Raises:
            UserError: no such file, not UTF-8, not JSON, or not a vocabulary; the file is named.
            OperationalError: it cannot be read.
        """
        where = os.fspath(path)
        try:
            content = json.loads(read_text(Path(path)))
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
        OperationalError: it cannot be read.
    """
    lines = (line.strip() for line in read_text(Path(path)).splitlines())
    sentences = tuple(vocabulary.split(line) for line in lines if line)
    if not sentences:
        raise UserError(os.fspath(path), "has no sentence", "write one a line")
    return sentences


def composed(text: str) -> str:
    """Text as it is compared: in Unicode's composed form (NFC)."""
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
        if token != composed(token):
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
