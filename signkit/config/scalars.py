"""A word of YAML as a value of the type that is declared for it, held against its notes."""

import math
import os
import re
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from signkit.config.assets import Kind, find
from signkit.config.suggest import listed, suggestion
from signkit.config.yaml_tree import Word
from signkit.errors import UserError

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_BOOLS = dict.fromkeys(("true", "True", "yes", "on"), True) | dict.fromkeys(
    ("false", "False", "no", "off"), False
)
_VARIABLE = re.compile(r"(?:^|[/\\])\$(?:\w+|\{\w+\})")
_WANTED = {int: "a whole number", float: "a number", bool: "true or false", str: "a word"}


class Unfit(Exception):
    """A word that is no such value: what is wrong, after the key's name, and what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        self.what, self.hint = what, hint
        super().__init__(what, hint)


@dataclass(frozen=True, slots=True)
class Range:
    """Least and greatest value, both allowed."""

    low: float | int
    high: float | int | None = None

    def __str__(self) -> str:
        return f"at least {self.low}" if self.high is None else f"between {self.low} and {self.high}"

    def check(self, value: Any, word: Word, folders: tuple[Path, ...]) -> Any:
        """The value, if it lies inside."""
        if value < self.low or (self.high is not None and value > self.high):
            raise Unfit(f"must be {self}, not `{short(word.text)}`")
        return value


STAGE = "stage:"
"""How a path begins that is the run of an earlier stage, written as ``{stage: NAME}``."""


@dataclass(frozen=True, slots=True)
class Path_:
    """An existing file or folder, relative to the current folder or to the recipe's.

    It is read as an absolute path; the empty word stays empty where `optional`, and the run of an earlier
    stage, which is not there yet, stays as it is.
    """

    optional: bool = False

    def check(self, value: Any, word: Word, folders: tuple[Path, ...]) -> Any:
        """The absolute path in the first folder that has it; without folders it need not exist."""
        if not value:
            if self.optional:
                return value
            raise Unfit("is an empty path")
        if value.startswith(STAGE):
            return value
        given = Path(at_home(value))
        places = [os.path.abspath(folder / given) for folder in folders or (Path.cwd(),)]
        found = next((place for place in places if os.path.exists(place)), None)
        if found is None and folders:
            _refuse_variables(value)
            raise Unfit(f"is `{short(value)}`, but there is no such file or folder")
        return found or places[0]


@dataclass(frozen=True, slots=True)
class NewPath:
    """A path that need not exist, or whose folder is not known here; ``~`` at its head is expanded."""

    def check(self, value: Any, word: Word, folders: tuple[Path, ...]) -> Any:
        """The path."""
        _refuse_variables(value)
        return at_home(value)


def at_home(path: str) -> str:
    """A path with a ``~`` or ``~user`` at its head expanded.

    Raises:
        Unfit: there is no such user.
    """
    expanded = os.path.expanduser(path)
    if re.match(r"~[^/]*(/|$)", expanded):
        raise Unfit(f"is `{short(path)}`, but there is no such home folder")
    return expanded


def _refuse_variables(path: str) -> None:
    if found := _VARIABLE.search(path):
        name = found[0].lstrip("/\\")
        what = f"is `{short(path)}`, but variables such as `{name}` are not expanded in a recipe"
        raise Unfit(what, "write the path out; only `~` at its head is expanded")


@dataclass(frozen=True, slots=True)
class Asset:
    """A built-in asset by its name, or a YAML file of the user's (then a path as by `Path_`)."""

    kind: Kind

    def check(self, value: Any, word: Word, folders: tuple[Path, ...]) -> Any:
        """The name, or the absolute path."""
        if value.endswith((".yaml", ".yml")):
            return Path_().check(value, word, folders)
        try:
            find(self.kind, value)
        except UserError as error:
            raise Unfit(f"cannot be `{short(value)}`", error.hint) from error
        return value


Note = Range | Path_ | NewPath | Asset


def read_word(word: Word, hint: Any, notes: tuple[Any, ...], folders: tuple[Path, ...]) -> Any:
    """The word as a value.

    Args:
        word: what was written.
        hint: ``int``, ``float``, ``bool``, ``str`` or a ``Literal`` of words.
        notes: each `Note` among them must hold.
        folders: where relative paths are looked for, in this order; none: they need not exist.

    Raises:
        Unfit: it is not such a value.
    """
    if word.plain and not word.text:
        raise Unfit("has no value", 'write "" for an empty word' if hint is str else "")
    value = _typed(word, hint)
    for note in notes:
        if isinstance(note, Note):
            value = note.check(value, word, folders)
    return value


def wanted(hint: Any) -> str:
    """What a type wants to be given, for messages."""
    if typing.get_origin(hint) is Literal:
        return f"one of {listed(typing.get_args(hint))}"
    return _WANTED.get(hint, "a value")


def short(text: str) -> str:
    """A word of the user's as a message shows it: on one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:60] + "…"


def _typed(word: Word, hint: Any) -> Any:
    text = word.text
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        if text not in choices:
            raise Unfit(f"cannot be `{short(text)}`", suggestion(text, choices))
        return text
    if hint is str:
        return text
    if hint not in _WANTED:
        raise TypeError(f"a recipe cannot hold {hint}")
    if not word.plain:
        raise Unfit(f"needs {wanted(hint)}, not text in quotes", "remove the quotes")
    if hint is int and _INT.fullmatch(text):
        return int(text)
    if hint is float and _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if hint is bool and text in _BOOLS:
        return _BOOLS[text]
    raise Unfit(f"needs {wanted(hint)}, not `{short(text)}`")
