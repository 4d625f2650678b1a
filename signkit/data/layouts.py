"""Landmark layouts by name: those of signkit and of other packages, and the parts of them that are used."""

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Literal

from signkit.config.registry import entry_points_of, loaded_as
from signkit.config.suggest import suggestion
from signkit.data.builtin_layouts import HAND, builtin_layouts
from signkit.data.layout_type import Layout, part_of_layout
from signkit.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Layout", "is_part_of", "layout", "subset", "summaries"]

ALIASES = {"mediapipe_hand": "hand"}
"""Names that other programs have for a layout of the same points."""
Which = Literal["all", "signing", "hands", "fingerspelling", "hand_and_arm"]
Hand = Literal["both", "signing"]


def layout(name: str, where: str = "layout") -> Layout:
    """The layout of a name: one of those here, by any of its names (`ALIASES`), or one that another package
    registers in `signkit.layouts`.

    Args:
        where: the file that names it, for the message.

    Raises:
        UserError: no layout has that name, or a package's layout cannot be used.
    """
    known = builtin_layouts()
    name = ALIASES.get(name, name)
    if name in known:
        return known[name]
    outside = entry_points_of("layouts")
    if name not in outside:
        raise UserError(where, f"unknown landmark layout {name!r}", suggestion(name, [*known, *outside]))
    return _outside(name)


def summaries() -> dict[str, str]:
    """Every layout by its name, with its number of points and its parts; or why it cannot be used."""
    found = {}
    for name in dict.fromkeys((*builtin_layouts(), *entry_points_of("layouts"))):
        try:
            of = layout(name)
        except UserError as error:
            found[name] = f"cannot be used: {error}"
        else:
            found[name] = f"{len(of.points)} points: {', '.join(of.parts)}"
    return found


@cache
def _outside(name: str) -> Layout:
    point = entry_points_of("layouts")[name]
    loaded = loaded_as("layouts", point, Layout)
    if loaded.name != name:
        raise UserError(point.value, f"is registered as {name!r}, but its name is {loaded.name!r}")
    return loaded


def subset(whole: Layout, which: Which, hand: Hand = "both") -> "tuple[Layout, npt.NDArray[np.int64]]":
    """A part of a layout: the smaller layout, and the index of each of its points in the whole.

    ``signing`` keeps a layout whole that does not have all the points of the layout ``signing``
    (it is as small already). ``hands`` are the parts that are hands. ``fingerspelling`` and
    ``hand_and_arm`` are layouts too, see `_spelling`.

    Args:
        hand: ``signing`` leaves out the left hand and arm: clips are mirrored so that the right hand signs.

    Raises:
        UserError: the layout has no hands, not those two, or lacks points.
    """
    import numpy as np  # `signkit list` shows layouts without it

    index = {name: i for i, name in enumerate(whole.points)}
    small = whole if which == "all" else layout(which)
    if which == "hands" and not index.keys() >= set(small.points):
        if not whole.hands:
            raise UserError("landmarks.points", f"layout {whole.name!r} has no hands", "use points: all")
        chosen = sorted(i for part in whole.hands for i in whole.parts[part])
        small = part_of_layout(whole, chosen, f"{whole.name}.hands") if len(chosen) < len(index) else whole
    elif lacking := [name for name in small.points if name not in index]:
        if which != "signing":
            what = f"layout {whole.name!r} lacks {len(lacking)} points of {which!r}, such as {lacking[0]!r}"
            raise UserError("landmarks.points", what, "use points: all")
        small = whole
    small = _right_hand(small) if hand == "signing" else small
    places = np.array([index[name] for name in small.points], dtype=np.int64)
    if small.parts.keys() == {"right_hand"} and len(small.points) == len(HAND):
        small = layout("hand")  # the same points in the same order, for models of a single hand
    return small, places


def is_part_of(name: str, whole: str) -> bool:
    """Whether a layout has only points that another one has, by their names; False of what is no layout."""
    known = builtin_layouts()
    if name not in known or whole not in known:
        return False
    return {*known[name].points} <= {*known[whole].points}


def _right_hand(both: Layout) -> Layout:
    """The layout without the left hand and arm. In the mirror, the right ones are themselves.

    Raises:
        UserError: it has no left and right hand.
    """
    if set(both.hands) != {"left_hand", "right_hand"}:
        what = f"layout {both.name!r} has no left and right hand to choose from"
        raise UserError("landmarks.hand", what, "use hand: both")
    gone = {i for part in ("left_hand", "left_arm") for i in both.parts.get(part, ())}
    alone = {i for part in ("right_hand", "right_arm") for i in both.parts.get(part, ())}
    mirror = tuple(i if i in gone | alone else both.mirror[i] for i in range(len(both.points)))
    root = tuple(i for i in both.root if i not in gone)
    chosen = [i for i in range(len(both.points)) if i not in gone]
    return part_of_layout(replace(both, mirror=mirror, root=root), chosen, f"{both.name}.right_hand")
