"""Found segments against true ones."""

import numpy as np
import numpy.typing as npt

Spans = npt.NDArray[np.int64]
LEAST_OVERLAP = 0.5
"""Of two segments that are matched: the frames they share, as a share of those of either."""


def matched(found: Spans, true: Spans) -> Spans:
    """The pairs [pairs, 2] of a found and a true segment that overlap by `LEAST_OVERLAP` or more, by number.

    Each segment is in one pair at most; those that overlap most are matched first.

    Args:
        found: [segments, 2], first frame, and the frame after the last one.
        true: likewise.
    """
    shared = np.minimum(found[:, None, 1], true[None, :, 1]) - np.maximum(found[:, None, 0], true[None, :, 0])
    lengths = (found[:, 1] - found[:, 0])[:, None] + (true[:, 1] - true[:, 0])[None]
    overlap = shared / np.maximum(lengths - shared, 1)
    pairs = np.argwhere(overlap >= LEAST_OVERLAP)
    order = np.argsort(-overlap[tuple(pairs.T)], kind="stable")
    chosen: list[tuple[int, int]] = []
    for one, other in pairs[order].tolist():
        if all(one != a and other != b for a, b in chosen):
            chosen.append((one, other))
    return np.array(chosen, dtype=np.int64).reshape(-1, 2)


def inside(spans: Spans, frames: int) -> npt.NDArray[np.bool_]:
    """Which frames of a clip are in a segment."""
    edges = np.zeros(frames + 1, dtype=np.int64)
    np.add.at(edges, spans[:, 0], 1)
    np.add.at(edges, spans[:, 1], -1)
    return np.cumsum(edges[:-1]) > 0
