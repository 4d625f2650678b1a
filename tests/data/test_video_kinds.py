"""Files of video as cameras, phones and programs write them: side data, several films, single photos, moving
pictures of changes, and times of their own."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from media import Pixels, encoded, moving, put, turned, write_moving, write_video
from PIL import Image

from signkit.data.corpora.media import Numbers, open_media, segment_of
from signkit.data.video import films, open_clip
from signkit.data.video.times import bounds
from signkit.errors import UserError
from signkit.types import Landmarks, Video

FILM = moving(20)
PHOTO = "is one picture, not a video; a folder of pictures is a clip, each of them a frame"

# Pictures with EXIF, each in a packet of its own, as cameras write them.


def camera(path: Path, orientation: int | None = None) -> Path:
    exif = Image.Exif()
    exif[0x0110] = "Camera"
    if orientation:
        exif[0x0112] = orientation
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mjpeg", rate=15)
        stream.height, stream.width, stream.pix_fmt = 48, 32, "yuvj420p"
        file.start_encoding()
        for number, picture in enumerate(FILM):
            target = path.with_suffix(".jpg")
            Image.fromarray(picture).save(target, quality=95, exif=exif)
            packet = av.Packet(target.read_bytes())
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, number, number, True
            packet.time_base = Fraction(1, 15)
            file.mux(packet)
    return path


@pytest.mark.parametrize("ending", ["avi", "mov", "mkv"])
def test_pictures_with_exif(tmp_path: Path, ending: str) -> None:
    """FFmpeg gives it as side data for which PyAV may have no name."""
    clip = open_clip(camera(tmp_path / f"film.{ending}"))
    frames = clip.read(np.arange(20))
    assert (clip.frames, clip.fps) == (20, 15.0)
    assert frames.shape == FILM.shape and np.abs(frames - FILM.astype(float)).mean() < 4
    assert np.array_equal(clip.read(np.array([7])), frames[[7]])


@pytest.mark.parametrize(
    ("orientation", "upright"), [(2, lambda f: f[:, :, ::-1]), (6, lambda f: np.rot90(f, -1, (1, 2)))]
)
def test_pictures_that_say_how_they_were_held(tmp_path: Path, orientation: int, upright: Any) -> None:
    """FFmpeg makes a display matrix of it; a mirror is kept."""
    plain = open_clip(camera(tmp_path / "plain.avi")).read(np.arange(20))
    clip = open_clip(camera(tmp_path / "held.avi", orientation))
    assert np.array_equal(clip.read(np.arange(20)), upright(plain))


def test_a_display_matrix_beside_side_data_without_a_name(tmp_path: Path) -> None:
    plain = open_clip(camera(tmp_path / "plain.mov")).read(np.arange(20))
    rotated = open_clip(turned(camera(tmp_path / "rotated.mov"), (0, 1, -1, 0)))
    assert np.array_equal(rotated.read(np.arange(20)), np.rot90(plain, -1, (1, 2)))


@pytest.mark.parametrize(
    "error", [ValueError("31 is not a valid Type"), KeyError("x"), NotImplementedError()]
)
def test_what_pyav_raises_is_a_fault_of_the_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = write_video(tmp_path / "film.mp4", FILM)
    clip = open_clip(path)

    def fail(*_: object) -> None:
        raise error

    for where in ("turn_of", "read_headers"):
        monkeypatch.setattr(f"signkit.data.video.file.{where}", fail)
    message = f"{path}: cannot be read by PyAV ({type(error).__name__}: {error})"
    for use in (lambda: clip.read(np.arange(2)), lambda: open_clip(path)):
        with pytest.raises(UserError) as caught:
            use()
        assert str(caught.value) == message


# Several films in a file.


def several(path: Path, *parts: tuple[Pixels, int], codec: str = "libx264", default: int = 0) -> Path:
    """A file of films, each with its frames a second; one of them is the default."""
    with av.open(str(path), "w") as file:
        streams = []
        for place, (pixels, rate) in enumerate(parts):
            stream = file.add_stream(codec, rate=rate)
            stream.height, stream.width, stream.pix_fmt = *pixels.shape[1:3], "yuv420p"
            stream.disposition = av.stream.Disposition.default if place == default else 0
            streams.append(stream)
        for stream, (pixels, _) in zip(streams, parts, strict=True):
            for picture in pixels:
                file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            file.mux(stream.encode(None))
    return path


SMALL = FILM[:, :16, :16]


@pytest.mark.parametrize(
    ("parts", "default", "chosen"),
    [
        ([(SMALL[:1], 1), (FILM, 25)], 0, 1),  # a preview of one picture
        ([(SMALL[:3], 1), (FILM[:10], 25)], 0, 1),  # thumbnails that last longer than the film
        ([(FILM, 25), (SMALL, 25)], 0, 0),  # a depth map of the same length
        ([(SMALL, 25), (FILM, 25)], 1, 1),
        ([(SMALL, 25), (FILM, 25)], 0, 0),  # as long, so what the file calls the default
        ([(FILM[:12], 25), (SMALL, 25)], 0, 1),  # the longer one, though smaller
    ],
)
def test_of_several_films_one_is_read(
    tmp_path: Path, parts: list[tuple[Pixels, int]], default: int, chosen: int
) -> None:
    clip = open_clip(several(tmp_path / "films.mkv", *parts, default=default))
    pixels = parts[chosen][0]
    frames = clip.read(np.arange(clip.frames))
    assert frames.shape == pixels.shape and np.abs(frames - pixels.astype(float)).mean() < 14
    size = f"{pixels.shape[2]}x{pixels.shape[1]}, {len(pixels)} frames"
    assert clip.notes == (f"holds 2 films; the {('first', 'second')[chosen]} ({size}) is read",)  # type: ignore[attr-defined]


def test_a_film_alone_needs_no_note(tmp_path: Path) -> None:
    assert open_clip(write_video(tmp_path / "film.mp4", FILM)).notes == ()  # type: ignore[attr-defined]


def test_films_that_are_said_to_be_beside_another_are_not_read(tmp_path: Path) -> None:
    """Thumbnails may have as many frames as the film; the file says what they are."""
    with av.open(str(several(tmp_path / "films.mkv", (SMALL, 25), (FILM, 25)))) as file:
        assert [stream.index for stream in films.films_of(file)] == [0, 1]
        file.streams.video[0].disposition = av.stream.Disposition.timed_thumbnails
        assert [stream.index for stream in films.films_of(file)] == [1]
        file.streams.video[0].disposition = av.stream.Disposition.attached_pic
        file.streams.video[1].disposition = av.stream.Disposition.dependent
        assert [stream.index for stream in films.films_of(file)] == [1]


# Single photos.


@pytest.mark.parametrize("brand", ["heic", "heix", "mif1", "avif"])
def test_photos_of_phones_are_pictures(tmp_path: Path, brand: str) -> None:
    """Refused before FFmpeg shows the first of their tiles for a film."""
    path = put(tmp_path / "photo.heic", b"\0\0\0\x18ftyp" + brand.encode() + b"\0\0\0\0mif1heic" + bytes(99))
    with pytest.raises(UserError) as caught:
        open_clip(path)
    assert str(caught.value) == f"{path}: {PHOTO}"


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "bmp", "tiff", "gif"])
def test_pictures_of_every_kind_are_pictures(tmp_path: Path, kind: str) -> None:
    path = put(tmp_path / f"photo.{kind}", encoded(FILM[0], kind))
    with pytest.raises(UserError) as caught:
        open_clip(path)
    assert str(caught.value) == f"{path}: {PHOTO}"


# Moving pictures, by the specification of PNG.


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_apng(path: Path, height: int, width: int, frames: list[tuple[Pixels, int, int, int, int]]) -> Path:
    """Frames of (pixels, left, top, disposal, blend), each shown for 40 ms."""

    def packed(pixels: Pixels) -> bytes:
        return zlib.compress(b"".join(b"\0" + row.tobytes() for row in pixels))

    colours = 6 if frames[0][0].shape[2] == 4 else 2
    content = b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colours, 0, 0, 0)
    )
    content += chunk(b"acTL", struct.pack(">II", len(frames), 0))
    number = 0
    for place, (pixels, left, top, disposal, blend) in enumerate(frames):
        rows, columns = pixels.shape[:2]
        control = struct.pack(">IIIIIHHBB", number, columns, rows, left, top, 40, 1000, disposal, blend)
        content += chunk(b"fcTL", control)
        number += 1
        if place == 0:
            content += chunk(b"IDAT", packed(pixels))
        else:
            content += chunk(b"fdAT", struct.pack(">I", number) + packed(pixels))
            number += 1
    return put(path, content + chunk(b"IEND", b""))


def by_the_specification(
    height: int, width: int, frames: list[tuple[Pixels, int, int, int, int]]
) -> np.ndarray:
    canvas, shown = np.zeros((height, width, 4)), []
    for place, (pixels, left, top, disposal, blend) in enumerate(frames):
        before = canvas.copy()
        part = canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]]  # a view
        new = np.full((*pixels.shape[:2], 4), 255.0)
        new[..., : pixels.shape[2]] = pixels
        if blend:
            share, under = new[..., 3:] / 255, part[..., 3:] / 255
            alpha = share + under * (1 - share)
            colour = new[..., :3] * share + part[..., :3] * under * (1 - share)
            new[..., :3] = np.divide(colour, alpha, out=np.zeros_like(colour), where=alpha > 0)
            new[..., 3:] = 255 * alpha
        part[:] = new
        shown.append(canvas[..., :3] * canvas[..., 3:] / 255)
        if disposal == 1 or (disposal == 2 and place == 0):
            part[:] = 0
        elif disposal == 2:
            canvas = before
    return np.stack(shown)


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("disposal", [0, 1, 2, None])
@pytest.mark.parametrize("blend", [0, 1, None])
def test_frames_of_an_apng_are_put_over_one_another(
    tmp_path: Path, channels: int, disposal: int | None, blend: int | None
) -> None:
    """Each equals the specification's, and is the same whatever else is read."""
    rng = np.random.default_rng([channels, disposal or 7, blend or 7])
    frames = []
    for place in range(12):
        rows, columns = (24, 32) if place == 0 else rng.integers(4, 12, 2).tolist()
        top, left = int(rng.integers(0, 25 - rows)), int(rng.integers(0, 33 - columns))
        pixels = rng.integers(0, 256, (rows, columns, channels), dtype=np.uint8)
        d = int(rng.integers(3)) if disposal is None else disposal
        b = int(rng.integers(2)) if blend is None else blend
        frames.append((pixels, left, top, d, b))
    clip = open_clip(write_apng(tmp_path / "moving.png", 24, 32, frames))
    every = clip.read(np.arange(12))
    assert (clip.frames, clip.fps) == (12, 25.0)
    assert np.abs(every - by_the_specification(24, 32, frames)).max() <= 3
    for place in range(12):
        assert np.array_equal(clip.read(np.array([place]))[0], every[place])


