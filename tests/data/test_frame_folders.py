"""Folders of frames: kinds of pictures, folders in folders, and names that are times."""

from pathlib import Path

import numpy as np
import pytest
from media import moving, put, write_frames
from PIL import Image

from signkit.data.corpora.frame_folders import count_all
from signkit.data.corpora.phoenix_lists import frames_below
from signkit.data.landmark_files import is_landmarks
from signkit.data.video import open_clip
from signkit.errors import UserError
from signkit.types import Video

FILM = moving(12, 20, 16)
ENDS = "complete the folder, or renumber its frames"


def named(folder: Path, names: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for picture, name in zip(FILM, names, strict=False):
        Image.fromarray(picture).save(folder / name)
    return folder


@pytest.mark.parametrize("ending", ["webp", "bmp", "tif", "tiff", "PNG", "JPG", "jpeg", "BMP"])
def test_kinds_of_pictures(tmp_path: Path, ending: str) -> None:
    clip = open_clip(write_frames(tmp_path / "film", FILM, f"f{{:03d}}.{ending}"))
    frames = clip.read(np.arange(12)).astype(int)
    close = 12 if ending.lower() in ("webp", "jpg", "jpeg") else 0
    assert frames.shape == FILM.shape and np.abs(frames - FILM).mean() <= close
    assert not is_landmarks(put(tmp_path / "film" / "notes.json", "{}").parent)


def test_one_kind_by_several_endings(tmp_path: Path) -> None:
    assert open_clip(named(tmp_path / "jpgs", ["1.jpg", "2.JPG", "3.jpeg"])).frames == 3
    assert open_clip(named(tmp_path / "tifs", ["1.tif", "2.TIFF"])).frames == 2


def test_kinds_that_are_mixed(tmp_path: Path) -> None:
    folder = named(tmp_path / "film", ["1.webp", "2.webp", "3.bmp", "4.png", "5.png", "6.png"])
    with pytest.raises(UserError) as caught:
        open_clip(folder)
    assert str(caught.value) == f"{folder}: the folder has frames of three kinds, png and webp and bmp"
    assert open_clip(folder / "*.png").frames == 3
    assert open_clip(folder / "*.webp").frames == 2


def test_frames_one_folder_down(tmp_path: Path) -> None:
    """As PHOENIX has them, and whatever the folder is called."""
    for inner in ("1", "frames"):
        write_frames(tmp_path / inner / "NAME" / inner, FILM)
        assert open_clip(tmp_path / inner / "NAME").frames == 12
    assert open_clip(tmp_path / "1" / "NAME" / "1" / "*.png").frames == 12
    with pytest.raises(UserError) as caught:
        open_clip(tmp_path / "1" / "NAME" / "1" / "*.jpg")
    assert str(caught.value).endswith("1/*.jpg: the folder has no frames (jpg)")


def test_several_folders_are_no_clip(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_frames(tmp_path / name, FILM)
    with pytest.raises(UserError) as caught:
        open_clip(tmp_path)
    what = "the folder has no frames, but 2 folders of frames, such as a; name one of them"
    assert str(caught.value) == f"{tmp_path}: {what}"


def test_folders_of_phoenix_with_and_without_1(tmp_path: Path) -> None:
    write_frames(tmp_path / "a" / "1", FILM)
    write_frames(tmp_path / "b", FILM)
    counted = count_all(
        [tmp_path / "a", tmp_path / "a" / "1", tmp_path / "b", tmp_path / "b" / "1", tmp_path / "c"]
    )
    assert [each.frames for each in counted] == [12, 12, 12, 12, -1]
    assert counted[3].folder == tmp_path / "b"


@pytest.mark.parametrize(
    ("cell", "folder"),
    [
        ("NAME/1/*.png", "NAME/1"),
        ("NAME/1/*.jpg", "NAME/1"),
        ("NAME/*.png", "NAME"),
        ("train/NAME/1/*.png", "NAME/1"),
        ("train/NAME", "NAME"),
        (" NAME/1 ", "NAME/1"),
        ("train", "train"),
    ],
)
def test_folders_in_phoenix_lists(cell: str, folder: str) -> None:
    assert frames_below(cell, "train").as_posix() == folder


# Names that are times.


@pytest.mark.parametrize(
    ("form", "rate"),
    [
        (lambda i: f"img_{round(i * 1000 / 30):06d}.png", 30.0),  # milliseconds
        (lambda i: f"{1700000000123 + round(i * 1000 / 30)}.png", 30.0),  # since 1970
        (lambda i: f"{1700000000000 + 40 * i}.png", 25.0),  # evenly, but since 1970
        (lambda i: f"f{round(i * 1e6 / 60):08d}.png", 60.0),  # microseconds
        (lambda i: f"{1700000000000000000 + round(i * 1e9 / 30)}.png", 30.0),  # nanoseconds
        (lambda i: f"{round(i * 90000 / (24 / 1.001)):06d}.png", 24 / 1.001),  # a film's clock
        (lambda i: f"t{i / 25}.png", 25.0),  # 0.16 comes before 0.2
        (lambda i: f"{i / 8:.3f}.png", 8.0),  # past a second
    ],
)
def test_names_that_are_times_tell_the_rate(tmp_path: Path, form: object, rate: float) -> None:
    clip = open_clip(named(tmp_path / "film", [form(i) for i in range(12)]))  # type: ignore[operator]
    assert (clip.frames, clip.fps) == (12, pytest.approx(rate, rel=1e-3))
    assert Video(clip).times is None
    assert np.array_equal(clip.read(np.arange(12)), FILM)
    assert open_clip(tmp_path / "film", fps=50.0).fps == 50.0


def test_a_camera_that_drops_frames_has_times(tmp_path: Path) -> None:
    """They are when frames were taken; nothing is missing from the folder."""
    times = [0, 33, 66, 101, 133, 201, 233, 268, 300, 333, 367, 400]
    clip = open_clip(named(tmp_path / "film", [f"{1700000000000 + t}.png" for t in times]))
    assert Video(clip).times == pytest.approx(np.array(times) / 1000)
    assert clip.fps == pytest.approx(11 / 0.4)


@pytest.mark.parametrize(
    ("numbers", "missing"),
    [
        ([1, 2, 4, 5, 6], "frame 2 is missing: 3.png"),
        ([2, 4, 8, 10, 12], "frame 2 is missing: 6.png"),
        ([0, 40, 120, 160, 200], "frame 2 is missing: 80.png"),  # no times: multiples of one step
        ([0, 12, 25, 90, 400], "frame 2 is missing: 24.png and others (3 gaps)"),  # steps of all lengths
    ],
)
def test_numbers_with_gaps_are_no_times(tmp_path: Path, numbers: list[int], missing: str) -> None:
    folder = named(tmp_path / "film", [f"{number}.png" for number in numbers])
    with pytest.raises(UserError) as caught:
        open_clip(folder)
    assert str(caught.value) == f"{folder}: {missing}; {ENDS}"


def test_even_numbers_do_not_tell_a_rate(tmp_path: Path) -> None:
    """Every fortieth frame, or 40 milliseconds."""
    clip = open_clip(named(tmp_path / "film", [f"{20 * i}.png" for i in range(12)]))
    assert (clip.fps, Video(clip).times) == (25.0, None)


def test_parts_and_their_frames_are_no_decimals(tmp_path: Path) -> None:
    names = [f"1.{i}.png" for i in range(1, 11)]
    clip = open_clip(named(tmp_path / "film", names))
    assert np.array_equal(clip.read(np.arange(10)), FILM[:10])
    assert clip.fps == 25.0
