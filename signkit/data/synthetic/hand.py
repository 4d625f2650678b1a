"""A kinematic right hand: from bone lengths and joint angles to MediaPipe's 21 points.

The frame of the hand: origin at the wrist, unit the distance from there to the root of the middle finger,
x to the thumb's side, y along the stretched fingers, z out of the palm. The thumb is placed by the point that
its tip touches, as descriptions of hand shapes have it, and its joints follow (inverse kinematics). The sizes
are those of an adult's hand, from anatomy. Only exactly rounded operations, so that the bits are the same on
every machine.
"""

from dataclasses import dataclass

import numpy as np

from signkit.data.synthetic.draw import Array, bell

POINTS = 21
FINGERS = ("index", "middle", "ring", "pinky")
KNUCKLES = ((0.27, 0.95, 0.0), (0.04, 1.0, 0.0), (-0.17, 0.94, 0.0), (-0.36, 0.83, 0.0))
"""Where the fingers begin."""
PHALANGES = ((0.43, 0.26, 0.22), (0.47, 0.30, 0.23), (0.43, 0.28, 0.23), (0.34, 0.20, 0.20))
THUMB_ROOT = (0.25, 0.18, 0.06)
THUMB = (0.45, 0.35, 0.28)
CONVERGENCE = (0.03, 0.12, 0.2, 0.3)
"""Bent fingers point at the root of the thumb: the slope of the plane in which each bends."""

FLEXION = ((-20.0, 100.0), (-5.0, 115.0), (-10.0, 80.0))
"""Limits of the three joints of a finger, in degrees."""
FAN = (-28.0, 28.0)
"""Limits of a finger's angle to the side."""
THUMB_BEND = 70.0
"""Largest angle of each of the thumb's two outer joints."""


@dataclass(frozen=True, slots=True)
class Bones:
    """The hand of a person.

    Attributes:
        knuckles: where the fingers begin [4, 3]. phalanges: their lengths [4, 3].
        thumb_root: where the thumb begins [3]. thumb: the lengths of its bones [3].
    """

    knuckles: Array
    phalanges: Array
    thumb_root: Array
    thumb: Array


def draw_bones(bits: np.random.PCG64, spread: float = 1.0) -> Bones:
    """The hand of a random person: breadth, length of fingers and thumb, and every bone on its own.

    Args:
        spread: 0 is the mean hand, 1 varies as people do.
    """
    breadth, fingers, thumb, *_ = 1 + spread * 0.07 * bell(bits, 4)
    knuckles = np.array(KNUCKLES) + spread * 0.02 * bell(bits, 12).reshape(4, 3)
    knuckles[:, 0] *= breadth
    phalanges = np.array(PHALANGES) * fingers * (1 + spread * 0.05 * bell(bits, 12).reshape(4, 3))
    root = np.array(THUMB_ROOT) + spread * 0.03 * bell(bits, 3)
    return Bones(knuckles, phalanges, root, np.array(THUMB) * thumb * (1 + spread * 0.05 * bell(bits, 3)))


def fingers(bones: Bones, flexion: Array, fan: Array) -> Array:
    """The points of the wrist and the four fingers [frames, 21, 3]; those of the thumb are 0.

    Args:
        flexion: of the three joints of each finger [frames, 4, 3], in degrees; cut off at the limits.
        fan: of each finger to the thumb's side [frames, 4]; cut off at its limits.
    """
    low, high = (np.array(limits) for limits in zip(*FLEXION, strict=True))
    flexion = np.minimum(np.maximum(flexion, low), high)
    cosine, sine = cosine_sine(np.minimum(np.maximum(fan, FAN[0]), FAN[1]))
    none = 0.0 * cosine
    along = np.stack([sine, cosine, none], -1)
    slope = np.array(CONVERGENCE)
    length = np.sqrt(1 + slope * slope)
    palmar = np.stack([slope * cosine / length, -slope * sine / length, none + 1 / length], -1)
    points = np.zeros((len(flexion), POINTS, 3))
    place = np.broadcast_to(bones.knuckles, along.shape)
    points[:, 5::4] = place
    angle = none
    for joint in range(3):
        angle = angle + flexion[:, :, joint]
        cosine, sine = (part[..., None] for part in cosine_sine(angle))
        place = place + bones.phalanges[:, joint, None] * (cosine * along + sine * palmar)
        points[:, 6 + joint :: 4] = place
    return points


