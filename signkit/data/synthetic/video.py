"""The avatar of the synthetic corpus as a camera sees it: RGB frames drawn from its landmarks.

Limbs, fingers and features are thick lines with round ends, drawn one after the other for all frames of
a clip at once, each within the smallest box that holds it. Only exactly rounded operations on single
values, so that equal landmarks give equal bits on any machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signkit.data.synthetic import holistic
from signkit.data.synthetic.draw import below, between, stream

Floats = npt.NDArray[np.float32]
Colour = tuple[int, int, int]

LOOK = 101  # purpose of the random stream of a signer's look
ZOOM, MIDDLE = 1.5, 0.47  # of the landmarks' picture: enlarged around this height
BLOCK = 64  # frames drawn together

SKINS: tuple[Colour, ...] = (
    (241, 205, 178), (224, 172, 140), (198, 138, 104), (150, 98, 70), (108, 70, 52), (234, 190, 152),
)  # fmt: skip
HAIRS: tuple[Colour, ...] = ((38, 30, 28), (92, 60, 36), (176, 132, 74), (140, 140, 142), (132, 62, 34))
SHIRTS: tuple[Colour, ...] = (
    (34, 38, 48),
    (28, 60, 74),
    (72, 32, 44),
    (52, 52, 56),
    (30, 66, 46),
    (64, 48, 88),
)
WALLS: tuple[Colour, ...] = ((176, 184, 190), (150, 166, 178), (190, 184, 172), (166, 176, 164))
LIPS, PUPILS = (150, 62, 62), (30, 28, 30)
FINGERS = ((1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12), (13, 14, 15, 16), (17, 18, 19, 20))
PALM = ((0, 1), (0, 5), (0, 9), (0, 13), (0, 17), (5, 9), (9, 13), (13, 17))
BROW_ENDS = ((70, 107), (336, 300))


@dataclass(frozen=True, slots=True)
class Look:
    """How one person looks, and the room. Colours from 0 to 255; `build` is a factor on the limbs' width."""

    skin: Colour
    hair: Colour
    shirt: Colour
    wall: Colour
    long_hair: bool
    build: float
    light: float


