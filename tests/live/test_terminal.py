"""Letters and words on the terminal: the reader's rules, what is printed, and a real video."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from live_page import exported_letters, halves, on_grey, write_colours
from PIL import Image

from signkit.commands.live import reader as rules
from signkit.commands.live.reader import HandReader, Hold, LiveModel, Reading, clip_of, greedy
from signkit.commands.live.site import PAGE
from signkit.commands.live.terminal import Printer, open_live, readings, tracker_for
from signkit.data.tracking.follow import timed_frames
from signkit.errors import OperationalError, UserError

GONE = np.full((42, 3), np.nan, np.float32)


def right(x: float) -> np.ndarray:
    """A frame of `hands` with a right hand, all whose numbers are the same."""
    return np.concatenate([GONE[:21], np.full((21, 3), x, np.float32)])


def one_hot(best: np.ndarray, symbols: int) -> np.ndarray:
    return np.where(np.arange(symbols) == best[..., None], 0, -20).astype(np.float32)


def classifier(asked: list[tuple[int, ...]]) -> LiveModel:
    """It names every clip A; shapes of what it is given are noted."""

    def infer(points: np.ndarray) -> np.ndarray:
        asked.append(points.shape)
        return one_hot(np.array(0), 3)

    return LiveModel(infer, ("A", "B", "C"), layout="hand")


def recogniser() -> LiveModel:
    """Its best symbol in each frame is the x of the wrist."""
    return LiveModel(
        lambda points: one_hot(np.nan_to_num(points[0, :, 0, 0]).round(), 3),
        ("<blank>", "A", "B"), is_ctc=True, layout="hand", width=2,
    )  # fmt: skip


def test_the_terminal_has_the_numbers_of_the_page() -> None:
    scripts = [(PAGE / "js" / name).read_text(encoding="utf-8") for name in ("reader.js", "signs.js")]
    found = {
        name: int(value) / 1000 for name, value in re.findall(r"const ([A-Z]+) = (\d+);", "".join(scripts))
    }
    assert found == {
        "CLASSIFIED": rules.CLASSIFIED, "RECOGNISED": rules.RECOGNISED,
        "GONE": rules.GONE, "SPELLED": rules.SPELLED,
        "SIGNED": rules.SIGNED, "LONGEST": rules.LONGEST, "SHORTEST": rules.SHORTEST,
    }  # fmt: skip
    assert f"const PAUSE = {rules.PAUSE * 1000:.0f};" in (PAGE / "js" / "app.js").read_text(encoding="utf-8")
    hold = (PAGE / "js" / "symbols.js").read_text(encoding="utf-8")
    assert f"threshold = {Hold().threshold}, milliseconds = {Hold().seconds * 1000:.0f}" in hold
    assert f"pause = {rules.RELEASED * 1000:.0f}" in hold


def test_a_letter_is_typed_once_it_has_been_held() -> None:
    hold = Hold(0.7, 0.8)
    sure, unsure = ("L", 0.7), ("L", 0.69)
    assert [hold.update(sure, now) for now in (0, 0.79, 0.8, 5)] == [(), (), ("L",), ()]
    assert hold.update(unsure, 5.2) == hold.update(sure, 5.25) == hold.update(sure, 9) == ()  # not gone
    hold.update(None, 9.3)
    assert [hold.update(sure, now) for now in (9.4, 10.3)] == [(), ("L",)]
    assert hold.update(("M", 0.9), 10.4) == ()
    assert hold.update(("M", 0.9), 11.3) == ("M",)


def test_greedy_merges_repetitions_and_leaves_blanks_out() -> None:
    path = one_hot(np.array([0, 1, 1, 0, 1, 2, 2, 0]), 3)
    assert greedy(path, ("<blank>", "A", "B")) == ("A", "A", "B")
    assert greedy(path[:1], ("<blank>", "A", "B")) == ()


def test_a_temperature_of_2_takes_the_square_roots_of_the_odds() -> None:
    model = LiveModel(lambda given: given, ("A", "B"), temperature=2.0)
    name, share = model.best(np.log(np.array([1, 9], np.float32)))
    assert name == "B"
    assert share == pytest.approx(0.75)


def test_frames_are_put_at_the_models_rate() -> None:
    """Between two frames a point is between, next to a missing one it is that of the nearer frame."""
    times = np.array([0, 0.1])
    clip = clip_of(times, np.stack([right(0), right(10)]), "hands", "hand", 25.0)
    assert clip.shape == (3, 21, 3)
    assert clip[:, 0, 0].tolist() == pytest.approx([0, 4, 8])
    clip = clip_of(times, np.stack([right(3), GONE]), "hands", "hands", 25.0)
    assert clip[:2, 21:].tolist() == np.full((2, 21, 3), 3).tolist()
    assert np.isnan(clip[2]).all() and np.isnan(clip[:, :21]).all()
    assert clip_of(times[:1], right(3)[None], "hands", "hand", 25.0)[:, 0, 0].tolist() == [3]


def test_a_classifier_reads_the_last_frames() -> None:
    asked: list[tuple[int, ...]] = []
    reader = HandReader(classifier(asked), Hold(), "hands")
    found = [reader.read(n / 25, right(0)) for n in range(40)]
    assert [n for n, each in enumerate(found) if each.typed] == [20]  # after 0.8 s
    assert asked[0] == (1, 1, 21, 3)
    assert asked[-1] == (1, 21, 21, 3)
    assert reader.read(41 / 25, GONE).best is not None  # it flickers
    assert reader.read(2, GONE) == Reading()
    assert reader.read(4, GONE) == Reading(ended=True)
    reader.read(4.04, right(0))
    assert asked[-1] == (1, 1, 21, 3)


def test_a_recogniser_types_a_word_when_the_hand_is_gone() -> None:
    reader = HandReader(recogniser(), Hold(), "hands")
    for n, x in enumerate((1, 1, 0, 1, 2)):
        reading = reader.read(n / 25, right(x))
    assert reading.partial == ("A", "A", "B")
    assert reader.read(1.2, GONE) == Reading(typed=("A", "A", "B"), ended=True)
    assert reader.read(1.24, GONE) == Reading()
    reader.read(2, right(1))
    reading = reader.read(14.01, right(2))  # more than a window holds
    assert (reading.typed, reading.partial, reading.ended) == (("A",), ("B",), False)
    assert reader.end() == Reading(typed=("B",), ended=True)


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    word = Reading(typed=("H", "I"), ended=True)
    printer = Printer(letters=True, as_json=False)
    for reading in (Reading(ended=True), word, Reading(), Reading(typed=("A",)), Reading(typed=("B",))):
        printer.show(0, reading)
    printer.end()
    assert capsys.readouterr().out == "HI AB\n"
    printer = Printer(letters=False, as_json=False)
    for reading in (Reading(typed=("MY", "NAME")), Reading(), Reading(typed=("ANN",))):
        printer.show(0, reading)
    printer.end()
    assert capsys.readouterr().out == "MY NAME ANN\n"
    printer = Printer(letters=True, as_json=True)
    for reading in (Reading(partial=("H",)), Reading(partial=("H",)), word, Reading(("A", 0.9), ("A",))):
        printer.show(1.0004, reading)
    printer.end()
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"event": "partial", "seconds": 1.0, "text": "H"},
        {"event": "typed", "seconds": 1.0, "text": "HI", "ended": True},
        {"event": "typed", "seconds": 1.0, "text": "A", "ended": False, "confidence": 0.9},
    ]
    Printer(letters=True, as_json=False).end()
    assert capsys.readouterr().out == ""


def test_images_are_looked_at_twice_a_second(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for n in range(50):
        halves("lime", "lime" if n < 30 else "red").save(frames / f"{n:03}.png")
    model = open_live(write_colours(tmp_path / "model"))
    found = list(readings(model, frames, Hold(0.7, 0.5), "x"))
    assert [round(seconds, 2) for seconds, _ in found] == [0, 0.52, 1.04, 1.56]
    assert [reading.typed for _, reading in found] == [(), ("GREEN",), (), ()]
    assert found[0][1].best == ("GREEN", pytest.approx(1, abs=1e-4))
    assert not model.letters


def test_layouts_that_nothing_tracks() -> None:
    assert [tracker_for(layout, "x") for layout in ("hand", "hands", "signing")] == [
        "hands",
        "hands",
        "holistic",
    ]
    with pytest.raises(UserError) as error:
        tracker_for("boston104", "a/model")
    assert str(error.value) == (
        "a/model: the model reads landmarks of layout 'boston104'; in a video only the points of holistic, "
        "hands or hand are tracked"
    )


def test_an_export_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text('{"input": {}}', encoding="utf-8")
    with pytest.raises(OperationalError) as error:
        open_live(tmp_path)
    assert str(error.value) == f"{tmp_path / 'model.json'}: is not the description of an exported model"


@pytest.mark.slow
def test_letters_of_a_video(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """The whole command, with photos of a recorder as the video."""
    pytest.importorskip("mediapipe")
    photos = real_data("letter_images") / "images"
    frames = tmp_path / "frames"
    frames.mkdir()
    pictures = [Image.open(photos / f"s5_{letter}_010.jpg") for letter in "DEAF"]
    shown = [each for picture in pictures for each in [on_grey(picture)] * 20 + [on_grey()] * 10]
    for n, picture in enumerate(shown):
        picture.save(frames / f"{n:03}.png")
    folder = exported_letters(tmp_path / "model")
    command = [sys.executable, "-m", "signkit", "live", str(folder), "--video", str(frames), "--hold", "0.4"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run([*command, "--json"], capture_output=True, text=True, timeout=300, env=environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    events = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(event["event"], event["text"]) for event in events] == [("typed", letter) for letter in "DEAF"]


def test_a_camera_that_is_not_there() -> None:
    pytest.importorskip("cv2")
    with pytest.raises(UserError) as error:
        next(timed_frames(63))
    assert str(error.value) == "--camera 63: there is no such camera, or another program uses it"
