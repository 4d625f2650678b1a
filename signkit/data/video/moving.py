"""Moving pictures (gif, webp, apng) by Pillow: frames in their order, and their times."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence

from signkit.data.video.picture import DAMAGED, rgb
from signkit.data.video.pixels import Size, gathered
from signkit.errors import UserError
from signkit.types import USUAL_FPS


@dataclass(frozen=True, slots=True)
class MovingPicture:
    """A gif, webp or apng of several frames, decoded from its start on.

    Attributes:
        passed: pictures before the first frame: an apng may have one for those who show no films.
    """

    path: Path
    where: str
    frames: int
    fps: float
    passed: int = 0

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """Frames by index, upright, RGB; see `signkit.types.Clip`."""
        wanted, row_of = np.unique(places, return_inverse=True)
        place = 0

        def pixels() -> Iterator[npt.NDArray[np.uint8]]:
            nonlocal place
            with Image.open(self.path) as image:
                for place in wanted.tolist():
                    image.seek(self.passed + place)
                    yield rgb(image)

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
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1)
            if frames == 1:
                raise UserError(where, "is one picture, not a video")
            passed = int(getattr(image, "default_image", False))
            durations = [_duration(frame) for frame in ImageSequence.Iterator(image)][passed:]
    except UserError:
        raise
    except Exception as error:
        raise UserError(where, "is not a readable picture", DAMAGED) from error
    frames, seconds = len(durations), sum(durations[:-1]) / 1000
    return MovingPicture(path, where, frames, (frames - 1) / seconds if seconds > 0 else USUAL_FPS, passed)


def _duration(frame: Image.Image) -> float:
    """Milliseconds for which a frame is shown; WebP tells them of a decoded frame only."""
    frame.load()
    return float(frame.info.get("duration", 0))
