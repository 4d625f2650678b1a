"""Typed sections written out again: as plain values, as YAML that reads back equal, and compared."""

import dataclasses
import json
import types
import typing
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Union

import yaml

from signkit.config.registry import component_name
from signkit.config.strict_yaml import Group, field_types

_SCALARS = yaml.representer.SafeRepresenter()


def to_plain(instance: Any, without: Collection[str] = ()) -> dict[str, Any]:
    """A dataclass as nested dicts, lists, numbers and words; a component gets its ``name``."""
    cls: type = type(instance)
    hints = field_types(cls)
    return {
        name: _plain(getattr(instance, name), hint) for name, hint in hints.items() if name not in without
    }


def to_yaml(instance: Any, without: Collection[str] = ()) -> str:
    """YAML of every field, defaults included; `signkit.config.strict_yaml.read` gives an equal instance."""
    node = _node(to_plain(instance, without))
    return str(yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True, width=1000))


def leaves(instance: Any, without: Collection[str] = ()) -> dict[str, str]:
    """Every value of an instance, as a message shows it, by its dotted key."""
    return dict(_leaves(to_plain(instance, without), ""))


def differences(old: Any, new: Any, ignore: Collection[str] = ()) -> list[str]:
    """What differs between two instances: ```train.lr`: 0.001, now 0.0003``, a line each.

    Args:
        ignore: dotted keys that may differ, with all below them.
    """
    before, after = leaves(old), leaves(new)
    keys = [*before, *(key for key in after if key not in before)]
    changed = [key for key in keys if before.get(key) != after.get(key)]
    # Of a component that became another one, the name says it all.
    replaced = [key.removesuffix(".name") for key in changed if key.endswith(".name")]
    lines = []
    for key in changed:
        hidden = any(key.startswith(f"{other}.") and key != f"{other}.name" for other in replaced)
        if not hidden and not any(key == skipped or key.startswith(f"{skipped}.") for skipped in ignore):
            lines.append(f"`{key}`: {before.get(key, 'absent')}, now {after.get(key, 'absent')}")
    return lines


def _plain(value: Any, hint: Any) -> Any:
    group = None
    if typing.get_origin(hint) in (Union, types.UnionType):
        hint = next(member for member in typing.get_args(hint) if member is not type(None))
    if typing.get_origin(hint) is Annotated:
        group = next((note.name for note in hint.__metadata__ if isinstance(note, Group)), None)
        hint = hint.__origin__
    if isinstance(value, tuple):
        return [_plain(item, typing.get_args(hint)[0]) for item in value]
    if dataclasses.is_dataclass(value):
        name = {"name": component_name(group, value)} if group else {}  # type: ignore[arg-type]
        return name | to_plain(value)
    return value


def _node(value: Any) -> yaml.Node:
    """YAML nodes: sections in block style, lists of words and numbers on one line."""
    if isinstance(value, dict):
        pairs = [(_node(key), _node(item)) for key, item in value.items()]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=not pairs)
    if isinstance(value, list):
        items = [_node(item) for item in value]
        short = not any(isinstance(item, yaml.MappingNode) for item in items)
        return yaml.SequenceNode("tag:yaml.org,2002:seq", items, flow_style=short)
    return _SCALARS.represent_data(value)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every value below, under its dotted key, as a message shows it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}.{number}")
    else:
        yield path, _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False) if value == "" or not isinstance(value, str) else value
