"""Boxes around the signing hand, one for each clip: MiCT-RANet's json, a csv, or those of a run's attention.

MiCT-RANet gives four squares of each clip, each smaller than the one before, from cx - r to cx + r in
pixels of the frame: ``{"CLIP": {"pad": {…}, "1": {"cx": 622, "cy": 291, "r": 284}, …, "4": …}}``. The
padding only makes room for squares that leave the frame, which are black there. A csv has the columns
``filename,x0,y0,x1,y1``. ``filename`` is the id of a clip. The boxes of a run are such a csv in its folder,
which `signkit data zoom` writes.
"""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signkit.data.corpora.configs import is_run
from signkit.data.corpora.table import read_rows
from signkit.data.video.crop import Box
from signkit.errors import UserError
from signkit.runtime.files import plainly, read_text, write_text

COLUMNS = ("filename", "x0", "y0", "x1", "y1")
READ = (
    "MiCT-RANet's json (lambda_x_test.json) is read, and a csv with the columns filename, x0, y0, x1, y1; "
    "the folder BBox of the release is not"
)
OF_CSV = "a csv with the columns filename, which is the id of a clip, x0, y0, x1, y1 is read, and a run"


def zoom_file(run: Path, zoom: float) -> Path:
    """Where a run has the boxes of a zoom."""
    return run / "boxes" / f"{zoom}.csv"


def boxes_file(boxes: str, zoom: float) -> Path:
    """The file of boxes that a recipe names, by itself or by a run and a zoom.

    Raises:
        UserError: the run is not there, or has no boxes of this zoom.
    """
    run = Path(boxes)
    if is_run(boxes) and not run.exists():
        raise UserError(boxes, "there is no such run, by whose attention frames are cropped")
    if not is_run(boxes) or not (run / "resolved.yaml").is_file():
        return run
    file = zoom_file(run, zoom)
    if not file.is_file():
        what = f"the run has no boxes of a zoom of {zoom} yet"
        raise UserError(boxes, what, f"`signkit data zoom {boxes} --zoom {zoom}` computes them")
    return file


def write_boxes(file: Path, boxes: Mapping[str, Box]) -> None:
    """Write boxes as `read_boxes` reads them, the whole file or nothing.

    Raises:
        OperationalError: it cannot be written.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *((name, *box) for name, box in boxes.items())])
    with plainly(file, "written"):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_text(file, text.getvalue())


def read_boxes(file: Path, scale: int | None) -> tuple[dict[str, Box], str]:
    """The box of each clip by its name, and the text of the file.

    Args:
        scale: which of MiCT-RANet's four squares; None: json is not read.

    Raises:
        UserError: another kind of file, no boxes in it, or a box that is none; the clip or the line is named.
        OperationalError: it cannot be read.
    """
    kind = file.suffix.lower()
    hint = OF_CSV if scale is None else READ
    if kind not in (".json", ".csv") or file.is_dir() or (scale is None and kind == ".json"):
        raise UserError(str(file), "is no file of boxes that is read", hint)
    text = read_text(file)
    boxes = _rows(file, text) if scale is None or kind == ".csv" else _squares(file, text, scale)
    if not boxes:
        raise UserError(str(file), "has no boxes", hint)
    for name, (left, top, right, bottom) in boxes.items():
        if left >= right or top >= bottom:
            raise UserError(str(file), f"the box of {name} is {left}, {top} to {right}, {bottom}: empty")
    return boxes, text


def _squares(file: Path, text: str, scale: int) -> dict[str, Box]:
    try:
        clips: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(str(file), f"not JSON: {error}") from error
    if not isinstance(clips, Mapping):
        raise UserError(str(file), "is no object of clips with their squares", READ)
    return {str(name): _square(file, str(name), clip, scale) for name, clip in clips.items()}


def _square(file: Path, name: str, clip: Any, scale: int) -> Box:
    square = clip.get(str(scale)) if isinstance(clip, Mapping) else None
    values = [square.get(key) for key in ("cx", "cy", "r")] if isinstance(square, Mapping) else []
    numbers = [each for each in values if isinstance(each, int)]
    if len(numbers) < 3:
        raise UserError(str(file), f"{name} has no square {scale} with cx, cy and r in pixels", READ)
    x, y, r = numbers
    return x - r, y - r, x + r, y + r


def _rows(file: Path, text: str) -> dict[str, Box]:
    boxes: dict[str, Box] = {}
    for row in read_rows(file, text, COLUMNS):
        name = row.cells["filename"].strip()
        if name in boxes:
            raise UserError(row.where, f"{name} is there twice")
        try:
            left, top, right, bottom = (int(row.cells[column]) for column in COLUMNS[1:])
        except ValueError as error:
            cells = ", ".join(row.cells[column] for column in COLUMNS[1:])
            raise UserError(row.where, f"the box is {cells}, not four whole numbers of pixels") from error
        boxes[name] = left, top, right, bottom
    return boxes
