"""Landmark layouts as data: which points there are, their parts, edges and mirror images.

The indices are those of MediaPipe (Apache-2.0), in ``openpose`` those of OpenPose: BODY_25, 70 points of
the face, 21 of each hand. Both have the order body, face, left hand, right hand; left and right are the
signer's own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

from signkit.config.registry import entry_points_of, loaded_as
from signkit.config.suggest import suggestion
from signkit.data.face_points import LEFT_EYE, LIPS_INSIDE, LIPS_OUTSIDE, NOSE, RIGHT_EYE
from signkit.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ALIASES = {"mediapipe_hand": "hand"}
"""Names that other programs have for a layout of the same points."""
Edge = tuple[int, int]
Which = Literal["all", "signing", "hands", "fingerspelling", "hand_and_arm"]
Hand = Literal["both", "signing"]


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


def layout(name: str, where: str = "layout") -> Layout:
    """The layout of a name: one of those here, by any of its names (`ALIASES`), or one that another package
    registers in `signkit.layouts`.

    Args:
        where: the file that names it, for the message.

    Raises:
        UserError: no layout has that name, or a package's layout cannot be used.
    """
    known = _layouts()
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
    for name in dict.fromkeys((*_layouts(), *entry_points_of("layouts"))):
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
        small = _take(whole, chosen, f"{whole.name}.hands") if len(chosen) < len(index) else whole
    elif lacking := [name for name in small.points if name not in index]:
        if which != "signing":
            what = f"layout {whole.name!r} lacks {len(lacking)} points of {which!r}, such as {lacking[0]!r}"
            raise UserError("landmarks.points", what, "use points: all")
        small = whole
    small = _right_hand(small) if hand == "signing" else small
    places = np.array([index[name] for name in small.points], dtype=np.int64)
    if small.parts.keys() == {"right_hand"} and len(small.points) == len(_HAND):
        small = layout("hand")  # the same points in the same order, for models of a single hand
    return small, places


def is_part_of(name: str, whole: str) -> bool:
    """Whether a layout has only points that another one has, by their names; False of what is no layout."""
    known = _layouts()
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
    return _take(replace(both, mirror=mirror, root=root), chosen, f"{both.name}.right_hand")


def _take(whole: Layout, chosen: Sequence[int], name: str) -> Layout:
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


def _opposite(points: Sequence[str]) -> tuple[int, ...]:
    """The mirror of points named by side: ``left_elbow`` and ``right_elbow``."""
    index = {name: i for i, name in enumerate(points)}
    swap = {"left": "right", "right": "left"}
    images = ("_".join(swap.get(word, word) for word in name.split("_")) for name in points)
    return tuple(index[image] for image in images)


def _moved(edges: Sequence[Edge], by: int) -> tuple[Edge, ...]:
    return tuple((a + by, b + by) for a, b in edges)


def _chains(*paths: Sequence[int]) -> tuple[Edge, ...]:
    return tuple(edge for path in paths for edge in zip(path, path[1:], strict=False))


_POSE = (
    "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye",
    "right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder",
    "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky",
    "right_pinky", "left_index", "right_index", "left_thumb", "right_thumb", "left_hip", "right_hip",
    "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel", "right_heel",
    "left_foot_index", "right_foot_index",
)  # fmt: skip
# MediaPipe's own edges, and the head joined to the shoulders and the mouth to the nose (ours), so
# that the upper body is one piece.
_POSE_EDGES = _chains(
    (7, 3, 2, 1, 0, 4, 5, 6, 8), (0, 9, 10, 0), (0, 11, 12, 0),
    (11, 13, 15, 17, 19, 15, 21), (12, 14, 16, 18, 20, 16, 22),
    (11, 23, 24, 12), (23, 25, 27, 29, 31, 27), (24, 26, 28, 30, 32, 28),
)  # fmt: skip
_SHOULDERS = (11, 12)
_SIGNING_POSE = range(17)  # head, shoulders, elbows, wrists

_FACE_POINTS = 468
# Face points on the middle line. The others come in pairs: the k-th of them below 248 (the signer's
# right) is the image of 248 + k. Read off MediaPipe's canonical face model, where it is exact.
_FACE_MIDDLE = (
    0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 94, 151, 152, 164, 168, 175, 195,
    197, 199, 200,
)  # fmt: skip
_FACE_EDGES = _chains(
    (61, 39, 0, 269, 291, 405, 17, 181, 61), (78, 13, 308, 14, 78), (61, 78), (308, 291),  # lips
    (33, 159, 133, 145, 33), (263, 386, 362, 374, 263),  # eyes
    (70, 105, 107), (300, 334, 336), (107, 133), (336, 362),  # brows
    (133, 1, 362), (1, 0), (17, 152),  # tip of the nose, chin
)  # fmt: skip

_HAND = ("wrist", *(f"{finger}_{joint}" for finger, joints in (
    ("thumb", ("cmc", "mcp", "ip", "tip")), ("index", ("mcp", "pip", "dip", "tip")),
    ("middle", ("mcp", "pip", "dip", "tip")), ("ring", ("mcp", "pip", "dip", "tip")),
    ("pinky", ("mcp", "pip", "dip", "tip")),
) for joint in joints))  # fmt: skip
_HAND_EDGES = _chains(
    (0, 1, 2, 3, 4), (0, 5, 6, 7, 8), (5, 9, 10, 11, 12), (9, 13, 14, 15, 16), (13, 17, 18, 19, 20), (0, 17)
)
_PALM = (0, 9)  # from the wrist to the root of the middle finger


_BODY_25 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow",
    "left_wrist", "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear", "left_big_toe", "left_small_toe", "left_heel",
    "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
_BODY_25_EDGES = _chains(
    (17, 15, 0, 16, 18), (0, 1), (1, 2, 3, 4), (1, 5, 6, 7), (1, 8), (8, 9, 10, 11, 22, 23), (11, 24),
    (8, 12, 13, 14, 19, 20), (14, 21),
)  # fmt: skip
_BODY_25_SHOULDERS = (2, 5)
_FACE_70 = (
    range(17), range(17, 22), range(22, 27), range(27, 31), range(31, 36),  # jaw, brows, nose
    (*range(36, 42), 36), (*range(42, 48), 42), (*range(48, 60), 48), (*range(60, 68), 60),  # eyes, lips
)  # fmt: skip
# Jaw, brows, nose and lips from side to side; the eyes; the pupils.
_FACE_70_MIRROR = (
    *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1), 45, 44, 43, 42, 47, 46,
    39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
    69, 68,
)  # fmt: skip


def _face_mirror() -> tuple[int, ...]:
    mirror = list(range(_FACE_POINTS))
    right = (i for i in range(248) if i not in _FACE_MIDDLE)
    for left, other in enumerate(right, start=248):
        mirror[left], mirror[other] = other, left
    return tuple(mirror)


@dataclass(frozen=True)
class _Body:
    """Body and face of a whole signer: names of the points, edges and, of the face, mirror images."""

    points: tuple[str, ...]
    edges: tuple[Edge, ...]
    shoulders: Edge
    face: str
    face_edges: tuple[Edge, ...]
    face_mirror: tuple[int, ...]


_HOLISTIC = _Body(_POSE, _POSE_EDGES, _SHOULDERS, "face", _FACE_EDGES, _face_mirror())
_OPENPOSE = _Body(_BODY_25, _BODY_25_EDGES, _BODY_25_SHOULDERS, "face70", _chains(*_FACE_70), _FACE_70_MIRROR)


def _signer(name: str, body: _Body) -> Layout:
    """Body, face, left hand, right hand."""
    face = len(body.points)
    left = face + len(body.face_mirror)
    right = left + len(_HAND)
    end = right + len(_HAND)
    return Layout(
        name=name,
        points=(
            *body.points,
            *(f"{body.face}_{i}" for i in range(left - face)),
            *(f"left_hand_{point}" for point in _HAND),
            *(f"right_hand_{point}" for point in _HAND),
        ),
        parts={
            "body": tuple(range(face)),
            "face": tuple(range(face, left)),
            "left_hand": tuple(range(left, right)),
            "right_hand": tuple(range(right, end)),
        },
        edges=(
            *body.edges,
            *_moved(body.face_edges, face),
            *_moved(_HAND_EDGES, left),
            *_moved(_HAND_EDGES, right),
        ),
        mirror=(
            *_opposite(body.points),
            *(face + i for i in body.face_mirror),
            *range(right, end),
            *range(left, right),
        ),
        root=body.shoulders,
        scale=(body.shoulders,),
    )


def _spelling(holistic: Layout) -> tuple[Layout, Layout]:
    """The points of two systems for fingerspelling.

    ``fingerspelling``: the 130 points of the first place in Google's ASL Fingerspelling competition.
    ``hand_and_arm``: the 21 + 5 points on each side of the competition's starter notebook: hand, elbow,
    wrist, and the pose's pinky, index and thumb.
    """
    index = {name: i for i, name in enumerate(holistic.points)}
    lips, eyes = (*LIPS_OUTSIDE, *LIPS_INSIDE), {"right_eye": RIGHT_EYE, "left_eye": LEFT_EYE}
    hands = {part: holistic.parts[part] for part in ("left_hand", "right_hand")}
    upper = range(_SHOULDERS[0], index["right_thumb"] + 1)
    head = {
        name: [33 + i for i in members] for name, members in (("lips", lips), ("nose", NOSE), *eyes.items())
    }
    face_edges = _chains(
        (*LIPS_OUTSIDE, LIPS_OUTSIDE[0]), (*LIPS_INSIDE, LIPS_INSIDE[0]), (61, 78), (291, 308),
        (1, 2, 98), (2, 327), (*RIGHT_EYE, RIGHT_EYE[0]), (*LEFT_EYE, LEFT_EYE[0]),
    )  # fmt: skip
    edges = (*holistic.edges, *_moved(face_edges, 33))
    spelling = _parted(
        holistic,
        "fingerspelling",
        {"lips": head["lips"], **hands, **{n: head[n] for n in ("nose", *eyes)}, "pose": upper},
        edges,
    )
    arms = {
        f"{side}_arm": [i for i in upper if _POSE[i].startswith(side) and i not in _SHOULDERS]
        for side in ("left", "right")
    }
    return spelling, _parted(holistic, "hand_and_arm", {**hands, **arms}, edges)


def _parted(whole: Layout, name: str, parts: Mapping[str, Sequence[int]], edges: Sequence[Edge]) -> Layout:
    """The layout of these parts, whose points are numbered as in the whole, with the edges inside them."""
    chosen = [i for members in parts.values() for i in members]
    new = {old: place for place, old in enumerate(chosen)}
    part_of = {new[i]: part for part, members in parts.items() for i in members}
    inside = {
        frozenset(pair): pair
        for a, b in edges
        if a in new and b in new and part_of[new[a]] == part_of[new[b]]
        for pair in ((new[a], new[b]),)
    }
    taken = _take(replace(whole, edges=()), chosen, name)
    new_parts = {part: tuple(new[i] for i in members) for part, members in parts.items()}
    return replace(taken, parts=new_parts, edges=tuple(inside.values()))


@cache
def _layouts() -> dict[str, Layout]:
    holistic = _signer("holistic", _HOLISTIC)
    face = sorted({33 + i for edge in _FACE_EDGES for i in edge})
    both = [*holistic.parts["left_hand"], *holistic.parts["right_hand"]]
    hands = _take(holistic, both, "hands")
    hand = Layout(
        name="hand",
        points=_HAND,
        parts={"hand": tuple(range(len(_HAND)))},
        edges=_HAND_EDGES,
        mirror=tuple(range(len(_HAND))),
        root=(0,),
        scale=(_PALM,),
    )
    boston104 = Layout(
        name="boston104",
        points=("left-hand", "right-hand", "nose"),
        parts={"left_hand": (0,), "right_hand": (1,), "head": (2,)},
        edges=(),
        mirror=(1, 0, 2),
        root=(2,),
        unit=50.0,  # pixels: about a head's height in these films
    )
    layouts = (
        holistic,
        _take(holistic, [*_SIGNING_POSE, *face, *both], "signing"),
        replace(hands, root=(0, len(_HAND)), scale=(_PALM, *_moved([_PALM], len(_HAND)))),
        hand,
        _signer("openpose", _OPENPOSE),
        boston104,
        *_spelling(holistic),
    )
    return {each.name: each for each in layouts}
