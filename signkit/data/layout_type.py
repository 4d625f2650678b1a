"""A landmark layout: which points there are, their parts, edges and mirror images."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

Edge = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The points of a signer, by index.

    Attributes:
        points: a name for each point.
        parts: the points of each part; every point is in one part. Hands are called ``hand`` or
            ``left_hand`` and ``right_hand``.
        edges: pairs of points that hang together, each within a part and given once.
        mirror: for each point its mirror image; a part's image is a part.
        root: points whose mean is the signer's place; empty: the mean of all seen points.
        scale: pairs of points whose distance is the unit of length.
        unit: the unit of length of a layout without such a pair, in its own units.

    Raises:
        ValueError: one of these does not hold.
    """

    name: str
    points: tuple[str, ...]
    parts: dict[str, tuple[int, ...]] = field(hash=False)
    edges: tuple[Edge, ...]
    mirror: tuple[int, ...]
    root: tuple[int, ...] = ()
    scale: tuple[Edge, ...] = ()
    unit: float | None = None

    def __post_init__(self) -> None:
        if fault := self._misfit():
            raise ValueError(f"layout {self.name!r}: {fault}")
        every = list(range(len(self.points)))
        part_of = {point: name for name, members in self.parts.items() for point in members}
        image = {frozenset(self.mirror[i] for i in members) for members in self.parts.values()}
        undirected = {frozenset(edge) for edge in self.edges}
        rules = {
            "two points have one name": len(set(self.points)) == len(every),
            "an edge leaves its part": all(part_of.get(a) == part_of.get(b, -1) for a, b in self.edges),
            "an edge is given twice": len(undirected) == len(self.edges),
            "the mirror is not its own inverse": [self.mirror[i] for i in self.mirror] == every,
            "the mirror tears a part apart": image == {frozenset(p) for p in self.parts.values()},
            "the unit is not positive": self.unit is None or self.unit > 0,
        }
        for fault, holds in rules.items():
            if not holds:
                raise ValueError(f"layout {self.name!r}: {fault}")

    def _misfit(self) -> str:
        """What is wrong with types, indices and parts, on which the other rules rely; "" if nothing is."""
        for name in ("points", "edges", "mirror", "root", "scale"):
            if not isinstance(getattr(self, name), tuple):
                return f"{name} is a {type(getattr(self, name)).__name__}, not a tuple"
        if not isinstance(self.parts, dict):
            return f"parts is a {type(self.parts).__name__}, not a dict of indices by name"
        for pair in (*self.edges, *self.scale):
            if not isinstance(pair, tuple) or len(pair) != 2:
                return f"edges or scale has {pair!r}, which is not a pair of points"
        size, parts = len(self.points), {f"part {name!r}": part for name, part in self.parts.items()}
        flat = {"edges": sum(self.edges, ()), "scale": sum(self.scale, ())}
        for name, indices in (parts | flat | {"mirror": self.mirror, "root": self.root}).items():
            if wrong := [i for i in indices if not isinstance(i, int) or not 0 <= i < size]:
                return f"{name} has {wrong[0]!r}, and the points are 0 to {size - 1}"
        if len(self.mirror) != size:
            return f"mirror has {len(self.mirror)} entries, and there are {size} points"
        members = Counter(i for part in self.parts.values() for i in part)
        for i, point in enumerate(self.points):
            if members[i] != 1:
                what = f"{members[i]} times" if members[i] else "not"
                return f"every point is in one part, and {point!r}, point {i}, is {what} in the parts"
        return ""

    @property
    def hands(self) -> tuple[str, ...]:
        """The parts that are hands."""
        return tuple(name for name in self.parts if name.split("_")[-1] == "hand")


def part_of_layout(whole: Layout, chosen: Sequence[int], name: str) -> Layout:
    """The layout of some points, which with a point have its mirror image; edges inside stay."""
    new = {old: place for place, old in enumerate(chosen)}
    parts = {part: tuple(new[i] for i in members if i in new) for part, members in whole.parts.items()}
    return Layout(
        name=name,
        points=tuple(whole.points[i] for i in chosen),
        parts={part: members for part, members in parts.items() if members},
        edges=tuple((new[a], new[b]) for a, b in whole.edges if a in new and b in new),
        mirror=tuple(new[whole.mirror[i]] for i in chosen),
        root=tuple(new[i] for i in whole.root) if new.keys() >= set(whole.root) else (),
        scale=tuple((new[a], new[b]) for a, b in whole.scale if a in new and b in new),
        unit=whole.unit,
    )
