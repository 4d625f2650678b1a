"""Components by name: all are registered by entry points, including the built-in ones.

An entry point refers to a frozen dataclass with the component's options and ``factory``, the location of the
function that builds the component. Reading the options does not need torch; the factory is imported only when
the component is built.

    [project.entry-points."signkit.encoders"]
    gcn = "signkit.models.encoders.configs:GcnConfig"
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

from signkit.config.suggest import suggestion
from signkit.errors import UserError, missing_extra

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
GROUPS = ("corpora", "encoders", "contexts", "models", "losses", "decoders", "fusion", "tasks")


@runtime_checkable
class ComponentConfig(Protocol):
    """The options of a component: a frozen dataclass. The first line of its docstring is shown in listings.

    If it is registered under several names, the older ones are in a class variable ``aliases``.

    Attributes:
        factory: ``module:function``, called with the options and further arguments of the group.
    """

    factory: ClassVar[str]


def registered(group: str) -> "dict[str, EntryPoint]":
    """The entry points of a group by name.

    Raises:
        UserError: two packages register the same name, or signkit itself is not installed.
    """
    points = entry_points_of(group)
    if not points:
        raise UserError(
            f"signkit.{group}", "no component is registered", "install signkit first: pip install -e ."
        )
    return points


def loaded_as(group: str, point: "EntryPoint", kind: type[T]) -> T:
    """What an entry point refers to, in a group of objects without options and factories.

    Raises:
        UserError: it cannot be loaded, or is not of that kind; naming the package.
    """
    loaded = _loaded(group, point)
    if not isinstance(loaded, kind):
        raise UserError(_owner(point), f"{point.value} is not a {kind.__name__}")
    return loaded


@cache
def entry_points_of(group: str) -> "dict[str, EntryPoint]":
    """As `registered`, of a group to which signkit itself adds nothing; so it may be empty."""
    from importlib.metadata import entry_points  # slow to import

    points: dict[str, EntryPoint] = {}
    for point in entry_points(group=f"signkit.{group}"):
        other = points.setdefault(point.name, point)
        if other.value != point.value:
            owners = " and ".join(sorted(_owner(p) for p in (other, point)))
            raise UserError(
                f"signkit.{group}", f"{point.name!r} is claimed by {owners}", "uninstall one of them"
            )
    return dict(sorted(points.items()))


def _loaded(group: str, point: "EntryPoint") -> Any:
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        what = f"{group} {point.name!r} cannot be loaded from {point.value}: {error}"
        raise UserError(_owner(point), what) from error


def config_class(group: str, name: str) -> type[Any]:
    """The class of a component's options; nothing else of the group is imported.

    Raises:
        KeyError: the name is not registered; the message is a suggestion.
        UserError: the entry point cannot be loaded or is not a component.
    """
    known = registered(group)
    if name not in known:
        raise KeyError(suggestion(name, known))
    point = known[name]
    loaded = _loaded(group, point)
    if not (
        isinstance(loaded, type)
        and is_dataclass(loaded)
        and isinstance(getattr(loaded, "factory", None), str)
    ):
        raise UserError(_owner(point), f"{point.value} is not a dataclass with a factory")
    return loaded


def build(config: ComponentConfig, *args: Any, **kwargs: Any) -> Any:
    """Import a component's factory and call it with the options and the other arguments.

    Raises:
        UserError: a package that the component needs is not installed; the message names signkit's extra for
            it.
    """
    module, _, function = config.factory.partition(":")
    try:
        factory: Callable[..., Any] = getattr(import_module(module), function)
    except ImportError as error:
        check_extra(error, config.factory)
        raise UserError(config.factory, f"cannot be loaded: {error}") from error
    return factory(config, *args, **kwargs)


_PACKAGES = {"PIL": "pillow"}
"""Packages whose modules have another name."""


def check_extra(error: ImportError, purpose: str) -> None:
    """Raise an error that names the extra of signkit for a missing package, if there is one.

    Raises:
        UserError: one of the extras has the package.
    """
    module = (error.name or "").partition(".")[0]
    package = _PACKAGES.get(module, module)
    if package in _extras():
        raise missing_extra(package, _extras()[package], purpose) from error


@contextmanager
def extra_for(purpose: str) -> Iterator[None]:
    """Wrap imports of packages of signkit's extras: if one is missing, the error names the extra
    (`check_extra`).

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
    """The extra of signkit for each package by its name, `-` as `_`."""
    from importlib.metadata import requires

    lines = (re.match(r"""([\w.-]+).*extra == ["'](\w+)""", line) for line in requires("signkit") or ())
    pairs = ((line[1].lower().replace("-", "_"), line[2]) for line in lines if line)
    return {
        name: extra for name, extra in reversed([*pairs]) if name != "signkit"
    }  # the first extra of several


def _owner(point: "EntryPoint") -> str:
    return point.dist.name if point.dist is not None else point.value


def offered(group: str) -> list[str]:
    """The names of a group to suggest to users, without older names and placeholders."""
    configs = {name: config_class(group, name) for name in registered(group)}
    older = {name for config in configs.values() for name in getattr(config, "aliases", ())}
    return [
        name for name, config in configs.items() if name not in older and not hasattr(config, "placeholder")
    ]


def component_name(group: str, config: ComponentConfig) -> str:
    """The name under which a component is registered; not one of its older names.

    Raises:
        KeyError: it is not registered.
    """
    cls = type(config)
    older: tuple[str, ...] = getattr(cls, "aliases", ())
    known = {name: point for name, point in registered(group).items() if name not in older}
    direct = (name for name, point in known.items() if point.value == f"{cls.__module__}:{cls.__qualname__}")
    name = next(direct, None) or next((name for name in known if config_class(group, name) is cls), None)
    if name is None:
        raise KeyError(f"{cls.__qualname__} is not registered in signkit.{group}")
    return name


def providers(value: Any) -> dict[tuple[str, str], str]:
    """The packages that the components in a recipe are of, signkit's own left out: by group and name, the
    package with its version, such as ``flat-encoder 1.0``."""
    found: dict[tuple[str, str], str] = {}
    if isinstance(value, tuple):
        for each in value:
            found |= providers(each)
    elif is_dataclass(value):
        place = f"{type(value).__module__}:{type(value).__qualname__}"
        for group in GROUPS if not place.startswith("signkit.") else ():
            for name, point in registered(group).items():
                if point.value == place and point.dist is not None:
                    found[group, name] = f"{point.dist.name} {point.dist.version}"
        for field in fields(value):
            found |= providers(getattr(value, field.name))
    return found


def summary(config: type[Any]) -> str:
    """A component's description: the first line of its options' docstring."""
    return (config.__doc__ or "").strip().partition("\n")[0]
