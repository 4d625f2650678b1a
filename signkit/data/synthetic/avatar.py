"""The avatar: signers who differ, the timing of a sentence, and its motion as holistic landmarks.

Between two signs the hands move on a smooth step from the end of one to the start of the next; hand
shape and face begin to change before the hand leaves (anticipation), and every place is drawn towards
those of its neighbours (coarticulation). Vectorised over frames; only exactly rounded operations.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.data.synthetic import holistic
from signkit.data.synthetic.draw import Array, bell, below, between, stream, uniform
from signkit.data.synthetic.lexicon import (
    BASE_PLACE,
    LOCATIONS,
    MIRRORED,
    ON_BASE,
    REST_PLACE,
    Codes,
    Lexicon,
)

FPS = 25.0
LEFT_HANDED_EVERY = 5
PULL = 0.15  # share of the way to the neighbours' places
ANTICIPATION = 2.0  # frames by which hand shape and face run ahead
GAP_FRAMES = 4  # mean length of a tracking gap
AMPLITUDE = 0.36  # of movements, in shoulder widths
SHOULDERS = 0.24  # shoulder width in picture widths

HEAD = holistic.trunk()
FACE = holistic.face() + np.array(holistic.NOSE_TIP)
BROWS_UP = holistic.brows_up()
MOUTH_OPEN, MOUTH_SPREAD = holistic.mouth_changes()


@dataclass(frozen=True, slots=True)
class Signer:
    """How one person signs.

    Attributes:
        size, centre: shoulder width and place of the shoulders in the picture.
        tempo: factor on the length of signs.
        dominant: 1 for the right hand, -1 for the left.
        reach: size of the signing space. turn: tangent of half the angle to the camera.
        jitter: factor on the noise. habits: own shift of each location [locations, 3].
    """

    size: float
    centre: tuple[float, float]
    tempo: float
    dominant: int
    reach: float
    turn: float
    jitter: float
    habits: Array


@dataclass(frozen=True, slots=True)
class Timing:
    """Frames of a clip and of each of its signs, ends exclusive."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    frames: int


@dataclass(frozen=True, slots=True)
class Stage:
    """What all clips share: the signs and the faults of the tracker (see the corpus's options)."""

    lexicon: Lexicon
    noise: float
    gaps: float


def draw_signer(index: int, bits: np.random.PCG64) -> Signer:
    """The signer of a number; every fifth is left-handed."""
    habits = bell(bits, 3 * len(LOCATIONS)).reshape(-1, 3) * 0.04
    return Signer(
        size=SHOULDERS * between(bits, 0.85, 1.15),
        centre=(between(bits, 0.45, 0.55), between(bits, 0.40, 0.48)),
        tempo=between(bits, 0.85, 1.2),
        dominant=-1 if index % LEFT_HANDED_EVERY == LEFT_HANDED_EVERY - 1 else 1,
        reach=between(bits, 0.88, 1.12),
        turn=between(bits, -0.1, 0.1),
        jitter=between(bits, 0.7, 1.3),
        habits=habits,
    )


def draw_timing(forms: tuple[int, ...], lexicon: Lexicon, signer: Signer, bits: np.random.PCG64) -> Timing:
    """When each sign begins and ends: its usual length times tempo and chance, with 2 to 4 frames between."""
    chance = uniform(bits, len(forms))
    now = 2 + below(bits, 4)
    starts, ends = [], []
    for form, luck in zip(forms, chance, strict=True):
        length = float(lexicon.frames[form]) * signer.tempo * (0.85 + 0.3 * float(luck))
        starts.append(now)
        ends.append(now + max(4, int(length + 0.5)))
        now = ends[-1] + 2 + below(bits, 3)
    return Timing(tuple(starts), tuple(ends), now + 2 + below(bits, 3))


