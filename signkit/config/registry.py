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
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, Protocol, runtime_checkable

from signkit.config.entry_points import KINDS, entry_points_of, loaded, loaded_as, owner, package, registered
from signkit.config.own_code import check_kind, described, own_code, point_of, remember
from signkit.config.suggest import suggestion
from signkit.errors import UserError, missing_extra

__all__ = [
    "GROUPS",
    "ComponentConfig",
    "NotInstalled",
    "build",
    "check_extra",
    "component_name",
    "components",
    "config_class",
    "entry_points_of",
    "extra_for",
    "factory_of",
    "loaded_as",
    "offered",
    "providers",
    "registered",
    "summary",
    "unusable",
]

GROUPS = tuple(group for group in KINDS if group != "layouts")
"""The groups of components that have options and a factory."""


@runtime_checkable
class ComponentConfig(Protocol):
    """The options of a component: a frozen dataclass. The first line of its docstring is shown in listings.

    If it is registered under several names, the older ones are in a class variable ``aliases``.

    Attributes:
        factory: ``module:function``, called with the options and further arguments of the group.
    """

    factory: ClassVar[str]


@dataclass(frozen=True)
class NotInstalled:
    """Stands for a component that is not needed for what is done, and whose package is not there.

    Attributes:
        kind: what it is, such as ``loss``.
        name: of the component.
        why: it cannot be used, and what to do about it.
    """

    factory: ClassVar[str] = "signkit.config.registry:_refuse"
    kind: str
    name: str
    why: tuple[str, str]


def _refuse(config: NotInstalled, *_: Any, **__: Any) -> None:
    raise UserError(f"{config.kind} `{config.name}`", *config.why)


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
    found = loaded(group, point)
    if not (
        isinstance(found, type) and is_dataclass(found) and isinstance(getattr(found, "factory", None), str)
    ):
        raise UserError(owner(point), f"{point.value} is not a dataclass with a factory")
    return found


def build(config: ComponentConfig, *args: Any, gives: type = object, **kwargs: Any) -> Any:
    """Import a component's factory and call it with the options and the other arguments.

    Args:
        gives: the class or protocol of what it returns.

    Raises:
        UserError: a package that the component needs is not installed (the message names signkit's extra for
            it), there is no such factory, or it returns something else.
        ComponentError: the factory of another package raises an exception.
    """
    factory = factory_of(config)
    with own_code(config):
        built = factory(config, *args, **kwargs)
    check_kind(built, gives, described(config), f"its factory {config.factory} gives")
    remember(built, config)
    return built


def factory_of(config: "ComponentConfig | type[ComponentConfig]") -> Callable[..., Any]:
    """The function that builds a component.

    Raises:
        UserError, ComponentError: as by `build`.
    """
    module, _, function = config.factory.partition(":")
    try:
        with own_code(config):
            factory = getattr(import_module(module), function, None) if module else None
    except ImportError as error:
        check_extra(error, config.factory)
        what = f"its factory {config.factory} cannot be loaded: {error}"
        raise UserError(described(config), what) from error
    if not callable(factory):
        what = f"its `factory` is {config.factory!r}, and there is no such function"
        raise UserError(described(config), what, "write it as `module:function`")
    return factory  # type: ignore[no-any-return]


_PACKAGES = {"PIL": "pillow", "cv2": "mediapipe", "sklearn": "scikit_learn"}
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
    if isinstance(config, NotInstalled):
        return config.name
    cls = type(config)
    older: tuple[str, ...] = getattr(cls, "aliases", ())
    known = {name: point for name, point in registered(group).items() if name not in older}
    direct = (name for name, point in known.items() if point.value == f"{cls.__module__}:{cls.__qualname__}")
    name = next(direct, None) or next((name for name in known if _is_class(group, name, cls)), None)
    if name is None:
        raise KeyError(f"{cls.__qualname__} is not registered in signkit.{group}")
    return name


def components(value: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """Group, name, entry point and options of the registered components in a recipe."""
    if isinstance(value, tuple):
        for each in value:
            yield from components(each)
    elif is_dataclass(value):
        if (point := point_of(type(value))) is not None:
            yield *point, value
        for field in fields(value):
            yield from components(getattr(value, field.name))


def providers(value: Any, layout: str = "") -> dict[tuple[str, str], str]:
    """The packages that the components in a recipe are of, signkit's own left out: by group and name, the
    package with its version, such as ``flat-encoder 1.0``.

    Args:
        layout: of the landmarks; its package is one of them.
    """
    found = {(group, name): package(point) for group, name, point, _ in components(value)}
    if layout in entry_points_of("layouts"):
        found["layouts", layout] = package(entry_points_of("layouts")[layout])
    return {component: of for component, of in found.items() if of}


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
