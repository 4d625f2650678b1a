"""A path to a clip: what is a file of video, what a folder of frames, and what neither."""

import os
from pathlib import Path

from signkit.config.registry import extra_for
from signkit.data.video.folder import ENDINGS, open_folder
from signkit.data.video.picture import ONE_PICTURE
from signkit.errors import UserError
from signkit.runtime.files import plainly
from signkit.runtime.paths import refuse_special
from signkit.types import Clip

PICTURES = (b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
"""How files begin that Pillow reads; WebP is recognised on its own. A JPEG may be the first of a film."""
PLAYLISTS = (b"#EXTM3U", b"[playlist]")
PHOTOS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")
"""Brands of HEIF files that hold pictures: cameras store one in many tiles, each of them a film to FFmpeg."""


def open_clip(path: str | Path, where: str = "", fps: float | None = None) -> Clip:
    """A file of video, a moving picture (gif, webp, apng), or a folder of frames (png, jpg, webp, bmp, tif).

    What a file holds counts, not its ending. Of most, nothing but the headers of packets is looked at; moving
    pictures, and films that do not tell the times of their frames, are decoded once. The frames of a folder
    may lie in the only folder in it, and ``NAME/*.png`` names the pictures of one kind.

    Args:
        where: what a message begins with; the path if empty.
        fps: frames a second of a folder; None: what the names of its frames tell if they are times, else 25.

    Raises:
        UserError: there is nothing, or nothing that is a clip, such as a single picture; naming the path.
        OperationalError: it cannot be read.
    """
    path, where = Path(path), where or str(path)
    with extra_for(where):
        from signkit.data.video.file import open_file
        from signkit.data.video.moving import open_moving

    path, kind = frames_meant(path)
    if os.path.isdir(path):  # where `Path.is_dir` raises, opening says why
        return open_folder(path, where, fps, kind)
    start = _start(path, where)
    if start[4:8] == b"ftyp" and start[8:12] in PHOTOS:
        raise UserError(where, "is one picture, not a video", ONE_PICTURE)
    if start.startswith(PLAYLISTS):
        raise UserError(where, "is a list of files, not a video", "name its files")
    moving = start.startswith(PICTURES) or (start[:4], start[8:12]) == (b"RIFF", b"WEBP")
    return open_moving(path, where) if moving else open_file(path, where)


def frames_meant(path: Path) -> tuple[Path, str]:
    """The folder that ``FOLDER/*.png`` means, and the ending; another path as it is, and ""."""
    if path.name.startswith("*.") and path.suffix.lower() in ENDINGS and not os.path.lexists(path):
        return path.parent, path.suffix
    return path, ""


def _start(path: Path, where: str) -> bytes:
    refuse_special(path, where)
    with plainly(path, "read"):
        try:
            with open(path, "rb") as file:
                start = file.read(16)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise UserError(where, "there is no such file") from error
    if not start:
        raise UserError(where, "the file is empty")
    return start
