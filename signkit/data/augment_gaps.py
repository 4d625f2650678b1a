"""What is marked as not seen in training clips: fingers, spans of time, places, parts.

After Christof Henkel and Darragh Hanley, "1st place solution" (Google, American Sign Language Fingerspelling
Recognition, 2023), whose sizes these are. There twelve fingers are drawn, with repetition, where two to six
are meant, and the mask of places is computed and then not applied; here both are as meant. There zeros stand
for what is missing, here NaN does.
"""

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float32, Int64

from signkit.config.recipe import AugmentConfig
from signkit.data.layouts import Layout

WINDOWS, WINDOW = 2, (0.25, 0.5)
"""Windows in which fingers are not seen, and their shares of the clip."""
FINGERS = (0.2, 0.6)
"""The least and the largest share of the fingers that are not seen in a window."""
SPANS, SPAN = (1, 2, 4), (0.2, 0.4)
"""Numbers of spans in which nothing is seen, and their shares of the clip, added up."""
SQUARE = (0.05, 0.1)
"""Sides of the place in which nothing is seen, as shares of what the clip covers."""

Mask = npt.NDArray[np.bool_]


def gaps(
    points: Float32[np.ndarray, "frames points coordinates"],
    layout: Layout,
    config: AugmentConfig,
    rng: np.random.Generator,
) -> Bool[np.ndarray, "frames points"]:
    """The points that are marked as not seen in a clip."""
    frames = len(points)
    gone = np.zeros(points.shape[:2], dtype=np.bool_)
    if config.drop_fingers and rng.random() < config.drop_fingers:
        gone |= unseen_fingers(frames, layout, rng)
    if config.hide_parts:
        gone |= hidden_parts(layout, config.hide_parts, rng)
    if config.drop_spans and rng.random() < config.drop_spans:
        gone |= unseen_spans(frames, rng)[:, None]
    if config.drop_places and rng.random() < config.drop_places:
        gone |= unseen_places(points, rng)
    return gone


def fingers(layout: Layout) -> Int64[np.ndarray, "fingers 4"]:
    """The points of each finger of the hands of 21 points."""
    hands = [layout.parts[name] for name in layout.hands if len(layout.parts[name]) == 21]
    return np.array([hand[1:] for hand in hands], dtype=np.int64).reshape(-1, 4)


def unseen_fingers(
    frames: int, layout: Layout, rng: np.random.Generator
) -> Bool[np.ndarray, "frames points"]:
    """In each of `WINDOWS` other fingers of all hands, and other frames; wrists are always seen."""
    members = fingers(layout)
    total = len(members)
    low, high = (round(share * total) for share in FINGERS)
    counts = rng.integers(low, high + 1, (WINDOWS, 1))
    drawn = rng.random((WINDOWS, total)).argsort(1).argsort(1) < counts
    within = _spans(frames, WINDOWS, rng.uniform(*WINDOW, WINDOWS), rng)
    unseen = (within[:, :, None] & drawn).any(1)
    gone = np.zeros((frames, len(layout.points)), dtype=np.bool_)
    gone[:, members.ravel()] = np.repeat(unseen, 4, axis=1)
    return gone


def unseen_spans(frames: int, rng: np.random.Generator) -> Bool[np.ndarray, " frames"]:
    """One, two or four spans; more of them are shorter."""
    count = int(rng.choice(SPANS))
    unseen: Mask = np.any(_spans(frames, count, rng.uniform(*SPAN, count) / count, rng), axis=1)
    return unseen


def unseen_places(
    points: Float32[np.ndarray, "frames points coordinates"], rng: np.random.Generator
) -> Bool[np.ndarray, "frames points"]:
    """A rectangle that stays where it is while the clip lasts."""
    planar = points[..., :2]
    seen: Mask = ~np.isnan(planar).any(-1)
    if not seen.any():
        return seen
    low, high = planar[seen].min(0), planar[seen].max(0)
    corner = low + rng.random(2) * (high - low)
    side = rng.uniform(*SQUARE) * (high - low)
    inside: Mask = ((planar >= corner) & (planar <= corner + side)).all(-1)
    return inside


def hidden_parts(layout: Layout, probability: float, rng: np.random.Generator) -> Bool[np.ndarray, " points"]:
    """Each part with this probability, but no hand; of a layout without hands one part is left."""
    others = [members for name, members in layout.parts.items() if name not in layout.hands]
    drawn = rng.random(len(others)) < probability
    if not layout.hands:
        drawn[rng.integers(len(others))] = False
    gone = np.zeros(len(layout.points), dtype=np.bool_)
    gone[[i for members, goes in zip(others, drawn, strict=True) if goes for i in members]] = True
    return gone


def _spans(
    frames: int, count: int, shares: npt.NDArray[np.float64], rng: np.random.Generator
) -> Bool[np.ndarray, "frames spans"]:
    """Which frames are in each of some spans of these shares of the clip."""
    sizes = (frames * shares).astype(np.int64)
    starts = rng.integers(0, frames - sizes + 1, count)
    places = np.arange(frames)[:, None]
    within: Mask = (places >= starts) & (places < starts + sizes)
    return within
