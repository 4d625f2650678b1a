"""The form of the avatar's signs: hand shape, orientation, location, movement, hands and marker.

A sign is a row of six numbers, each a choice from the tables below; the inventory is a small one in
the manner of sign phonology. The frame is that of the dominant hand: x to its own side.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.data.synthetic import holistic
from signkit.data.synthetic.draw import Array, below, shuffled

# curls of thumb, index, middle, ring, little finger; spread
HANDSHAPES = (
    (1.0, 1.0, 1.0, 1.0, 1.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    (1.0, 0.0, 1.0, 1.0, 1.0, 0.0), (1.0, 0.0, 0.0, 1.0, 1.0, 1.0), (0.0, 0.0, 1.0, 1.0, 1.0, 0.5),
    (0.0, 1.0, 1.0, 1.0, 0.0, 1.0), (1.0, 1.0, 1.0, 1.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 1.0),
    (0.4, 0.5, 0.5, 0.5, 0.5, 0.8), (0.6, 0.8, 0.0, 0.0, 0.0, 0.6), (0.0, 1.0, 1.0, 1.0, 1.0, 0.0),
)  # fmt: skip
# forehead, cheek, chin, other shoulder, chest, own side, belly, other side
LOCATIONS = (
    (0.15, -0.85, -0.35), (0.34, -0.52, -0.30), (0.05, -0.28, -0.40), (-0.35, 0.05, -0.30),
    (0.08, 0.30, -0.45), (0.60, 0.25, -0.55), (0.15, 0.75, -0.40), (-0.35, 0.50, -0.55),
)  # fmt: skip
HOLD, MOVEMENTS = 0, 8  # hold (the hand opens), up, down, outward, arc, circle, taps, shake
ORIENTATIONS = (
    ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, -1.0)),  # fingers up, palm to the camera
    ((0.0, -1.0, 0.0), (-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),  # fingers to the other side, palm to the body
    ((-1.0, 0.0, 0.0), (0.0, 0.28, -0.96), (0.0, 0.96, 0.28)),  # fingers to the camera, palm down
)  # the axes of a hand: thumb's side, along the fingers, out of the palm
ONE_HANDED, MIRRORED, ON_BASE = 0, 1, 2
# brows, open mouth, spread mouth: none, brows raised, brows lowered, mouth open, mouth rounded
MARKERS = ((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (-0.7, 0.0, 0.0), (0.0, 1.0, 0.4), (0.3, 0.4, -1.0))
REST_PLACE, REST_SHAPE = (0.42, 1.10, -0.10), 9
BASE_PLACE, BASE_SHAPE = (0.10, 0.62, -0.45), 1
SIZES = (len(HANDSHAPES), len(ORIENTATIONS), len(LOCATIONS), MOVEMENTS, 3, len(MARKERS))
CHOICES = {
    "hand_shape": (
        "fist", "flat", "spread", "index", "two", "thumb_index",
        "thumb_little", "little", "three", "claw", "ring", "thumb",
    ),
    "orientation": ("up_out", "across_in", "forward_down"),
    "location": (
        "forehead", "cheek", "chin", "other_shoulder", "chest", "own_side", "belly", "other_side",
    ),
    "movement": ("opening", "up", "down", "outward", "arc", "circle", "taps", "shake"),
    "symmetry": ("one_handed", "mirrored", "on_base"),
    "marker": ("none", "brows_raised", "brows_lowered", "mouth_open", "mouth_rounded"),
}  # fmt: skip
"""What a sign's six choices are called, and their values in the order of the tables above."""
LEAST_DIFFERENCE = 3
CANDIDATES = 6000

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The signs of a corpus; the last two rows of ``hands`` are the hand at rest and the base hand.

    Attributes:
        codes: the six choices of each sign [signs, 6].
        place: of the wrist in the middle of the sign [signs + 1, 3]; the last is rest.
        location: number of the location; rest has none and is given the last.
        movement, kind: number of the movement, and which hands sign.
        marker: brows, open mouth, spread mouth [signs + 1, 3].
        hands: points from the wrist [signs + 2, 21, 3].
        opened: the same at the end of a hold, when the hand has opened.
        frames: usual length of each sign.
    """

    codes: Codes
    place: Array
    location: Codes
    movement: Codes
    kind: Codes
    marker: Array
    hands: Array
    opened: Array
    frames: Codes


def labels_of(lexicon: Lexicon, form: int) -> dict[str, str]:
    """The choices of a sign by their names, such as ``{"hand_shape": "fist", …}``."""
    choices = zip(CHOICES.items(), lexicon.codes[form].tolist(), strict=True)
    return {name: values[choice] for (name, values), choice in choices}


def draw_lexicon(count: int, bits: np.random.PCG64) -> Lexicon:
    """So many signs, any two different in three of the six choices, or in fewer when those run out."""
    codes = _spread_codes(count, bits)
    rest = np.array([[REST_SHAPE, 2, len(LOCATIONS) - 1, HOLD, ONE_HANDED, 0]])
    base = np.array([[BASE_SHAPE, 1, 0, HOLD, ONE_HANDED, 0]])
    rows = np.concatenate([codes, rest])
    place = np.array(LOCATIONS)[rows[:, 2]]
    place[-1] = REST_PLACE
    mirrored = rows[:, 4] == MIRRORED
    place[mirrored, 0] = np.abs(place[mirrored, 0]) + 0.15  # the hands must not run into each other
    hands = [_hand(row, 1.0) for row in np.concatenate([rows, base])]
    opened = [_hand(row, 0.2 if row[3] == HOLD else 1.0) for row in codes] + hands[-2:]
    frames = np.array([5 + below(bits, 5) for _ in range(count)] + [1])
    return Lexicon(
        codes=codes, place=place, location=rows[:, 2], movement=rows[:, 3], kind=rows[:, 4],
        marker=np.array(MARKERS)[rows[:, 5]], hands=np.stack(hands), opened=np.stack(opened), frames=frames,
    )  # fmt: skip


def _spread_codes(count: int, bits: np.random.PCG64) -> Codes:
    """Rows of choices, drawn one by one: the first candidate that is far enough from all before."""
    total = 1
    for size in SIZES:
        total *= size
    left = np.array(shuffled(bits, range(total))[:CANDIDATES])
    columns = []
    for size in SIZES:
        columns.append(left % size)
        left = left // size
    candidates = np.stack(columns, 1)
    nearest = np.full(len(candidates), len(SIZES))
    chosen = []
    for _ in range(count):
        least = next(d for d in range(LEAST_DIFFERENCE, 0, -1) if (nearest >= d).any())
        chosen.append(int((nearest >= least).argmax()))
        nearest = np.minimum(nearest, (candidates != candidates[chosen[-1]]).sum(1))
    return candidates[chosen]


def _hand(row: Codes, closure: float) -> Array:
    *curls, spread = HANDSHAPES[row[0]]
    shape = holistic.hand(closure * np.array(curls), spread)
    side, along, palm = (np.array(axis) for axis in ORIENTATIONS[row[1]])
    return np.asarray(shape[:, :1] * side + shape[:, 1:2] * along + shape[:, 2:] * palm, dtype=np.float64)
