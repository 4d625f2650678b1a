"""Moving pictures (gif, webp, apng) by Pillow: frames in their order, and their times."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence

from signkit.data.video.folder import USUAL_FPS
from signkit.data.video.picture import DAMAGED, rgb
from signkit.data.video.pixels import Size, gathered
from signkit.errors import UserError


@dataclass(frozen=True, slots=True)
class MovingPicture:
    """A gif, webp or apng of several frames, decoded from its start on."""

    path: Path
    where: str
    frames: int
    fps: float

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """Frames by index, upright, RGB; see `signkit.types.Clip`."""
        wanted, row_of = np.unique(places, return_inverse=True)
        place = 0

        def pixels() -> Iterator[npt.NDArray[np.uint8]]:
            nonlocal place
            with Image.open(self.path) as image:
                for place in wanted.tolist():
                    image.seek(place)
                    yield rgb(image)

        try:
            rows = gathered(pixels(), len(wanted), size)
        except Exception as error:  # Pillow raises what it likes on damaged pictures
            raise UserError(self.where, f"frame {place} cannot be decoded", DAMAGED) from error
        return rows if len(wanted) == len(places) else rows[row_of]


def open_moving(path: Path, where: str) -> MovingPicture:
    """A moving picture; its frames are gone through once for their durations.

    Raises:
        UserError: it cannot be decoded, or stands still.
    """
    try:
        with Image.open(path) as image:
            frames = getattr(image, "n_frames", 1)
            if frames == 1:
                raise UserError(where, "is one picture, not a video")
            durations = [frame.info.get("duration", 0) for frame in ImageSequence.Iterator(image)]
    except UserError:
        raise
    except Exception as error:
        raise UserError(where, "is not a readable picture", DAMAGED) from error
    seconds = sum(durations[:-1]) / 1000
    return MovingPicture(path, where, frames, (frames - 1) / seconds if seconds > 0 else USUAL_FPS)
