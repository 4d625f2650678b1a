"""YAML read strictly against frozen dataclasses: each value by the type that its field declares.

A field's type is ``int``, ``float``, ``bool``, ``str``, ``Literal``, ``tuple[X, ...]``, ``X | None``, ``X |
Literal``, another such dataclass, or one of these with a note: `Range`, `Path_`, `NewPath`, `Asset`, `Group`.
All faults are found in one reading, each with file, line and column, or the ``--set`` that it came from.
"""

import dataclasses
import re
import types
import typing
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union

from signkit.config.entry_points import KINDS, top
from signkit.config.overrides import apply_overrides
from signkit.config.own_code import described, own_code
from signkit.config.registry import NotInstalled, config_class, registered
from signkit.config.scalars import (
    STAGE,
    Asset,
    NewPath,
    Path_,
    Range,
    Unfit,
    is_address,
    misfits,
    read_word,
    short,
    wanted,
)
from signkit.config.suggest import listed, nearest, suggestion
from signkit.config.yaml_tree import (
    LARGEST,
    Fault,
    Items,
    Node,
    Place,
    Refused,
    Section,
    Word,
    decode,
    faults_error,
    parse,
)
from signkit.errors import UserError

__all__ = [
    "Asset",
    "Group",
    "NewPath",
    "Path_",
    "Range",
    "UNNEEDED",
    "field_types",
    "is_address",
    "package_comment",
    "packages_in",
    "read",
    "read_file",
]

T = TypeVar("T")

_NULLS = ("null", "~")


@dataclass(frozen=True, slots=True)
class Group:
    """A component of a plugin group: its section has a ``name``, the other keys are its options.

    Attributes:
        default: the component of a section without a name; "" where it must have one.
        own: (section, attribute): the options of that section's component may name the default themselves.
    """

    name: str
    default: str = ""
    own: tuple[str, str] = ("", "")


UNNEEDED = ("corpora", "losses")
"""Groups of components that a trained model does without."""
_PROVIDED = re.compile(r"^# (\w+): (\S+) is of the package (.+)$", re.MULTILINE)


def package_comment(group: str, name: str, package: str) -> str:
    """A comment of a recipe that is written out: the package of a component that is not signkit's own."""
    return f"# {group}: {name} is of the package {package}\n"


def packages_in(text: str) -> dict[tuple[str, str], str]:
    """The packages that the comments of a recipe say its components are of, by group and name."""
    return {(each[1], each[2]): each[3] for each in _PROVIDED.finditer(text)}


class _Fault:
    """Stands for a value that could not be read."""


_FAULT = _Fault()


def read(
    text: str | bytes,
    where: str,
    cls: type[T],
    overrides: Sequence[str] = (),
    *,
    given: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    check_paths: bool = True,
    unneeded: Collection[str] = (),
) -> T:
    """Read YAML into an instance of a dataclass.

    Args:
        text: the YAML; bytes must be UTF-8.
        where: the file's name, for messages.
        cls: a frozen dataclass.
        overrides: ``a.b=c`` each, put in place before reading.
        given: fields of `cls` that are not keys of the file.
        folder: where relative paths are looked for after the current folder; the folder of `where`
            if None.
        check_paths: whether a path that does not exist is a fault; if not, relative ones are those of
            the current folder.
        unneeded: groups of which a component may lack its package; it is a `NotInstalled` then.

    Raises:
        UserErrors: everything that is wrong, in the order of the file.
    """
    faults: list[Fault] = []
    start = Place(where, 1, 1)
    root = parse(decode(text, where) if isinstance(text, bytes) else text, start, faults)
    if root is None and not overrides:
        faults.append(Fault(start, "the file is empty"))
    elif root is not None and not isinstance(root, Section):
        faults.append(Fault(root.place, f"not a mapping of keys to values but {_kind(root)}"))
    else:
        section = apply_overrides(root or Section(start, ()), overrides, faults)
        folders = (Path.cwd(), Path(where).parent if folder is None else folder) if check_paths else ()
        plain = text if isinstance(text, str) else text.decode(errors="replace")
        reader = _Reader(folders, faults, plain, unneeded)
        instance = reader.section(section, cls, "", given or {})
        if not faults:
            return typing.cast(T, instance)
    raise faults_error(faults)


def read_file(
    path: Path,
    cls: type[T],
    overrides: Sequence[str] = (),
    *,
    where: str = "",
    given: Mapping[str, Any] | None = None,
    check_paths: bool = True,
    unneeded: Collection[str] = (),
) -> T:
    """Read a YAML file, see `read`; `where` is what messages call it, its path if empty.

    Raises:
        UserError: it cannot be read, or (UserErrors) everything that is wrong in it.
    """
    where = where or str(path)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise UserError(where, f"cannot be read: {error.strerror}") from error
    return read(
        content, where, cls, overrides, given=given, folder=path.parent, check_paths=check_paths,
        unneeded=unneeded,
    )  # fmt: skip


@cache
def field_types(cls: type) -> dict[str, Any]:
    """The types of a dataclass's fields, annotations kept."""
    hints = typing.get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name] for f in dataclasses.fields(cls)}


