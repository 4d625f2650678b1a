"""A spelling hand as a camera sees it: small RGB frames drawn from its points.

Fingers and palm are tubes in the light, drawn from the farthest to the nearest one, for all frames of a clip
at once. Behind them are a forearm in its sleeve, a shoulder and a wall. As in `signkit.data.synthetic.video`,
only exactly rounded operations on single values.
"""

import numpy as np
import numpy.typing as npt

from signkit.data.composed.timeline import length
from signkit.data.synthetic.draw import Array, between, stream, words
from signkit.data.synthetic.hand_clip import sway
from signkit.data.synthetic.video import BLOCK, Colour, Floats, Look, stroke, wall

NEARER = 1 / 11
"""By how much the palm is larger or smaller at most, from clip to clip."""
TUBES = (
    (0, 5, 0.17), (0, 9, 0.18), (0, 13, 0.18), (0, 17, 0.16), (5, 9, 0.12), (9, 13, 0.12), (13, 17, 0.12),
    (0, 1, 0.15), (1, 2, 0.15), (2, 3, 0.12), (3, 4, 0.105),
    (5, 6, 0.115), (6, 7, 0.105), (7, 8, 0.095), (9, 10, 0.115), (10, 11, 0.105), (11, 12, 0.095),
    (13, 14, 0.11), (14, 15, 0.1), (15, 16, 0.09), (17, 18, 0.1), (18, 19, 0.09), (19, 20, 0.08),
)  # fmt: skip
"""The two points and the radius of each, in palms."""
PALM_TUBES = 9
"""So many of them are the palm's, and lie a little behind the fingers that rest on it."""
BEHIND = 0.05
FACING, NEARNESS = 0.12, 0.12
"""How much lighter the palm is than the back of the hand, and what is near than what is far."""
FINGER_ROUNDING, PALM_ROUNDING = 0.55, 0.2
"""How much darker they are at their edges."""
NOISE = 5.0
"""The largest error of a colour, of 255."""


def draw_hand(
    points: Array, left: bool, look: Look, side: int, palm: float, key: tuple[int, ...]
) -> npt.NDArray[np.uint8]:
    """Frames of a clip: uint8 [frames, side, side, 3].

    Args:
        points: of a right hand as `signkit.data.synthetic.hand_clip.filmed` has them [frames, 21, 3].
        left: whether it is shown as a left one.
        palm: its usual length, in widths of the picture.
        key: of the stream of random numbers of this clip's camera.
    """
    bits = stream(*key)
    scale = side * between(bits, palm * (1 - NEARER), palm * (1 + NEARER))
    lit = _lit(points, look)
    mirror = np.array((-1.0 if left else 1.0, 1.0, 1.0))
    points = points * mirror
    middle = 0.5 * (points[..., :2].min((0, 1)) + points[..., :2].max((0, 1)))
    centre = 0.5 * side + scale * np.array((between(bits, -0.2, 0.2), between(bits, -0.2, 0.2)))
    camera = centre + 0.012 * side * sway(len(points), 2, bits)
    place = (scale * (points[..., :2] - middle) + camera[:, None]).astype(np.float32)
    body = camera + scale * np.array((mirror[0] * between(bits, 1.5, 2.3), 1.2))
    blocks = []
    for start in range(0, len(points), BLOCK):
        some = slice(start, start + BLOCK)
        canvas = wall(len(place[some]), (side, side), look)
        _draw_behind(canvas, place[some], body[some].astype(np.float32), np.float32(scale), look)
        _draw_tubes(canvas, place[some], points[some, :, 2], lit[some], np.float32(scale))
        noise = words(bits, -(-canvas.size // 8)).view(np.uint8)[: canvas.size].reshape(canvas.shape)
        canvas += np.float32(NOISE / 127.5) * (noise.astype(np.float32) - np.float32(127.5))
        blocks.append(np.clip(canvas + np.float32(0.5), 0, 255).astype(np.uint8))
    return np.concatenate(blocks)


def _lit(points: Array, look: Look) -> Floats:
    """The colour of each tube [frames, tubes, 3]."""
    to_index, to_little = points[:, 5] - points[:, 0], points[:, 17] - points[:, 0]
    across = to_index[:, 1] * to_little[:, 0] - to_index[:, 0] * to_little[:, 1]
    facing = across / np.maximum((length(to_index) * length(to_little))[:, 0], 1e-6)
    depth = 0.5 * (points[:, [a for a, _, _ in TUBES], 2] + points[:, [b for _, b, _ in TUBES], 2])
    factor = look.light * (1 + FACING * facing[:, None] - NEARNESS * np.minimum(np.maximum(depth, -1), 1))
    colour = factor[..., None] * np.array(look.skin, dtype=np.float64)
    return np.minimum(colour, 255).astype(np.float32)


def _draw_tubes(canvas: Floats, place: Floats, depth: Array, lit: Floats, scale: np.float32) -> None:
    """The hand: in each frame the farthest tube first, the n-th of all frames at once."""
    first, second = (np.array([tube[end] for tube in TUBES]) for end in (0, 1))
    radius = np.array([tube[2] for tube in TUBES], dtype=np.float32) * scale
    far = 0.5 * (depth[:, first] + depth[:, second])
    far[:, :PALM_TUBES] += BEHIND
    rounding = np.full(len(TUBES), FINGER_ROUNDING, dtype=np.float32)
    rounding[:PALM_TUBES] = PALM_ROUNDING
    frames = np.arange(len(place))
    for tube in np.argsort(-far, axis=1, kind="stable").T:
        ends = place[frames, first[tube]], place[frames, second[tube]]
        stroke(canvas, *ends, radius[tube], lit[frames, tube], rounding=rounding[tube])


def _draw_behind(canvas: Floats, place: Floats, body: Floats, scale: np.float32, look: Look) -> None:
    """The shoulder, and the forearm, which hangs down from the wrist, away from the hand."""
    shirt = _of(look.shirt, look.light)
    wrist, hand = place[:, 0], place[:, 9] - place[:, 0]
    down = np.array((0, 1), dtype=np.float32)
    stroke(canvas, body, body + 3 * scale * down, _all(1.3 * scale, place), shirt)
    along = scale * down - np.float32(0.5) * hand
    along = along / np.maximum(np.sqrt(along[:, :1] ** 2 + along[:, 1:] ** 2), np.float32(1e-6))
    cuff = wrist + np.float32(0.7) * scale * along
    skin = _of(look.skin, 0.9 * look.light)
    stroke(canvas, wrist, cuff, _all(0.2 * scale, place), skin, rounding=_all(FINGER_ROUNDING, place))
    sleeve = np.minimum(1.25 * shirt, 255).astype(np.float32)
    stroke(
        canvas,
        cuff,
        wrist + 4 * scale * along,
        _all(0.3 * scale, place),
        sleeve,
        rounding=_all(FINGER_ROUNDING, place),
    )


def _of(colour: Colour, light: float) -> Floats:
    return np.array([min(255.0, light * part) for part in colour], dtype=np.float32)


def _all(value: float | np.float32, place: Floats) -> Floats:
    return np.full(len(place), value, dtype=np.float32)