def perform(
    stage: Stage, signer: Signer, forms: tuple[int, ...], timing: Timing, key: tuple[int, ...]
) -> npt.NDArray[np.float32]:
    """Holistic landmarks [frames, 543, 3] of a sentence: x and y in picture widths, NaN where not seen.

    As MediaPipe gives them: z is in picture widths too, that of a hand counted from its wrist.

    Args:
        forms: the signs, by number in the lexicon. key: of the clip's stream of random numbers.
    """
    bits = stream(*key)
    items, now, after, phase, carry, early = _timeline(stage.lexicon, forms, timing)
    lexicon = stage.lexicon
    place = _places(lexicon, signer, items, bits)
    size = AMPLITUDE * signer.reach * (1 + 0.1 * bell(bits, len(items)))[:, None]
    moving = place[now] + size[now] * _movement(lexicon.movement[items[now]], phase)
    coming = place[after] + size[after] * _movement(lexicon.movement[items[after]], 0.0 * phase)
    signing = _mix(lexicon.hands[items[now]], lexicon.opened[items[now]], _step(phase))
    shape = _mix(signing, lexicon.hands[items[after]], early)
    kinds = lexicon.kind[items[now]], lexicon.kind[items[after]]
    other = _mix(_other_wrist(kinds[0], moving), _other_wrist(kinds[1], coming), carry)
    other_shape = _mix(_other_hand(lexicon, kinds[0], shape), _other_hand(lexicon, kinds[1], shape), early)
    marker = _mix(lexicon.marker[items[now]], lexicon.marker[items[after]], early)
    body = _body(signer, (_mix(moving, coming, carry), other), (shape, other_shape), marker)
    return _film(body, signer, stage, bits)


def _timeline(
    lexicon: Lexicon, forms: tuple[int, ...], timing: Timing
) -> tuple[Codes, Codes, Codes, Array, Array, Array]:
    """The signs between rest and rest, and for each frame: which one, which next, how far in and over.

    Hands go over to the next sign (carry) when the sign has ended, shapes and face a little earlier.
    """
    frame = np.arange(timing.frames)
    rest = len(lexicon.frames) - 1
    items = np.array([rest, *forms, rest])
    starts = np.array([0, *timing.starts, timing.frames - 1])
    ends = np.array([1, *timing.ends, timing.frames])
    now = np.searchsorted(starts, frame, side="right") - 1
    after = np.minimum(now + 1, len(items) - 1)
    phase = np.minimum((frame - starts[now]) / np.maximum(ends[now] - starts[now] - 1, 1), 1.0)
    gone, way = frame - ends[now] + 1, np.maximum(starts[after] - ends[now] + 1, 1)
    return items, now, after, phase, _step(gone / way), _step((gone + ANTICIPATION) / (way + ANTICIPATION))


def _places(lexicon: Lexicon, signer: Signer, items: Codes, bits: np.random.PCG64) -> Array:
    """The wrist's place in the middle of each sign [items, 3], with habit, chance and coarticulation."""
    place = lexicon.place[items] + signer.habits[lexicon.location[items]]
    place = place + 0.03 * bell(bits, 3 * len(items)).reshape(-1, 3)
    place[:, :2] *= signer.reach
    pulled = place.copy()
    pulled[1:-1] = (1 - PULL) * place[1:-1] + 0.5 * PULL * (place[:-2] + place[2:])
    return pulled


def _movement(which: Codes, phase: Array) -> Array:
    """Where each movement has brought the hand [frames, 3], in amplitudes around its middle."""
    step, none = _step(phase), 0.0 * phase
    bump = 4 * phase * (1 - phase)
    twice, thrice = 2 * phase - np.floor(2 * phase), 3 * phase - np.floor(3 * phase)
    shake = 4 * thrice * (1 - thrice) * (1 - 2 * (np.floor(3 * phase) % 2))
    taps = 4 * twice * (1 - twice)
    circle = 5.2 * phase * (1 - phase) * (1 - 2 * phase)
    x = np.stack([none, none, none, step - 0.5, step - 0.5, circle, none, 0.5 * shake])
    y = np.stack([none, 0.5 - step, step - 0.5, none, 0.5 - bump, 0.5 * bump * bump - 0.25, 0.5 * taps, none])
    z = np.stack([none, none, none, none, none, none, -0.5 * taps, none])
    frame = np.arange(len(phase))
    return np.stack([x[which, frame], y[which, frame], z[which, frame]], 1)


def _other_wrist(kind: Codes, wrist: Array) -> Array:
    """The other hand's wrist [frames, 3], in its own mirrored frame: at rest, like the first, or a base."""
    kind = kind[:, None]
    return np.where(kind == MIRRORED, wrist, np.where(kind == ON_BASE, BASE_PLACE, REST_PLACE))


