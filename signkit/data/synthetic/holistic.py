"""The avatar's body: points in MediaPipe's holistic order, placed by formula.

The frame of the body: origin between the shoulders, unit one shoulder width, x to the right of the
picture, y down, z away from the camera. Order of the 543 points: pose 33, face 468, left hand 21,
right hand 21. Only exactly rounded operations, so that the bits are the same on every machine.
"""

import numpy as np

from signkit.data.synthetic.draw import Array

POSE, FACE, HAND = 33, 468, 21
POINTS = POSE + FACE + 2 * HAND
FACE_START, LEFT_START, RIGHT_START = POSE, POSE + FACE, POSE + FACE + HAND

# MediaPipe's face mesh, by ring: from the picture's left through the lower side to the right and back.
LIPS_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
LIPS_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
EYE_RIGHT = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
EYE_LEFT = (362, 382, 381, 380, 374, 373, 390, 249, 263, 466, 388, 387, 386, 385, 384, 398)
OVAL = (
    234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323,
    454, 356, 389, 251, 284, 332, 297, 338, 10, 109, 67, 103, 54, 21, 162, 127,
)  # fmt: skip
BROWS = ((70, 63, 105, 66, 107, 336, 296, 334, 293, 300), (46, 53, 52, 65, 55, 285, 295, 282, 283, 276))
NOSE_LINE = (168, 6, 197, 195, 5, 4, 1, 19, 94, 2)
NOSE_TIP = (0.0, -0.55, -0.25)  # of the face in the body's frame
BROW_POINTS = BROWS[0] + BROWS[1]
LIP_POINTS = LIPS_OUTER + LIPS_INNER

# Pose of head and trunk: nose, eyes, ears, mouth, shoulders, hips; we face the signer, whose left is x > 0.
TRUNK = {
    0: NOSE_TIP, 1: (0.05, -0.63, -0.2), 2: (0.10, -0.63, -0.2), 3: (0.15, -0.63, -0.18),
    4: (-0.05, -0.63, -0.2), 5: (-0.10, -0.63, -0.2), 6: (-0.15, -0.63, -0.18),
    7: (0.24, -0.58, 0.05), 8: (-0.24, -0.58, 0.05), 9: (0.07, -0.42, -0.2), 10: (-0.07, -0.42, -0.2),
    11: (0.5, 0.0, 0.0), 12: (-0.5, 0.0, 0.0), 23: (0.3, 1.45, 0.0), 24: (-0.3, 1.45, 0.0),
}  # fmt: skip
LEGS = slice(25, 33)  # outside the picture


def turn(half: float) -> tuple[float, float]:
    """Cosine and sine of the angle whose half has this tangent."""
    return (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)


def trunk() -> Array:
    """The pose at rest [33, 3]; arms and hands are 0, legs NaN."""
    points = np.zeros((POSE, 3))
    points[LEGS] = np.nan
    for index, place in TRUNK.items():
        points[index] = place
    return points


def face() -> Array:
    """The face at rest [468, 3], around the tip of the nose."""
    points = _disc()
    ring = _ring(len(OVAL))
    points[list(OVAL)] = _oval(ring, (0.0, -0.02, 0.15), 0.24, 0.33)
    for eye, x in ((EYE_RIGHT, -0.10), (EYE_LEFT, 0.10)):
        ring = _ring(len(eye))
        points[list(eye)] = _oval(ring, (x, -0.08, 0.06), 0.05, 0.02)
    for lips, half_width, half_height in ((LIPS_OUTER, 0.09, 0.035), (LIPS_INNER, 0.07, 0.008)):
        ring = _ring(len(lips))
        points[list(lips)] = _oval(ring, (0.0, 0.13, 0.04), half_width, half_height)
    for brow, height in zip(BROWS, (-0.15, -0.13), strict=True):
        for k, index in enumerate(brow):
            side = 0.05 * (k - 4.5)
            points[index] = (side - 0.015 if side < 0 else side + 0.015, height - 0.004 * min(k, 9 - k), 0.06)
    for k, index in enumerate(NOSE_LINE):
        points[index] = (0.0, 0.02 * (k - 6), 0.01 * abs(k - 6))
    return points


def brows_up() -> Array:
    """The change of `BROW_POINTS` [20, 3] for a full raise of the brows."""
    change = np.zeros((len(BROW_POINTS), 3))
    change[:, 1] = -0.06
    return change


def mouth_changes() -> tuple[Array, Array]:
    """The changes of `LIP_POINTS` [40, 3] for an open mouth and for a spread one."""
    around = np.concatenate([_ring(len(LIPS_OUTER)), _ring(len(LIPS_INNER))])
    opened, spread = np.zeros((len(LIP_POINTS), 3)), np.zeros((len(LIP_POINTS), 3))
    opened[:, 1] = 0.06 * around[:, 1]
    spread[:, 0] = 0.04 * around[:, 0]
    return opened, spread


def hand(curls: Array, spread: float) -> Array:
    """A hand [21, 3] from the wrist: x to the thumb's side, y along the stretched fingers, z out of the palm.

    Args:
        curls: of thumb, index, middle, ring and little finger, 0 stretched to 1 closed.
        spread: of the fingers, 0 side by side to 1.
    """
    points = np.zeros((HAND, 3))
    bases = ((0.06, 0.05), (0.05, 0.20), (0.017, 0.21), (-0.017, 0.20), (-0.05, 0.18))
    lengths = ((60, 50, 40), (90, 55, 45), (100, 60, 50), (95, 55, 45), (70, 45, 40))  # thousandths
    slants = (0.5, 0.12, 0.02, -0.10, -0.2)
    for finger, (base, bones, slant, curl) in enumerate(zip(bases, lengths, slants, curls, strict=True)):
        side = slant * (0.4 + spread)
        across, along = turn(0.5 * side)[1], turn(0.5 * side)[0]
        x, y, z = base[0], base[1], 0.0
        points[1 + 4 * finger] = (x, y, z)
        for joint, length in enumerate(bones):
            bone = length / 1000
            cosine, sine = turn(float(curl) * (0.45, 1.0, 1.6)[joint])
            x, y, z = x + bone * cosine * across, y + bone * cosine * along, z + bone * sine
            points[2 + 4 * finger + joint] = (x, y, z)
    return points


def _oval(ring: Array, centre: tuple[float, float, float], half_width: float, half_height: float) -> Array:
    flat = np.concatenate([half_width * ring[:, :1], half_height * ring[:, 1:], 0.0 * ring[:, :1]], 1)
    return np.asarray(flat + np.array(centre), dtype=np.float64)


def _ring(count: int) -> Array:
    """Points [count, 2] on the unit circle: from (-1, 0) through (0, 1) to (1, 0) and back."""
    place = np.arange(count) * 4.0 / count
    x = np.where(place < 2, place - 1, 3 - place)
    y = np.where(place < 1, place, np.where(place < 3, 2 - place, place - 4))
    norm = np.sqrt(x * x + y * y)
    return np.stack([x / norm, y / norm], 1)


def _disc() -> Array:
    """Points [468, 3] spread over the face: a spiral in steps of nearly the golden angle."""
    cosine, sine = turn(18 / 7)
    x, y, points = 1.0, 0.0, np.zeros((FACE, 3))
    for k in range(FACE):
        radius = float(np.sqrt((k + 0.5) / FACE))
        points[k] = (0.23 * radius * x, 0.32 * radius * y - 0.02, 0.12 * radius * radius)
        x, y = x * cosine - y * sine, x * sine + y * cosine
    return points
