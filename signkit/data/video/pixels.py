"""From pictures as they are stored to upright RGB in 8 bits: alpha, rotation, size."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from signkit.data.shapes import UInt8

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

Size = tuple[int, int]
"""Height and width."""
Turn = tuple[bool, int]
"""Whether left and right change places, and the quarter turns counter-clockwise after that."""
GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""How bright each colour is (ITU-R BT.601)."""
AT_ONCE, AT_ONCE_BYTES = 16, 64 << 20
"""Frames that are held as they are stored while they are resized: fewer of large ones."""


class ToRgb:
    """Frames of PyAV as arrays. Keeps what swscale has prepared from one frame to the next."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()
        self._alpha: dict[str, bool] = {}

    def __call__(self, frame: "VideoFrame") -> UInt8[np.ndarray, "height width 3"]:
        """A frame as it is stored, before black where it is transparent; a view where that will do."""
        name = frame.format.name
        if name not in self._alpha:
            self._alpha[name] = name == "pal8" or any(part.is_alpha for part in frame.format.components)
        alpha = self._alpha[name]
        rgb = self._reformatter.reformat(frame, format="rgba" if alpha else "rgb24", threads=1)
        return on_black(plane(rgb, 4)) if alpha else plane(rgb, 3)


def gathered(
    frames: Iterable[npt.NDArray[np.uint8]], count: int, size: Size | None, turn: Turn = (False, 0)
) -> UInt8[np.ndarray, "frames height width 3"]:
    """Frames of one shape as one array, turned and resized a few at a time: long clips are large."""
    flipped, quarters = turn
    stored = size[::-1] if size and quarters % 2 else size
    rows = np.empty(0, dtype=np.uint8)
    few: list[npt.NDArray[np.uint8]] = []
    for row, pixels in enumerate(frames, 1):
        if size is None and not any(turn):
            rows = rows if row > 1 else np.empty((count, *pixels.shape), dtype=np.uint8)
            rows[row - 1] = pixels
            continue
        few.append(pixels)
        if len(few) < AT_ONCE and len(few) * pixels.nbytes < AT_ONCE_BYTES and row < count:
            continue
        block = resized(np.stack(few), stored)
        block = np.rot90(block[:, :, ::-1] if flipped else block, quarters, (1, 2))
        if row == len(few):
            rows = np.empty((count, *block.shape[1:]), dtype=np.uint8)
        rows[row - len(few) : row] = block
        few = []
    return rows


def resized(
    pixels: UInt8[np.ndarray, "frames height width channels"],
    size: Size | None,
    interpolation: str = "bilinear",
) -> UInt8[np.ndarray, "frames new_height new_width channels"]:
    """Frames at another height and width: bilinear or bicubic, averaged where they shrink."""
    if size is None or pixels.shape[1:3] == size:
        return pixels
    # Four times as fast as swscale's and as Pillow's.
    import torch
    from torch.nn import functional as F

    stored = torch.from_numpy(pixels).permute(0, 3, 1, 2)
    scaled = F.interpolate(stored, size, mode=interpolation, antialias=True)
    return np.asarray(scaled.permute(0, 2, 3, 1))


def turn_of(frame: "VideoFrame") -> Turn:
    """What brings a frame upright; none where it says nothing.

    The matrix takes a stored point (x to the right, y down) to (a x + c y, b x + d y) with its numbers 0,
    1, 3 and 4 (ISO 14496-12). A turn that is no multiple of a quarter goes to the nearest one.
    """
    from av.sidedata.sidedata import Type

    if "_missing_" not in vars(Type):
        Type._missing_ = classmethod(_without_a_name)  # type: ignore[assignment, method-assign]
    data = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
    if data is None:
        return False, 0
    a, b, _, c, d = np.frombuffer(bytes(data), dtype="=i4")[:5].astype(float).tolist()
    flipped = a * d - b * c < 0
    if flipped:
        a, b = -a, -b
    clockwise = np.degrees(np.arctan2(b, a))
    return flipped, int(-np.round(clockwise / 90)) % 4


def _without_a_name(kind: Any, number: object) -> Any:
    """A kind of side data that PyAV's list lacks. PyAV 18.1 refuses all side data of a frame for the sake of
    one such: the EXIF that FFmpeg 8 finds in JPEG pictures, or the number of a view in stereo films."""
    member = object.__new__(kind)
    member._name_, member._value_ = f"NUMBER_{number}", number
    return member


def on_black(rgba: UInt8[np.ndarray, "height width 4"]) -> UInt8[np.ndarray, "height width 3"]:
    """A picture with transparency before a black wall."""
    product: npt.NDArray[np.uint16] = rgba[..., :3].astype(np.uint16) * rgba[..., 3:] + 127
    return (product // 255).astype(np.uint8)


def plane(frame: "VideoFrame", channels: int) -> npt.NDArray[np.uint8]:
    """The only plane of a packed frame, without the padding of its lines; a view."""
    plane: Any = frame.planes[0]
    lines = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)[: frame.height]
    return lines[:, : frame.width * channels].reshape(frame.height, frame.width, channels)