@dataclass(slots=True)
class _Reader:
    """Reads nodes by type and collects the faults; `_FAULT` stands for what could not be read."""

    folders: tuple[Path, ...]
    faults: list[Fault]
    text: str
    unneeded: Collection[str]

    def fault(self, place: Place, what: str, hint: str = "") -> _Fault:
        self.faults.append(Fault(place, what, hint))
        return _FAULT

    def section(self, node: Section, cls: type, path: str, given: Mapping[str, Any]) -> Any:
        """An instance of a dataclass; `given` holds fields that were read elsewhere."""
        hints = {name: hint for name, hint in field_types(cls).items() if name not in given}
        entries = self._entries(node, path)
        values: dict[str, Any] = dict(given)
        for name in sorted(
            entries, key=lambda name: bool(_group(hints.get(name)).own[0])
        ):  # what asks others last
            key, child = entries[name]
            if name in hints:
                values[name] = self.value(child, _asked(hints[name], values), _dotted(path, name))
            else:
                self.fault(key.place, f"unknown key `{_dotted(path, name)}`", _key_suggestion(name, hints))
                values[name] = _FAULT
        for f in dataclasses.fields(cls):
            required = f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
            if required and f.name not in values:
                values[f.name] = self._missing(node.place, hints[f.name], _dotted(path, f.name))
        if any(value is _FAULT for value in values.values()):
            return _FAULT
        return self._make(node, cls, path, values)

    def value(self, node: Node, hint: Any, path: str, notes: tuple[Any, ...] = ()) -> Any:
        """A value of a type."""
        origin = typing.get_origin(hint)
        if isinstance(node, Refused):
            return _FAULT
        if origin is Annotated:
            return self.value(node, hint.__origin__, path, (*hint.__metadata__, *notes))
        if origin in (Union, types.UnionType):
            inner: tuple[Any, ...] = tuple(t for t in typing.get_args(hint) if t is not type(None))
            if (
                isinstance(node, Word)
                and node.plain
                and node.text in _NULLS
                and type(None) in typing.get_args(hint)
            ):
                return None
            *others, last = inner
            if others:  # a word in place of a value, such as `auto`
                if isinstance(node, Word) and node.text in typing.get_args(last):
                    return node.text
                inner = tuple(others)
            value = self.value(node, Union[inner], path, notes)  # noqa: UP007 (one type left: Union gives it back)
            if others and value is _FAULT and isinstance(node, Word) and not self.faults[-1].hint:
                self.faults[-1] = replace(self.faults[-1], hint=f"or {listed(typing.get_args(last))}")
            return value
        group = next((n for n in notes if isinstance(n, Group)), None)
        if group is not None:
            return self._component(node, group, path)
        if origin is tuple:
            return self._items(node, typing.get_args(hint)[0], path)
        if dataclasses.is_dataclass(hint):
            return self._subsection(node, typing.cast(type, hint), path)
        if isinstance(node, Section) and any(isinstance(note, Path_) for note in notes):
            return self._stage(node, path)
        if not isinstance(node, Word):
            return self.fault(node.place, f"`{path}` needs {wanted(hint)}, not {_kind(node)}")
        try:
            return read_word(node, hint, notes, self.folders)
        except Unfit as unfit:
            return self.fault(node.place, f"`{path}` {unfit.what}", unfit.hint)

    def _stage(self, node: Section, path: str) -> Any:
        """The path of an earlier stage's run, ``{stage: NAME}``."""
        if len(node.entries) == 1:
            key, name = node.entries[0]
            if key.text == "stage" and isinstance(name, Word):
                return STAGE + name.text
        return self.fault(node.place, f"`{path}` needs a path, not a section", "or `{stage: NAME}`")

    def _entries(self, node: Section, path: str) -> dict[str, tuple[Word, Node]]:
        entries: dict[str, tuple[Word, Node]] = {}
        for key, child in node.entries:
            first, _ = entries.setdefault(key.text, (key, child))
            if first is not key:
                doubled = f"doubled key `{_dotted(path, key.text)}`"
                self.fault(key.place, doubled, f"first given at {first.place}")
        return entries

    def _missing(self, place: Place, hint: Any, path: str) -> _Fault:
        notes = hint.__metadata__ if typing.get_origin(hint) is Annotated else ()
        group = next((n.name for n in notes if isinstance(n, Group)), None)
        known = f"`{path}: {{name: …}}` with one of {listed(registered(group))}" if group else ""
        return self.fault(place, f"missing key `{path}`", known)

    def _make(self, node: Section, cls: type, path: str, values: dict[str, Any]) -> Any:
        try:
            return cls(**values)
        except UserError as error:  # its `where` may be one of the fields, or a key below one
            name = _dotted(path, error.where) if error.where else path
            return self.fault(
                _place(node, error.where), f"`{name}`: {error.what}" if name else error.what, error.hint
            )
        except ValueError as error:
            return self.fault(node.place, f"`{path}`: {error}" if path else str(error))

    def _subsection(self, node: Node, cls: type, path: str) -> Any:
        shorthand: str = getattr(cls, "shorthand", "")
        if shorthand and isinstance(node, Word):
            key = Word(node.place, shorthand, plain=True)
            return self.section(Section(node.place, ((key, node),)), cls, path, {})
        if not isinstance(node, Section):
            return self.fault(node.place, f"`{path}` needs a section of keys, not {_kind(node)}")
        return self.section(node, cls, path, {})

    def _items(self, node: Node, hint: Any, path: str) -> Any:
        if not isinstance(node, Items):
            return self.fault(node.place, f"`{path}` needs a list, not {_kind(node)}", "for example [a, b]")
        values = [self.value(child, hint, f"{path}.{i}") for i, child in enumerate(node.nodes)]
        return _FAULT if any(value is _FAULT for value in values) else tuple(values)

    def _package(self, group: str, name: str) -> str:
        """The package that a comment of the file says has a component; "" if none does."""
        return packages_in(self.text).get((group, name), "")

    def _component(self, node: Node, of: Group, path: str) -> Any:
        """The options of the component that the section's ``name`` names."""
        group, known = of.name, registered(of.name)
        if not isinstance(node, Section):
            word = node.text if isinstance(node, Word) else ""
            hint = f"write `{{name: {word}}}`" if word in known else f"one of {listed(known)}"
            return self.fault(node.place, f"`{path}` needs a section with a `name`, not {_kind(node)}", hint)
        names = [(key, child) for key, child in node.entries if key.text == "name"]
        for key, _ in names[1:]:
            self.fault(key.place, f"doubled key `{path}.name`", f"first given at {names[0][0].place}")
        if not names and not of.default:
            return self.fault(node.place, f"missing key `{path}.name`", f"one of {listed(known)}")
        named: Node = names[0][1] if names else node
        if isinstance(named, Word) and named.text not in known:
            missing = self._package(group, named.text)
            what = f"of the package {missing}, which is not installed"
            hint = f"pip install {missing.partition(' ')[0]}"
            if group in self.unneeded:
                why = (f"is {what}", hint) if missing else ("is not registered by any installed package", "")
                return NotInstalled(KINDS[group], named.text, why)
            if missing:
                return self.fault(named.place, f"`{path}.name` is `{named.text}`, {what}", hint)
        name = self.value(named, Literal[tuple(known)], f"{path}.name") if names else of.default
        if name is _FAULT:
            return _FAULT
        try:
            cls = config_class(group, name)
        except UserError as error:
            if group in self.unneeded:
                return NotInstalled(KINDS[group], name, (f"{error.where}: {error.what}", error.hint))
            return self.fault(named.place, f"{error.where}: {error.what}", error.hint)
        rest = tuple((key, child) for key, child in node.entries if key.text != "name")
        with own_code(cls):
            for option, what in (misfits(cls) if top(cls.__module__) != "signkit" else {}).items():
                what = f"the default of `{path}.{option}` {what}"
                self.fault(named.place, what, f"{described(cls)} is at fault")
            return self.section(Section(node.place, rest), cls, path, {})


