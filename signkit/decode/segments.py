"""From what a model says of each frame to the segments of a clip."""

import numpy as np
import numpy.typing as npt

from signkit.decode.configs import SegmentsConfig

Spans = npt.NDArray[np.int64]
"""[segments, 2]: first frame, and the frame after the last one, of segments one after the other."""


def found_segments(
    sign: npt.NDArray[np.float64], onset: npt.NDArray[np.float64], config: SegmentsConfig
) -> Spans:
    """The segments of a clip.

    A segment is a run of frames with a sign, cut where another sign begins.

    Args:
        sign: [frames], the probability that a sign is signed in a frame.
        onset: [frames], the probability that one begins there; zero if that is not known.
    """
    inside = sign >= config.threshold
    before = np.concatenate([[False], inside[:-1]])
    rises = inside & ~before
    places = np.arange(len(inside))
    since = places - np.maximum.accumulate(np.where(rises, places, 0))
    cuts = _peaks(onset, config.onset_threshold, config.min_frames) & (since >= config.min_frames)
    starts = np.flatnonzero(rises | (inside & cuts))
    falls = np.append(np.flatnonzero(before & ~inside), len(inside))
    ends = np.minimum(np.append(starts[1:], len(inside)), falls[np.searchsorted(falls, starts, "right")])
    spans = np.stack([starts, ends], 1).astype(np.int64)
    return spans[spans[:, 1] - spans[:, 0] >= config.min_frames]


def _peaks(values: npt.NDArray[np.float64], least: float, apart: int) -> npt.NDArray[np.bool_]:
    """Where a value is at least ``least`` and above zero, and the first highest of those less than ``apart``
    places away."""
    padded = np.pad(values, apart - 1, constant_values=-1.0)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * apart - 1)
    highest: npt.NDArray[np.bool_] = windows.argmax(1) == apart - 1
    return highest & (values >= least) & (values > 0)
