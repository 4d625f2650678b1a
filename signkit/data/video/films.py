"""A file of video opened by PyAV, and which of its films is the clip: a file may have a preview, a depth map,
a cover or thumbnails beside it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.stream import Disposition

from signkit.data.video.picture import DAMAGED, ONE_PICTURE
from signkit.errors import UserError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

TEXT_CODECS = ("ansi", "bintext", "xbin", "idf")
"""FFmpeg shows text files as films of their letters."""
LISTS = ("concat", "hls", "dash")
"""What FFmpeg opens though it holds no film but names files that do."""
COVERS = Disposition.attached_pic
ASIDE = Disposition.timed_thumbnails | Disposition.still_image | Disposition.dependent
"""What a file says of films that are not meant to be seen by themselves."""
FAULTS = (
    av.FFmpegError,
    ValueError,
    LookupError,
    AttributeError,
    AssertionError,
    NotImplementedError,
    OverflowError,
)
"""What PyAV raises, `ValueError` where FFmpeg gives it what it has no name for."""
AS_MANY, AS_LONG = 0.4, 0.9
"""The share of the most frames that a film must have, not to be a picture or a row of thumbnails, and that of
the longest film's seconds for it to be as long."""


@contextmanager
def opened(path: Path, where: str, film: int = -1) -> Iterator[tuple["InputContainer", "VideoStream"]]:
    """The file and its film. Only this file is read, whatever it names.

    Args:
        film: its number among the file's streams; -1: the first that is no cover.

    Raises:
        UserError: not a video, without a film; or PyAV has failed in the block.
    """
    try:
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    except FileNotFoundError as error:
        raise UserError(where, "there is no such file") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        raise UserError(where, "is not a readable video", DAMAGED) from error
    with container:
        name = container.format.name
        if name == "image2" or name.endswith("_pipe"):
            raise UserError(where, "is one picture, not a video", ONE_PICTURE)
        if name.partition(",")[0] in LISTS:
            raise UserError(where, "is a list of files, not a video")
        films = films_of(container)
        stream = next((each for each in films if film in (each.index, -1)), None)
        if stream is None:
            kinds = sorted({s.type for s in container.streams if s.type != "video"})
            raise UserError(where, f"has no pictures, only {' and '.join(kinds) or 'an empty film'}")
        if stream.codec_context is None or stream.codec_context.name in TEXT_CODECS:
            raise UserError(where, "is not a video")
        stream.codec_context.thread_count = 1
        try:
            yield container, stream
        except FAULTS as error:
            raise UserError(where, f"cannot be read by PyAV ({type(error).__name__}: {error})") from error


def longest(container: "InputContainer") -> tuple[int, str]:
    """Of several films the one that is the clip, by its number among the file's streams, and what is to be
    said of the others. All packets are read.

    It is the longest that moves; of films as long the one that the file calls the default, then the largest.
    """
    films = films_of(container)
    lengths = _lengths(container, films)
    most = max(frames for frames, _ in lengths)
    moving = [length for length in lengths if length[0] >= AS_MANY * most]
    seconds = AS_LONG * max(seconds for _, seconds in moving)
    rivals = [
        film for film, each in zip(films, lengths, strict=True) if each in moving and each[1] >= seconds
    ]
    best = max(rivals, key=lambda s: (bool(s.disposition & Disposition.default), s.width * s.height))
    place = films.index(best)
    about = f"{best.width}x{best.height}, {lengths[place][0]} frames"
    return best.index, f"holds {len(films)} films; the {_ordinal(place)} ({about}) is read"


def films_of(container: "InputContainer") -> list["VideoStream"]:
    """Streams of pictures that are no covers; those that can be decoded and are seen by themselves if there
    are such."""
    films = [s for s in container.streams.video if not s.disposition & COVERS]
    decoded = [s for s in films if s.codec_context is not None]
    return [s for s in decoded if not s.disposition & ASIDE] or decoded or films


def _lengths(container: "InputContainer", films: Sequence["VideoStream"]) -> list[tuple[int, float]]:
    """Frames and seconds of each film, by its packets: what the file declares may be that of all."""
    times: dict[int, list[int]] = {film.index: [] for film in films}
    try:
        for packet in container.demux(*films):
            if packet.size:
                times[packet.stream_index].append(packet.pts or packet.dts or 0)
    except av.FFmpegError:
        pass  # damage is found out when the film that is the clip is read
    units = ((times[film.index], film.time_base or 0) for film in films)
    return [(len(each), float((max(each) - min(each)) * unit) if each else 0.0) for each, unit in units]


def _ordinal(place: int) -> str:
    return ("first", "second", "third", "fourth")[place] if place < 4 else f"{place + 1}th"
