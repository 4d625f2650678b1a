"""Components by name: all are registered by entry points, including the built-in ones.

An entry point refers to a frozen dataclass with the component's options and ``factory``, the location of the
function that builds the component. Reading the options does not need torch; the factory is imported only when
the component is built.

    [project.entry-points."signkit.encoders"]
    gcn = "signkit.models.encoders.configs:GcnConfig"
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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
        UserError: signkit itself is not installed.
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
    _claimed_twice[group] = {}
    for point in entry_points(group=f"signkit.{group}"):
        other = points.setdefault(point.name, point)
        if other.value != point.value:
            _claimed_twice[group][point.name] = sorted(_owner(each) for each in (other, point))
    return dict(sorted(points.items()))


_claimed_twice: dict[str, dict[str, list[str]]] = {}
"""Names of a group that two packages claim, with the packages: refused where they are used, not before."""


def _loaded(group: str, point: "EntryPoint") -> Any:
    if owners := _claimed_twice.get(group, {}).get(point.name):
        others = " or ".join(name for name in owners if name != "signkit")
        what = f"{point.name!r} is claimed by {' and '.join(owners)}"
        raise UserError(f"signkit.{group}", what, f"uninstall {others}")
    try:
        return point.load()
    except (ImportError, AttributeError, SyntaxError) as error:
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
    configs = dict[str, type[Any]]()
    for name in registered(group):
        with suppress(UserError):  # what is broken is told where it is used, and by `signkit list`
            configs[name] = config_class(group, name)
    older = {name for config in configs.values() for name in getattr(config, "aliases", ())}
    return [
        name for name, config in configs.items() if name not in older and not hasattr(config, "placeholder")
    ]


def _is_class(group: str, name: str, cls: type[Any]) -> bool:
    try:
        return config_class(group, name) is cls
    except UserError:
        return False


def component_name(group: str, config: ComponentConfig) -> str:
    """The name under which a component is registered; not one of its older names.

    Raises:
        KeyError: it is not registered.
    """
    cls = type(config)
    older: tuple[str, ...] = getattr(cls, "aliases", ())
    known = {name: point for name, point in registered(group).items() if name not in older}
    direct = (name for name, point in known.items() if point.value == f"{cls.__module__}:{cls.__qualname__}")
    name = next(direct, None) or next((name for name in known if _is_class(group, name, cls)), None)
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


def unusable(group: str) -> dict[str, str]:
    """The components of a group that cannot be used, and why: their packages are broken."""
    found = {}
    for name in registered(group):
        try:
            config_class(group, name)
        except UserError as error:
            found[name] = str(error)
    return found


def summary(config: type[Any]) -> str:
    """A component's description: the first line of its options' docstring."""
    return (config.__doc__ or "").strip().partition("\n")[0]