def _other_hand(lexicon: Lexicon, kind: Codes, shape: Array) -> Array:
    """The other hand's points from its wrist [frames, 21, 3]."""
    kind = kind[:, None, None]
    still = np.where(kind == ON_BASE, lexicon.hands[-1], lexicon.hands[-2])
    return np.where(kind == MIRRORED, shape, still)


def _body(signer: Signer, wrists: tuple[Array, Array], hands: tuple[Array, Array], marker: Array) -> Array:
    """All points in the body's frame [frames, 543, 3]. Wrists and hands: the dominant one first."""
    frames = len(marker)
    body = np.empty((frames, holistic.POINTS, 3))
    body[:, : holistic.POSE] = HEAD
    body[:, holistic.FACE_START : holistic.LEFT_START] = FACE
    brows = [holistic.FACE_START + i for i in holistic.BROW_POINTS]
    lips = [holistic.FACE_START + i for i in holistic.LIP_POINTS]
    brow, opened, spread = (marker[:, i, None, None] for i in range(3))
    body[:, brows] += brow * BROWS_UP
    body[:, lips] += opened * MOUTH_OPEN + spread * MOUTH_SPREAD
    right_first = signer.dominant > 0
    for wrist, hand, right in zip(wrists, hands, (right_first, not right_first), strict=True):
        points = wrist[:, None] + hand
        if right:  # the signer's right is the picture's left
            points[:, :, 0] = -points[:, :, 0]
        start = holistic.RIGHT_START if right else holistic.LEFT_START
        body[:, start : start + holistic.HAND] = points
        side = 12 if right else 11
        out = np.array((-0.15 if right else 0.15, 0.25, 0.1))
        body[:, side + 2] = 0.5 * (HEAD[side] + points[:, 0]) + out  # the elbow
        for pose, point in ((side + 4, 0), (side + 6, 17), (side + 8, 5), (side + 10, 2)):
            body[:, pose] = points[:, point]
    return body


def _film(body: Array, signer: Signer, stage: Stage, bits: np.random.PCG64) -> npt.NDArray[np.float32]:
    """The body as the camera sees it and the tracker finds it."""
    frames = len(body)
    cosine, sine = holistic.turn(signer.turn)
    zoom = signer.size * between(bits, 0.95, 1.05)
    along = (np.arange(frames) / frames)[:, None]
    x, y, z = body[:, :, 0], body[:, :, 1], body[:, :, 2]
    noise = stage.noise * signer.jitter
    moving = np.concatenate([np.arange(holistic.POSE), np.arange(holistic.LEFT_START, holistic.POINTS)])
    tremor = noise * bell(bits, frames * (len(moving) + 1) * 3).reshape(frames, len(moving) + 1, 3)
    seen = np.empty((frames, holistic.POINTS, 3))
    seen[:, :, 0] = x * cosine + z * sine
    seen[:, :, 1] = y
    seen[:, :, 2] = z * cosine - x * sine
    seen[:, moving] += tremor[:, :-1]
    seen[:, holistic.FACE_START : holistic.LEFT_START] += 0.5 * tremor[:, -1:]
    for start in (holistic.LEFT_START, holistic.RIGHT_START):
        hand = seen[:, start : start + holistic.HAND]
        hand[:, :, 2] -= hand[:, :1, 2].copy()
        hand[_lost(frames, stage.gaps, bits)] = np.nan
    seen *= zoom
    for axis in (0, 1):
        sway = 0.02 * (bell(bits, 1) + bell(bits, 1) * along)
        seen[:, :, axis] += signer.centre[axis] + sway
    return seen.astype(np.float32)


def _lost(frames: int, share: float, bits: np.random.PCG64) -> npt.NDArray[np.bool_]:
    """Frames in which a hand is lost: spans of random length, of which this share is lost."""
    span = np.cumsum(uniform(bits, frames) < 1 / GAP_FRAMES)
    return np.asarray(uniform(bits, frames + 1)[span] < share)


def _step(phase: Array) -> Array:
    """A smooth step from 0 to 1 between the phases 0 and 1."""
    held = np.minimum(np.maximum(phase, 0.0), 1.0)
    return np.asarray(held * held * (3 - 2 * held), dtype=np.float64)


def _mix(first: Array, second: Array, share: Array) -> Array:
    """From the first (share 0) to the second (share 1), frame by frame."""
    weight = share.reshape(-1, *[1] * (first.ndim - 1))
    return np.asarray(first + weight * (second - first), dtype=np.float64)
