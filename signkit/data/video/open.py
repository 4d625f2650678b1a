"""A path to a clip: what is a file of video, what a folder of frames, and what neither."""

import os
from pathlib import Path

from signkit.config.registry import extra_for
from signkit.data.video.folder import open_folder
from signkit.errors import UserError
from signkit.runtime.files import plainly
from signkit.types import USUAL_FPS, Clip

PICTURES = (b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
"""How files begin that Pillow reads; WebP is recognised on its own. A JPEG may be the first of a film."""


def open_clip(path: str | Path, where: str = "", fps: float = USUAL_FPS) -> Clip:
    """A file of video, a moving picture (gif, webp, apng), or a folder of frames (png, jpg).

    What a file holds counts, not its ending. Of most, nothing but the headers of packets is looked at; moving
    pictures, and films that do not tell the times of their frames, are decoded once.

    Args:
        where: what a message begins with; the path if empty.
        fps: frames a second of a folder, which does not say.

    Raises:
        UserError: there is nothing, or nothing that is a clip; naming the path.
        OperationalError: it cannot be read.
    """
    path, where = Path(path), where or str(path)
    with extra_for(where):
        from signkit.data.video.file import open_file
        from signkit.data.video.moving import open_moving

    if os.path.isdir(path):  # where `Path.is_dir` raises, opening says why
        return open_folder(path, where, fps)
    start = _start(path, where)
    moving = start.startswith(PICTURES) or (start[:4], start[8:12]) == (b"RIFF", b"WEBP")
    return open_moving(path, where) if moving else open_file(path, where)


def _start(path: Path, where: str) -> bytes:
    with plainly(path, "read"):
        try:
            with open(path, "rb") as file:
                start = file.read(16)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UserError(where, "there is no such file") from error
    if not start:
        raise UserError(where, "the file is empty")
    return start
