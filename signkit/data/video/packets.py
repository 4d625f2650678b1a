"""The packets of a film, by their headers: which frames there are, and whether all that are declared."""

import re
from typing import TYPE_CHECKING, NamedTuple

import av

from signkit.errors import UserError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


class Header(NamedTuple):
    """What a packet tells of its frame.

    Attributes:
        pts: when it is shown.
        dts: when it is decoded.
        key: whether decoding can begin there.
        hidden: whether it is decoded only for the sake of others, as an edit list says.
    """

    pts: int | None
    dts: int | None
    duration: int
    key: bool
    hidden: bool


def read_headers(container: "InputContainer", stream: "VideoStream", where: str) -> list[Header]:
    """The headers of the film's packets, of which all that the file declares must be there and whole."""
    headers: list[Header] = []
    declared = _declared(stream)
    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise UserError(where, f"is truncated or damaged at frame {len(headers)}")
            if packet.size:
                length, key, hidden = packet.duration or 0, packet.is_keyframe, packet.is_discard
                headers.append(Header(packet.pts, packet.dts, length, key, hidden))
    except av.FFmpegError as error:
        raise UserError(where, f"is truncated or damaged after frame {len(headers) - 1}") from error
    if len(headers) < declared:
        raise UserError(where, f"is truncated: {len(headers)} of its {declared} frames are there")
    return headers


def _declared(stream: "VideoStream") -> int:
    """How many packets there must be, 0 where the file does not say. An index knows which of all the
    frames were never written (AVI) or are cut away by an edit list (MP4)."""
    indexed = sum(entry.size > 0 for entry in stream.index_entries) if stream.frames else 0
    return min(stream.frames, indexed) if indexed else stream.frames


def begins_amid(packets: list[Header], times: list[int]) -> bool:
    """Whether a film was cut where decoding cannot begin: its first packets show no frame."""
    if not packets or not times:
        return False
    first = packets[0]
    return not first.key or (first.pts is not None and times[0] < first.pts)


def declared_seconds(container: "InputContainer", stream: "VideoStream") -> float:
    """Seconds of film that a Matroska file declares; 0 where it does not (sound may be longer)."""
    declared = stream.metadata.get("DURATION", "")
    if re.fullmatch(r"\d+:\d\d:\d\d(\.\d+)?", declared):
        hours, minutes, seconds = declared.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    alone = len(container.streams) == 1 and container.format.name.startswith("matroska")
    return (container.duration or 0) / av.time_base if alone else 0.0
