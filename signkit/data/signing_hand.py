"""The hand that signs, found by what is seen of it, and the clip mirrored so that it is the right one.

Fingerspelling is done with one hand, left or right by the signer's habit; the other hangs down or rests. The
rule and its constants are this project's, after the public solutions of Google's ASL Fingerspelling
competition, which take the hand that is missing in fewer frames.
"""

from typing import Literal

import numpy as np
import numpy.typing as npt

from signkit.data.layouts import Layout
from signkit.data.shapes import Float32

CLEARLY_LESS = 0.8
"""Two hands are seen about as often if one is in at least this share of the other's frames."""


def signing_hand(
    points: Float32[np.ndarray, "frames points coordinates"], layout: Layout
) -> Literal["left", "right"]:
    """Which hand signs in landmarks, NaN where missing: the one that is seen in more frames, or, where both
    are seen about as often, the one whose fingers move more.

    Motion is the mean way of a point, relative to the wrist, between frames that follow each other; of a hand
    of one point, that of the hand. Where nothing tells them apart it is the right one.

    Args:
        layout: with the parts ``left_hand`` and ``right_hand``.
    """
    left, right = (points[:, list(layout.parts[name]), :2] for name in ("left_hand", "right_hand"))
    seen = [int((~np.isnan(hand).any(-1)).any(-1).sum()) for hand in (left, right)]
    if min(seen) < CLEARLY_LESS * max(seen):
        return "left" if seen[0] > seen[1] else "right"
    return "left" if _motion(left) > _motion(right) else "right"


def _motion(hand: npt.NDArray[np.float32]) -> float:
    """Of a hand [frames, points, 2] the mean way of a point from frame to frame; 0 where none is known."""
    inside = hand[:, 1:] - hand[:, :1] if hand.shape[1] > 1 else hand
    ways = np.linalg.norm(np.diff(inside, axis=0), axis=-1)
    known = ~np.isnan(ways)
    return float(ways[known].mean()) if known.any() else 0.0
