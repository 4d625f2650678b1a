"""Media files that are not what they should be: each is named in one line, with the frame at fault."""

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from media import FAST, cut, encoded, moving, overwritten, put, write_frames, write_moving, write_sound
from media import write_video as write

from signkit.data.video import open_clip
from signkit.errors import UserError

DICE = np.random.default_rng(0)
FILM = np.clip(moving(60) + DICE.integers(-40, 40, (60, 48, 32, 3)), 0, 255).astype(np.uint8)
"""With noise, so that a file has bytes to lose."""
PHOTO = "is one picture, not a video; a folder of pictures is a clip, each of them a frame"
MAYBE = "it may be truncated or damaged"
UNREADABLE = f"is not a readable video; {MAYBE}"
THIRD = f"frame 2 (images0003.png) cannot be decoded; {MAYBE}"


def with_third(change: Callable[[Path], object]) -> Callable[[Path], Path]:
    """A folder of six frames of which the third is changed."""

    def make(folder: Path) -> Path:
        change(write_frames(folder, FILM[:6]) / "images0003.png")
        return folder

    return make


def two_sizes(path: Path) -> Path:
    """A film whose pictures change their size in the middle, as a camera's may."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 32, "yuvj420p"
        file.start_encoding()
        for number, rows in enumerate((48, 48, 20, 20)):
            packet = av.Packet(encoded(FILM[number, :rows], "jpeg"))
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, number, number, True
            packet.time_base = Fraction(1, 25)
            file.mux(packet)
    return path


def still_moving(path: Path) -> Path:
    write_moving(path, FILM[:1])
    return path


DAMAGED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing.mp4": (lambda p: p, "there is no such file"),
    "below_a_file.mp4": (lambda p: put(p, "x") / "film.mp4", "there is no such file"),
    "empty.mp4": (lambda p: put(p, ""), "the file is empty"),
    "text.mp4": (lambda p: put(p, "hello\n" * 50), UNREADABLE),
    "text.txt": (lambda p: put(p, "hello\n" * 50), UNREADABLE),
    "not_found.mp4": (lambda p: put(p, "<html><body>404</body></html>"), UNREADABLE),
    "random.mp4": (lambda p: put(p, DICE.bytes(5000)), UNREADABLE),
    "archive.mp4": (lambda p: put(p, b"PK\x03\x04" + DICE.bytes(5000)), UNREADABLE),
    "subtitles.srt": (
        lambda p: put(p, "1\n00:00:00,000 --> 00:00:01,000\nhi\n"),
        "has no pictures, only subtitle",
    ),
    "sound.mp4": (write_sound, "has no pictures, only audio"),
    "playlist.mp4": (
        lambda p: put(p, "#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"),
        "is a list of files, not a video; name its files",
    ),
    "list.mp4": (
        lambda p: put(p, f"ffconcat version 1.0\nfile {write(p.with_name('other.ts'), FILM).name}\n"),
        "is a list of files, not a video",
    ),
    "picture.png": (lambda p: put(p, encoded(FILM[0], "png")), PHOTO),
    "picture.mp4": (lambda p: put(p, encoded(FILM[0], "jpeg")), PHOTO),
    "picture.bmp": (lambda p: put(p, encoded(FILM[0], "bmp")), PHOTO),
    "still.gif": (still_moving, PHOTO),
    "half_index_last.mp4": (lambda p: cut(write(p, FILM, g="12"), 0.6), UNREADABLE),
    "half_index_first.mp4": (
        lambda p: cut(write(p, FILM, g="12", container=FAST), 0.6),
        "is truncated or damaged at frame 33",
    ),
    "half.mkv": (lambda p: cut(write(p, FILM, g="12"), 0.6), "is truncated after frame 33: 1.3 of 2.4 s"),
    "half.webm": (
        lambda p: cut(write(p, FILM, "libvpx-vp9", g="12"), 0.6),
        "is truncated after frame 35: 1.4 of 2.4 s",
    ),
    "half.avi": (
        lambda p: cut(write(p, FILM, "mjpeg", pix_fmt="yuvj420p"), 0.6),
        "is truncated or damaged at frame 32",
    ),
    "head_gone.mp4": (lambda p: put(p, write(p, FILM, g="12").read_bytes()[300:]), UNREADABLE),
    "hole.mp4": (
        lambda p: overwritten(write(p, FILM, g="12", container=FAST), 0.5, 0.6),
        f"frame 27 cannot be decoded; {MAYBE}",
    ),
    "hole.mkv": (
        lambda p: overwritten(write(p, FILM, g="12"), 0.5, 0.6),
        f"frame 27 cannot be decoded; {MAYBE}",
    ),
    "hole.ts": (
        lambda p: overwritten(write(p, FILM, g="12"), 0.5, 0.6),
        f"frame 28 cannot be decoded; {MAYBE}",
    ),
    "hole.avi": (
        lambda p: overwritten(write(p, FILM, "mpeg4", g="12"), 0.5, 0.6),
        "is truncated: 57 of its 60 frames are there",
    ),
    "two_sizes.avi": (two_sizes, "frame 2 is 32x20 pixels, but frame 0 32x48"),
    "half.gif": (lambda p: cut(write_moving(p, FILM[:10]), 0.6), f"is not a readable picture; {MAYBE}"),
    "half.webp": (lambda p: cut(write_moving(p, FILM[:10]), 0.6), f"is not a readable picture; {MAYBE}"),
    "half_moving.png": (
        lambda p: cut(write_moving(p, FILM[:10]), 0.6),
        f"is not a readable picture; {MAYBE}",
    ),
    "empty_folder": (lambda p: (p.mkdir(), p)[1], "the folder has no frames (png, jpg, webp, bmp, tif)"),
    "folder_of_notes": (
        lambda p: put(p / "notes.txt", "x").parent,
        "the folder has no frames (png, jpg, webp, bmp, tif)",
    ),
    "frame_gone": (
        with_third(Path.unlink),
        "frame 2 is missing: images0003.png; complete the folder, or renumber its frames",
    ),
    "frame_is_a_folder": (
        with_third(lambda p: (p.unlink(), p.mkdir())),
        "frame 2 is missing: images0003.png; complete the folder, or renumber its frames",
    ),
    "frame_empty": (with_third(lambda p: put(p, "")), THIRD),
    "frame_of_text": (with_third(lambda p: put(p, "x" * 99)), THIRD),
    "frame_half": (with_third(lambda p: cut(p, 0.6)), THIRD),
    "frame_with_a_hole": (with_third(lambda p: overwritten(p, 0.5, 0.6)), THIRD),
    "frame_with_a_blank_end": (with_third(lambda p: overwritten(p, 0.9, 1)), THIRD),
    "grey_with_a_blank_end": (
        with_third(lambda p: overwritten(put(p, encoded(FILM[0, ..., 0], "png")), 0.9, 1)),
        THIRD,
    ),
    "frame_smaller": (
        with_third(lambda p: put(p, encoded(FILM[0, :20], "png"))),
        "frame 2 (images0003.png) is 32x20 pixels, but frame 0 32x48",
    ),
    "frames_of_two_kinds": (
        with_third(lambda p: p.rename(p.with_suffix(".jpg"))),
        "the folder has frames of two kinds, png and jpg",
    ),
    "photo_half": (
        lambda p: cut(write_frames(p, FILM[:6], "{}.jpg") / "3.jpg", 0.6).parent,
        f"frame 2 (3.jpg) cannot be decoded; {MAYBE}",
    ),
}


def test_there_are_thirty_of_them() -> None:
    assert len(DAMAGED) >= 30


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    make, message = DAMAGED[name]
    path = make(tmp_path / name)
    with pytest.raises(UserError) as caught:
        clip = open_clip(path)
        clip.read(np.arange(clip.frames))
    assert str(caught.value) == f"{path}: {message}"
    with pytest.raises(UserError) as caught:
        clip = open_clip(path, "manifest.csv:3")
        clip.read(np.arange(clip.frames), (16, 16))
    assert str(caught.value) == f"manifest.csv:3: {message}"


def test_frames_before_a_hole_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "film.mp4", FILM, g="12", container=FAST)
    whole = open_clip(path).read(np.arange(60))
    clip = open_clip(overwritten(path, 0.5, 0.6))
    assert np.array_equal(clip.read(np.arange(20)), whole[:20])
    assert np.array_equal(clip.read(np.array([3, 55])), whole[[3, 55]])  # the hole is leapt over


def test_a_file_that_vanishes_is_named(tmp_path: Path) -> None:
    clip = open_clip(write_frames(tmp_path / "clip", FILM[:3]))
    shutil.rmtree(tmp_path / "clip")
    with pytest.raises(UserError) as caught:
        clip.read(np.arange(3))
    assert str(caught.value) == f"{tmp_path}/clip/images0001.png: there is no such file"
