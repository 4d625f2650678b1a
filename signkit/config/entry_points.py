"""The entry points of components: which there are, of which packages, and loading one."""

import traceback
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from signkit.errors import SignkitError, UserError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
KINDS = {
    "corpora": "corpus",
    "encoders": "encoder",
    "contexts": "context",
    "models": "model",
    "losses": "loss",
    "decoders": "decoder",
    "fusion": "external model",
    "tasks": "task",
    "layouts": "layout",
}
"""Every group, and what one of it is called."""


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


@cache
def entry_points_of(group: str) -> "dict[str, EntryPoint]":
    """As `registered`, of a group to which signkit itself adds nothing; so it may be empty."""
    from importlib.metadata import entry_points  # slow to import

    points: dict[str, EntryPoint] = {}
    _claimed_twice[group] = {}
    for point in entry_points(group=f"signkit.{group}"):
        other = points.setdefault(point.name, point)
        if other.value != point.value:
            _claimed_twice[group][point.name] = sorted(owner(each) for each in (other, point))
    return dict(sorted(points.items()))


_claimed_twice: dict[str, dict[str, list[str]]] = {}
"""Names of a group that two packages claim, with the packages: refused where they are used, not before."""


def loaded(group: str, point: "EntryPoint") -> Any:
    """What an entry point refers to.

    Raises:
        UserError: two packages claim its name, or it cannot be loaded; naming the package.
    """
    if owners := _claimed_twice.get(group, {}).get(point.name):
        others = " or ".join(name for name in owners if name != "signkit")
        what = f"{point.name!r} is claimed by {' and '.join(owners)}"
        raise UserError(f"signkit.{group}", what, f"uninstall {others}")
    try:
        return point.load()
    except (ImportError, AttributeError, SyntaxError) as error:
        what = f"{group} {point.name!r} cannot be loaded from {point.value}: {error}"
        raise UserError(owner(point), what) from error
    except SignkitError:
        raise
    except Exception as error:  # of code that runs when the module is imported
        what = f"{group} {point.name!r} cannot be loaded from {point.value}: {shown(error, point.value)}"
        raise UserError(owner(point), what) from error


def loaded_as(group: str, point: "EntryPoint", kind: type[T]) -> T:
    """What an entry point refers to, in a group of objects without options and factories.

    Raises:
        UserError: it cannot be loaded, or is not of that kind; naming the package.
    """
    found = loaded(group, point)
    if not isinstance(found, kind):
        raise UserError(owner(point), f"{point.value} is not a {kind.__name__}")
    return found


def owner(point: "EntryPoint") -> str:
    """The package that registers an entry point; where that is not known, what it refers to."""
    return point.dist.name if point.dist is not None else point.value


def package(point: "EntryPoint") -> str:
    """The package with its version: ``my-signs 1.0``; "" of signkit's own."""
    if top(point.value) == "signkit":
        return ""
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else top(point.value)


def top(place: str) -> str:
    """The outermost package of a module, or of an entry point's value."""
    return place.partition(":")[0].partition(".")[0]


def shown(error: BaseException, place: str) -> str:
    """An exception in a line: type, message, and file and line of the innermost code of the package at
    ``place``, or of any code."""
    frames = [*traceback.walk_tb(error.__traceback__)]
    own = [each for each in frames if top(each[0].f_globals.get("__name__", "")) == top(place)] or frames
    what = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    return f"{what} ({own[-1][0].f_code.co_filename}:{own[-1][1]})" if own else what
