"""The layouts of MediaPipe (Apache-2.0) and OpenPose, and parts of them.

Indices are MediaPipe's, in ``openpose`` those of OpenPose: BODY_25, 70 points of the face, 21 of each hand.
Both have the order body, face, left hand, right hand; left and right are the signer's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from signkit.data.face_points import LEFT_EYE, LIPS_INSIDE, LIPS_OUTSIDE, NOSE, RIGHT_EYE
from signkit.data.layout_type import Edge, Layout, part_of_layout


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

HAND = ("wrist", *(f"{finger}_{joint}" for finger, joints in (
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
    right = left + len(HAND)
    end = right + len(HAND)
    return Layout(
        name=name,
        points=(
            *body.points,
            *(f"{body.face}_{i}" for i in range(left - face)),
            *(f"left_hand_{point}" for point in HAND),
            *(f"right_hand_{point}" for point in HAND),
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
    taken = part_of_layout(replace(whole, edges=()), chosen, name)
    new_parts = {part: tuple(new[i] for i in members) for part, members in parts.items()}
    return replace(taken, parts=new_parts, edges=tuple(inside.values()))


@cache
def builtin_layouts() -> dict[str, Layout]:
    """All of them by their names."""
    holistic = _signer("holistic", _HOLISTIC)
    face = sorted({33 + i for edge in _FACE_EDGES for i in edge})
    both = [*holistic.parts["left_hand"], *holistic.parts["right_hand"]]
    hands = part_of_layout(holistic, both, "hands")
    hand = Layout(
        name="hand",
        points=HAND,
        parts={"hand": tuple(range(len(HAND)))},
        edges=_HAND_EDGES,
        mirror=tuple(range(len(HAND))),
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
        part_of_layout(holistic, [*_SIGNING_POSE, *face, *both], "signing"),
        replace(hands, root=(0, len(HAND)), scale=(_PALM, *_moved([_PALM], len(HAND)))),
        hand,
        _signer("openpose", _OPENPOSE),
        boston104,
        *_spelling(holistic),
    )
    return {each.name: each for each in layouts}
