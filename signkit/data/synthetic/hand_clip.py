"""Clips of letters: people who differ, how they hold and move the hand, and what a tracker sees of it.

The camera is at a random place and distance. The errors are shaped like those of MediaPipe's hand tracker: a
lasting one for each point and each finger, larger where other parts of the hand hide it, and a smaller one
from frame to frame; depth is squeezed, slanted, and less certain than the rest.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.data.synthetic import hand
from signkit.data.synthetic.draw import Array, bell, below, between, one, stream
from signkit.data.synthetic.hand import Bones
from signkit.data.synthetic.hand_table import POSTURES, Pair, Posture

FPS = 25.0
LEFT_HANDED_EVERY = 5
DIP = 0.6
"""The last joint of a finger bends with the second one, by this share."""
MOVING = 8
"""A letter that moves does so in clips of so many frames or more, in half of them."""
NEAR = 0.13
"""A point hides those behind it that are nearer to it in the picture."""
CURLED_FAN = (-2.0, -6.0, -11.0, -17.0)
"""Fingers bent by two right angles stand apart from each other by these angles too."""
ALONG_FINGER = (0.2, 0.5, 0.8, 1.0)
PARENT = np.array([0, *(0 if i % 4 == 1 else i - 1 for i in range(1, 21))])
"""The point before each, on the way from the wrist."""
FINGER_OF = np.array([0, *(finger for finger in range(5) for _ in range(4))])


@dataclass(frozen=True, slots=True)
class Person:
    """How one person spells.

    Attributes:
        left: uses the left hand.
        curl: own change of the finger joints' angles [4, 3]. fan: of the angles to the side [4].
        thumb: own shift of the thumb's tip [3]. turn: of yaw, pitch and roll.
        number: of the person, for the variant of each letter.
    """

    bones: Bones
    left: bool
    curl: Array
    fan: Array
    thumb: Array
    turn: Array


@dataclass(frozen=True, slots=True)
class Stage:
    """What all clips share; see the options of the corpus.

    Attributes:
        variation: of people and of their hands from clip to clip, 1 is usual.
        noise: standard deviation of a lasting error, in the hand's unit.
        stretch: of y against x: the logarithm of the largest factor.
    """

    variation: float
    noise: float
    stretch: float


def draw_person(number: int, bits: np.random.PCG64, variation: float) -> Person:
    """The person of a number; every fifth is left-handed."""
    return Person(
        bones=hand.draw_bones(bits, variation),
        left=number % LEFT_HANDED_EVERY == LEFT_HANDED_EVERY - 1,
        curl=variation * 6 * bell(bits, 12).reshape(4, 3),
        fan=variation * 2 * bell(bits, 4),
        thumb=variation * 0.04 * bell(bits, 3),
        turn=variation * 8 * bell(bits, 3),
    )


def variant(letter: str, bits: np.random.PCG64) -> Posture:
    """One of the ways to form a letter, by their shares."""
    ways = POSTURES[letter]
    chance = one(bits) * sum(way.share for way in ways)
    for way in ways:
        chance -= way.share
        if chance < 0:
            return way
    return ways[-1]


@dataclass(frozen=True, slots=True)
class Motion:
    """What a hand does, frame by frame.

    Attributes:
        points: in the hand's own frame [frames, 21, 3].
        turn: yaw, pitch and roll [frames, 3], in degrees.
        place: of the wrist [frames, 1, 3], from its middle place.
    """

    points: Array
    turn: Array
    place: Array


def perform(
    posture: Posture, person: Person, stage: Stage, frames: int, key: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Points [frames, 21, 3] of a clip of one letter: x and y in picture widths, z counted from the wrist.

    Args:
        key: of the clip's stream of random numbers.
    """
    bits = stream(*key)
    return tracked(filmed(move(posture, person, stage, frames, bits), bits), person, stage, bits)


def move(
    posture: Posture,
    person: Person,
    stage: Stage,
    frames: int,
    bits: np.random.PCG64,
    *,
    whole: bool = False,
) -> Motion:
    """How a person forms a letter.

    Args:
        whole: a letter that moves does so, however short the clip is.
    """
    phase = _phase(posture, frames, bits, whole)
    points = _shaped(posture, person, stage, frames, bits)
    turn = _turns(posture, person, stage, phase, bits)
    return Motion(points, turn, _travel(posture, phase, frames, bits))


def filmed(motion: Motion, bits: np.random.PCG64) -> Array:
    """A right hand as a camera at a random distance sees it [frames, 21, 3], in the hand's unit: x and y from
    the wrist's middle place, z from the wrist; see `signkit.data.synthetic.hand.turned`."""
    yaw, pitch, roll = motion.turn.T
    points = hand.turned(motion.points, yaw, pitch, roll) + motion.place
    distance = between(bits, 4.0, 14.0)
    points[..., :2] *= (distance / (distance + points[..., 2]))[..., None]
    points[..., 2] -= points[:, :1, 2].copy()
    return points


