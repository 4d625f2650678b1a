"""Films that were trimmed or copied from the middle of others, or in which pictures were never written."""

from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from media import moving, write_moving, write_video

from signkit.data.video import open_clip
from signkit.data.video.file import VideoFile
from signkit.errors import UserError

FILM = moving(60)
TICKS = 512
"""Units of time a frame in a track of an mp4 file of 25 frames a second."""


def bare(path: Path) -> npt.NDArray[np.uint8]:
    """What is seen where nobody asks for an index."""
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def check_is_bare(path: Path, frames: int) -> VideoFile:
    """All frames are those of bare decoding, and each alone is the one of all."""
    clip, wanted = open_clip(path), bare(path)
    assert isinstance(clip, VideoFile) and clip.frames == len(wanted) == frames
    assert np.array_equal(clip.read(np.arange(frames)), wanted)
    for place in range(0, frames, 5):
        assert np.array_equal(clip.read(np.array([place]))[0], wanted[place])
    return clip


def trimmed(path: Path, first: int, milliseconds: int) -> Path:
    """An mp4 with an edit list that shows less, as telephones trim without writing a film anew."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 12  # after the version and the number of edits: duration, first time shown
    begin = int.from_bytes(data[at + 4 : at + 8], "big") + first * TICKS
    data[at : at + 8] = milliseconds.to_bytes(4, "big") + begin.to_bytes(4, "big")
    path.write_bytes(data)
    return path


def copied(source: Path, target: Path, after: int) -> Path:
    """The packets from one of them on, not decoded; ``after`` counts from the second key frame."""
    with av.open(str(source)) as file, av.open(str(target), "w") as out:
        packets = [packet for packet in file.demux(video=0) if packet.size]
        stream = out.add_stream_from_template(file.streams.video[0])
        second = [number for number, packet in enumerate(packets) if packet.is_keyframe][1]
        for packet in packets[second + after :]:
            packet.stream = stream
            out.mux(packet)
    return target


@pytest.mark.parametrize(
    ("first", "milliseconds", "frames"), [(0, 1200, 30), (30, 1200, 30), (30, 600, 15), (0, 2400, 60)]
)
def test_a_trimmed_film_has_the_frames_that_are_shown(
    tmp_path: Path, first: int, milliseconds: int, frames: int
) -> None:
    path = write_video(tmp_path / "film.mp4", FILM, g="12", bf="2")
    check_is_bare(trimmed(path, first, milliseconds), frames)


OPEN = {"bf": "3", "g": "12", "x264-params": "open-gop=1"}
HEVC = {"codec": "libx265", "x265-params": "log-level=none:keyint=12:open-gop=1:bframes=4"}
MPEG2 = {"codec": "mpeg2video", "g": "12", "bf": "2"}


@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize(
    ("name", "options"), [("a.ts", OPEN), ("b.mkv", HEVC), ("c.mkv", MPEG2), ("d.ts", MPEG2)]
)
def test_a_film_cut_where_decoding_cannot_begin(
    tmp_path: Path, name: str, options: dict[str, Any], after: int
) -> None:
    source = write_video(tmp_path / name, FILM, **options)
    path = copied(source, source.with_stem("cut"), after)
    check_is_bare(path, len(bare(path)))


@pytest.mark.parametrize(("codec", "pix_fmt"), [("mpeg4", "yuv420p"), ("mjpeg", "yuvj420p")])
def test_frames_that_a_recorder_left_out(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    path, gone = tmp_path / "film.avi", (10, 11, 30)
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=25, options={"g": "12"})
        stream.height, stream.width, stream.pix_fmt = *FILM.shape[1:3], pix_fmt
        for number, picture in enumerate(FILM):
            if number not in gone:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    with av.open(str(path)) as file:
        assert file.streams.video[0].frames == 60  # empty ones are counted
    assert check_is_bare(path, 57).fps == pytest.approx(56 / (59 / 25))


@pytest.mark.parametrize("name", ["film.mkv", "film.webm"])
def test_a_last_frame_that_is_shown_for_long(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libvpx-vp9" if name.endswith("webm") else "libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = *FILM.shape[1:3], "yuv420p"
        frames = [av.VideoFrame.from_ndarray(picture, format="rgb24") for picture in FILM[:20]]
        packets = [packet for frame in (*frames, None) for packet in stream.encode(frame)]
        last = max(packets, key=lambda packet: packet.pts or 0)
        last.duration = (last.duration or 1) * 60
        file.mux(packets)
    with av.open(str(path)) as file:
        assert file.duration is not None and file.duration > 3_000_000
    check_is_bare(path, 20)


def test_a_seek_that_fails_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import signkit.data.video.file as module

    path = write_video(tmp_path / "film.mp4", FILM, g="12")
    clip = check_is_bare(path, 60)

    class Unseekable:
        """A container that can be read from its start on alone."""

        def __init__(self, container: Any) -> None:
            self.demux = container.demux

        def seek(self, *given: Any, **named: Any) -> None:
            raise av.error.PermissionError(1, "Operation not permitted")

    wanted = module.VideoFile._wanted
    monkeypatch.setattr(
        module.VideoFile, "_wanted", lambda self, container, *rest: wanted(self, Unseekable(container), *rest)
    )
    assert np.array_equal(clip.read(np.array([50]))[0], bare(path)[50])


def test_a_film_that_vanishes_is_named(tmp_path: Path) -> None:
    for path in (write_video(tmp_path / "film.mp4", FILM[:3]), write_moving(tmp_path / "film.gif", FILM[:3])):
        clip = open_clip(path, "manifest.csv:2")
        path.unlink()
        with pytest.raises(UserError) as caught:
            clip.read(np.arange(2))
        assert str(caught.value) == "manifest.csv:2: there is no such file"


def test_what_is_lost_of_a_trimmed_film_is_still_found(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", FILM, g="12", bf="0", container={"movflags": "faststart"})
    data = path.read_bytes()
    with av.open(str(path)) as file:
        sizes = [packet.size for packet in islice(file.demux(video=0), 60)]
    start = data.index(b"mdat") + 4
    path.write_bytes(data[: start + sum(sizes[:40])])
    with pytest.raises(UserError, match="is truncated: 40 of its 60 frames are there$"):
        open_clip(path)
    with pytest.raises(UserError, match=r"is truncated: 40 of its (4[5-9]|5\d) frames are there$"):
        open_clip(trimmed(path, 0, 1800))
    assert open_clip(trimmed(path, 0, 1000)).frames == 25
