"""Clips of video: every frame by its index, whatever the file, as if all had been decoded."""

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from media import FAST, encoded, moving, put, turned, write_frames, write_moving, write_video
from PIL import Image

from signkit.data.video import open_clip
from signkit.data.video.file import VideoFile
from signkit.data.video.pixels import gathered, on_black, resized
from signkit.types import Clip

FILM = moving(60)
FILES: dict[str, dict[str, Any]] = {
    "short_groups.mp4": {"g": "12", "bf": "3"},
    "one_key_frame.mp4": {"g": "1000", "bf": "3"},
    "intra_refresh.mp4": {"g": "20", "bf": "0", "x264-params": "intra-refresh=1"},
    "open_groups.mkv": {"g": "12", "bf": "3", "x264-params": "open-gop=1"},
    "without_times.avi": {"g": "12", "bf": "2"},
    "transport.ts": {"g": "12", "bf": "2"},
    "mpeg4.avi": {"codec": "mpeg4", "g": "12"},
    "pictures.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "ten_bits.mp4": {"pix_fmt": "yuv420p10le", "g": "12"},
    "grey.mp4": {"pix_fmt": "gray", "g": "12"},
    "hidden_frames.webm": {"codec": "libvpx-vp9", "g": "12", "auto-alt-ref": "1", "lag-in-frames": "20"},
    "deep.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le"},
    "lossless.mkv": {"codec": "ffv1", "pix_fmt": "bgr0"},
    "program.mpg": {"codec": "mpeg1video", "g": "12", "bf": "3"},
    "palette.mov": {"codec": "qtrle", "pix_fmt": "gray", "g": "12"},
    "photos.mjpeg": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of clip, each of the same film."""
    base = tmp_path_factory.mktemp("clips")
    for name, options in FILES.items():
        write_video(base / name, FILM, **options)
    write_frames(base / "pngs", FILM)
    write_frames(base / "jpegs", FILM, "frame{}.jpg", first=0)
    write_moving(base / "moving.gif", FILM)
    write_moving(base / "moving.webp", FILM)
    write_moving(base / "moving.png", FILM)
    return base


GREY = ("grey.mp4", "palette.mov")
CLIPS = (*FILES, "pngs", "jpegs", "moving.gif", "moving.webp", "moving.png")


@pytest.fixture(scope="module")
def clips(folder: Path) -> dict[str, tuple[Clip, np.ndarray]]:
    """Each clip with all its frames."""
    opened = {name: open_clip(folder / name) for name in CLIPS}
    return {name: (clip, clip.read(np.arange(clip.frames))) for name, clip in opened.items()}


@pytest.mark.parametrize("name", FILES)
def test_all_frames_are_those_of_bare_decoding(name: str, folder: Path, clips: dict[str, Any]) -> None:
    with av.open(str(folder / name)) as file:
        bare = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
    clip, frames = clips[name]
    assert (clip.frames, clip.fps) == (60, 25.0)
    assert np.array_equal(frames, bare)


@pytest.mark.parametrize("name", ["lossless.mkv", "pngs", "moving.webp", "moving.png"])
def test_what_is_stored_without_loss_comes_back(name: str, clips: dict[str, Any]) -> None:
    assert np.array_equal(clips[name][1], FILM)


@pytest.mark.parametrize("name", CLIPS)
def test_the_film_is_the_one_that_was_written(name: str, clips: dict[str, Any]) -> None:
    film = np.repeat((FILM @ [0.299, 0.587, 0.114])[..., None], 3, -1) if name in GREY else FILM
    assert np.abs(clips[name][1] - film.astype(float)).mean() < 14


@pytest.mark.parametrize("name", CLIPS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.integers(0, 59), min_size=1, max_size=9).map(sorted))
def test_any_places_are_taken_from_all_frames(name: str, places: list[int], clips: dict[str, Any]) -> None:
    clip, frames = clips[name]
    assert np.array_equal(clip.read(np.array(places)), frames[places])


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("count", [1, 13, 59])
def test_the_first_frames_and_the_rest_are_all(name: str, count: int, clips: dict[str, Any]) -> None:
    clip, frames = clips[name]
    parts = [clip.read(np.arange(*ends)) for ends in ((0, count), (count, 60))]
    assert np.array_equal(np.concatenate(parts), frames)


@pytest.mark.parametrize("name", CLIPS)
def test_resizing_is_the_same_for_every_clip_and_any_part(name: str, clips: dict[str, Any]) -> None:
    clip, frames = clips[name]
    small = clip.read(np.arange(60), (20, 28))
    assert small.shape == (60, 20, 28, 3) and np.array_equal(small, resized(frames, (20, 28)))
    assert np.array_equal(clip.read(np.array([3, 40, 40]), (20, 28)), small[[3, 40, 40]])
    assert np.array_equal(clip.read(np.array([7]), (48, 32)), frames[[7]])


def test_an_even_picture_stays_even_when_resized() -> None:
    even = np.full((2, 9, 7, 3), (10, 200, 77), np.uint8)
    assert (resized(even, (16, 4)) == np.array([10, 200, 77])).all()
    lines = np.zeros((1, 64, 4, 3), np.uint8)
    lines[:, ::2] = 100
    assert np.abs(resized(lines, (2, 4)).astype(int) - 50).max() <= 2  # averaged, not skipped


def test_rare_frames_of_a_long_file_are_sought(
    folder: Path, clips: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    import signkit.data.video.file as module

    decoded = []
    plain = module._decoded
    monkeypatch.setattr(
        module, "_decoded", lambda *given: (decoded.append(frame) or frame for frame in plain(*given))
    )
    clip, frames = clips["short_groups.mp4"]
    assert np.array_equal(clip.read(np.array([0, 50])), frames[[0, 50]])
    assert len(decoded) == 1 + 51 - max(key for key in clip.keys if key <= 50)
    decoded.clear()
    assert np.array_equal(clip.read(np.array([2, 9, 14])), frames[[2, 9, 14]])
    assert len(decoded) == 15  # so near, decoding on is cheaper


@pytest.mark.parametrize(("ending", "codec"), [("mp4", "libx264"), ("mkv", "libx264"), ("webm", "libvpx")])
def test_a_rate_that_varies(tmp_path: Path, ending: str, codec: str) -> None:
    times = np.cumsum([0] + [10, 90] * 29 + [40]).tolist()
    path = write_video(tmp_path / f"varies.{ending}", FILM, codec, times=times, g="12", bf="2")
    clip = open_clip(path)
    assert clip.frames == 60 and clip.fps == pytest.approx(59 / 2.94, rel=1e-2) != 25
    frames = clip.read(np.arange(60))
    assert np.abs(frames - FILM.astype(float)).mean() < 14
    assert np.array_equal(clip.read(np.array([31, 55])), frames[[31, 55]])


TURNS = {
    (1, 0, 0, 1): lambda f: f,
    (0, 1, -1, 0): lambda f: np.rot90(f, -1, (1, 2)),  # how telephones store a film taken upright
    (-1, 0, 0, -1): lambda f: np.rot90(f, 2, (1, 2)),
    (0, -1, 1, 0): lambda f: np.rot90(f, 1, (1, 2)),
    (-1, 0, 0, 1): lambda f: f[:, :, ::-1],
    (1, 0, 0, -1): lambda f: f[:, ::-1],
    (0, 1, 1, 0): lambda f: f.swapaxes(1, 2),
    (0, -1, -1, 0): lambda f: np.rot90(f.swapaxes(1, 2), 2, (1, 2)),
}


@pytest.mark.parametrize("matrix", TURNS)
def test_rotation_flags_are_followed(tmp_path: Path, matrix: tuple[int, int, int, int]) -> None:
    path = write_video(tmp_path / "film.mp4", FILM[:8], g="4")
    plain = open_clip(path).read(np.arange(8))
    clip = open_clip(turned(path, matrix))
    wanted = TURNS[matrix](plain)
    assert np.array_equal(clip.read(np.arange(8)), wanted)
    small = clip.read(np.arange(8), (24, 40)).astype(int)
    assert np.abs(small - resized(np.ascontiguousarray(wanted), (24, 40))).max() <= 1


@pytest.mark.parametrize("size", [(45, 31), (1, 1), (17, 300)])
def test_odd_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    film = moving(3, *size)
    path = write_video(tmp_path / "odd.mkv", film, "ffv1", pix_fmt="bgr0")
    assert np.array_equal(open_clip(path).read(np.arange(3)), film)
    assert np.array_equal(open_clip(write_frames(tmp_path / "odd", film)).read(np.arange(3)), film)


def test_what_is_transparent_is_before_black(tmp_path: Path) -> None:
    alpha = np.broadcast_to(np.arange(0, 256, 8, dtype=np.uint8)[:32], (4, 48, 32))[..., None]
    film = np.concatenate([moving(4), alpha], -1)
    wanted = np.stack([on_black(picture) for picture in film])
    assert wanted[0, 0, 0].tolist() == [0, 0, 0] and wanted[0, 3, -1].tolist() == [
        round(int(value) * 248 / 255) for value in film[0, 3, -1, :3]
    ]
    assert np.array_equal(open_clip(write_frames(tmp_path / "clear", film)).read(np.arange(4)), wanted)
    path = write_video(tmp_path / "clear.mov", film, "qtrle", pix_fmt="argb")
    assert np.array_equal(open_clip(path).read(np.arange(4)), wanted)


def test_pictures_of_every_mode(tmp_path: Path) -> None:
    grey = np.arange(48 * 32, dtype=np.uint16).reshape(48, 32) * 40
    modes = {
        "L": Image.fromarray((grey >> 8).astype(np.uint8)),
        "I;16": Image.fromarray(grey),
        "P": Image.fromarray(FILM[0]).quantize(16),
        "LA": Image.fromarray((grey >> 8).astype(np.uint8)).convert("LA"),
        "1": Image.fromarray(grey > 30000),
    }
    for mode, image in modes.items():
        folder = tmp_path / mode
        folder.mkdir()
        image.save(folder / "1.png")
        (pixels,) = open_clip(folder).read(np.array([0]))
        deep = mode in ("L", "I;16", "LA")
        wanted = np.repeat((grey >> 8)[..., None], 3, -1) if deep else np.asarray(image.convert("RGB"))
        assert np.array_equal(pixels, wanted), mode
    (tmp_path / "cmyk").mkdir()
    Image.fromarray(FILM[0]).convert("CMYK").save(tmp_path / "cmyk" / "1.jpg", quality=95)
    (pixels,) = open_clip(tmp_path / "cmyk").read(np.array([0]))
    assert np.abs(pixels - FILM[0].astype(float)).mean() < 8


def test_a_photo_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    for ending, near in (("png", 0), ("jpg", 8)):
        folder = tmp_path / ending
        folder.mkdir()
        Image.fromarray(FILM[0]).save(folder / f"1.{ending}", exif=exif)
        (pixels,) = open_clip(folder).read(np.array([0]))
        assert np.abs(pixels - np.rot90(FILM[0], -1).astype(float)).mean() <= near


def test_frames_are_in_natural_order_and_other_files_are_no_frames(tmp_path: Path) -> None:
    write_frames(tmp_path, FILM[:12], "{}.png", first=0)
    for name in ("Thumbs.db", ".DS_Store", "._0.png", "notes.txt"):
        put(tmp_path / name, "x")
    assert np.array_equal(open_clip(tmp_path).read(np.arange(12)), FILM[:12])


def test_every_second_frame_is_a_clip_too(tmp_path: Path) -> None:
    for number in range(0, 12, 2):
        put(tmp_path / f"x{number:02}-0.png", encoded(FILM[number], "png"))
    assert np.array_equal(open_clip(tmp_path).read(np.arange(6)), FILM[:12:2])


def test_the_content_counts_and_not_the_ending(tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", FILM, g="12").rename(tmp_path / "film.png")
    assert isinstance(open_clip(film), VideoFile) and open_clip(film).frames == 60
    odd = write_moving(tmp_path / "a.gif", FILM[:9]).rename(tmp_path / "100%d: a.mp4")
    assert (open_clip(odd).frames, open_clip(odd).fps) == (9, 25.0)
    strange = write_video(tmp_path / "film.mp4", FILM, g="12", container=FAST).rename(
        tmp_path / "a%03d:b.mp4"
    )
    assert open_clip(strange).frames == 60


@pytest.mark.parametrize("ending", ["gif", "webp", "png"])
def test_the_rate_of_a_moving_picture(tmp_path: Path, ending: str) -> None:
    even = write_moving(tmp_path / f"even.{ending}", FILM[:10], duration=100)
    uneven = write_moving(tmp_path / f"uneven.{ending}", FILM[:10], duration=[20, 100] * 4 + [20, 500])
    assert [open_clip(path).fps for path in (even, uneven)] == [10.0, 18.0]


def test_a_picture_for_those_who_show_no_films_is_no_frame(tmp_path: Path) -> None:
    still, *film = [Image.fromarray(picture) for picture in FILM[:6]]
    still.save(tmp_path / "a.png", save_all=True, append_images=film, default_image=True, duration=50)
    clip = open_clip(tmp_path / "a.png")
    assert (clip.frames, clip.fps) == (5, 20.0)
    assert np.array_equal(clip.read(np.arange(5)), FILM[1:6])
    assert np.array_equal(clip.read(np.array([3])), FILM[[4]])


def test_frames_that_an_edit_list_hides_are_not_counted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", FILM, g="12", bf="2")
    data = bytearray(path.read_bytes())
    start = data.index(b"elst") + 12  # after the version and the number of edits: duration, first time shown
    scale = 12800 // 25
    first = int.from_bytes(data[start + 4 : start + 8], "big")
    data[start + 4 : start + 8] = (first + 5 * scale).to_bytes(4, "big")
    path.write_bytes(data)
    with av.open(str(path)) as file:
        bare = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
    clip = open_clip(path)
    assert clip.frames == len(bare) < 60
    assert np.array_equal(clip.read(np.arange(clip.frames)), bare)
    assert np.array_equal(clip.read(np.array([20, 45])), bare[[20, 45]])


def test_many_frames_are_gathered_like_few() -> None:
    frames = moving(37)
    assert np.array_equal(gathered(iter(frames), 37, None), frames)
    assert np.array_equal(gathered(iter(frames), 37, (10, 12)), resized(frames, (10, 12)))


def test_of_large_frames_few_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signkit.data.video.pixels.AT_ONCE_BYTES", 3 * moving(1).nbytes)
    made: list[weakref.ref[np.ndarray]] = []
    alive = []

    def frames() -> Iterator[np.ndarray]:
        for picture in moving(20):
            made.append(weakref.ref(own := picture.copy()))
            alive.append(sum(frame() is not None for frame in made))
            yield own

    assert np.array_equal(gathered(frames(), 20, (10, 12)), resized(moving(20), (10, 12)))
    assert max(alive) <= 4


def test_real_clips(real_data: Any) -> None:
    path = min(real_data("colour_sign_videos").rglob("*.mp4"))
    clip = open_clip(path)
    with av.open(str(path)) as file:
        bare = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert clip.frames == len(bare)
    place = len(bare) * 2 // 3
    assert np.array_equal(clip.read(np.array([place]))[0], bare[place])