def _group(hint: Any) -> Group:
    """The group of a field's type; one without a name if it is no component."""
    return next((n for n in getattr(hint, "__metadata__", ()) if isinstance(n, Group)), Group(""))


def _asked(hint: Any, values: Mapping[str, Any]) -> Any:
    """The type of a component whose default is that of another section's component, if that has one."""
    group = _group(hint)
    section, attribute = group.own
    default = getattr(values.get(section), attribute, "") if section else ""
    if not default:
        return hint
    return Annotated[hint.__origin__, dataclasses.replace(group, default=default)]


def _key_suggestion(name: str, hints: Mapping[str, Any]) -> str:
    """The key meant, perhaps one a section further down: ``decode.beam`` for ``beam``."""
    below: dict[str, str] = {}
    for section, hint in hints.items():
        group = next((n for n in getattr(hint, "__metadata__", ()) if isinstance(n, Group)), None)
        if group is not None and group.default:
            hint = config_class(group.name, group.default)
        if dataclasses.is_dataclass(hint):
            below |= {inner: f"{section}.{inner}" for inner in field_types(typing.cast(type, hint))}
    if name in below:
        return f"did you mean `{below[name]}`?"
    near = nearest(name, [*hints, *below])
    return f"did you mean `{below[near]}`?" if near and near not in hints else suggestion(name, hints)


def _place(node: Node, path: str) -> Place:
    """Where the value of a dotted key below begins, or the last one on the way that is there."""
    for step in path.split("."):
        children: dict[str, Node] = {}
        if isinstance(node, Section):
            children = {key.text: child for key, child in node.entries}
        elif isinstance(node, Items):
            children = {str(number): child for number, child in enumerate(node.nodes)}
        if step not in children:
            break
        node = children[step]
    return node.place


def _dotted(path: str, name: str) -> str:
    return f"{path}.{short(name)}" if path else short(name)


def _kind(node: Node) -> str:
    if isinstance(node, Word):
        return f"the word `{short(node.text)}`" if node.text else "nothing"
    return "a list" if isinstance(node, Items) else "a section"
