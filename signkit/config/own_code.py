"""The guard of components' own code.

What the code of another package raises, or gives that is not what components of its kind give, is told with
the component's name, kind and package: ``encoder `mine` (package my-signs 1.0): …``.
"""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from weakref import ref

from signkit.config.entry_points import KINDS, entry_points_of, package, shown, top
from signkit.errors import ComponentError, SignkitError, UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def point_of(cls: type) -> "tuple[str, str, EntryPoint] | None":
    """Group, name and entry point of a class of options; None if it is not registered under its own place."""
    place = f"{cls.__module__}:{cls.__qualname__}"
    for group in KINDS:
        for name, point in entry_points_of(group).items():
            if point.value == place and name not in getattr(cls, "aliases", ()):
                return group, name, point
    return None


def described(config: Any) -> str:
    """A component as messages name it, with its package if that is not signkit, or its factory if it is not
    registered; ``config`` are its options, or their class."""
    cls = config if isinstance(config, type) else type(config)
    found = point_of(cls)
    return _named([found]) if found is not None else str(config.factory)


@contextmanager
def own_code(config: Any, passing: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Run code of a component within the block.

    Args:
        config: its options, or their class.
        passing: exceptions that mean something to the caller.

    Raises:
        ComponentError: the code of another package raises an exception, other than for lack of memory or of a
            module. Exceptions of signkit's own components are left as they are.
    """
    try:
        yield
    except Exception as error:
        place, passed = config.factory, (SignkitError, ImportError, MemoryError, *passing)
        if top(place) == "signkit" or isinstance(error, passed) or _of_memory(error):
            raise
        raise ComponentError(f"{described(config)}: {shown(error, place)}") from error


_built: "list[tuple[ref[Any], tuple[str, str, EntryPoint]]]" = []
"""What factories of other packages gave, with the component that it is."""


def remember(built: Any, config: Any) -> None:
    """Note whose component an object is, for `blamed`."""
    found = point_of(type(config))
    if found is not None and package(found[2]):
        with suppress(TypeError):  # of what cannot be referred to weakly, such as a tuple
            _built.append((ref(built), found))


def blamed(error: Exception) -> ComponentError | None:
    """The exception as the fault of the component in whose code it was raised, or of all those of its package
    where it cannot be told which; None if it was in none's."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)][::-1]
    for frame in frames:
        module = str(frame.f_globals.get("__name__", ""))
        every = [
            (group, name, point)
            for group in KINDS
            for name, point in entry_points_of(group).items()
            if top(point.value) == top(module) != "signkit"
        ]
        if every:
            objects = [each.f_locals.get("self", error) for each in frames]
            of = [found for each in objects for built, found in _built if built() is each and found in every]
            own = of[:1] or [each for each in every if module in _modules(each[2])] or every
            told = ComponentError(f"{_named(own)}: {shown(error, module)}")
            told.__cause__ = error
            return told
    return None


def check_kind(value: Any, kind: type, where: str, gives: str) -> None:
    """Refuse what is not of a class, or lacks a member of a protocol.

    Args:
        where: the component, for the message.
        gives: how the message begins: ``its factory gives``.

    Raises:
        UserError: naming the class, or what is missing.
    """
    if not getattr(kind, "_is_protocol", False):
        if not isinstance(value, kind):
            wanted = "a function" if kind.__name__ == "Callable" else _article(kind.__name__)
            raise UserError(where, f"{gives} {a(value)}, not {wanted}")
        return
    lacking = [name for name in _members(kind) if not (hasattr(type(value), name) or hasattr(value, name))]
    if value is None or lacking:
        without = "" if value is None else f" without `{'`, `'.join(lacking)}`"
        raise UserError(where, f"{gives} {a(value)}{without}, not {_article(kind.__name__)}")


def a(value: Any) -> str:
    """What a value is, for messages: ``None``, ``a list``, ``a Tensor [2, 3]``."""
    if value is None:
        return "None"
    shape = getattr(value, "shape", None)
    return _article(type(value).__name__) + (f" {list(shape)}" if isinstance(shape, tuple) else "")


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOaeio' else 'a'} {name}"


def _members(protocol: type) -> list[str]:
    names = [name for cls in protocol.__mro__ for name in (*vars(cls), *getattr(cls, "__annotations__", ()))
             if getattr(cls, "_is_protocol", False) and cls.__name__ != "Protocol"]  # fmt: skip
    return [name for name in dict.fromkeys(names) if not name.startswith("_") or name == "__call__"]


def _named(points: "list[tuple[str, str, EntryPoint]]") -> str:
    names = " or ".join(f"{KINDS[group]} `{name}`" for group, name, _ in points)
    of = package(points[0][2])
    return f"{names} (package {of})" if of else names


def _modules(point: "EntryPoint") -> tuple[str, str]:
    """The modules of a component's options and of its factory, if they are imported."""
    module, _, name = point.value.partition(":")
    factory = getattr(getattr(sys.modules.get(module), name, None), "factory", "")
    return module, str(factory).partition(":")[0]


def _of_memory(error: Exception) -> bool:
    """Whether memory ran out, which has a message of its own."""
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
