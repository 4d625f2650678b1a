"""What the code says about a recipe's keys and what the documents say, in one form to compare."""

import dataclasses
import re
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

from signkit.config.recipe import Recipe, TrainConfig
from signkit.config.registry import config_class, registered
from signkit.config.strict_yaml import Group, Range, field_types

ROOT = Path(__file__).resolve().parents[2]
SINGULAR = {
    "corpora": "data",
    "encoders": "encoder",
    "contexts": "context",
    "models": "model",
    "losses": "train.losses",
    "decoders": "decode",
    "fusion": "decode.fusion",
}
"""The section of a recipe in which each group's components are named; tasks are named by their models."""


def fenced(text: str, language: str) -> list[str]:
    """The contents of every fenced block of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def tables(text: str) -> dict[str, list[list[str]]]:
    """The rows, without head and rule, of the first table under each heading that has one."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
            found.setdefault(heading, []).append(cells)
    return {heading: rows[2:] for heading, rows in found.items()}


def sections() -> dict[str, type]:
    """Every section of a recipe and every component's, by its heading in docs/recipes.md."""
    found = {f"`{name}`": cls for name, cls in _inner(Recipe).items()}
    for group in SINGULAR:
        for name in registered(group):
            cls = config_class(group, name)
            if name not in getattr(cls, "aliases", ()):  # an older name has no section of its own
                found[f"`{SINGULAR[group]}: {{name: {name}}}`"] = cls
    found |= {f"`encoder.{name}`": cls for name, cls in _inner(config_class("encoders", "gcn")).items()}
    found |= {f"`model.{name}`": cls for name, cls in _inner(config_class("models", "classifier")).items()}
    return found | {f"`train.{name}`": cls for name, cls in _inner(TrainConfig).items()}


def _inner(cls: type) -> dict[str, type]:
    """The sections, and lists of sections, among a section's keys."""
    found = {}
    for name, hint in field_types(cls).items():
        one = typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else hint
        if dataclasses.is_dataclass(one):
            found[name] = typing.cast(type, one)
    return found


def keys(cls: type) -> list[list[str]]:
    """Each key of a section as the documents show it: name, values, default."""
    hints = field_types(cls)
    return [[f"`{f.name}`", _values(hints[f.name]), _default(f)] for f in dataclasses.fields(cls)]


def _values(hint: Any) -> str:
    if typing.get_origin(hint) is Annotated:
        notes = hint.__metadata__
        group = next((note for note in notes if isinstance(note, Group)), None)
        if group is not None:
            return f"a component of {group.name}"
        base = _values(hint.__origin__)
        for note in notes:
            if isinstance(note, Range):
                base += f", {note}"
            elif type(note).__name__ == "Path_":
                base = "an existing path"
            elif type(note).__name__ == "Asset":
                base = f"a name in `{note.kind}/`, or a YAML file"
            elif isinstance(note, str):
                base = note
        return base
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        inner, other = typing.get_args(hint)
        return f"{_values(inner)}, or {'`null`' if other is type(None) else _values(other)}"
    if typing.get_origin(hint) is Literal:
        return ", ".join(f"`{word}`" for word in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return f"a list of: {_values(typing.get_args(hint)[0])}"
    if dataclasses.is_dataclass(hint):
        return "a section"
    return {int: "whole number", float: "number", bool: "`true`, `false`", str: "word"}[hint]


def _default(field: "dataclasses.Field[Any]") -> str:
    if field.default_factory is not dataclasses.MISSING:
        return "see below"
    if field.default is dataclasses.MISSING:
        return "required"
    first = field.default[0] if isinstance(field.default, tuple) and field.default else field.default
    if dataclasses.is_dataclass(first):
        return "see below"
    return f"`{_shown(field.default)}`"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(_shown(item) for item in value)}]"
    return {"": '""', None: "null"}.get(value, str(value))
