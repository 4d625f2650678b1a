"""Moving pictures: gif and webp by Pillow, apng by `signkit.data.video.apng`; frames in their order, and
their times."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence

from signkit.data.video import apng
from signkit.data.video.picture import DAMAGED, ONE_PICTURE, PNG, check_sums, rgb
from signkit.data.video.pixels import Size, gathered
from signkit.data.video.times import Seconds, rate_of, uneven
from signkit.errors import UserError


@dataclass(frozen=True, slots=True)
class MovingPicture:
    """A gif, webp or apng of several frames. A frame may hold only what changes from the one before, so that
    all are decoded from the first on, whichever are wanted.

    Attributes:
        seconds: when each frame is shown; None where that is at an even rate.
    """

    path: Path
    where: str
    frames: int
    fps: float
    seconds: Seconds | None = field(default=None, repr=False, compare=False)

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """Frames by index, upright, RGB; see `signkit.types.Clip`."""
        wanted, row_of = np.unique(places, return_inverse=True)
        chosen = frozenset(wanted.tolist())
        place = 0

        def pixels() -> Iterator[npt.NDArray[np.uint8]]:
            nonlocal place
            for place, (picture, _) in enumerate(_pictures(self.path)):
                if place in chosen:
                    yield rgb(picture)
                if place == wanted[-1]:
                    return

        try:
            rows = gathered(pixels(), len(wanted), size)
        except FileNotFoundError as error:
            raise UserError(self.where, "there is no such file") from error
        except Exception as error:  # Pillow raises what it likes on damaged pictures
            raise UserError(self.where, f"frame {place} cannot be decoded", DAMAGED) from error
        return rows if len(wanted) == len(places) else rows[row_of]


def open_moving(path: Path, where: str) -> MovingPicture:
    """A moving picture; its frames are decoded once for their durations.

    Raises:
        UserError: it cannot be decoded, or stands still.
    """
    try:
        durations = [duration for _, duration in _pictures(path)]
    except Exception as error:  # Pillow raises what it likes on damaged pictures
        raise UserError(where, "is not a readable picture", DAMAGED) from error
    if len(durations) < 2:
        raise UserError(where, "is one picture, not a video", ONE_PICTURE)
    seconds = np.cumsum([0.0, *durations[:-1]]) / 1000
    fps = rate_of(seconds)
    return MovingPicture(path, where, len(durations), fps, uneven(seconds, fps))


def _pictures(path: Path) -> Iterator[tuple[Image.Image, float]]:
    """The frames one after the other, each with the milliseconds for which it is shown; none of a PNG file
    that does not move."""
    with open(path, "rb") as file:
        content = file.read()
    if content.startswith(PNG):
        check_sums(content)
        stored = apng.frames(content)
        pictures = apng.shown(stored) if stored else ()
        yield from zip(pictures, (frame.milliseconds for frame in stored), strict=True)
        return
    with Image.open(io.BytesIO(content)) as image:
        for frame in ImageSequence.Iterator(image):
            frame.load()  # WebP tells the duration of a decoded frame only
            yield frame, float(frame.info.get("duration", 0))
