"""Names that a package offers and imports when they are first used (PEP 562)."""

from collections.abc import Callable, Mapping
from importlib import import_module


def lazy(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The `__getattr__` and the `__dir__` of a package whose names are imported when they are used.

    Args:
        package: the package's `__name__`.
        homes: the module that defines each name. A module of the same name is itself what is offered.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(homes[name])
        return module if homes[name].endswith(f".{name}") else getattr(module, name)

    return load, lambda: sorted(homes)
