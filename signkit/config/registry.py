"""Components by name: installed entry points, the built-in ones through the same door.

An entry point leads to a frozen dataclass: the component's options, each typed, with defaults, and
``factory``, the place of the function that builds it. The options can be read without torch; the
factory is imported only when the component is built.

    [project.entry-points."signkit.encoders"]
    gcn = "signkit.models.encoders.configs:GcnConfig"
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import is_dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from signkit.config.suggest import suggestion
from signkit.errors import UserError, missing_extra

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUPS = ("corpora", "encoders", "contexts", "models", "losses", "decoders", "fusion", "tasks")


@runtime_checkable
class ComponentConfig(Protocol):
    """The options of a component: a frozen dataclass whose docstring's first line says what it is.

    One that is registered under several names has the older ones in a class variable ``aliases``.
    """

    factory: ClassVar[str]


@cache
def registered(group: str) -> "dict[str, EntryPoint]":
    """Every component of a group by name.

    Raises:
        UserError: two packages claim one name, or signkit itself is not installed.
    """
    from importlib.metadata import entry_points  # slow to import

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=f"signkit.{group}"):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            owners = " and ".join(sorted(_owner(p) for p in (other, point)))
            raise UserError(
                f"signkit.{group}", f"{point.name!r} is claimed by {owners}", "uninstall one of them"
            )
    if not found:
        raise UserError(
            f"signkit.{group}", "no component is registered", "install signkit first: pip install -e ."
        )
    return dict(sorted(found.items()))


def config_class(group: str, name: str) -> type[Any]:
    """The options' dataclass of one component; nothing else of the group is imported.

    Raises:
        KeyError: with a suggestion as its message, when the name is not registered.
        UserError: the entry point cannot be loaded or is not a component.
    """
    known = registered(group)
    if name not in known:
        raise KeyError(suggestion(name, known))
    point = known[name]
    try:
        loaded = point.load()
    except (ImportError, AttributeError) as error:
        raise UserError(
            _owner(point), f"{group} {name!r} cannot be loaded from {point.value}: {error}"
        ) from error
    if not (
        isinstance(loaded, type)
        and is_dataclass(loaded)
        and isinstance(getattr(loaded, "factory", None), str)
    ):
        raise UserError(_owner(point), f"{point.value} is not a dataclass with a factory")
    return loaded


def build(config: ComponentConfig, *args: Any, **kwargs: Any) -> Any:
    """Import the component's factory and call it with its options and what it is built on.

    Raises:
        UserError: a package that the component needs is not installed; signkit's extra that has it is named.
    """
    module, _, function = config.factory.partition(":")
    try:
        factory: Callable[..., Any] = getattr(import_module(module), function)
    except ImportError as error:
        check_extra(error, config.factory)
        raise UserError(config.factory, f"cannot be loaded: {error}") from error
    return factory(config, *args, **kwargs)


def check_extra(error: ImportError, purpose: str) -> None:
    """Say which extra of signkit brings the package that an import lacked.

    Raises:
        UserError: one of the extras has it.
    """
    package = (error.name or "").partition(".")[0]
    if package in _extras():
        raise missing_extra(package, _extras()[package], purpose) from error


@contextmanager
def extra_for(purpose: str) -> Iterator[None]:
    """Imports of packages that an extra of signkit brings; of one that is lacking `check_extra` says which.

    >>> with extra_for("data.root"):
    ...     import av
    """
    try:
        yield
    except ImportError as error:
        check_extra(error, purpose)
        raise


@cache
def _extras() -> dict[str, str]:
    """The extra of signkit that each optional module comes with."""
    from importlib.metadata import requires

    lines = (re.match(r"""([\w.-]+).*extra == ["'](\w+)""", line) for line in requires("signkit") or ())
    found = ((line[1].lower().replace("-", "_"), line[2]) for line in lines if line)
    return {name: extra for name, extra in reversed([*found]) if name != "signkit"}  # of two the first


def _owner(point: "EntryPoint") -> str:
    return point.dist.name if point.dist is not None else point.value


def offered(group: str) -> list[str]:
    """The names of a group that a recipe may well have: no older ones, and no placeholders."""
    configs = {name: config_class(group, name) for name in registered(group)}
    older = {name for config in configs.values() for name in getattr(config, "aliases", ())}
    return [
        name for name, config in configs.items() if name not in older and not hasattr(config, "placeholder")
    ]


def component_name(group: str, config: ComponentConfig) -> str:
    """The name under which a component's options are registered.

    Raises:
        KeyError: they are not registered.
    """
    cls = type(config)
    older: tuple[str, ...] = getattr(cls, "aliases", ())
    known = {name: point for name, point in registered(group).items() if name not in older}
    direct = (name for name, point in known.items() if point.value == f"{cls.__module__}:{cls.__qualname__}")
    found = next(direct, None) or next((name for name in known if config_class(group, name) is cls), None)
    if found is None:
        raise KeyError(f"{cls.__qualname__} is not registered in signkit.{group}")
    return found


def summary(config: type[Any]) -> str:
    """What a component is: the first line of its options' docstring."""
    return (config.__doc__ or "").strip().partition("\n")[0]
