"""Letters for pictures: a gloss as white on a dark band, in a font that has its script."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signkit.errors import UserError

SHARE = 0.07
"""Of the picture's height: the size of the letters."""
SMALLEST = 8
"""Pixels of their size."""
DARK = 0.6
"""How dark the band is: 1 is black."""


@dataclass(frozen=True, slots=True)
class Band:
    """A strip at the bottom of a picture: how much of the picture stays [rows, 1, 1], and what is added to it
    [rows, width, 3]."""

    stays: npt.NDArray[np.float32] = field(repr=False)
    added: npt.NDArray[np.float32] = field(repr=False)

    def over(self, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A picture [height, width, 3] with the strip over it."""
        rows = len(self.added)
        out = picture.copy()
        out[-rows:] = np.rint(out[-rows:] * self.stays + self.added).astype(np.uint8)
        return out


class Fonts:
    """Fonts by the letters they have: DejaVu Sans, which comes with matplotlib, then those of this machine.

    Args:
        letters: all that are going to be written.

    Raises:
        UserError: some of them are in no font.
    """

    def __init__(self, letters: Iterable[str]) -> None:
        self._known: list[tuple[Path, frozenset[str]]] = []
        self._more = _fonts()
        wanted = {letter for letter in letters if not letter.isspace()}
        while lacking := wanted - {letter for _, has in self._known for letter in has}:
            if not self._next(lacking):
                some = "".join(sorted(lacking)[:8]) + "…" * (len(lacking) > 8)
                what = f"no font of this machine has the letters {some}"
                raise UserError("--burn", what, "install one that has, such as Noto Sans CJK for Chinese")

    def path(self, text: str) -> Path:
        """The font that has the most letters of a text, of equal ones the first."""
        wanted = set(text)
        return max(self._known, key=lambda known: len(wanted & known[1]))[0]

    def _next(self, wanted: set[str]) -> bool:
        """Open fonts until one has a letter that is wanted; False if none is left."""
        for path, has in self._more:
            if not self._known or wanted & has:
                self._known.append((path, has))
                return True
        return False


def band(text: str, size: tuple[int, int], font: Callable[[int], Any]) -> Band:
    """A strip with a text in its middle, small enough to be seen whole.

    Args:
        size: height and width of the picture.
        font: from a size in pixels to a font of Pillow.
    """
    from PIL import Image, ImageDraw

    height, width = size
    pixels = max(SMALLEST, round(SHARE * height))
    room = 0.95 * width
    length = font(pixels).getlength(text)
    if length > room:
        pixels = max(1, int(pixels * room / length))
    rows = min(height, round(1.8 * max(pixels, SMALLEST)))
    image = Image.new("L", (width, rows))
    ImageDraw.Draw(image).text((width / 2, rows / 2), text, fill=255, font=font(pixels), anchor="mm")
    ink = np.asarray(image, dtype=np.float32)[:, :, None]
    return Band(((1 - ink / 255) * (1 - DARK)).astype(np.float32), np.repeat(ink, 3, axis=2))


def _fonts() -> Iterator[tuple[Path, frozenset[str]]]:
    """Fonts with the letters they have, plain ones without serifs first; what is no font, or has one size
    alone, is passed over."""
    from matplotlib import font_manager, get_data_path
    from matplotlib.ft2font import FT2Font

    own = Path(get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    others = sorted((Path(path) for path in font_manager.findSystemFonts()), key=_plainness)
    for path in (own, *others):
        try:
            font = FT2Font(str(path))
        except (OSError, RuntimeError, ValueError):
            continue
        if font.scalable:
            yield path, frozenset(map(chr, font.get_charmap()))


def _plainness(path: Path) -> tuple[bool, bool, str]:
    name = path.name.lower()
    return "sans" not in name, "regular" not in name, str(path)
