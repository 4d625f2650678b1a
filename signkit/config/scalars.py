"""A word of YAML as a value of the type that is declared for it, held against its notes."""

import dataclasses
import math
import os
import re
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from signkit.config.assets import Kind, find
from signkit.config.suggest import listed, suggestion
from signkit.config.yaml_tree import Word
from signkit.errors import UserError

_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_BOOLS = dict.fromkeys(("true", "True", "yes", "on"), True) | dict.fromkeys(
    ("false", "False", "no", "off"), False
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://\S")
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

    def holds(self, value: Any) -> bool:
        """Whether a number lies inside."""
        return bool(value >= self.low and (self.high is None or value <= self.high))

    def check(self, value: Any, word: Word, folders: tuple[Path, ...]) -> Any:
        """The value, if it lies inside."""
        if not self.holds(value):
            raise Unfit(f"must be {self}, not `{short(word.text)}`")
        return value


STAGE = "stage:"
"""How a path begins that is the run of an earlier stage, written as ``{stage: NAME}``."""


@dataclass(frozen=True, slots=True)
class Path_:
    """An existing file or folder, relative to the current folder or to the recipe's.

    It is read as an absolute path; the empty word stays empty where `optional`, and the run of an earlier
    stage, which is not there yet, stays as it is; so does an address, ``https://…``, where `address`.
    """

    optional: bool = False
    address: bool = False

    def check(self, value: Any, word: Word, folders: tuple[Path, ...]) -> Any:
        """The absolute path in the first folder that has it; without folders it need not exist."""
        if not value:
            if self.optional:
                return value
            raise Unfit("is an empty path")
        if value.startswith(STAGE) or (self.address and is_address(value)):
            return value
        given = Path(at_home(value))
        places = [os.path.abspath(folder / given) for folder in folders or (Path.cwd(),)]
        found = next((place for place in places if os.path.exists(place)), None)
        if found is None and folders:
            _refuse_variables(value)
            raise Unfit(f"is `{short(value)}`, but there is no such file or folder")
        return found or places[0]


def is_address(path: str) -> bool:
    """Whether it is the address of something elsewhere, such as ``https://…`` or ``s3://…``."""
    return bool(_ADDRESS.match(path))


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


def misfits(cls: type) -> dict[str, str]:
    """The defaults of a dataclass of options that no recipe could give: what is wrong with each, by the
    option's name."""
    hints = typing.get_type_hints(cls, include_extras=True)
    found = {}
    for each in dataclasses.fields(cls):
        value = each.default if each.default_factory is dataclasses.MISSING else each.default_factory()
        if value is not dataclasses.MISSING and (need := _misfit(value, hints[each.name])):
            found[each.name] = f"is {short(repr(value))}, and it needs {need}"
    return found


def _misfit(value: Any, hint: Any) -> str:
    """What a type needs, if the value is of another; "" if it is of this one."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        if need := _misfit(value, arguments[0]):
            return need
        ranges = (note for note in hint.__metadata__ if isinstance(note, Range) and value is not None)
        return next((f"a number {each}" for each in ranges if not each.holds(value)), "")
    if origin in (typing.Union, types.UnionType):
        needs = [_misfit(value, each) for each in arguments]
        return "" if "" in needs else " or ".join(need for need in needs if need != "a NoneType")
    if origin is tuple:
        whole = isinstance(value, tuple) and not any(_misfit(each, arguments[0]) for each in value)
        return "" if whole else f"a tuple of which each is {_misfit(object(), arguments[0])}"
    if origin is Literal:
        return "" if value in arguments else wanted(hint)
    if hint in _WANTED:
        return "" if type(value) is hint or (hint is float and type(value) is int) else wanted(hint)
    if not isinstance(hint, type):
        return f"a type that a recipe can hold, not {hint}"
    if not isinstance(value, hint):
        return f"a {hint.__name__}"
    if dataclasses.is_dataclass(value):
        hints = typing.get_type_hints(type(value), include_extras=True)
        needs_of = {f.name: _misfit(getattr(value, f.name), hints[f.name]) for f in dataclasses.fields(value)}
        return next((f"{need} as its `{name}`" for name, need in needs_of.items() if need), "")
    known = hint is type(None) or getattr(hint, "_is_protocol", False)
    return "" if known else f"a type that a recipe can hold, not {hint.__name__}"


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