def add_thumb(bones: Bones, points: Array, target: Array, bulge: Array) -> None:
    """Place the thumb in points [frames, 21, 3], its tip at the target if that can be reached.

    Args:
        target: of the tip [frames, 3]; if it is too far away, the stretched thumb points at it.
        bulge: the direction [frames, 3] to which the bent thumb's joints stand out.
    """
    first, second, third = (float(length) for length in bones.thumb)
    way = target - bones.thumb_root
    distance = _length(way)
    way = way / np.maximum(distance, 1e-9)
    # Both joints bend by one angle b, so the square of the distance from root to tip is quadratic in cos b.
    a, b = 4 * first * third, 2 * second * (first + third)
    c = first * first + second * second + third * third - 2 * first * third - distance * distance
    cosine = (-b + np.sqrt(np.maximum(b * b - 4 * a * c, 0.0))) / (2 * a)
    cosine = np.minimum(np.maximum(cosine, float(cosine_sine(np.array(THUMB_BEND))[0])), 1.0)
    sine = np.sqrt(1 - cosine * cosine)
    twice = 2 * cosine * cosine - 1, 2 * sine * cosine
    ahead = first + second * cosine + third * twice[0]
    aside = second * sine + third * twice[1]
    reached = np.sqrt(ahead * ahead + aside * aside)
    out = bulge - _dot(bulge, way) * way
    out = out / np.maximum(_length(out), 1e-9)
    u, w = (ahead * way + aside * out) / reached, (aside * way - ahead * out) / reached
    points[:, 1] = bones.thumb_root
    points[:, 2] = points[:, 1] + first * u
    points[:, 3] = points[:, 2] + second * (cosine * u + sine * w)
    points[:, 4] = points[:, 3] + third * (twice[0] * u + twice[1] * w)


def turned(points: Array, yaw: Array, pitch: Array, roll: Array) -> Array:
    """Points [frames, 21, 3] of a hand as a camera sees them: x to the right, y down, z away from it.

    Without a turn the palm is towards the camera and the fingers are up, the thumb is at the right. In this
    order: ``pitch`` turns the fingers towards the camera, ``yaw`` the palm to the right, ``roll`` the fingers
    to the right.

    Args:
        yaw, pitch, roll: [frames], in degrees.
    """
    x, y, z = points[..., 0], -points[..., 1], -points[..., 2]
    cosine, sine = (part[:, None] for part in cosine_sine(pitch))
    y, z = cosine * y - sine * z, sine * y + cosine * z
    cosine, sine = (part[:, None] for part in cosine_sine(yaw))
    x, z = cosine * x - sine * z, sine * x + cosine * z
    cosine, sine = (part[:, None] for part in cosine_sine(roll))
    return np.stack([cosine * x - sine * y, sine * x + cosine * y, z], -1)


def cosine_sine(degrees: Array) -> tuple[Array, Array]:
    """Cosine and sine, with the same bits on every machine.

    By the series of half the angle, at most a right angle, and the formulas of the double angle.
    """
    turns = degrees / 360
    half = 3.141592653589793 * (turns - np.floor(turns + 0.5))
    square = half * half
    cosine, sine = np.ones_like(half), np.ones_like(half)
    for k in range(18, 0, -2):
        cosine = 1 - square * cosine / (k * (k - 1))
        sine = 1 - square * sine / (k * (k + 1))
    sine = half * sine
    norm = cosine * cosine + sine * sine
    return (cosine * cosine - sine * sine) / norm, 2 * sine * cosine / norm


def _dot(first: Array, second: Array) -> Array:
    """Products [frames, 1]; a sum of three by hand, whose order no library changes."""
    product = first * second
    return product[..., :1] + product[..., 1:2] + product[..., 2:]


def _length(vectors: Array) -> Array:
    return np.sqrt(_dot(vectors, vectors))
