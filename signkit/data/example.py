"""One sample, ready to be collated."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NO_LABEL = -100
"""The label of a frame in which no token is known to be signed."""

Inputs = npt.NDArray[np.float32] | npt.NDArray[np.uint8] | npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Example:
    """One sample, ready to be collated.

    Attributes:
        inputs: landmarks [frames, points, 2 or 3], NaN where missing, features [frames, width],
            video in 8 bits [frames, height, width, 3], or token indices of a source [frames].
        targets: token indices of the reference.
        frame_labels: the token signed in each frame, -100 where it is not known.
        times: float64 [frames], seconds at which each frame is shown; None where that is at ``fps``.
        motion: how much moves at each place, [frames, height, width]; None unless `video.motion` is set.
        glosses: their indices, where they are recognised next to a text.
        others: the same sample by its other readings, where several readings of a source are translated.
        log: the log score of this reading; None where there is one only.
    """

    id: str
    inputs: Inputs
    targets: tuple[int, ...]
    frame_labels: npt.NDArray[np.int64]
    fps: float
    times: npt.NDArray[np.float64] | None = None
    motion: npt.NDArray[np.uint8] | None = None
    glosses: tuple[int, ...] | None = None
    others: tuple["Example", ...] = ()
    log: float | None = None