def tracked(points: Array, person: Person, stage: Stage, bits: np.random.PCG64) -> npt.NDArray[np.float32]:
    """The points that a tracker finds of a hand that was `filmed`, in a picture: [frames, 21, 3]."""
    found = _tracked(points, stage, bits)
    if person.left:
        found[..., 0] = -found[..., 0]
    return in_picture(found, stage, bits)


def seen_anew(
    points: npt.NDArray[np.float32], stage: Stage, frames: int, key: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """A real hand [1, 21, 3] in a still clip [frames, 21, 3], by another camera and with bones of other
    lengths; as it is without variation."""
    if not stage.variation:
        return points.repeat(frames, 0)
    bits = stream(*key)
    bones = points - points[:, PARENT]
    factors = 1 + stage.variation * 0.08 * bell(bits, 21)
    bones = bones / np.sqrt((bones[:, 9] * bones[:, 9]).sum()) * factors[:, None]
    # Turns in the picture's plane are left to the augmentation: they tell I from J, and D from Z.
    seen = by_another_camera(from_bones(bones).repeat(frames, 0), (16.0, 16.0, 0.0), stage, bits)
    seen += between(bits, 0.0, 0.5) * stage.noise * bell(bits, frames * 63).reshape(frames, 21, 3)
    seen[..., 2] *= max(between(bits, -0.3, 1.1), 0.0)
    return in_picture(seen, stage, bits)


def from_bones(bones: Array) -> Array:
    """Points of a hand, the wrist at 0 [frames, 21, 3], from its bones: each point less its `PARENT`."""
    fingers = np.cumsum(bones[:, 1:].reshape(-1, 5, 4, 3), axis=2).reshape(-1, 20, 3)
    return np.concatenate([0 * bones[:, :1], fingers], 1)


def by_another_camera(
    points: Array, degrees: tuple[float, float, float], stage: Stage, bits: np.random.PCG64
) -> Array:
    """A hand in image coordinates, the wrist at 0 [frames, 21, 3], turned for the whole clip and swaying.

    Args:
        degrees: of the largest yaw, pitch and roll for the whole clip, at a variation of 1.
    """
    # From image coordinates to those of a hand whose palm is to the camera.
    facing = points * np.array((1.0, -1.0, -1.0))
    first = stage.variation * np.array(degrees) * bell(bits, 3)
    turn = first + 2 * stage.variation * between(bits, 0.0, 1.0) * sway(len(points), 3, bits)
    return hand.turned(facing, *turn.T)


def shape(posture: Posture, bones: Bones) -> Array:
    """The posture as it stands in the table [21, 3], in the hand's own frame."""
    points = _formed(posture, bones, np.zeros((1, 4, 3)), np.zeros((1, 4)), np.zeros((1, 3)))
    return points.reshape(hand.POINTS, 3)


def _formed(posture: Posture, bones: Bones, curl: Array, fan: Array, thumb: Array) -> Array:
    """The hand [frames, 21, 3], with changes of its joints, of the fingers' fan and of the thumb's place."""
    bends = np.array(posture.bends)
    flexion = np.concatenate([bends, DIP * bends[:, 1:]], 1) + curl
    curled = np.minimum((bends[:, 0] + bends[:, 1]) / 180, 1) * np.array(CURLED_FAN)
    points = hand.fingers(bones, flexion, np.array(posture.fan) + curled + fan)
    points[:, 1] = bones.thumb_root
    target = sum(points[:, i] for i in posture.at) / len(posture.at) + np.array(posture.offset) + thumb
    hand.add_thumb(bones, points, target, np.array([posture.bulge]) + 0.0 * target)
    return points


def _shaped(posture: Posture, person: Person, stage: Stage, frames: int, bits: np.random.PCG64) -> Array:
    """The hand of the person in this clip, not quite still."""
    amount = stage.variation
    curl = person.curl + amount * (5 * bell(bits, 12).reshape(4, 3) + 5 * bell(bits, 1))
    fan = person.fan + amount * bell(bits, 4)
    thumb = person.thumb + amount * 0.04 * bell(bits, 3)
    swing = sway(frames, 19, bits)
    curl = curl + 2 * amount * swing[:, :12].reshape(-1, 4, 3)
    fan = fan + 0.5 * amount * swing[:, 12:16]
    return _formed(posture, person.bones, curl, fan, thumb + 0.01 * amount * swing[:, 16:])


def _phase(posture: Posture, frames: int, bits: np.random.PCG64, whole: bool) -> Array:
    """How far a movement has come in each frame [frames], from 0 to 1; of the others 0."""
    moving, start, end = one(bits) < 0.5, 0.2 * one(bits), 0.2 * one(bits)
    held = 0.3 + 0.7 * one(bits)
    if not posture.path:
        return np.zeros(frames)
    if not whole and (frames < MOVING or not moving):
        return np.full(frames, held)
    along = (np.arange(frames) / max(frames - 1, 1) - start) / (1 - start - end)
    along = np.minimum(np.maximum(along, 0.0), 1.0)
    return along * along * (3 - 2 * along)


def _turns(posture: Posture, person: Person, stage: Stage, phase: Array, bits: np.random.PCG64) -> Array:
    """Yaw, pitch and roll of each frame [frames, 3]."""

    def drawn(ranges: tuple[Pair, ...]) -> Array:
        return np.array([between(bits, *pair) for pair in ranges])

    first = drawn(posture.turn) + person.turn + stage.variation * 4 * bell(bits, 3)
    ends = posture.ends[below(bits, len(posture.ends))] if posture.ends else posture.turn
    last = drawn(ends) if posture.ends else first
    turns = first + phase[:, None] * (last - first)
    return np.asarray(turns + 2 * stage.variation * sway(len(phase), 3, bits), dtype=np.float64)


def _travel(posture: Posture, phase: Array, frames: int, bits: np.random.PCG64) -> Array:
    """Where the hand is in each frame [frames, 1, 3], from its middle place."""
    size, drift = between(bits, 0.6, 1.4), between(bits, 0.0, 0.15) * sway(frames, 3, bits)
    if posture.path:
        places = np.array(posture.path)
        place = phase * (len(places) - 1)
        low = np.minimum(place.astype(np.int64), len(places) - 2)
        share = (place - low)[:, None]
        drift[:, :2] += size * ((1 - share) * places[low] + share * places[low + 1])
    return drift[:, None]


def _tracked(points: Array, stage: Stage, bits: np.random.PCG64) -> Array:
    """The points as a tracker gives them, with its errors."""
    frames, hidden = len(points), _hidden(points)
    lasting = stage.noise * bell(bits, 63).reshape(21, 3) * (0.5 + hidden)
    fingers = 1.5 * stage.noise * bell(bits, 15).reshape(5, 3)[FINGER_OF]
    along = np.array([0.0, *ALONG_FINGER * 5])[:, None]
    jitter = between(bits, 0.0, 0.5) * stage.noise * bell(bits, frames * 63).reshape(frames, 21, 3)
    error = lasting + fingers * along * (0.3 + hidden) + jitter
    depth = max(between(bits, -0.3, 1.1), 0.0)  # in a fifth of the clips there is none
    slant = 4 * stage.noise * bell(bits, 2)
    found = points + error
    away = points - points[:, :1]
    found[..., 2] += error[..., 2] + slant[0] * away[..., 0] + slant[1] * away[..., 1]
    found[..., 2] *= depth
    return np.asarray(found, dtype=np.float64)


def _hidden(points: Array) -> Array:
    """How far each point is hidden by others that are nearer to the camera [frames, 21, 1], from 0 to 2."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    across, down = x[:, :, None] - x[:, None], y[:, :, None] - y[:, None]
    behind = z[:, :, None] - z[:, None] > 0.08
    near = across * across + down * down < NEAR * NEAR
    return np.asarray(np.minimum((behind & near).sum(2), 2)[..., None], dtype=np.float64)


def in_picture(points: Array, stage: Stage, bits: np.random.PCG64) -> npt.NDArray[np.float32]:
    """In picture widths, at a random place and size; in half of the clips y has another unit than x."""
    size = between(bits, 0.1, 0.25)
    stretched, amount = one(bits) < 0.5, between(bits, -1.0, 1.0)
    factor = 1 + stage.stretch * abs(amount) if stretched else 1.0
    points = points * size
    points[..., 1] *= factor if amount > 0 else 1 / factor
    points[..., 0] += between(bits, 0.3, 0.7)
    points[..., 1] += between(bits, 0.4, 0.8)
    return points.astype(np.float32)


def sway(frames: int, columns: int, bits: np.random.PCG64) -> Array:
    """Slow movement [frames, columns]: two random values for the start and the end, and a bow between."""
    along = (np.arange(frames) / max(frames - 1, 1))[:, None]
    start, end, bow = bell(bits, 3 * columns).reshape(3, columns)
    return np.asarray((1 - along) * start + along * end + 4 * along * (1 - along) * bow, dtype=np.float64)
