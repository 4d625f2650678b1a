"""`signkit data zoom`: the boxes that a run's attention gives, for iterative attention (Shi et al. 2019)."""

import json
import sys
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from signkit.commands.evaluate.opened import open_elsewhere
from signkit.commands.evaluate.verb import manifest_at
from signkit.commands.predict.inputs import Failures, Source
from signkit.commands.predict.zoomed import Zoom, attended_boxes
from signkit.data.corpora.configs import ZOOM, is_run
from signkit.data.corpora.hand_boxes import write_boxes, zoom_file
from signkit.errors import UserError
from signkit.runtime.progress import Watch
from signkit.runtime.runs import RunRef, find_run
from signkit.runtime.signals import Interrupted, stop_on_signals


def zoom_boxes(
    run: RunRef,
    data: str | PathLike[str] | None = None,
    *,
    zoom: float = ZOOM,
    out: str | PathLike[str] | None = None,
    overrides: Sequence[str] = (),
) -> Path:
    """Compute a box of each clip, around the place that a run attends to, and write them to a csv.

    Boxes are in pixels of the uncropped frames, also where the run's own frames are cropped to boxes.

    Args:
        run: a finished run with the encoder `mict_ranet`: its folder, another name of it such as ``latest``,
            or what `signkit.run` returns.
        data: a folder with a manifest, or a manifest; None: the run's own corpus, all splits.
        zoom: the side of the box, as a share of the side of what the run is shown of a clip.
        out: the csv; None: into the run's folder, where a recipe that names the run as its `data.boxes`
            finds it. Boxes of other data need a file of their own.
        overrides: ``data.a=b`` each, options of the corpus.

    Returns:
        The csv.

    Raises:
        UserError: it is no such run, the data cannot be read, or the csv exists.
        OperationalError: the export is damaged, or the csv cannot be written.
    """
    folder = find_run(run)
    if not 0.05 <= zoom <= 1:
        raise UserError("zoom", f"must be between 0.05 and 1, not {zoom}")
    if out is None and (data is not None or overrides):
        raise UserError("--out", "is needed: boxes of other data do not go into the run's folder")
    file = zoom_file(folder, zoom) if out is None else Path(out)
    if file.suffix.lower() != ".csv":
        raise UserError("--out", f"{file} is no csv", "boxes.csv, for example")
    if out is not None and file.exists():
        raise UserError("--out", f"{file} exists already", "name a new file")
    manifest = manifest_at(Path(data)) if data is not None else None
    opened, _ = open_elsewhere(folder, manifest, None, overrides)
    samples = [each for dataset in opened.prepared.datasets.values() for each in dataset.samples]
    sources = [Source(Path(s.source or s.id), s.id, s.frames, s.load, id=s.id) for s in samples]
    step, failures = Zoom(folder, opened.models[0], zoom), Failures(stop=True)
    with Watch(folder, main=True, log=False).bar("boxes", len(sources)) as bar:
        boxes = attended_boxes(step, sources, failures, bar.at)
    write_boxes(file, {source.key: boxes[source.key] for source in sources})
    return file


def zoom_run(
    run: str, data: Path | None, zoom: float, out: Path | None, overrides: Sequence[str], as_json: bool
) -> int:
    """Write the boxes and print their file; returns the exit status.

    Raises:
        SignkitError: as `zoom_boxes`.
    """
    with stop_on_signals() as stop:
        try:
            file = zoom_boxes(run, data, zoom=zoom, out=out, overrides=overrides)
        except Interrupted:
            print("interrupted; no boxes were written", file=sys.stderr)
            return stop.exit_code
    print(json.dumps({"run": str(find_run(run)), "zoom": zoom, "boxes": str(file)}) if as_json else file)
    return 0


def add_boxes(data: Any) -> None:
    """Compute the boxes that a corpus is cropped to, if they are those of a run that has none yet.

    Args:
        data: the section of a recipe.

    Raises:
        SignkitError: as `zoom_boxes`.
    """
    boxes = getattr(data, "boxes", "")
    if is_run(boxes) and not zoom_file(Path(boxes), data.zoom).is_file():
        zoom_boxes(boxes, zoom=data.zoom)