def draw_look(number: int, seed: int) -> Look:
    """The look of a signer. The first few differ in skin, hair and shirt at once."""
    bits = stream(seed, LOOK, number)
    shift = below(bits, 30)
    return Look(
        skin=SKINS[(number + shift) % len(SKINS)],
        hair=HAIRS[(number + shift) % len(HAIRS)],
        shirt=SHIRTS[(number + shift // 2) % len(SHIRTS)],
        wall=WALLS[below(bits, len(WALLS))],
        long_hair=below(bits, 2) == 1,
        build=between(bits, 0.9, 1.15),
        light=between(bits, 0.88, 1.08),
    )


def film(points: Floats, look: Look, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Frames of a clip: uint8 [frames, height, width, 3].

    Args:
        points: holistic landmarks [frames, 543, 2 or 3] in picture widths, all of them seen.
        size: height and width.
    """
    place = _placed(points, size)
    across = place[:, 11] - place[:, 12]
    unit = float(np.sqrt(across[:, 0] * across[:, 0] + across[:, 1] * across[:, 1]).max())
    blocks = range(0, len(points), BLOCK)
    return np.concatenate([_block(place[start : start + BLOCK], unit, look, size) for start in blocks])


def _placed(points: Floats, size: tuple[int, int]) -> Floats:
    """Points [frames, points, 2] in pixels."""
    height, width = size
    xy = points[:, :, :2].astype(np.float32)
    place = np.empty_like(xy)
    place[:, :, 0] = (xy[:, :, 0] - np.float32(0.5)) * np.float32(ZOOM * width) + np.float32(width / 2)
    place[:, :, 1] = (xy[:, :, 1] - np.float32(MIDDLE)) * np.float32(ZOOM * width) + np.float32(height / 2)
    return place


def _block(place: Floats, unit: float, look: Look, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Some frames. `unit`: a shoulder width in pixels."""
    canvas = wall(len(place), size, look)
    draw = _Brush(canvas, unit * look.build, look.light)
    middle = _between(place, 11, 12)
    _draw_body(draw, place, middle, look)
    _draw_head(draw, place, unit, look)
    _draw_arms_and_hands(draw, place, look)
    return np.asarray(canvas + np.float32(0.5), dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class _Brush:
    """Draws on frames [frames, height, width, 3]; radii are in `unit` pixels, colours under the `light`."""

    canvas: Floats
    unit: float
    light: float

    def __call__(self, start: Floats, end: Floats, radius: float | Floats, colour: Colour) -> None:
        lit = np.array([min(255.0, self.light * c) for c in colour], dtype=np.float32)
        wide = np.asarray(np.float32(self.unit) * np.asarray(radius, dtype=np.float32), dtype=np.float32)
        stroke(self.canvas, start, end, np.broadcast_to(wide, start.shape[:1]), lit)


def stroke(
    canvas: Floats,
    start: Floats,
    end: Floats,
    radius: Floats,
    colour: Floats,
    *,
    rounding: Floats | None = None,
) -> None:
    """A line with round ends on every frame, its edge blended over one pixel.

    Args:
        start, end: pixels [frames, 2]. radius: pixels [frames]. colour: [3], or of each frame [frames, 3].
        rounding: how much darker it is at its edges than in its middle [frames], as a tube in the light.
    """
    frames, height, width, _ = canvas.shape
    low = np.floor(np.minimum(start, end) - radius[:, None] - 1)
    high = np.ceil(np.maximum(start, end) + radius[:, None] + 1)
    wide, tall = (min(int((high - low)[:, axis].max()) + 1, (width, height)[axis]) for axis in (0, 1))
    left = np.clip(low[:, 0], 0, width - wide).astype(np.int64)
    top = np.clip(low[:, 1], 0, height - tall).astype(np.int64)
    columns = left[:, None] + np.arange(wide)
    rows = top[:, None] + np.arange(tall)
    x = (columns.astype(np.float32) + np.float32(0.5) - start[:, :1])[:, None, :]
    y = (rows.astype(np.float32) + np.float32(0.5) - start[:, 1:])[:, :, None]
    along = end - start
    square = np.maximum(along[:, 0] * along[:, 0] + along[:, 1] * along[:, 1], np.float32(1e-6))
    dx, dy = along[:, 0, None, None], along[:, 1, None, None]
    share = np.clip((x * dx + y * dy) / square[:, None, None], 0, 1)
    from_line = np.sqrt((x - share * dx) ** 2 + (y - share * dy) ** 2)
    cover = np.clip(radius[:, None, None] + np.float32(0.5) - from_line, 0, 1)
    flat = canvas.reshape(-1, 3)
    which, row, column = np.nonzero(cover)
    places = (which * height + rows[which, row]) * width + columns[which, column]
    under = flat[places]
    paint = colour if colour.ndim == 1 else colour[which]
    if rounding is not None:
        aside = np.minimum(from_line[which, row, column] / np.maximum(radius[which], np.float32(1e-6)), 1)
        paint = paint * (1 - rounding[which] * (1 - np.sqrt(1 - aside * aside)))[:, None]
    flat[places] = under + cover[which, row, column][:, None] * (paint - under)


def wall(frames: int, size: tuple[int, int], look: Look) -> Floats:
    """The background: lighter at the top."""
    height, width = size
    fade = (1.06 - 0.18 * (np.arange(height, dtype=np.float32) / np.float32(height)))[:, None, None]
    lit = np.minimum(np.float32(look.light) * np.array(look.wall, dtype=np.float32) * fade, 255)
    return np.ascontiguousarray(np.broadcast_to(lit.astype(np.float32), (frames, height, width, 3)))


def _draw_body(draw: _Brush, place: Floats, middle: Floats, look: Look) -> None:
    down = _between(place, 23, 24) - middle
    chest, seat = middle + np.float32(0.22) * down, middle + np.float32(1.6) * down
    draw(chest, seat, 0.4, look.shirt)
    draw(place[:, 11], place[:, 12], 0.13, look.shirt)
    for side, hip in ((11, 23), (12, 24)):
        draw(place[:, side], place[:, hip] + np.float32(0.6) * down, 0.16, look.shirt)


def _draw_head(draw: _Brush, place: Floats, unit: float, look: Look) -> None:
    nose, middle = place[:, 0], _between(place, 11, 12)
    step = np.array([0, unit], dtype=np.float32)
    side = np.array([unit, 0], dtype=np.float32)
    crown, chin = nose - np.float32(0.2) * step, nose + np.float32(0.16) * step
    draw(crown, nose + np.float32(0.45 if look.long_hair else 0.05) * step, 0.32, look.hair)
    draw(chin, middle, 0.12, _shade(look.skin, 0.82))
    draw(crown, chin, 0.23, look.skin)
    fringe = nose - np.float32(0.36) * step
    draw(fringe - np.float32(0.15) * side, fringe + np.float32(0.15) * side, 0.09, look.hair)
    for eye in (2, 5):
        draw(place[:, eye], place[:, eye], 0.035, PUPILS)
    face = place[:, holistic.FACE_START :]
    for inner, outer in BROW_ENDS:
        draw(face[:, inner], face[:, outer], 0.022, look.hair)
    draw(nose - np.float32(0.05) * step, nose + np.float32(0.02) * step, 0.03, _shade(look.skin, 0.86))
    opened = (face[:, 14] - face[:, 13])[:, 1] / np.float32(2 * unit)
    draw(face[:, 61], face[:, 291], np.maximum(opened, np.float32(0)) + np.float32(0.018), LIPS)


def _draw_arms_and_hands(draw: _Brush, place: Floats, look: Look) -> None:
    sleeve, edge = _shade(look.shirt, 1.3), _shade(look.skin, 0.62)
    for side, hand in ((11, holistic.LEFT_START), (12, holistic.RIGHT_START)):
        shoulder, elbow, wrist = place[:, side], place[:, side + 2], place[:, hand]
        draw(shoulder, elbow, 0.11, sleeve)
        draw(elbow, wrist, 0.085, sleeve)
    for hand in (holistic.LEFT_START, holistic.RIGHT_START):
        points = place[:, hand : hand + holistic.HAND]
        _draw_bones(draw, points, PALM, 0.045, look.skin, edge)
        for finger in FINGERS:
            bones = tuple(zip(finger[:-1], finger[1:], strict=True))
            _draw_bones(draw, points, bones, 0.03, look.skin, edge)


def _draw_bones(
    draw: _Brush, points: Floats, bones: Sequence[tuple[int, int]], radius: float,
    colour: Colour, edge: Colour,
) -> None:  # fmt: skip
    """Bones in one colour with one edge around all of them."""
    for start, end in bones:
        draw(points[:, start], points[:, end], radius + 0.018, edge)
    for start, end in bones:
        draw(points[:, start], points[:, end], radius, colour)


def _between(place: Floats, first: int, second: int) -> Floats:
    return np.asarray((place[:, first] + place[:, second]) * np.float32(0.5), dtype=np.float32)


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (min(255, int(factor * part)) for part in colour)
    return red, green, blue
