"""Letters and words on the terminal, as they come from a camera or a video."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from signkit.commands.live.reader import HandReader, Hold, LiveModel, Reading
from signkit.commands.live.site import check_searchless
from signkit.commands.live.streamed import LiveStream, stream_readings
from signkit.data.layouts import is_part_of
from signkit.data.tracking import TRACKED
from signkit.data.tracking.follow import Source, followed, timed_frames
from signkit.data.tracking.tracker import Model, check_mediapipe
from signkit.errors import OperationalError, UserError
from signkit.runtime.files import read_bytes

IMAGES_A_SECOND = 2
"""Of a video that a model of images looks at."""


def open_live(folder: Path) -> LiveModel:
    """The model of an exported folder, as readers need it.

    Raises:
        UserError: the model's texts have to be searched, or onnxruntime is not installed.
        OperationalError: a file is missing or damaged.
    """
    from signkit.models.onnx.trace import run_graph, session

    path = folder / "model.json"
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        check_searchless(described, folder)
        given, (name, symbols) = described["input"], next(iter(described["outputs"].items()))
        unit = described.get("unit")
        about: dict[str, Any] = {"is_ctc": "blank" in described, "temperature": described["temperature"]}
        if given["kind"] == "landmarks":
            about |= {"layout": given["layout"], "width": given["width"], "fps": described["fps"]}
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        raise OperationalError(f"{path}: is not the description of an exported model") from None
    about["letters"] = unit != "gloss" if unit else all(len(symbol) == 1 for symbol in symbols)
    symbols = tuple(symbol.replace("\u2581", " ") for symbol in symbols)  # of subwords, a word's beginning
    running = session(read_bytes(folder / "model.onnx"))
    return LiveModel(lambda array: run_graph(running, array)[name][0], symbols, **about)


def tracker_for(layout: str, where: str) -> Model:
    """What tracks the points of a layout.

    Raises:
        UserError: nothing does.
    """
    if layout in ("hands", "hand"):
        return "hands"
    if is_part_of(layout, "holistic"):
        return "holistic"
    hint = f"in a video only the points of {', '.join(TRACKED)} or hand are tracked"
    raise UserError(where, f"the model reads landmarks of layout {layout!r}", hint)


def readings(model: LiveModel, source: Source, hold: Hold, where: str) -> Iterator[tuple[float, Reading]]:
    """The time of each frame in seconds, and what is known after it.

    Raises:
        UserError: the source cannot be read, MediaPipe is not installed, or tracks no such points.
        OperationalError: the camera was lost.
    """
    if not model.layout:
        yield from _of_images(model, source, hold)
        return
    tracker = tracker_for(model.layout, where)
    check_mediapipe(where)
    reader, last = HandReader(model, hold, tracker), 0.0
    with closing(followed(source, tracker)) as frames:
        for seconds, points in frames:
            last = seconds
            yield seconds, reader.read(seconds, points)
    yield last, reader.end()


def _of_images(model: LiveModel, source: Source, hold: Hold) -> Iterator[tuple[float, Reading]]:
    due = -np.inf
    for seconds, frame in timed_frames(source):
        if seconds >= due:
            due = seconds + 1 / IMAGES_A_SECOND
            best = model.best(model.infer(frame))
            yield seconds, Reading(best, hold.update(best, seconds))


@dataclass(slots=True)
class Printer:
    """Prints what is typed, letters joined and words apart; or events as lines of JSON."""

    letters: bool
    as_json: bool
    _any: bool = False
    _apart: bool = False
    _shown: tuple[str, ...] = ()

    def show(self, seconds: float, reading: Reading) -> None:
        """Print what a reading brings that is new."""
        if self.as_json and reading.partial and reading.partial != self._shown:
            self._event("partial", seconds, text=self._joined(reading.partial))
        self._shown = reading.partial
        if reading.typed and self.as_json:
            sure = {} if reading.best is None else {"confidence": round(reading.best[1], 4)}
            self._event("typed", seconds, text=self._joined(reading.typed), ended=reading.ended, **sure)
        elif reading.typed:
            print(" " * (self._any and self._apart) + self._joined(reading.typed), end="", flush=True)
        self._any |= bool(reading.typed)
        self._apart = not self.letters or reading.ended or (self._apart and not reading.typed)

    def end(self) -> None:
        """End the line, if there is one."""
        if self._any and not self.as_json:
            print(flush=True)

    def _joined(self, symbols: tuple[str, ...]) -> str:
        return ("" if self.letters else " ").join(symbols)

    def _event(self, event: str, seconds: float, **more: object) -> None:
        print(
            json.dumps({"event": event, "seconds": round(seconds, 3), **more}, ensure_ascii=False), flush=True
        )


def read_aloud(folder: Path, source: Source, hold: Hold, where: str, as_json: bool) -> int:
    """Print what the model of an exported folder reads, until the video ends or Ctrl-C; returns the exit
    status."""
    model = open_live(folder)
    return _print(readings(model, source, hold, where), source, Printer(model.letters, as_json))


def read_stream(live: LiveStream, source: Source, where: str, as_json: bool) -> int:
    """Print what a stream reads, until the video ends or Ctrl-C; returns the exit status."""
    found = stream_readings(live, source, where, tracker_for)
    return _print(found, source, Printer(live.letters, as_json))


def _print(found: Iterator[tuple[float, Reading]], source: Source, printer: Printer) -> int:
    first = next(found, None)  # nothing is printed if it cannot begin
    if isinstance(source, int):
        print("reading the camera; Ctrl-C ends", file=sys.stderr)
    try:
        for seconds, reading in chain([] if first is None else [first], found):
            printer.show(seconds, reading)
    finally:
        printer.end()
    return 0
