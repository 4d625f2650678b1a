"""Animated PNG by its specification (W3C, PNG third edition): the pictures of each frame are decoded by
Pillow, and put over one another here. Pillow's own way to a frame blends wrongly, and otherwise where frames
before it were skipped."""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

from signkit.data.video.picture import PNG, rgba

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

KEEP, CLEAR, PUT_BACK = range(3)
"""What becomes of a frame's rectangle before the next one: it stays, is emptied, or is as it was before."""
USUAL_DENOMINATOR = 100
"""Of a delay, where 0 is written."""
NOT_COPIED = (b"acTL", b"fcTL", b"fdAT", b"IDAT", b"IEND", b"IHDR", b"eXIf")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it is stored.

    Attributes:
        box: left, top, right and bottom in the canvas.
        milliseconds: for which it is shown.
        disposal: `KEEP`, `CLEAR` or `PUT_BACK`.
        over: whether it is laid over what is there, or replaces it.
        content: a PNG file of its rectangle.
    """

    box: tuple[int, int, int, int]
    milliseconds: float
    disposal: int
    over: bool
    content: bytes


def frames(content: bytes) -> tuple[Frame, ...]:
    """The frames of a PNG file; none of one that does not move.

    Raises:
        ValueError: frames are missing, lie outside the canvas, or have no picture.
    """
    chunks = [*_chunks(content)]
    declared = next((struct.unpack(">I", data[:4])[0] for kind, data in chunks if kind == b"acTL"), 0)
    header = next(data for kind, data in chunks if kind == b"IHDR")
    shared = [
        _chunk(kind, data)
        for kind, data in chunks[: _first_picture(chunks)]
        if kind not in NOT_COPIED
    ]  # fmt: skip
    found: list[tuple[bytes, list[bytes]]] = []
    for kind, data in chunks if declared else ():
        if kind == b"fcTL":
            found.append((data, []))
        elif (
            kind in (b"IDAT", b"fdAT") and found
        ):  # an IDAT before the first frame is for those who show none
            found[-1][1].append(data[4:] if kind == b"fdAT" else data)
    if len(found) != declared:
        raise ValueError(f"{len(found)} of its {declared} frames are there")
    return tuple(_frame(control, parts, header, shared) for control, parts in found)


def shown(stored: tuple[Frame, ...]) -> Iterator["Picture"]:
    """Each frame as it is seen, RGBA; one canvas that changes."""
    size = (max(frame.box[2] for frame in stored), max(frame.box[3] for frame in stored))
    canvas = Image.new("RGBA", size)
    for frame in stored:
        before = canvas.copy() if frame.disposal == PUT_BACK else None
        with Image.open(io.BytesIO(frame.content)) as image:
            picture = rgba(image)
        if frame.over:
            canvas.alpha_composite(picture, frame.box[:2])
        else:
            canvas.paste(picture, frame.box)
        yield canvas
        if before is not None:
            canvas = before
        elif frame.disposal == CLEAR:
            canvas.paste((0, 0, 0, 0), frame.box)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(PNG)
    while at + 8 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        kind = content[at + 4 : at + 8]
        yield kind, content[at + 8 : end]
        if kind == b"IEND":
            return
        at = end + 4


def _first_picture(chunks: list[tuple[bytes, bytes]]) -> int:
    return next((place for place, (kind, _) in enumerate(chunks) if kind == b"IDAT"), len(chunks))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _frame(control: bytes, parts: list[bytes], header: bytes, shared: list[bytes]) -> Frame:
    _, width, height, left, top, delay, denominator, disposal, blend = struct.unpack(">IIIIIHHBB", control)
    canvas_width, canvas_height = struct.unpack(">II", header[:8])
    if not parts:
        raise ValueError("a frame has no picture")
    if left + width > canvas_width or top + height > canvas_height:
        raise ValueError("a frame lies outside the canvas")
    own = struct.pack(">II", width, height) + header[8:]
    body = (_chunk(b"IHDR", own), *shared, _chunk(b"IDAT", b"".join(parts)), _chunk(b"IEND", b""))
    return Frame(
        box=(left, top, left + width, top + height),
        milliseconds=1000 * delay / (denominator or USUAL_DENOMINATOR),
        disposal=disposal,
        over=blend == 1,
        content=PNG + b"".join(body),
    )