@pytest.mark.parametrize(
    ("ending", "options"), [("gif", {}), ("gif", {"disposal": 2}), ("webp", {"lossless": True})]
)
def test_changes_of_a_moving_picture_are_the_same_alone(
    tmp_path: Path, ending: str, options: dict[str, int]
) -> None:
    rng = np.random.default_rng(3)
    wall = rng.integers(0, 255, (24, 32, 3), np.uint8)
    pictures = []
    for _ in range(10):
        wall = wall.copy()
        top, left = rng.integers(0, 18), rng.integers(0, 26)
        wall[top : top + 6, left : left + 6] = rng.integers(0, 255, 3)
        pictures.append(Image.fromarray(wall))
    path = tmp_path / f"moving.{ending}"
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40, **options)
    clip = open_clip(path)
    every = clip.read(np.arange(clip.frames))
    for place in range(clip.frames):
        assert np.array_equal(clip.read(np.array([place]))[0], every[place])


def test_an_apng_that_lacks_frames(tmp_path: Path) -> None:
    path = write_apng(tmp_path / "moving.png", 48, 32, [(frame, 0, 0, 0, 0) for frame in FILM[:4]])
    content = path.read_bytes()
    put(path, content[: content.rindex(b"fcTL") - 4])
    with pytest.raises(UserError) as caught:
        open_clip(path)
    assert str(caught.value) == f"{path}: is not a readable picture; it may be truncated or damaged"


