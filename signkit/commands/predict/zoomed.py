"""Iterative attention: the attention of a run says to which box clips are cropped for the next one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from signkit.commands.predict.batches import clip_batches
from signkit.commands.predict.inputs import Failures, Source
from signkit.data.corpora.configs import is_run
from signkit.data.video.crop import Box, load_cropped
from signkit.data.video.zoom import zoomed_box
from signkit.errors import UserError
from signkit.models.attended_place import attended_place
from signkit.models.encoders.mict_ranet import MictRanet
from signkit.models.export import TrainedModel, read_export
from signkit.runtime.progress import Watch
from signkit.train.task import task_of
from signkit.types import Video


@dataclass(frozen=True, slots=True)
class Zoom:
    """A run whose attention gives the boxes of the next one, and the share of `zoomed_box`."""

    folder: Path
    trained: TrainedModel
    zoom: float


def zooms(run: Path, trained: TrainedModel) -> list[Zoom]:
    """The runs whose attention a run's own frames were cropped by, the first one first; often none.

    Raises:
        UserError: one of them is not there.
        OperationalError: its export is damaged.
    """
    found: list[Zoom] = []
    data: Any = trained.recipe.data
    while is_run(boxes := getattr(data, "boxes", "")):
        # Where a whole folder of stages was moved, the stages are next to each other still.
        places = [Path(boxes), run.absolute().parent / Path(boxes).name]
        there = [place for place in places if (place / "export").is_dir() and place != run.absolute()]
        if not there:
            what = f"reads frames cropped by the attention of {boxes}, and this run is not there"
            raise UserError(str(run), what, "put it where it was, or next to this one")
        run, zoom = there[0], data.zoom
        earlier = read_export(run)
        found.append(Zoom(run, earlier, zoom))
        data = earlier.recipe.data
    return found[::-1]


def zoomed(
    steps: Sequence[Zoom], sources: Sequence[Source], failures: Failures, watch: Watch
) -> list[Source]:
    """Clips, cropped for a run by the attention of the runs before it, each on the box of the one before.

    Args:
        steps: of the run, by `zooms`.
        failures: collects the clips that cannot be used; those are left out.

    Raises:
        SignkitError: a clip cannot be used, and `failures` stops at the first.
    """
    whole = {source.key: source.load for source in sources}
    for number, step in enumerate(steps, start=1):
        with watch.bar(f"zoom {number} of {len(steps)}", len(sources)) as bar:
            boxes = attended_boxes(step, sources, failures, bar.at)
        sources = [
            replace(each, load=partial(load_cropped, whole[each.key], boxes[each.key], str(each.file)))
            for each in sources
            if each.key in boxes
        ]
    return [*sources]


@torch.no_grad()
def attended_boxes(
    step: Zoom, sources: Sequence[Source], failures: Failures, on_progress: Callable[[int], None]
) -> dict[str, Box]:
    """The box of each clip that a run's attention gives, in pixels of the uncropped frames, by `Source.key`.

    Raises:
        UserError: the run's encoder has no attention over places.
        SignkitError: a clip cannot be used, and `failures` stops at the first.
    """
    trained, boxes = step.trained, dict[str, Box]()
    encoder = getattr(trained.model, "encoder", None)
    if not isinstance(encoder, MictRanet):
        what = "its encoder does not attend to places of frames"
        raise UserError(str(step.folder), what, "that of `encoder: {name: mict_ranet}` does")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    trained.model.to(device)
    by_key = {source.key: source for source in sources}
    for batch in clip_batches(task_of(trained.recipe), trained, sources, failures, {}):
        batch = batch.to(device)
        weights = encoder.attend(encoder.maps(batch), batch.motion)[1].cpu().numpy()
        for key, of_clip, frames in zip(batch.ids, weights, batch.lengths.tolist(), strict=True):
            signal = by_key[key].load()
            assert isinstance(signal, Video)
            place = attended_place(of_clip[:frames])
            boxes[key] = zoomed_box(signal.clip, place, trained.recipe.video, step.zoom)
        on_progress(len(boxes))
    return boxes
