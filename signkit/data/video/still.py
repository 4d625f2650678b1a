"""Single images, as classifiers of pictures read them: what is none, or not as it seems, is refused."""

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.config.registry import extra_for
from signkit.data.video.picture import DAMAGED, PNG, check_sums, decoded
from signkit.data.video.pixels import Size, gathered
from signkit.errors import UserError
from signkit.runtime.files import read_bytes
from signkit.types import USUAL_FPS

STILLS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
"""Endings of image files."""
DEPTH_AT = 24
"""Where a PNG file says how many bits a colour has."""


@dataclass(frozen=True, slots=True)
class StillImage:
    """A `signkit.types.Clip` of one frame: an image file."""

    path: Path
    where: str

    @property
    def frames(self) -> int:
        """One."""
        return 1

    @property
    def fps(self) -> float:
        """The usual rate: an image has none."""
        return USUAL_FPS

    def read(self, places: npt.NDArray[np.int64], size: Size | None = None) -> npt.NDArray[np.uint8]:
        """The image for each place, upright, RGB; see `signkit.types.Clip`."""
        content = read_bytes(self.path)
        check_still(content, self.where)
        rows = gathered([decoded(content)], 1, size)
        return rows[np.zeros(len(places), dtype=np.int64)]


def check_still(content: bytes, where: str) -> None:
    """Refuse what is not a single image of 8 bits a colour, grey or RGB, or cannot be decoded to its end.

    Raises:
        UserError: it is empty, no image, of no pixels, animated, CMYK, of 16 bits a colour, or damaged.
    """
    if not content:
        raise UserError(where, "the file is empty")
    with extra_for(where):
        from PIL import Image, UnidentifiedImageError
    try:
        if content.startswith(PNG):
            check_sums(content)
        with Image.open(io.BytesIO(content)) as image:
            fault = _unlike_others(image, content)
            if fault is None:
                # A JPEG is read to its end all the same, but computed at an eighth of its size.
                image.draft("RGB", (1, 1))
                image.load()
    except UnidentifiedImageError as error:
        size = _size_of(content)
        what = "is no image, or too damaged to be read as one"
        raise UserError(where, f"has no pixels: it is {size}" if size else what) from error
    except Exception as error:  # Pillow raises what it likes on damaged images
        raise UserError(where, "cannot be decoded", DAMAGED) from error
    if fault is not None:
        raise UserError(where, *fault)


def _size_of(content: bytes) -> str:
    """Width and height by the head of a file, if one of them is 0; "" otherwise. To Pillow it is none."""
    for start, at, form in ((PNG, 16, ">II"), (b"GIF8", 6, "<HH"), (b"BM", 18, "<ii")):
        if content.startswith(start) and len(content) >= at + struct.calcsize(form):
            size = struct.unpack_from(form, content, at)
            return "{} x {}".format(*size) if 0 in size else ""
    return ""


def _unlike_others(image: Any, content: bytes) -> tuple[str, str] | None:
    """What keeps an image that can be opened from being used, and what helps."""
    pictures = getattr(image, "n_frames", 1)
    if pictures > 1 and image.format != "MPO":  # in which cameras add a preview to a photo
        return f"holds {pictures} pictures, as an animation does", "save the one that is meant"
    if image.mode == "CMYK":
        return "has the colours of print (CMYK)", "save it as RGB"
    deep = content.startswith(PNG) and content[DEPTH_AT : DEPTH_AT + 1] == b"\x10"
    if deep or image.mode.startswith("I") or image.mode == "F":
        return "has more than 8 bits a colour", "save it with 8, at the brightness that is meant"
    return None