# Times of frames.

LATE = np.array([0, 33, 66, 99, 700, 1200, 1300, 1500, 1900, 2000])


@pytest.mark.parametrize(
    ("ending", "codec"), [("mp4", "libx264"), ("mkv", "libx264"), ("webm", "libvpx"), ("webm", "libvpx-vp9")]
)
def test_frames_have_times_of_their_own(tmp_path: Path, ending: str, codec: str) -> None:
    """As telephones and browsers record; also where a codec hides frames, so that all are decoded once."""
    clip = open_clip(write_video(tmp_path / f"film.{ending}", FILM[:10], codec, times=LATE.tolist()))
    times = Video(clip).times
    assert times is not None and times.dtype == np.float64
    assert np.abs(times - LATE / 1000).max() < 0.002


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_moving_pictures_have_times_of_their_own(tmp_path: Path, ending: str) -> None:
    durations = [40, 40, 200, 40, 120]
    clip = open_clip(write_moving(tmp_path / f"film.{ending}", FILM[:5], durations))
    assert Video(clip).times == pytest.approx([0, 0.04, 0.08, 0.28, 0.32])


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.ts", "film.avi"])
def test_at_an_even_rate_there_are_none(tmp_path: Path, name: str) -> None:
    assert Video(open_clip(write_video(tmp_path / name, FILM, rate=30))).times is None


def test_bounds_of_frames() -> None:
    assert bounds(3, 10.0, None).tolist() == [0.0, 0.1, 0.2, 3 / 10]
    assert bounds(3, 10.0, np.array([0.0, 0.4, 0.5])).tolist() == [0.0, 0.4, 0.5, 0.6]


def test_a_segment_goes_by_the_frames_own_times(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", FILM[:10], times=LATE.tolist())
    media = open_media(path, str(path), None)
    part = segment_of(media, Numbers(None, 0.6, 1.45), str(path))
    signal = part.load()
    assert isinstance(signal, Video) and (part.frames, signal.clip.frames) == (3, 3)
    assert signal.times == pytest.approx([0, 0.5, 0.6])


def test_a_segment_of_landmarks_keeps_their_times() -> None:
    from signkit.data.segment import load_segment

    points = np.zeros((5, 4, 2), np.float32)
    whole = Landmarks(points, "boston104", 10.0, np.array([0.0, 0.1, 0.5, 0.9, 1.0]))
    part = load_segment(lambda: whole, 2, 5)
    assert isinstance(part, Landmarks) and part.times is not None
    assert part.times.tolist() == pytest.approx([0, 0.4, 0.5])
