"""Single pictures: by Pillow, and usual PNG files by FFmpeg, which gives the same bits in half the time."""

import io
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from signkit.data.video.pixels import on_black, plane

if TYPE_CHECKING:
    from PIL.Image import Image

DAMAGED = "it may be truncated or damaged"
ONE_PICTURE = "a folder of pictures is a clip, each of them a frame"
PNG = b"\x89PNG\r\n\x1a\n"
FRAMES = (b"acTL", b"fcTL", b"fdAT")
"""The parts of a PNG file that make it move."""


def decoded(content: bytes) -> npt.NDArray[np.uint8]:
    """The picture in a file's bytes: upright, RGB, before black, uint8 [height, width, 3].

    Raises:
        Exception: whatever Pillow raises where it cannot decode them.
    """
    if content.startswith(PNG):
        check_sums(content)
        pixels = _plain_png(content) if b"eXIf" not in content else None
        if pixels is not None:
            return pixels
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        return rgb(image)


def _plain_png(content: bytes) -> npt.NDArray[np.uint8] | None:
    """The pixels of a PNG file in RGB of 8 bits; None for any other and for damaged ones."""
    import av

    codec = av.CodecContext.create(
        "png", "r"
    )  # a new one each time: it keeps something of the picture before
    codec.thread_count = 1
    try:
        frames: list[Any] = codec.decode(av.Packet(content))
    except av.FFmpegError:
        return None
    return plane(frames[0], 3) if len(frames) == 1 and frames[0].format.name == "rgb24" else None


def check_sums(content: bytes) -> None:
    """Refuse a PNG file in which a part that is needed is not what its sum says: decoders show a hole there.
    Those of the frames of a moving one are needed too.

    Raises:
        ValueError: naming the part.
    """
    at = len(PNG)
    while at < len(content) and content[at + 4 : at + 8] != b"IEND":
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        kind = content[at + 4 : at + 8]
        needed = kind[:1].isupper() or not kind.isalpha() or kind in FRAMES
        if needed and zlib.crc32(content[at + 4 : end]) != int.from_bytes(content[end : end + 4], "big"):
            raise ValueError(f"the part at byte {at} is damaged")
        at = end + 4


def rgb(image: "Image") -> npt.NDArray[np.uint8]:
    """The pixels of a picture: upright as its EXIF says, 8 bits of each, on black where transparent."""
    from PIL import ImageOps

    if "exif" in image.info:
        image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(np.asarray(image))
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return on_black(np.asarray(image.convert("RGBA")))
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def rgba(image: "Image") -> "Image":
    """A picture with its transparency in 8 bits."""
    from PIL import Image as pillow

    if image.mode.startswith("I") or image.mode == "F":
        image = pillow.fromarray(_from_deep(np.asarray(image)))
    return image.convert("RGBA")


def _from_deep(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Grey of 16 bits as RGB of 8."""
    grey = (np.clip(values, 0, 65535).astype(np.int64) >> 8).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)
